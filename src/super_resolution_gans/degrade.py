"""From a high-resolution scan to its low-resolution twin: pure functions on image batches.

All functions take and return float32 tensors (N, C, H, W) in [0, 1], on the device of their input,
and never change it. A :class:`Degradation` is one frozen, printable choice of all parameters; a
:class:`DegradationRange` is what such choices are drawn from.

Bicubic downsampling is that of MATLAB's ``imresize``: Keys' kernel with a = -0.5, widened by the
factor against aliasing. ``docs/degradation.md`` holds its measured agreement with Pillow and with
an independent implementation of ``imresize``.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
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
        ValueError: if height or width is not a multiple of its factor, a factor is below 1, or the
            kernel is unknown.
    """
    _check_scale(scale)
    vertical, lateral = scale
    height, width = image.shape[-2:]
    if height % vertical or width % lateral or min(height, width) == 0:
        raise ValueError(
            f"an image of {height} x {width} cannot be shrunk by exactly {vertical} x {lateral}; "
            "cut it with crop_to_multiple first"
        )
    _check_kernels((kernel,))
    if kernel == "bicubic":
        size = (height // vertical, width // lateral)
        if size[1] == 1:
            # On a CPU torch gives every row the weights of the first if the result is one wide.
            turned = image.transpose(-1, -2).contiguous()
            small = F.interpolate(turned, size=size[::-1], mode="bicubic", antialias=True)
            return small.transpose(-1, -2)
        return F.interpolate(image, size=size, mode="bicubic", antialias=True)
    if kernel == "area":
        return F.avg_pool2d(image, scale)
    return image[..., (vertical - 1) // 2 :: vertical, (lateral - 1) // 2 :: lateral].clone()


def crop_to_multiple(image: Tensor, scale: Scale) -> Tensor:
    """Cut the last rows and columns so that both sides are multiples of the scale (a view)."""
    height, width = image.shape[-2:]
    return image[..., : height - height % scale[0], : width - width % scale[1]]


def blur_reach(sigma: float) -> int:
    """How many pixels :func:`blur` looks in each direction."""
    return math.ceil(3 * sigma)


def blur(image: Tensor, sigma: float) -> Tensor:
    """Gaussian blur, ``sigma`` in pixels of ``image``, edges replicated; 0 returns the input.

    Raises:
        ValueError: if ``sigma`` is negative or not finite.
    """
    _check_strengths(sigma=sigma)
    if sigma == 0:
        return image
    reach = blur_reach(sigma)
    offsets = torch.arange(-reach, reach + 1, device=image.device, dtype=image.dtype)
    weights = torch.exp(-0.5 * (offsets / sigma) ** 2)
    weights = (weights / weights.sum()).expand(image.shape[1], 1, -1)
    padded = F.pad(image, (reach, reach, reach, reach), mode="replicate")
    rows = F.conv2d(padded, weights[..., None], groups=image.shape[1])
    return F.conv2d(rows, weights[:, :, None], groups=image.shape[1])


Generators = torch.Generator | Sequence[torch.Generator]
"""One for the whole batch, or one for each image, which makes an image's noise independent of the
batch that it is in."""


def add_noise(image: Tensor, sigma: float, generator: Generators) -> Tensor:
    """Add Gaussian noise of standard deviation ``sigma`` (in units of the [0, 1] range)."""
    return image + sigma * _normal(image, generator)


def add_speckle(image: Tensor, contrast: float, generator: Generators) -> Tensor:
    """Multiply by log-normal speckle of mean 1 whose standard deviation is ``contrast``.

    Fully developed speckle of one look has contrast 1 in intensity; scans on a logarithmic scale
    or averaged over several frames have far less.
    """
    spread = math.sqrt(math.log1p(contrast**2))
    return image * torch.exp(spread * _normal(image, generator) - spread**2 / 2)


def _normal(image: Tensor, generator: Generators) -> Tensor:
    """Standard normal numbers of the image's shape."""

    def draw(shape: torch.Size, source: torch.Generator) -> Tensor:
        return torch.randn(shape, generator=source, device=image.device, dtype=image.dtype)

    if isinstance(generator, torch.Generator):
        return draw(image.shape, generator)
    return torch.stack([draw(image.shape[1:], one) for one in generator])


def quantise(image: Tensor, levels: int) -> Tensor:
    """Clip to [0, 1] and round to ``levels`` steps (255: what an 8-bit file can hold)."""
    return (image.clamp(0, 1) * levels).round_() / levels


@dataclass(frozen=True)
class Degradation:
    """One way of making LR from HR; calling it does so, the same for the same seed and device.

    Order: blur, downsampling, speckle, noise, rounding. ``blur`` is in HR pixels, ``noise`` in
    units of [0, 1], ``speckle`` is a contrast; each is off at 0. ``levels`` 255 stores LR as 8 bit
    would, 0 does not round. Each image of a batch has its own random numbers, drawn from (seed,
    place in the batch).

    Raises:
        ValueError: if the kernel is unknown, a factor below 1, or a strength, the levels or the
            seed negative or not finite.
    """

    scale: Scale = (4, 4)
    kernel: Kernel = "bicubic"
    blur: float = 0.0
    speckle: float = 0.0
    noise: float = 0.0
    levels: int = 255
    seed: int = 0

    def __post_init__(self) -> None:
        _check_scale(self.scale)
        _check_kernels((self.kernel,))
        _check_strengths(
            blur=self.blur,
            speckle=self.speckle,
            noise=self.noise,
            levels=self.levels,
            seed=self.seed,
        )

    def __call__(self, image: Tensor, first: int = 0) -> Tensor:
        """(N, C, v*H, h*W) in [0, 1] -> (N, C, H, W) in [0, 1] (unclipped if ``levels`` is 0).

        ``first`` is the place that image 0 has in a larger batch: a batch may be degraded in parts.
        """
        low = downsample(blur(image, self.blur), self.scale, self.kernel)
        if self.speckle or self.noise:
            generators = [
                self._generator(first + index, image.device) for index in range(len(image))
            ]
            if self.speckle:
                low = add_speckle(low, self.speckle, generators)
            if self.noise:
                low = add_noise(low, self.noise, generators)
        return quantise(low, self.levels) if self.levels else low

    def _generator(self, place: int, device: torch.device) -> torch.Generator:
        mixed = np.random.SeedSequence([self.seed, place]).generate_state(1, np.uint64)
        return torch.Generator(device).manual_seed(int(mixed[0]))


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
        _check_scale(self.scale)
        _check_kernels(self.kernels)
        _check_strengths(levels=self.levels)
        for name in ("blur", "speckle", "noise"):
            low, high = getattr(self, name)
            if not 0 <= low <= high < math.inf:
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


def _check_scale(scale: Sequence[object]) -> None:
    if len(scale) != 2 or not all(isinstance(factor, int) and factor >= 1 for factor in scale):
        raise ValueError(f"a scale is two whole numbers of at least 1, not {scale}")


def _check_kernels(kernels: Sequence[str]) -> None:
    known = get_args(Kernel)
    if not kernels:
        raise ValueError("at least one kernel is needed")
    for kernel in kernels:
        if kernel not in known:
            raise ValueError(f"unknown kernel {kernel!r}; known are {', '.join(known)}")


def _check_strengths(**strengths: float) -> None:
    for name, strength in strengths.items():
        if not 0 <= strength < math.inf:
            raise ValueError(f"{name} must be finite and not negative, not {strength}")


def _between(interval: Interval, share: float) -> float:
    low, high = interval
    return low + share * (high - low)
