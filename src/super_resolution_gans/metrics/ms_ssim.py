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

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.metrics.image import WANG_WINDOW, compared, cut, wang_moments
from super_resolution_gans.metrics.structure import (
    Moments,
    contrast_structure,
    moments,
    similarity,
)
from super_resolution_gans.metrics.subject import Image, Mask, Subject, subject
from super_resolution_gans.metrics.undefined import UndefinedError
from super_resolution_gans.metrics.window import weigh_inside

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_REACH = len(WANG_WINDOW) // 2
SMALLEST = (2 * _REACH + 1) * 2 ** (len(WEIGHTS) - 1)  # pixels a side: a window at the last level
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
    counted = compared(first, second, border, mask)[2]
    height, width = counted.shape
    if min(height, width) < SMALLEST:
        raise UndefinedError(
            f"MS-SSIM needs {SMALLEST} x {SMALLEST} pixels, {height} x {width} are left of the "
            f"image after a border of {border}"
        )
    weights = _counted_windows(counted)
    pairs = zip(_known(first, border), _known(second, border), strict=True)
    return float(np.mean([_product(*levels, weights) for levels in pairs]))


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


def _known(image: Subject, border: int) -> list[list[Moments]]:
    """Of each channel, of each level."""
    first = wang_moments(image)
    return image.once(("ms-ssim", border), lambda: [_levels(known, border) for known in first])


def _levels(known: Moments, border: int) -> list[Moments]:
    """The first level's windows are those of SSIM that lie inside the border."""
    plane, inside = cut(known.values, border), border + _REACH
    levels = [Moments(plane, cut(known.mean, inside), cut(known.variance, inside))]
    for _ in WEIGHTS[1:]:
        plane = _halved(plane)
        levels.append(moments(plane, _local))
    return levels


def _local(plane: Plane) -> Plane:
    return weigh_inside(weigh_inside(plane, WANG_WINDOW, axis=0), WANG_WINDOW, axis=1)


def _halved(plane: Plane) -> Plane:
    height, width = plane.shape
    even = np.pad(plane, ((0, height % 2), (0, width % 2)), "symmetric")
    halved: Plane = (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4
    return halved
