"""LPIPS (Zhang et al. 2018, version 0.1) with AlexNet; torch, without other packages.

The learned perceptual distance: both images go through the five convolution stages of AlexNet
(Krizhevsky 2014, the single-column one; features after each ReLU), each feature vector is scaled
to length 1, squared differences are weighted per channel by learned non-negative weights, averaged
over the positions of a stage and added up over the stages. Lower is more alike, 0 is identical.

It was learned from judgements of natural colour photographs and is no measure of truth: a
generator that leaves a periodic grid is rewarded by it. Read it beside
:mod:`super_resolution_gans.metrics.spectrum`.
"""

import os
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import SafetensorError, safe_open
from torch import Tensor

from super_resolution_gans.metrics.image import MetricError
from super_resolution_gans.metrics.subject import Image, Subject, subject
from super_resolution_gans.metrics.tensors import image_tensor
from super_resolution_gans.metrics.weights import WeightsError

WEIGHTS = Path(__file__).resolve().parent.parent / "weights" / "lpips-alex.safetensors"
SMALLEST = 31  # pixels: below, the last pooling has no window

# Of images in [-1, 1]; the statistics of ImageNet, rounded by the authors of LPIPS.
_SHIFT, _SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
# Name, (out, in, kernel), stride, padding, pooled before.
_CONVOLUTIONS = (
    ("features.0", (64, 3, 11), 4, 2, False),
    ("features.3", (192, 64, 5), 1, 2, True),
    ("features.6", (384, 192, 3), 1, 1, True),
    ("features.8", (256, 384, 3), 1, 1, False),
    ("features.10", (256, 256, 3), 1, 1, False),
)


class Lpips:
    """The distance as a function of two images; :func:`load_lpips` makes one.

    Computed in float32 on the device that the weights are on; no gradients.
    """

    def __init__(self, weights: dict[str, Tensor]) -> None:
        # Channels last takes about a fifth less time on a CPU.
        self._weights = {
            name: weight.contiguous(memory_format=torch.channels_last)
            if weight.ndim == 4
            else weight
            for name, weight in weights.items()
        }
        device = weights["heads.0"].device
        self._shift = torch.tensor(_SHIFT, device=device).view(1, 3, 1, 1)
        self._scale = torch.tensor(_SCALE, device=device).view(1, 3, 1, 1)

    @torch.inference_mode()
    def __call__(self, first: Image | Subject, second: Image | Subject) -> float:
        """How unlike two images look; 0 for identical ones, symmetric.

        Args:
            first: (H, W) or (H, W, 3), floating point, 1.0 is white; grey is taken as three
                equal channels, values are not clipped. The features of a subject are computed once.
            second: same shape.

        Raises:
            UndefinedError: if a side is shorter than 31 pixels.
            MetricError: if shapes differ or values are not finite.
        """
        known = subject(first), subject(second)
        shapes = [image.pixels.shape for image in known]
        if shapes[0] != shapes[1]:
            raise MetricError(f"images of different shapes, {shapes[0]} and {shapes[1]}")
        # One by one: a batch of two would hold twice the memory, and be no faster on a CPU.
        x, y = (self._remembered(image) for image in known)
        return float((x - y).square().sum(dtype=torch.float64))

    def _remembered(self, image: Subject) -> Tensor:
        return image.once((self, "place"), lambda: self._place(image.pixels))

    def _place(self, image: Image) -> Tensor:
        """A vector of which the squared distance to another's is the distance of the images.

        Every feature vector of unit length is scaled by the square roots of its head and of one
        over the number of positions, so that the sum over all of them is that over stages of means.
        """
        x = (2 * self._tensor(image) - 1 - self._shift) / self._scale
        x = x.contiguous(memory_format=torch.channels_last)
        stages = []
        for stage, (name, _, stride, padding, pooled) in enumerate(_CONVOLUTIONS):
            if pooled:
                x = F.max_pool2d(x, 3, 2)
            kernel, bias = self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
            x = F.conv2d(x, kernel, bias, stride, padding).relu_()
            head = (self._weights[f"heads.{stage}"] / (x.shape[2] * x.shape[3])).sqrt()
            length = torch.linalg.vector_norm(x, dim=1, keepdim=True) + 1e-10
            stages.append((x / length).mul_(head.view(1, -1, 1, 1)).permute(0, 2, 3, 1).flatten())
        return torch.cat(stages)

    def _tensor(self, image: Image) -> Tensor:
        """(1, 3, H, W) on the device of the weights."""
        return image_tensor(image, SMALLEST, "LPIPS").to(self._shift.device)


def load_lpips(path: str | os.PathLike[str] = WEIGHTS, device: str | torch.device = "cpu") -> Lpips:
    """LPIPS with the weights of the package, or of another file of the same names and shapes.

    Args:
        path: a .safetensors file: ``features.{0,3,6,8,10}.{weight,bias}`` as torchvision names
            AlexNet's, and ``heads.{0..4}``, one weight for each channel of a stage.
        device: where to compute.

    Raises:
        WeightsError: if the file cannot be read, or its names, shapes or values are wrong.
    """
    try:
        with safe_open(os.fspath(path), "pt") as file:
            names = set(file.keys())
            expected = _shapes()
            if names != set(expected):
                odd = sorted(names ^ set(expected))[0]
                has = "has" if odd in names else "lacks"
                raise WeightsError(path, f"not LPIPS with AlexNet: {has} {odd[:100]!r}")
            for name, shape in expected.items():
                found = tuple(file.get_slice(name).get_shape())
                if found != shape:
                    raise WeightsError(path, f"{name} has shape {found}, expected {shape}")
            weights = {name: file.get_tensor(name).float() for name in expected}
    except FileNotFoundError:
        raise WeightsError(
            path, "no such file; reinstall the package, or leave LPIPS out"
        ) from None
    except (SafetensorError, OSError) as error:
        raise WeightsError(path, f"not a readable safetensors file ({error})") from error
    for name, weight in weights.items():
        if not torch.isfinite(weight).all():
            raise WeightsError(path, f"{name} holds NaN or infinite values")
        if name.startswith("heads.") and (weight < 0).any():
            raise WeightsError(path, f"{name} holds negative values, distances could be negative")
    return Lpips({name: weight.to(device) for name, weight in weights.items()})


def _shapes() -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    for stage, (name, (outputs, inputs, kernel), *_) in enumerate(_CONVOLUTIONS):
        shapes[f"{name}.weight"] = (outputs, inputs, kernel, kernel)
        shapes[f"{name}.bias"] = (outputs,)
        shapes[f"heads.{stage}"] = (outputs,)
    return shapes
