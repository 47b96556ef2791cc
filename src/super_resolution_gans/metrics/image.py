"""PSNR and SSIM, and what they are measured on: channel, border, counted pixels.

Arrays are (height, width) or (height, width, 3), floating point, 1.0 is white; computation is in
float64, values outside [0, 1] are taken as they are, nothing is clipped or rounded here, and the
caller's arrays are not changed. A mask is boolean (height, width): True is counted.

Which SSIM a number is must be said with the number:

- ``wang``: Wang et al. 2004, as most publications have it: 11 x 11 Gaussian window of sigma 1.5,
  population covariance. The map is computed on the whole image, mirrored at its edges; the border
  is cut from the map and the mask applied to it, so that a counted pixel sees its uncounted
  neighbours. scikit-image's ``structural_similarity(gaussian_weights=True, sigma=1.5,
  use_sample_covariance=False, data_range=1, full=True)`` is the same map.
- ``daala``: ``dump_ssim`` of the Daala project, which Ledig et al. 2017 used: sigma is
  1.5 * height / 256, weights are multiples of 1/256, the border is cut before anything else, a
  window that reaches over the edge keeps the part inside, and each pixel counts by the weight its
  window has left. The same pair of images scores about .01 to .05 higher than under ``wang``.

Both have k1 = 0.01, k2 = 0.03 and data range 1. Colour images: mean of the channels.
"""

from collections.abc import Callable
from typing import Literal, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.metrics.structure import Moments, moments, similarity
from super_resolution_gans.metrics.subject import Image, Mask, Subject, subject
from super_resolution_gans.metrics.window import (
    coverage,
    gaussian_window,
    integer_gaussian_window,
    weigh,
)

__all__ = [
    "Image", "Mask", "MetricError", "lr_consistency", "luma", "padding_mask", "psnr", "ssim",
]  # fmt: skip

Planes = list[NDArray[np.float64]]
Convention = Literal["wang", "daala"]
Swing = Literal["full", "studio"]
T = TypeVar("T", bound=np.generic)
WANG_WINDOW = gaussian_window(sigma=1.5, reach=5)


class MetricError(ValueError):
    """Two images cannot be compared; the message says why."""


def psnr(
    sr: Image | Subject, hr: Image | Subject, *, border: int = 4, mask: Mask | None = None
) -> float:
    """Peak signal-to-noise ratio in dB, peak 1; infinite for identical images.

    Args:
        sr: what is measured, (H, W) or (H, W, 3).
        hr: what it should be, same shape.
        border: pixels cut from each edge.
        mask: (H, W), True = counted; all are where it is None.

    Raises:
        MetricError: if shapes differ, values are not finite, or no pixel is left to count.
    """
    x, y, counted = compared(sr, hr, border, mask)
    errors = [np.square(cut(a - b, border)[counted]).mean() for a, b in zip(x, y, strict=True)]
    error = float(np.mean(errors))
    return float("inf") if error == 0 else float(-10 * np.log10(error))


def ssim(
    sr: Image | Subject,
    hr: Image | Subject,
    *,
    convention: Convention = "wang",
    border: int = 4,
    mask: Mask | None = None,
) -> float:
    """Structural similarity, mean over the counted pixels; 1 for identical images.

    Args:
        sr: what is measured, (H, W) or (H, W, 3).
        hr: what it should be, same shape.
        convention: ``wang`` or ``daala``; the module's docstring says what they are.
        border: pixels cut from each edge.
        mask: (H, W), True = counted; all are where it is None.

    Raises:
        MetricError: if shapes differ, values are not finite, no pixel is left to count, or the
            convention is unknown.
    """
    first, second = subject(sr), subject(hr)
    counted = compared(first, second, border, mask)[2]
    if convention == "wang":
        pairs = zip(wang_moments(first), wang_moments(second), strict=True)
        maps = [cut(similarity(*pair, _in_wang_windows), border)[counted] for pair in pairs]
        return float(np.mean([similar.mean() for similar in maps]))
    if convention == "daala":
        return _daala(first, second, border, counted)
    raise MetricError(
        f"unknown SSIM convention {convention!r}; known are {', '.join(get_args(Convention))}"
    )


def lr_consistency(sr: Image, lr: Image, downsample: Callable[[Image], Image]) -> float:
    """PSNR in dB of the downsampled SR against the LR it was made from, whole image.

    Args:
        sr: (v*H, h*W) or (v*H, h*W, 3).
        lr: (H, W) or (H, W, 3).
        downsample: the way LR was made of HR, without its rounding.

    Raises:
        MetricError: as :func:`psnr`.
    """
    return psnr(downsample(sr), lr, border=0)


def luma(rgb: Image, swing: Swing = "full") -> NDArray[np.float64]:
    """The Y channel (ITU-R BT.601) of an RGB image: (H, W, 3) -> (H, W), float64.

    Args:
        rgb: red, green, blue in [0, 1].
        swing: ``full``: 0.299 R + 0.587 G + 0.114 B, in [0, 1]. ``studio``: what MATLAB's
            ``rgb2ycbcr`` returns, from 16/255 to 235/255; the super-resolution literature (and
            Ledig et al. 2017) measures on it. PSNR on it is about 1.3 dB higher.

    Raises:
        MetricError: if the image has no three channels.
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3:
        raise MetricError(f"an image of shape {rgb.shape} has no red, green and blue")
    y: NDArray[np.float64] = rgb.astype(np.float64) @ np.array([0.299, 0.587, 0.114])
    return y if swing == "full" else (16 + 219 * y) / 255


def padding_mask(hr: Image) -> Mask:
    """True where a pixel is counted: not the pure white that Spectralis pads B-scans with.

    White is an 8-bit level of 254 or 255 (above 253.5/255 at any depth), in all channels.
    """
    darkest = hr if hr.ndim == 2 else hr.min(axis=2)
    return np.asarray(darkest < 253.5 / 255)


def compared(
    sr: Image | Subject, hr: Image | Subject, border: int, mask: Mask | None
) -> tuple[Planes, Planes, Mask]:
    """The channels of both images in float64, and the mask with its border cut.

    Raises:
        MetricError: as :func:`psnr`.
    """
    first, second = subject(sr), subject(hr)
    shape = first.pixels.shape
    if shape != second.pixels.shape:
        raise MetricError(f"SR has shape {shape}, HR {second.pixels.shape}")
    x, y = channels(first, "SR"), channels(second, "HR")
    if border < 0:
        raise MetricError(f"a border of {border} pixels cannot be cut")
    if mask is None:
        mask = np.ones(shape[:2], dtype=np.bool_)
    if mask.shape != shape[:2] or mask.dtype != np.bool_:
        raise MetricError(f"mask is {mask.dtype} {mask.shape}; expected bool {shape[:2]}")
    counted = cut(mask, border)
    if not counted.any():
        raise MetricError(
            f"no pixel is left to count in {shape[0]} x {shape[1]} after a border of {border} "
            "and the mask"
        )
    return x, y, counted


def channels(image: Image | Subject, name: str = "image") -> Planes:
    """An image as one or three planes (H, W) of float64; not to be changed.

    Args:
        image: (H, W) or (H, W, 3), floating point.
        name: for the message.

    Raises:
        MetricError: if its shape or type is another, or values are not finite.
    """

    def work() -> Planes:
        pixels = image.pixels if isinstance(image, Subject) else image
        if pixels.ndim != 2 and (pixels.ndim != 3 or pixels.shape[2] != 3):
            raise MetricError(f"images of shape {pixels.shape}; expected (height, width[, 3])")
        if pixels.dtype.kind != "f":
            raise MetricError(f"{name} has type {pixels.dtype}; expected floating point, 1.0 white")
        if not np.isfinite(pixels).all():
            raise MetricError(f"{name} holds NaN or infinite values")
        planes = [pixels] if pixels.ndim == 2 else [pixels[..., c] for c in range(3)]
        return [np.ascontiguousarray(plane, np.float64) for plane in planes]

    return subject(image).once("channels", work)


def wang_moments(image: Subject) -> list[Moments]:
    """Of each channel, in the windows of ``wang`` around each pixel, edges mirrored.

    Raises:
        MetricError: if it is no image.
    """
    planes = channels(image)
    return image.once(
        "moments, wang", lambda: [moments(plane, _in_wang_windows) for plane in planes]
    )


def _daala(sr: Subject, hr: Subject, border: int, counted: Mask) -> float:
    height, width = counted.shape
    window = integer_gaussian_window(1.5 * height / 256, longest=min(height, width) - 1)
    inside = coverage((height, width), window, "zero")

    def local(plane: NDArray[np.float64]) -> NDArray[np.float64]:
        return weigh(plane, window, "zero") / inside

    def known(image: Subject) -> list[Moments]:
        planes = channels(image)
        what = ("moments, daala", border)
        return image.once(what, lambda: [moments(cut(plane, border), local) for plane in planes])

    maps = [similarity(x, y, local) for x, y in zip(known(sr), known(hr), strict=True)]
    weights = inside[counted]
    return float(np.mean([np.average(similar[counted], weights=weights) for similar in maps]))


def _in_wang_windows(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    return weigh(plane, WANG_WINDOW, "mirror")


def cut(image: NDArray[T], border: int) -> NDArray[T]:
    """Without ``border`` pixels at each edge (a view); nothing is left of one that is smaller."""
    height, width = image.shape[:2]
    return image[border : max(border, height - border), border : max(border, width - border)]
