"""What an image's power spectrum says about a super-resolution: too smooth, or a grid on top.

Both measures compare mean power spectra: of 64 x 64 patches every 32 pixels, weighted by a Hann
window, the squared magnitudes of their discrete Fourier transforms averaged over the patches and,
for colour, over the channels.

What else the numbers depend on: the image is cut to a multiple of 64 at the bottom and right, and
all patches inside what is left count; the Hann window is the periodic one (0.5 - 0.5 cos(2 pi n /
64), outer product), not normalised, since a factor common to both images cancels; the mean of a
patch is not subtracted; nothing is masked, so white padding is part of the image; power below
1e-12 counts as 1e-12 (rounding to 8 bit leaves about 1e-3). Each image is measured by itself;
numbers are averaged over images, not spectra. Images are float, 1.0 is white; what is measured
should be clipped and rounded to the depth of the truth before, because rounding noise is most of
the power that a smooth image has at high frequencies. An image with a side under 64 pixels has no
value.
"""

import itertools
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.metrics.image import MetricError
from super_resolution_gans.metrics.patches import PATCH, STEP, Spectra, patch_spectra
from super_resolution_gans.metrics.subject import Image, Subject, subject

_FLOOR = 1e-12
Spectrum = NDArray[np.float64]


def mean_power(image: Image | Subject) -> Spectrum:
    """The mean power spectrum, (64, 64); frequency zero at [0, 0], then as numpy's ``fft2``.

    Args:
        image: (H, W) or (H, W, 3), floating point; not modified.

    Raises:
        UndefinedError: if a side is shorter than 64 pixels.
        MetricError: if the shape is another, or values are not finite.
    """
    known = subject(image)
    spectra = patch_spectra(known)
    return known.once("mean power", lambda: _mean_power(spectra, known.pixels.shape[:2]))


def _mean_power(spectra: Sequence[Spectra], shape: tuple[int, ...]) -> Spectrum:
    rows, columns = ((length // PATCH * PATCH - PATCH) // STEP + 1 for length in shape)
    counted = [patches[:rows, :columns].reshape(-1, *patches.shape[2:]) for patches in spectra]
    half = np.mean([np.square(np.abs(patches)).mean(axis=0) for patches in counted], axis=0)
    others = np.roll(half[::-1], 1, axis=0)[:, PATCH // 2 - 1 : 0 : -1]  # at minus the frequency
    power: Spectrum = np.maximum(np.concatenate([half, others], axis=1), _FLOOR)
    return power


def spectrum_distance(sr: Image | Subject, hr: Image | Subject) -> float:
    """Mean absolute difference of log10 mean power over all 64 x 64 frequencies, in decades.

    0 for identical images; an image that is smoother or noisier at many frequencies is far away.
    Raises as :func:`mean_power`, and :class:`MetricError` if shapes differ.
    """
    x, y = _both(sr, hr)
    return float(np.mean(np.abs(np.log10(x) - np.log10(y))))


def directional_distance(
    sr: Image | Subject, hr: Image | Subject, axis: Literal["axial", "lateral"]
) -> float:
    """:func:`spectrum_distance` over the frequencies of one direction alone, in decades.

    Axial frequencies are those whose axial part (down the rows) is larger than their lateral part,
    lateral ones those where it is smaller: the resolution of OCT along the beam comes from its
    bandwidth, across from its optics and its A-scan spacing, and a method may fail at one alone.
    Raises as :func:`spectrum_distance`.
    """
    x, y = _both(sr, hr)
    frequency = np.abs(np.fft.fftfreq(PATCH))
    down, right = frequency[:, None], frequency[None, :]
    chosen = down > right if axis == "axial" else down < right
    return float(np.mean(np.abs(np.log10(x) - np.log10(y))[chosen]))


def grid_excess(sr: Image | Subject, hr: Image | Subject) -> float:
    """How much the strongest periodic grid of SR stands out more than that of HR, in decades.

    How far :func:`grid_peak` of SR is above that of HR: above 0 where SR has a grid that HR has
    not. Raises as :func:`spectrum_distance`.
    """
    x, y = _both(sr, hr)
    return grid_peak(x) - grid_peak(y)


def grid_peak(power: Spectrum) -> float:
    """The largest excess of power at multiples of 1/4 cycle per pixel, in decades.

    These are the 15 frequencies whose vertical and lateral parts are both 0, 1/4, 1/2 or 3/4
    cycle per pixel, without 0, 0: what an upscaling by 4 (or 2) leaves when it treats pixels
    by their position in the block. Each is compared with the median of log10 power over the
    square ring of bins around it, 3 to 5 bins away along the axis on which they are farther, both
    included; the spectrum is periodic, rings go on over its edges.

    Args:
        power: as :func:`mean_power` returns it.
    """
    decades = np.log10(power)
    multiples = range(0, PATCH, PATCH // 4)
    return max(
        float(decades[row, column] - np.median(decades[_ring(row, column)]))
        for row, column in itertools.product(multiples, multiples)
        if row or column
    )


def _ring(row: int, column: int) -> NDArray[np.bool_]:
    half = PATCH // 2
    down, right = ((np.arange(PATCH) - centre + half) % PATCH - half for centre in (row, column))
    distance = np.maximum(np.abs(down)[:, None], np.abs(right)[None, :])
    return np.asarray((distance >= 3) & (distance <= 5))


def _both(sr: Image | Subject, hr: Image | Subject) -> tuple[Spectrum, Spectrum]:
    first, second = (subject(image).pixels.shape for image in (sr, hr))
    if first != second:
        raise MetricError(f"SR has shape {first}, HR {second}")
    return mean_power(sr), mean_power(hr)
