"""How far an image is from its reference: pixel by pixel, or in the features of a network."""

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

# Ledig et al. 2017, section 3.2: what makes torchvision-like VGG activations comparable to pixels
# in [-1, 1]. Squared in the loss: about 0.006.
LEDIG_SCALE = 1 / 12.75


def mse(sr: Tensor, hr: Tensor) -> Tensor:
    """Mean squared error (Ledig et al. 2017, eq. 4), a scalar; 1e-3 is 30 dB of PSNR.

    The paper's is of images in [-1, 1] and four times this one.
    """
    return F.mse_loss(sr, hr)


def l1(sr: Tensor, hr: Tensor) -> Tensor:
    """Mean absolute error, a scalar; of images in [-1, 1] it would be twice as large."""
    return F.l1_loss(sr, hr)


def charbonnier(sr: Tensor, hr: Tensor, epsilon: float = 1e-3) -> Tensor:
    """Mean of sqrt(error^2 + epsilon^2), a smooth L1 (Lai et al. 2017, arXiv 1704.03915).

    Both weight and ``epsilon`` are for [0, 1]; twice the epsilon makes the same curve in [-1, 1].
    """
    return torch.sqrt((sr - hr) ** 2 + epsilon**2).mean()


def perceptual(
    sr: Mapping[str, Tensor],
    hr: Mapping[str, Tensor],
    *,
    weights: Mapping[str, float] | None = None,
    scale: float = LEDIG_SCALE,
    distance: Callable[[Tensor, Tensor], Tensor] = mse,
) -> Tensor:
    """The content loss: sum over layers of weight * distance(scale * phi(SR), scale * phi(HR)).

    Ledig et al. 2017, eq. 5, with ``distance`` the squared error; the mean is taken over channels
    too. The features decide the value range, not the images: extractors take [0, 1] and normalise
    it themselves, so that the paper's weights hold unchanged for torchvision's weights. Activations
    of Caffe-trained weights are some hundred times larger: calibrate ``weights`` per extractor.

    Args:
        sr: features of the super-resolved images by layer name, each (N, C, H, W).
        hr: features of the references, same names and shapes; no gradient is needed in them.
        weights: by layer name; None weighs every layer 1.
        scale: multiplies the features before they are compared.
        distance: of two tensors, a scalar; :func:`mse` as in the paper, or :func:`l1`.

    Returns:
        A float32 scalar, whatever precision the features came in.

    Raises:
        ValueError: if there is no layer, or the names do not match.
    """
    weighed = dict.fromkeys(sr, 1.0) if weights is None else weights
    if not sr or sr.keys() != hr.keys() or sr.keys() != weighed.keys():
        raise ValueError(
            "perceptual: SR, HR and weights must name the same layers, at least one; got "
            f"{sorted(sr)}, {sorted(hr)} and {sorted(weighed)}"
        )
    terms = [
        weighed[name] * distance(sr[name].float() * scale, hr[name].float() * scale) for name in sr
    ]
    return torch.stack(terms).sum()


def total_variation(image: Tensor, epsilon: float = 1e-6) -> Tensor:
    """Mean length of the image gradient (Rudin et al. 1992; Aly and Dubois 2005), a scalar.

    Forward differences, none across the lower and right edges:
    mean of sqrt(dy^2 + dx^2 + epsilon^2); ``epsilon`` keeps the derivative finite in flat regions.
    The 2e-8 of SRResNet-VGG22 is for images in [-1, 1], where this is twice as large: 4e-8 here.

    Args:
        image: (N, C, H, W) in [0, 1].
        epsilon: in units of the image.
    """
    down = F.pad(image[..., 1:, :] - image[..., :-1, :], (0, 0, 0, 1))
    right = F.pad(image[..., :, 1:] - image[..., :, :-1], (0, 1))
    return torch.sqrt(down**2 + right**2 + epsilon**2).mean()


def consistency(sr: Tensor, hr: Tensor, downsample: Callable[[Tensor], Tensor]) -> Tensor:
    """Mean absolute difference of what ``downsample`` makes of both, in grey levels of 8 bit.

    What was measured has to stay, whatever texture is made up on top of it.

    Args:
        sr: (N, C, H, W) in [0, 1].
        hr: the same shape.
        downsample: (N, C, H, W) -> (N, C, h, w), the way LR is made of HR.
    """
    return 255 * l1(downsample(sr.float()), downsample(hr))
