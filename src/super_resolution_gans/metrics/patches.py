"""Spectra of the patches of an image: 64 x 64 pixels every 32, under a Hann window.

The window is the periodic one (0.5 - 0.5 cos(2 pi n / 64), outer product), not normalised; the
mean of a patch is not subtracted. What looks at spectra shares these: an image is transformed once.
"""

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.metrics.image import channels
from super_resolution_gans.metrics.subject import Image, Subject, subject
from super_resolution_gans.metrics.undefined import UndefinedError

PATCH = 64
STEP = 32
HANN = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(PATCH) / PATCH)
Spectra = NDArray[np.complex128]


def patch_spectra(image: Image | Subject) -> list[Spectra]:
    """Of each channel, (rows, columns, 64, 33): numpy's ``rfft2`` of each patch.

    Patches begin at multiples of 32 from the top left corner and lie wholly inside the image.

    Raises:
        UndefinedError: if a side is shorter than 64 pixels.
        MetricError: if the shape is no image's, or values are not finite.
    """
    known = subject(image)
    planes = channels(known)
    height, width = planes[0].shape
    if min(height, width) < PATCH:
        raise UndefinedError(
            f"the spectrum needs {PATCH} x {PATCH} pixels, image has {height} x {width}"
        )
    return known.once("patch spectra", lambda: [_spectra(plane) for plane in planes])


def _spectra(plane: NDArray[np.float64]) -> Spectra:
    window = np.outer(HANN, HANN)
    patches = np.lib.stride_tricks.sliding_window_view(plane, (PATCH, PATCH))[::STEP, ::STEP]
    result = np.empty((*patches.shape[:3], PATCH // 2 + 1), np.complex128)
    for row, place in zip(patches, result, strict=True):  # one row at a time stays in the cache
        np.fft.rfft2(row * window, out=place)
    return result
