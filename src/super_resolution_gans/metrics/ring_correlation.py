"""Which detail of SR is that of HR: Fourier ring correlation, patch by patch.

Fourier ring correlation (Saxton and Baumeister 1982; van Heel and Schatz 2005, "Fourier shell
correlation threshold criteria") of two images is, for each ring of frequencies, the sum of the
products of their spectra over the root of the product of their powers: 1 where both show the same,
about 0 where they have nothing to do with each other. Scanning it over patches to find what a
method made up is the sFRC of Kc, Zeng, Soni and Badano ("Fake detection in AI-assisted image
recovery using scanning Fourier ring correlation", 2024, and arXiv 2603.04673), written here from
the description that comes with their program, not from the paper: patches under a Hann window, a
constant threshold of 0.5, and a patch is suspect if its correlation falls below the threshold
before a frequency that the user chooses; here that is the Nyquist frequency of LR, since what lies
below was measured. Their patches and thresholds are free parameters as well.

The second measure is ours and asks about the other side: whether what is drawn beyond the Nyquist
frequency of LR, where nothing was measured, is what HR shows there. Speckle cannot be predicted, so
a method that draws it is found out nearly everywhere: the number says how much of an image must not
be taken for measured, not that it looks wrong.

Frequencies are in units of the Nyquist frequency of LR, along each axis by itself: with factors
(vertical, lateral) the radius of a frequency is the root of the sum of the squares of
2 * factor * cycles per HR pixel. Rings are as wide as a bin of the axis of the larger factor, and
end at the Nyquist frequency of HR on it; the mean of a patch (under its window) is taken off.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.metrics.image import compared
from super_resolution_gans.metrics.patches import HANN, PATCH, STEP, Spectra, patch_spectra
from super_resolution_gans.metrics.subject import Image, Mask, Subject, subject
from super_resolution_gans.metrics.undefined import UndefinedError

Threshold = float | Literal["half-bit"]
Numbers = NDArray[np.float64]

_COUNTED_SHARE = 0.95  # of its pixels, for a patch to count: single white pixels are not padding
_CLAIM = 0.1  # of HR's power: a ring with less is blurred, not made up
_CLAIMED_SHARE = 0.25  # of the coefficients beyond LR: fewer say too little
_UNRELATED = 1 / 7
_FLAT = 1e-12


@dataclass(frozen=True)
class RingCorrelation:
    """The correlation of every patch, 64 x 64 pixels every 32.

    Attributes:
        frequency: (rings,), of the middle of each ring, in Nyquist frequencies of LR.
        coefficients: (rings,), how many there are in each.
        correlation: (rows, columns, rings), -1 to 1; 0 where either has no power.
        claimed: (rows, columns, rings), whether SR has at least a tenth of HR's power.
        counted: (rows, columns), False for patches that are padding or flat in HR.
        shape: (height, width) of the images.
    """

    frequency: Numbers
    coefficients: NDArray[np.intp]
    correlation: Numbers
    claimed: Mask
    counted: Mask
    shape: tuple[int, int]

    def resolved(self, threshold: Threshold = 0.5) -> Numbers:
        """(rows, columns): the frequency at which each patch first falls below a threshold.

        Linearly interpolated between rings; the highest frequency where it never does, NaN where a
        patch is not counted.

        Args:
            threshold: a constant (0.5 as sFRC has it, 1/7 is usual too), or ``half-bit``: the
                half-bit curve of van Heel and Schatz 2005, for the independent coefficients of a
                ring, which are half of it (images are real) by 0.26 (the Hann window).
        """
        limit = self.limit(threshold)
        above = self.correlation - limit
        falls = above < 0
        never = ~falls.any(axis=2)
        first = falls.argmax(axis=2)[..., None]
        before = np.maximum(first - 1, 0)
        high, low = (np.take_along_axis(above, index, 2)[..., 0] for index in (before, first))
        share = np.divide(high, high - low, out=np.zeros_like(high), where=high > low)
        start, stop = (self.frequency[index[..., 0]] for index in (before, first))
        crossing = start + share * (stop - start)
        crossing[first[..., 0] == 0] = 0.0
        crossing[never] = self.frequency[-1]
        resolved: Numbers = np.where(self.counted, crossing, np.nan)
        return resolved

    def median_resolved(self, threshold: Threshold = 0.5) -> float:
        """The median over counted patches of :meth:`resolved`."""
        return float(np.nanmedian(self.resolved(threshold)))

    def contradicting(self, threshold: Threshold = 0.5, below: float = 1.0) -> float:
        """The share of counted patches that fall below the threshold before a frequency.

        Args:
            threshold: as in :meth:`resolved`.
            below: in Nyquist frequencies of LR.
        """
        resolved = self.resolved(threshold)[self.counted]
        return float(np.mean(resolved < below))

    def invented(self) -> Mask:
        """(rows, columns): counted patches that draw detail beyond LR which is not HR's.

        They have at least a tenth of HR's power in rings that together hold a quarter of the
        coefficients beyond the Nyquist frequency of LR, and the mean correlation over these rings,
        weighted by coefficients, is below 1/7.
        """
        beyond = np.where(self.frequency > 1, self.coefficients, 0)
        weights = np.where(self.claimed, beyond, 0)
        claimed = weights.sum(axis=2)
        mean = (weights * self.correlation).sum(axis=2) / np.maximum(claimed, 1)
        draws = claimed >= _CLAIMED_SHARE * beyond.sum()
        return np.asarray(self.counted & draws & (mean < _UNRELATED))

    def invented_share(self) -> float:
        """The share of counted patches that are :meth:`invented`."""
        return float(self.invented().sum() / self.counted.sum())

    def spread(self, values: NDArray[np.float64] | Mask) -> Numbers:
        """A value of each patch as a map (height, width): the mean over patches, by their windows.

        NaN where no counted patch reaches.

        Args:
            values: (rows, columns), of :meth:`resolved` or :meth:`invented`.
        """
        total, weight = np.zeros(self.shape), np.zeros(self.shape)
        # Half a pixel on: the periodic window is zero in its first row, which a map need not be.
        window = np.outer(*[np.sin(np.pi * (np.arange(PATCH) + 0.5) / PATCH) ** 2] * 2)
        for row, column in zip(*np.nonzero(self.counted), strict=True):
            place = np.s_[row * STEP :, column * STEP :]
            total[place][:PATCH, :PATCH] += window * values[row, column]
            weight[place][:PATCH, :PATCH] += window
        spread: Numbers = np.full(self.shape, np.nan)
        np.divide(total, weight, out=spread, where=weight > 0)
        return spread

    def limit(self, threshold: Threshold) -> Numbers:
        """(rings,): the threshold as a curve; see :meth:`resolved`."""
        if threshold != "half-bit":
            return np.full(len(self.frequency), float(threshold))
        root = np.sqrt(np.maximum(self.coefficients * _independent_share(), 1.0))
        curve: Numbers = (0.2071 + 1.9102 / root) / (1.2071 + 0.9102 / root)
        return curve


def ring_correlation(
    sr: Image | Subject,
    hr: Image | Subject,
    scale: tuple[int, int],
    *,
    mask: Mask | None = None,
) -> RingCorrelation:
    """Correlate SR with HR in every patch.

    Args:
        sr: what is looked at, (H, W) or (H, W, 3); the channels of a patch are correlated together.
        hr: the truth, same shape.
        scale: (vertical, lateral) factors between LR and HR.
        mask: (H, W), True = counted; a patch counts where 95 % of its pixels do.

    Raises:
        UndefinedError: if a side is shorter than 64 pixels, or no patch is left to count.
        MetricError: as :func:`~super_resolution_gans.metrics.image.psnr`.
    """
    first, second = subject(sr), subject(hr)
    counted = compared(first, second, 0, mask)[2]
    rings, frequency, coefficients = _rings(scale)
    x, y = _centred(first), _centred(second)

    def power(image: Subject, spectra: list[Spectra]) -> Numbers:
        return image.once(("ring power", scale), lambda: _products(spectra, spectra, rings))

    x_power, y_power = power(first, x), power(second, y)
    product = _products(x, y, rings)
    root = np.sqrt(x_power * y_power)
    correlation = np.divide(product, root, out=np.zeros_like(root), where=root > _FLAT)
    patches = np.lib.stride_tricks.sliding_window_view(counted, (PATCH, PATCH))[::STEP, ::STEP]
    usable = (patches.mean(axis=(2, 3)) >= _COUNTED_SHARE) & (y_power.sum(axis=2) > _FLAT)
    if not usable.any():
        raise UndefinedError(
            f"no patch of {PATCH} x {PATCH} pixels is left: HR is flat, or padding, everywhere"
        )
    height, width = counted.shape
    claimed = x_power >= _CLAIM * y_power
    return RingCorrelation(frequency, coefficients, correlation, claimed, usable, (height, width))


def _centred(image: Subject) -> list[Spectra]:
    """Without the mean of each patch under its window: the transform at frequency zero is 0."""
    window = np.fft.rfft2(np.outer(HANN, HANN))
    near = np.s_[..., [-1, 0, 1], :2]  # a Hann window has no other frequencies

    def centred(spectra: Spectra) -> Spectra:
        result = spectra.copy()
        result[near] -= spectra[..., :1, :1] / window[0, 0] * window[near]
        return result

    spectra = patch_spectra(image)
    return image.once("centred spectra", lambda: [centred(channel) for channel in spectra])


def _products(x: list[Spectra], y: list[Spectra], rings: Numbers) -> Numbers:
    """Sums over channels and rings of x times the conjugate of y: (rows, columns, rings), real."""
    total = np.zeros(x[0].shape)
    for a, b in zip(x, y, strict=True):
        total += a.real * b.real
        total += a.imag * b.imag
    summed: Numbers = total.reshape(*total.shape[:2], -1) @ rings
    return summed


@lru_cache(maxsize=8)
def _rings(scale: tuple[int, int]) -> tuple[Numbers, Numbers, NDArray[np.intp]]:
    """What sums a half spectrum over rings, (64 * 33, rings); their frequencies; their sizes."""
    vertical, lateral = scale
    down = 2 * vertical * np.fft.fftfreq(PATCH)[:, None]
    right = 2 * lateral * np.fft.rfftfreq(PATCH)[None, :]
    width = 2 * max(scale) / PATCH
    number = np.rint(np.hypot(down, right) / width).astype(np.intp).ravel()
    twice = np.full((PATCH, PATCH // 2 + 1), 2.0)  # the other half of the spectrum is the same
    twice[:, [0, -1]] = 1.0
    count = PATCH // 2
    rings = np.zeros((number.size, count))
    inside = (number >= 1) & (number <= count)
    rings[np.nonzero(inside)[0], number[inside] - 1] = twice.ravel()[inside]
    frequency: Numbers = width * np.arange(1.0, count + 1)
    coefficients: NDArray[np.intp] = rings.sum(axis=0).astype(np.intp)
    return rings, frequency, coefficients


def _independent_share() -> float:
    """Of the coefficients of a ring: half, for a real image, by what the window leaves."""
    one_way = float(np.square(np.square(HANN).sum()) / (HANN**4).sum() / PATCH)
    return one_way**2 / 2
