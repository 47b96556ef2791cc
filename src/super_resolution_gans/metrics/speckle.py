"""Speckle by its statistics: how wide its grains are, and which grey levels there are.

Speckle cannot be predicted pixel by pixel, only be made alike. Two images have speckle alike if
these numbers are alike; which pixel is bright does not matter, and the images need not show the
same place. Arrays are (height, width), floating point, 1.0 is white; rows are axial (along the
beam), columns lateral. A mask is boolean (height, width): True is counted.
"""

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.metrics.image import Image, Mask, MetricError
from super_resolution_gans.metrics.undefined import UndefinedError
from super_resolution_gans.metrics.window import gaussian_window, weigh

Axis = Literal["axial", "lateral"]
_LEVELS = 256
_SIGMA = 8.0  # of the window of local means, in pixels: several grains wide


def autocorrelation_width(
    image: Image, axis: Axis, *, mask: Mask | None = None, sigma: float = _SIGMA
) -> float:
    """Full width at half maximum of the autocorrelation of the local fluctuation, in pixels.

    The fluctuation is the image minus its local mean (Gaussian window). Its autocorrelation at a
    lag is the mean product of counted pixels that far apart, divided by the mean square of the
    counted pixels. The width is twice the lag at which it first falls to one half, linearly
    interpolated between whole lags: about 1 for white noise, 3.33 s for noise blurred by a
    Gaussian of standard deviation s that is well below ``sigma``.

    Args:
        image: (H, W); not modified.
        axis: ``axial`` (down the rows) or ``lateral`` (along the columns).
        mask: which pixels are counted; all where it is None. Others are not in local means.
        sigma: of the window of the local mean, in pixels.

    Raises:
        UndefinedError: if the image does not fluctuate, or never falls to one half.
        MetricError: if image or mask are not as described.
    """
    values, counted = _checked(image, mask)
    return _width(_fluctuation(values, counted, sigma), counted, axis)


def _fluctuation(values: NDArray[np.float64], counted: Mask, sigma: float) -> NDArray[np.float64]:
    """Values less their local mean; 0 where a pixel is not counted."""
    window = gaussian_window(sigma, reach=int(np.ceil(3 * sigma)))
    inside = weigh(counted.astype(np.float64), window, "zero")
    mean = weigh(np.where(counted, values, 0.0), window, "zero") / np.where(counted, inside, 1.0)
    return np.where(counted, values - mean, 0.0)


def _width(fluctuation: NDArray[np.float64], counted: Mask, axis: Axis) -> float:
    weights = counted.astype(np.float64)
    power = float(np.square(fluctuation).sum() / weights.sum())
    if power < 1e-12:
        raise UndefinedError("the image does not fluctuate, it has no autocorrelation")
    if axis == "lateral":
        fluctuation, weights = fluctuation.T, weights.T
    before = 1.0
    for lag in range(1, len(fluctuation)):
        pairs = float((weights[lag:] * weights[:-lag]).sum())
        if not pairs:
            break
        now = float((fluctuation[lag:] * fluctuation[:-lag]).sum()) / pairs / power
        if now <= 0.5:
            return 2 * (lag - 1 + (before - 0.5) / (before - now))
        before = now
    raise UndefinedError(f"the {axis} autocorrelation does not fall to one half")


def grain_ratio(sr: Image, hr: Image, *, mask: Mask | None = None) -> float:
    """How wide the grains of SR are in units of those of HR: 1 is alike, above 1 is coarser.

    The square root of the product of both directions' ratios of :func:`autocorrelation_width`.

    Args:
        sr: (H, W); not modified.
        hr: (H, W).
        mask: which pixels of both are counted; all where it is None.

    Raises:
        UndefinedError: if one of them has no width.
        MetricError: if images or mask are not as described.
    """
    product = 1.0
    for image, power in ((sr, 0.5), (hr, -0.5)):
        values, counted = _checked(image, mask)
        fluctuation = _fluctuation(values, counted, _SIGMA)
        for axis in get_args(Axis):
            product *= _width(fluctuation, counted, axis) ** power
    return product


def histogram_distance(
    first: Image,
    second: Image,
    *,
    first_mask: Mask | None = None,
    second_mask: Mask | None = None,
) -> float:
    """Wasserstein-1 distance between two histograms of 256 grey levels, in grey levels.

    How many levels the pixels of one image must move on average to have the other's histogram.
    Values are clipped to [0, 1] and rounded to the nearest of 256 levels.

    Args:
        first: (H, W); not modified.
        second: (H, W), of any size.
        first_mask: which pixels of the first are counted; all where it is None.
        second_mask: which pixels of the second are counted.

    Raises:
        MetricError: if an image or a mask are not as described.
    """
    cumulated = [
        np.cumsum(_histogram(*_checked(image, mask)))
        for image, mask in ((first, first_mask), (second, second_mask))
    ]
    return float(np.abs(cumulated[0] - cumulated[1]).sum())


def _histogram(values: NDArray[np.float64], counted: Mask) -> NDArray[np.float64]:
    levels = np.rint(np.clip(values[counted], 0, 1) * (_LEVELS - 1)).astype(np.intp)
    shares: NDArray[np.float64] = np.bincount(levels, minlength=_LEVELS) / len(levels)
    return shares


def _checked(image: Image, mask: Mask | None) -> tuple[NDArray[np.float64], Mask]:
    if image.ndim != 2:
        raise MetricError(f"image of shape {image.shape}; expected (height, width)")
    if image.dtype.kind != "f":
        raise MetricError(f"image has type {image.dtype}; expected floating point, 1.0 white")
    if not np.isfinite(image).all():
        raise MetricError("image holds NaN or infinite values")
    if mask is None:
        mask = np.ones(image.shape, np.bool_)
    if mask.shape != image.shape or mask.dtype != np.bool_:
        raise MetricError(f"mask is {mask.dtype} {mask.shape}; expected bool {image.shape}")
    if not mask.any():
        raise MetricError("the mask counts no pixel")
    return image.astype(np.float64), mask
