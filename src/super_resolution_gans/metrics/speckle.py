"""Speckle by its statistics: how wide its grains are, and which grey levels there are.

Speckle cannot be predicted pixel by pixel, only be made alike. Two images have speckle alike if
these numbers are alike; which pixel is bright does not matter, and the images need not show the
same place. Arrays are (height, width), floating point, 1.0 is white; rows are axial (along the
beam), columns lateral. A mask is boolean (height, width): True is counted.
"""

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.metrics.image import MetricError, channels
from super_resolution_gans.metrics.subject import Image, Mask, Subject, mask_key, subject
from super_resolution_gans.metrics.undefined import UndefinedError
from super_resolution_gans.metrics.window import coverage, gaussian_window, weigh

Axis = Literal["axial", "lateral"]
_LEVELS = 256
_SIGMA = 8.0  # of the window of local means, in pixels: several grains wide


def autocorrelation_width(
    image: Image | Subject, axis: Axis, *, mask: Mask | None = None, sigma: float = _SIGMA
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
    known = subject(image)
    values, counted = _checked(known, mask)

    def fluctuation() -> NDArray[np.float64]:
        return _fluctuation(values, counted, sigma)

    def width() -> float:
        key = mask_key(mask)
        return _width(known.once(("fluctuation", sigma, key), fluctuation), counted, axis)

    return known.once(("width", axis, sigma, mask_key(mask)), width)


def _fluctuation(values: NDArray[np.float64], counted: Mask, sigma: float) -> NDArray[np.float64]:
    """Values less their local mean; 0 where a pixel is not counted."""
    window = gaussian_window(sigma, reach=int(np.ceil(3 * sigma)))
    if counted.all():
        inside = coverage(counted.shape, window, "zero")
    else:
        inside = np.where(counted, weigh(counted.astype(np.float64), window, "zero"), 1.0)
    mean = weigh(np.where(counted, values, 0.0), window, "zero") / inside
    return np.where(counted, values - mean, 0.0)


def _width(fluctuation: NDArray[np.float64], counted: Mask, axis: Axis) -> float:
    total = int(counted.sum())
    power = float(np.vdot(fluctuation, fluctuation)) / total
    if power < 1e-12:
        raise UndefinedError("the image does not fluctuate, it has no autocorrelation")
    everywhere = total == counted.size
    before, length = 1.0, counted.shape[0 if axis == "axial" else 1]
    for lag in range(1, length):
        far, near = (
            (np.s_[lag:], np.s_[:-lag]) if axis == "axial" else (np.s_[:, lag:], np.s_[:, :-lag])
        )
        pairs = counted[far].size if everywhere else int((counted[far] & counted[near]).sum())
        if not pairs:
            break
        product = float(np.einsum("ij,ij->", fluctuation[far], fluctuation[near]))
        now = product / pairs / power
        if now <= 0.5:
            return 2 * (lag - 1 + (before - 0.5) / (before - now))
        before = now
    raise UndefinedError(f"the {axis} autocorrelation does not fall to one half")


def grain_ratio(sr: Image | Subject, hr: Image | Subject, *, mask: Mask | None = None) -> float:
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
    for image, power in ((subject(sr), 0.5), (subject(hr), -0.5)):
        for axis in get_args(Axis):
            product *= autocorrelation_width(image, axis, mask=mask) ** power
    return product


def histogram_distance(
    first: Image | Subject,
    second: Image | Subject,
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
    one, other = _shares(subject(first), first_mask), _shares(subject(second), second_mask)
    return float(np.abs(np.cumsum(one) - np.cumsum(other)).sum())


def _shares(image: Subject, mask: Mask | None) -> NDArray[np.float64]:
    values, counted = _checked(image, mask)
    return image.once(("histogram", mask_key(mask)), lambda: _histogram(values, counted))


def _histogram(values: NDArray[np.float64], counted: Mask) -> NDArray[np.float64]:
    levels = np.rint(np.clip(values[counted], 0, 1) * (_LEVELS - 1)).astype(np.intp)
    shares: NDArray[np.float64] = np.bincount(levels, minlength=_LEVELS) / len(levels)
    return shares


def _checked(image: Subject, mask: Mask | None) -> tuple[NDArray[np.float64], Mask]:
    shape = image.pixels.shape
    if len(shape) != 2:
        raise MetricError(f"image of shape {shape}; expected (height, width)")
    (values,) = channels(image)
    if mask is None:
        mask = np.ones(shape, np.bool_)
    if mask.shape != shape or mask.dtype != np.bool_:
        raise MetricError(f"mask is {mask.dtype} {mask.shape}; expected bool {shape}")
    if not mask.any():
        raise MetricError("the mask counts no pixel")
    return values, mask
