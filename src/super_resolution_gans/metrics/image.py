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
from typing import Any, Literal, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.metrics.window import (
    Edge,
    coverage,
    gaussian_window,
    integer_gaussian_window,
    weigh,
)

Image = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]
Convention = Literal["wang", "daala"]
Swing = Literal["full", "studio"]
T = TypeVar("T", bound=np.generic)

_C1, _C2 = 0.01**2, 0.03**2


class MetricError(ValueError):
    """Two images cannot be compared; the message says why."""


def psnr(sr: Image, hr: Image, *, border: int = 4, mask: Mask | None = None) -> float:
    """Peak signal-to-noise ratio in dB, peak 1; infinite for identical images.

    Args:
        sr: what is measured, (H, W) or (H, W, 3).
        hr: what it should be, same shape.
        border: pixels cut from each edge.
        mask: (H, W), True = counted; all are where it is None.

    Raises:
        MetricError: if shapes differ, values are not finite, or no pixel is left to count.
    """
    x, y, counted = _checked(sr, hr, border, mask)
    error = float(np.mean(np.square(_cut(x - y, border)[counted])))
    return float("inf") if error == 0 else float(-10 * np.log10(error))


def ssim(
    sr: Image,
    hr: Image,
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
    x, y, counted = _checked(sr, hr, border, mask)
    if convention == "wang":
        window = gaussian_window(sigma=1.5, reach=5)
        maps = [_cut(_similarity(*plane, window, "mirror")[0], border) for plane in _planes(x, y)]
        return float(np.mean([similarity[counted].mean() for similarity in maps]))
    if convention == "daala":
        x, y = _cut(x, border), _cut(y, border)
        height, width = x.shape[:2]
        window = integer_gaussian_window(1.5 * height / 256, longest=min(height, width) - 1)
        weighted = [_similarity(*plane, window, "zero") for plane in _planes(x, y)]
        return float(np.mean([np.average(m[counted], weights=w[counted]) for m, w in weighted]))
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


def _similarity(
    x: NDArray[np.float64], y: NDArray[np.float64], window: NDArray[np.float64], edge: Edge
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The SSIM map (Wang et al. 2004, eq. 13), and the weight each window has inside the image."""
    inside = coverage(x.shape, window, edge)
    mean_x, mean_y = weigh(x, window, edge) / inside, weigh(y, window, edge) / inside
    variance_x = weigh(x * x, window, edge) / inside - mean_x * mean_x
    variance_y = weigh(y * y, window, edge) / inside - mean_y * mean_y
    covariance = weigh(x * y, window, edge) / inside - mean_x * mean_y
    similarity = ((2 * mean_x * mean_y + _C1) * (2 * covariance + _C2)) / (
        (mean_x * mean_x + mean_y * mean_y + _C1) * (variance_x + variance_y + _C2)
    )
    return similarity, inside


def _checked(
    sr: Image, hr: Image, border: int, mask: Mask | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], Mask]:
    """Both images in float64, and the mask with its border cut."""
    if sr.shape != hr.shape:
        raise MetricError(f"SR has shape {sr.shape}, HR {hr.shape}")
    if sr.ndim != 2 and (sr.ndim != 3 or sr.shape[2] != 3):
        raise MetricError(f"images of shape {sr.shape}; expected (height, width[, 3])")
    for name, image in (("SR", sr), ("HR", hr)):
        if image.dtype.kind != "f":
            raise MetricError(f"{name} has type {image.dtype}; expected floating point, 1.0 white")
        if not np.isfinite(image).all():
            raise MetricError(f"{name} holds NaN or infinite values")
    if border < 0:
        raise MetricError(f"a border of {border} pixels cannot be cut")
    if mask is None:
        mask = np.ones(sr.shape[:2], dtype=np.bool_)
    if mask.shape != sr.shape[:2] or mask.dtype != np.bool_:
        raise MetricError(f"mask is {mask.dtype} {mask.shape}; expected bool {sr.shape[:2]}")
    counted = _cut(mask, border)
    if not counted.any():
        raise MetricError(
            f"no pixel is left to count in {sr.shape[0]} x {sr.shape[1]} after a border of "
            f"{border} and the mask"
        )
    return sr.astype(np.float64), hr.astype(np.float64), counted


def _cut(image: NDArray[T], border: int) -> NDArray[T]:
    height, width = image.shape[:2]
    return image[border : max(border, height - border), border : max(border, width - border)]


def _planes(
    x: NDArray[np.float64], y: NDArray[np.float64]
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    if x.ndim == 2:
        return [(x, y)]
    return [(x[..., c], y[..., c]) for c in range(x.shape[2])]
