"""From a high-resolution scan to its low-resolution twin: pure functions on image batches.

All functions take and return float32 tensors (N, C, H, W) in [0, 1], on the device of their input,
and never change it. A :class:`Degradation` is one frozen, printable choice of all parameters; a
:class:`DegradationRange` is what such choices are drawn from.

Bicubic downsampling is that of MATLAB's ``imresize``: Keys' kernel with a = -0.5, widened by the
factor against aliasing. ``docs/degradation.md`` holds its measured agreement with Pillow and with
an independent implementation of ``imresize``.
"""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

Scale = tuple[int, int]  # (vertical, lateral) = (rows, columns)
Kernel = Literal["bicubic", "area", "decimate"]
Interval = tuple[float, float]


def downsample(image: Tensor, scale: Scale = (4, 4), kernel: Kernel = "bicubic") -> Tensor:
    """Shrink a batch by integer factors: (N, C, v*H, h*W) -> (N, C, H, W).

    Args:
        image: float tensor; values may leave [0, 1] by bicubic overshoot, nothing is clipped.
        scale: (vertical, lateral) factors.
        kernel: ``bicubic`` (antialiased, a = -0.5); ``area`` (mean of each v x h cell);
            ``decimate`` (one row and column of each cell is kept, the one nearest to its centre:
            scanning with fewer A-scans, speckle and aliasing included).

    Raises:
        ValueError: if height or width is not a multiple of its factor, or the kernel is unknown.
    """
    vertical, lateral = scale
    height, width = image.shape[-2:]
    if height % vertical or width % lateral or min(height, width) == 0:
        raise ValueError(
            f"an image of {height} x {width} cannot be shrunk by exactly {vertical} x {lateral}; "
            "cut it with crop_to_multiple first"
        )
    if kernel == "bicubic":
        size = (height // vertical, width // lateral)
        return F.interpolate(image, size=size, mode="bicubic", antialias=True)
    if kernel == "area":
        return F.avg_pool2d(image, scale)
    if kernel == "decimate":
        return image[..., (vertical - 1) // 2 :: vertical, (lateral - 1) // 2 :: lateral].clone()
    raise ValueError(f"unknown kernel {kernel!r}; known are {', '.join(get_args(Kernel))}")


def crop_to_multiple(image: Tensor, scale: Scale) -> Tensor:
    """Cut the last rows and columns so that both sides are multiples of the scale (a view)."""
    height, width = image.shape[-2:]
    return image[..., : height - height % scale[0], : width - width % scale[1]]


def blur(image: Tensor, sigma: float) -> Tensor:
    """Gaussian blur, ``sigma`` in pixels of ``image``, edges replicated; 0 returns the input."""
    if sigma == 0:
        return image
    reach = math.ceil(3 * sigma)
    offsets = torch.arange(-reach, reach + 1, device=image.device, dtype=image.dtype)
    weights = torch.exp(-0.5 * (offsets / sigma) ** 2)
    weights = (weights / weights.sum()).expand(image.shape[1], 1, -1)
    padded = F.pad(image, (reach, reach, reach, reach), mode="replicate")
    rows = F.conv2d(padded, weights[..., None], groups=image.shape[1])
    return F.conv2d(rows, weights[:, :, None], groups=image.shape[1])


def add_noise(image: Tensor, sigma: float, generator: torch.Generator) -> Tensor:
    """Add Gaussian noise of standard deviation ``sigma`` (in units of the [0, 1] range)."""
    noise = torch.randn(image.shape, generator=generator, device=image.device, dtype=image.dtype)
    return image + sigma * noise


def add_speckle(image: Tensor, contrast: float, generator: torch.Generator) -> Tensor:
    """Multiply by log-normal speckle of mean 1 whose standard deviation is ``contrast``.

    Fully developed speckle of one look has contrast 1 in intensity; scans on a logarithmic scale
    or averaged over several frames have far less.
    """
    spread = math.sqrt(math.log1p(contrast**2))
    normal = torch.randn(image.shape, generator=generator, device=image.device, dtype=image.dtype)
    return image * torch.exp(spread * normal - spread**2 / 2)


def quantise(image: Tensor, levels: int) -> Tensor:
    """Clip to [0, 1] and round to ``levels`` steps (255: what an 8-bit file can hold)."""
    return (image.clamp(0, 1) * levels).round_() / levels


@dataclass(frozen=True)
class Degradation:
    """One way of making LR from HR; calling it does so, the same for the same seed and device.

    Order: blur, downsampling, speckle, noise, rounding. ``blur`` is in HR pixels, ``noise`` in
    units of [0, 1], ``speckle`` is a contrast; each is off at 0. ``levels`` 255 stores LR as 8 bit
    would, 0 does not round.
    """

    scale: Scale = (4, 4)
    kernel: Kernel = "bicubic"
    blur: float = 0.0
    speckle: float = 0.0
    noise: float = 0.0
    levels: int = 255
    seed: int = 0

    def __post_init__(self) -> None:
        if self.kernel not in get_args(Kernel):
            raise ValueError(
                f"unknown kernel {self.kernel!r}; known are {', '.join(get_args(Kernel))}"
            )
        if min(self.scale) < 1 or min(self.blur, self.speckle, self.noise, self.levels) < 0:
            raise ValueError(f"scale must be at least 1 and no strength negative: {self}")

    def __call__(self, image: Tensor) -> Tensor:
        """(N, C, v*H, h*W) in [0, 1] -> (N, C, H, W) in [0, 1] (unclipped if ``levels`` is 0)."""
        low = downsample(blur(image, self.blur), self.scale, self.kernel)
        if self.speckle or self.noise:
            generator = torch.Generator(image.device).manual_seed(self.seed)
            if self.speckle:
                low = add_speckle(low, self.speckle, generator)
            if self.noise:
                low = add_noise(low, self.noise, generator)
        return quantise(low, self.levels) if self.levels else low


@dataclass(frozen=True)
class DegradationRange:
    """What degradations are drawn from; intervals are uniform, ``low == high`` is a fixed value."""

    scale: Scale = (4, 4)
    kernels: tuple[Kernel, ...] = ("bicubic",)
    blur: Interval = (0.0, 0.0)
    speckle: Interval = (0.0, 0.0)
    noise: Interval = (0.0, 0.0)
    levels: int = 255

    def __post_init__(self) -> None:
        if not self.kernels:
            raise ValueError("at least one kernel is needed")
        for name in ("blur", "speckle", "noise"):
            low, high = getattr(self, name)
            if not 0 <= low <= high:
                raise ValueError(f"{name} must be an interval 0 <= low <= high, not {low}, {high}")

    def sample(self, seed: int) -> Degradation:
        """Draw one :class:`Degradation`, a pure function of ``seed``."""
        generator = torch.Generator().manual_seed(seed)
        drawn = torch.rand(4, generator=generator, dtype=torch.float64).tolist()
        return Degradation(
            scale=self.scale,
            kernel=self.kernels[int(drawn[0] * len(self.kernels))],
            blur=_between(self.blur, drawn[1]),
            speckle=_between(self.speckle, drawn[2]),
            noise=_between(self.noise, drawn[3]),
            levels=self.levels,
            seed=seed,
        )


def _between(interval: Interval, share: float) -> float:
    low, high = interval
    return low + share * (high - low)
