"""DISTS (Ding, Ma, Wang and Simoncelli 2020): structure and texture compared in VGG16; torch.

"Image quality assessment: unifying structure and texture similarity", IEEE TPAMI 2022. The image
itself and five layers of a VGG16 whose max-pooling is replaced by L2 pooling are compared channel
by channel over the whole image: their means (texture) and their covariance (structure), each like
the two factors of SSIM, weighed by numbers learned from judgements of photographs and from
textures. 0 is alike. What is the same texture elsewhere is forgiven, so that speckle need not sit
where HR has it: of all measures here it is the one that says least about truth.

The network is handed in, since it is not of this room: an extractor of the layers :data:`LAYERS`
with :func:`l2_pool` as its pooling.
"""

import os
from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from super_resolution_gans.metrics.image import MetricError
from super_resolution_gans.metrics.subject import Image, Subject, subject
from super_resolution_gans.metrics.tensors import image_tensor
from super_resolution_gans.metrics.weights import WeightsError

LAYERS = tuple(f"vgg16.relu{place}" for place in ("1_2", "2_2", "3_3", "4_3", "5_3"))
CHANNELS = [3, 64, 128, 256, 512, 512]
SMALLEST = 16  # pixels: the deepest layer then has one position
Features = Callable[[Tensor], Mapping[str, Tensor]]

_C = 1e-6


class Dists:
    """The distance as a function of two images; :func:`load_dists` makes one.

    Computed in float32 where the features are; no gradients. Of a subject the features are kept:
    four hundred times its pixels, so let go of it soon.

    Args:
        alpha: (1475,), weights of the texture of each channel.
        beta: (1475,), weights of its structure; all together add up to 1.
        features: (1, 3, H, W) in [0, 1] -> features by names of :data:`LAYERS`.
    """

    def __init__(self, alpha: Tensor, beta: Tensor, features: Features) -> None:
        self._alpha, self._beta = (torch.split(weights, CHANNELS) for weights in (alpha, beta))
        self._features = features

    @torch.inference_mode()
    def __call__(self, first: Image | Subject, second: Image | Subject) -> float:
        """How unlike two images are; 0 for identical ones, symmetric, about 1 at most.

        Args:
            first: (H, W) or (H, W, 3), floating point, 1.0 is white; grey is taken as three
                equal channels, values are not clipped, nothing is resized.
            second: same shape.

        Raises:
            UndefinedError: if a side is shorter than 16 pixels.
            MetricError: if shapes differ or values are not finite.
        """
        known = subject(first), subject(second)
        shapes = [image.pixels.shape for image in known]
        if shapes[0] != shapes[1]:
            raise MetricError(f"images of different shapes, {shapes[0]} and {shapes[1]}")
        alike = 0.0
        stages = zip(*(self._remembered(image) for image in known), strict=True)
        for alpha, beta, x, y in zip(
            self._alpha, self._beta, *zip(*stages, strict=True), strict=True
        ):
            alike += _alike(x, y, alpha.to(x.device), beta.to(x.device))
        return max(1 - alike, 0.0)

    def _remembered(self, image: Subject) -> list[Tensor]:
        return image.once((self, "features"), lambda: self._stages(image.pixels))

    def _stages(self, image: Image) -> list[Tensor]:
        """The image and the layers, each (channels, positions)."""
        x = image_tensor(image, SMALLEST, "DISTS")
        found = self._features(x)
        return [(x if name is None else found[name])[0].flatten(1) for name in (None, *LAYERS)]


def l2_pool(x: Tensor) -> Tensor:
    """Half the size: the root of squares weighted by a 3 x 3 Hann window (Ding et al., eq. 2).

    Args:
        x: (N, C, H, W).
    """
    side = torch.tensor([0.25, 0.5, 0.25], dtype=x.dtype, device=x.device)
    channels = x.shape[1]
    window = torch.outer(side, side).expand(channels, 1, 3, 3)
    return (F.conv2d(x * x, window, stride=2, padding=1, groups=channels) + 1e-12).sqrt()


def load_dists(path: str | os.PathLike[str], features: Features) -> Dists:
    """DISTS with the weights of a file.

    Args:
        path: ``weights.pt`` of the authors (in the wheel of dists-pytorch): a mapping with
            ``alpha`` and ``beta``, of 1475 numbers each. Nothing in it is executed.
        features: see :class:`Dists`.

    Raises:
        WeightsError: if the file cannot be read, or its names, shapes or values are wrong.
    """
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise WeightsError(path, "no such file") from None
    except Exception as error:  # a broken file makes torch.load raise whatever comes
        raise WeightsError(
            path, f"not a readable file of weights ({type(error).__name__})"
        ) from error
    total = sum(CHANNELS)
    weights: list[Tensor] = []
    for name in ("alpha", "beta"):
        tensor = stored.get(name) if isinstance(stored, Mapping) else None
        if not isinstance(tensor, Tensor) or tensor.numel() != total:
            raise WeightsError(path, f"no weights of DISTS: {name!r} must be {total} numbers")
        if not torch.isfinite(tensor).all() or (tensor < 0).any() or not tensor.sum() > 0:
            raise WeightsError(path, f"{name} must be finite and not negative")
        weights.append(tensor.flatten().double())
    everything = weights[0].sum() + weights[1].sum()
    return Dists(weights[0] / everything, weights[1] / everything, features)


def _alike(x: Tensor, y: Tensor, alpha: Tensor, beta: Tensor) -> float:
    """Weighted sum over channels of the similarity of means and of what varies about them."""
    mean_x, mean_y = (a.mean(1, keepdim=True) for a in (x, y))
    texture = (2 * mean_x * mean_y + _C) / (mean_x.square() + mean_y.square() + _C)
    x, y = x - mean_x, y - mean_y
    varied = x.square().mean(1) + y.square().mean(1)
    structure = (2 * (x * y).mean(1) + _C) / (varied + _C)
    return float(alpha @ texture[:, 0].double() + beta @ structure.double())
