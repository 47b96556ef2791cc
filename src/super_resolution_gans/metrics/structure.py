"""What SSIM is made of: local means, variances and the covariance of two images.

Wang, Bovik, Sheikh and Simoncelli 2004, "Image quality assessment: from error visibility to
structural similarity", equations 6, 9 and 10 with C3 = C2 / 2; k1 = 0.01, k2 = 0.03, range 1.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float64]
Weigh = Callable[[Plane], Plane]  # local means of an image (H, W)

_C1, _C2 = 0.01**2, 0.03**2


@dataclass(frozen=True)
class Moments:
    """One channel (H, W), its local means and its local variances."""

    values: Plane
    mean: Plane
    variance: Plane


def moments(values: Plane, weigh: Weigh) -> Moments:
    """Of one image; of a truth they are the same whatever it is compared with."""
    mean = weigh(values)
    variance = weigh(values * values)
    variance -= mean * mean
    return Moments(values, mean, variance)


def contrast_structure(x: Moments, y: Moments, weigh: Weigh) -> Plane:
    """(2 covariance + C2) / (variance x + variance y + C2) at each place."""
    covariance = weigh(x.values * y.values)
    covariance -= x.mean * y.mean
    covariance *= 2
    covariance += _C2
    covariance /= x.variance + y.variance + _C2
    return covariance


def luminance(x: Moments, y: Moments) -> Plane:
    """(2 mean x mean y + C1) / (mean x squared + mean y squared + C1) at each place."""
    product = x.mean * y.mean
    product *= 2
    product += _C1
    squares = x.mean * x.mean
    squares += y.mean * y.mean
    squares += _C1
    product /= squares
    return product


def similarity(x: Moments, y: Moments, weigh: Weigh) -> Plane:
    """The SSIM of each place (equation 13)."""
    result = contrast_structure(x, y, weigh)
    result *= luminance(x, y)
    return result
