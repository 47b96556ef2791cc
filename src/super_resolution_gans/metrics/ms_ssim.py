"""MS-SSIM (Wang, Simoncelli and Bovik 2003): structure compared at five resolutions.

"Multi-scale structural similarity for image quality assessment", Asilomar 2003, equation 7 with
the weights of its section 3.2, as in the authors' ``msssim.m``: at each of five levels contrast
and structure are compared in 11 x 11 Gaussian windows of sigma 1.5 that lie wholly inside the
image and averaged over the image; then both images are averaged over 2 x 2 pixels and every second
is kept (an odd last row or column is mirrored). The means are raised to the weights and multiplied;
luminance is compared at the last level only. A mean below 0 counts as 0, since a root of it is no
number. k1 = 0.01, k2 = 0.03, range 1. Colour images: mean of the channels.

The border is cut before anything else. A window counts if the pixel at its centre is counted, and
a pixel of a coarser level if the four it was made of are.
"""

from collections.abc import Hashable

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.metrics.image import compared, cut
from super_resolution_gans.metrics.structure import (
    Moments,
    contrast_structure,
    moments,
    similarity,
)
from super_resolution_gans.metrics.subject import Image, Mask, Subject, subject
from super_resolution_gans.metrics.undefined import UndefinedError
from super_resolution_gans.metrics.window import gaussian_window, weigh_inside

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_REACH = 5
SMALLEST = (2 * _REACH + 1) * 2 ** (len(WEIGHTS) - 1)  # pixels a side: a window at the last level
_WINDOW = gaussian_window(sigma=1.5, reach=_REACH)
Plane = NDArray[np.float64]


def ms_ssim(
    sr: Image | Subject, hr: Image | Subject, *, border: int = 4, mask: Mask | None = None
) -> float:
    """Multi-scale structural similarity, 0 to 1; 1 for identical images.

    Args:
        sr: what is measured, (H, W) or (H, W, 3).
        hr: what it should be, same shape.
        border: pixels cut from each edge.
        mask: (H, W), True = counted; all are where it is None.

    Raises:
        UndefinedError: if a side is shorter than 176 pixels without the border, or no window is
            counted at some level.
        MetricError: as :func:`~super_resolution_gans.metrics.image.psnr`.
    """
    first, second = subject(sr), subject(hr)
    x, y, counted = compared(first, second, border, mask)
    height, width = counted.shape
    if min(height, width) < SMALLEST:
        raise UndefinedError(
            f"MS-SSIM needs {SMALLEST} x {SMALLEST} pixels, {height} x {width} are left of the "
            f"image after a border of {border}"
        )
    weights = _counted_windows(counted)
    key = ("ms-ssim", border)
    values = [
        _product(*levels, weights)
        for levels in zip(
            _known(first, key, [cut(plane, border) for plane in x]),
            _known(second, key, [cut(plane, border) for plane in y]),
            strict=True,
        )
    ]
    return float(np.mean(values))


def _product(x: list[Moments], y: list[Moments], counted: list[Mask]) -> float:
    product = 1.0
    for level, weight in enumerate(WEIGHTS):
        compare = contrast_structure if level < len(WEIGHTS) - 1 else similarity
        mean = float(compare(x[level], y[level], _local)[counted[level]].mean())
        product *= max(mean, 0.0) ** weight
    return product


def _counted_windows(counted: Mask) -> list[Mask]:
    """Of each level, which windows count."""
    windows = []
    for level in range(len(WEIGHTS)):
        if level:
            counted = _halved(counted.astype(np.float64)) == 1
        windows.append(counted[_REACH:-_REACH, _REACH:-_REACH])
        if not windows[-1].any():
            raise UndefinedError(f"the mask leaves no window of MS-SSIM at level {level + 1}")
    return windows


def _known(image: Subject, key: Hashable, planes: list[Plane]) -> list[list[Moments]]:
    return image.once(key, lambda: [_levels(plane) for plane in planes])


def _levels(plane: Plane) -> list[Moments]:
    levels = []
    for level in range(len(WEIGHTS)):
        plane = _halved(plane) if level else plane
        levels.append(moments(plane, _local))
    return levels


def _local(plane: Plane) -> Plane:
    return weigh_inside(weigh_inside(plane, _WINDOW, axis=0), _WINDOW, axis=1)


def _halved(plane: Plane) -> Plane:
    height, width = plane.shape
    even = np.pad(plane, ((0, height % 2), (0, width % 2)), "symmetric")
    halved: Plane = (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4
    return halved
