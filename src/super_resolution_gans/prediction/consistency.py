"""The nearest image that, downsampled, is what was measured.

Of all images x' with A x' = y, the one nearest to the super-resolved x is x + A+ (y - A x), where
A is the downsampling, y the measured scan and A+ = A^T (A A^T)^-1. A acts on rows and columns one
after the other, hence so does A+; :mod:`prediction.shrinking` has one axis, with its borders.
With A = D T on each axis, A+ (y - A x) = T^T (T T^T)^-1 (D^-1 y - T x), which is what is computed.

The correction is computed in bands of 64 LR rows, each seeing as many rows around it as count in
float32 (:attr:`Projection.reach`): memory is that of a band, and a scan that is read piece by
piece (:class:`consistent_windows.ConsistentWindows`) gets the same bits as one in memory.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.prediction.errors import PredictionError
from super_resolution_gans.prediction.residual import Correction, Residual, ResidualSum
from super_resolution_gans.prediction.shrinking import (
    NEIGHBOURS,
    Float,
    Invertible,
    decay,
    gram,
    kept,
    largest,
    shrink,
    spread,
    taps,
)
from super_resolution_gans.prediction.tiles import Pair

Array = NDArray[np.float32]
MODEL_ERROR = 0.004
"""Root mean square of A x - y that a network leaves on clean scans, in units of [0, 1]: 48 dB,
about that of the shipped ones (their cards say 46 to 49 on B-scans)."""
BAND = 64
"""LR rows that are corrected together."""
STEP = 1.9
"""Of all rounds but the last, in units of 1 / |T|^2. Below 2, steps down the gradient of
|T x - D^-1 y|^2 and clipping in turn approach an image in [0, 1] that agrees best (Landweber 1951;
with clipping, Eicke 1992)."""


@dataclass(frozen=True)
class Projection:
    """x, y -> x + A+ (y - A x) / (1 + (noise / model_error)^2); a frozen choice of A and noise.

    With no noise A x' = y, up to rounding. With it, the residual keeps the share of itself that is
    more likely to be noise of y than error of the network: x' is the most probable image if the
    noise is white, and so is the part of the network's error that A sees (its covariance is
    ``model_error``^2 A+ (A+)^T). That is for one round. With more, all but the last are steps
    towards the same A x', each followed by clipping, so that x' is nearly inside [0, 1].

    Attributes:
        scale: (vertical, lateral) factors of A.
        kernel: ``bicubic`` (antialiased, as :func:`degrade.downsample` computes it, borders
            included) or ``area``.
        noise: standard deviation of the noise of y, in units of [0, 1]; 0 for the exact form.
        model_error: standard deviation that A x - y would have without noise, same units.
        rounds: how often it is done, with clipping to [0, 1] in between: what comes out needs less
            clipping, which would make it contradict the scan again.

    Raises:
        PredictionError: if a factor is below 1, the kernel unknown or ``decimate`` (its correction
            would touch one pixel in each cell and leave spots), or another number is not one of
            its kind.
    """

    scale: Pair
    kernel: Invertible = "bicubic"
    noise: float = 0.0
    model_error: float = MODEL_ERROR
    rounds: int = 5

    def __post_init__(self) -> None:
        try:
            vertical, lateral = self.scale
            taps(vertical, self.kernel), taps(lateral, self.kernel)
        except ValueError as error:
            raise PredictionError("projection", str(error)) from None
        if not 0 <= self.noise < math.inf or not 0 < self.model_error < math.inf:
            raise PredictionError(
                "projection",
                f"noise {self.noise} and model error {self.model_error} must be finite, "
                "the first not negative, the second above 0",
            )
        if self.rounds < 1:
            raise PredictionError("projection", f"takes 1 round or more, not {self.rounds}")

    @property
    def gain(self) -> float:
        """The share of y - A x that is corrected: 1 without noise."""
        return 1 / (1 + (self.noise / self.model_error) ** 2)

    @property
    def reach(self) -> Pair:
        """How far a corrected pixel looks, in LR pixels (vertical, lateral), in float32.

        Mathematically it depends on all pixels; what those further away contribute is below 2^-24
        of the correction.
        """
        return self._looks(self.rounds, 0), self._looks(self.rounds, 1)

    def __call__(self, x: Array, y: Array) -> Array:
        """The image nearest to ``x`` that agrees with ``y``.

        Args:
            x: super-resolved, float32 (v*H, h*W), (v*H, h*W, 3), or with slices before that; in
                [0, 1] or about it: best before it has been clipped. It is not modified.
            y: measured, float32 (H, W), (H, W, 3), or with slices before that, in [0, 1].

        Returns:
            Float32 of x's shape, not clipped.

        Raises:
            PredictionError: if the shapes do not fit the scale, or values are not finite.
        """
        result = np.empty(x.shape, np.float32)
        for plane, measured, corrected in self._planes(x, y, result):
            height = len(measured)
            for start in range(0, height, BAND):
                stop = min(height, start + BAND)
                first, last = self.rows(start, stop, height)
                factor = self.scale[0]
                corrected[start * factor : stop * factor] = self.correct(
                    np.ascontiguousarray(plane[first * factor : last * factor], np.float32),
                    measured[first:last],
                    (first, start, stop, height),
                )
        return result

    def residual(self, x: Array, y: Array) -> Residual:
        """A x - y of images as :meth:`__call__` takes them.

        Raises:
            PredictionError: as :meth:`__call__`.
        """
        total, factor = ResidualSum(), self.scale[0]
        for plane, measured, _ in self._planes(x, y, x):
            height = len(measured)
            for start in range(0, height, BAND):
                stop = min(height, start + BAND)
                first, last = max(0, start - NEIGHBOURS), min(height, stop + NEIGHBOURS)
                cells = np.ascontiguousarray(plane[first * factor : last * factor], np.float32)
                total.add(
                    self.difference(cells, measured[start:stop], (first, start, stop, height))
                )
        assert total.residual is not None  # planes of no pixels were refused
        return total.residual

    def difference(
        self, x: Array, y: Float, place: tuple[int, int, int, int]
    ) -> NDArray[np.float64]:
        """A x - y of some LR rows of one channel, whole width.

        Args:
            x: (v * rows, h * W), C-contiguous: HR pixels of these LR rows, and of two above and
                two below unless the image ends there.
            y: (rows, W): these LR rows.
            place: LR rows: the first of x, of y the first and the one after the last, height.

        Returns:
            Float64 (rows, W).
        """
        first, start, stop, height = place
        inside = self._inside((height, y.shape[1]), start, stop)
        return self._difference(x, y, inside, (first, start, stop)) / inside

    def measure(self, x: Array, corrected: Array, y: Array) -> Correction:
        """The residual of an image and of what has been made of it, clipped and rounded or not."""
        return Correction(self.residual(x, y), self.residual(corrected, y))

    def rows(self, start: int, stop: int, height: int) -> tuple[int, int]:
        """The LR rows to read for correcting those from ``start`` to ``stop`` of ``height``."""
        return self._around(start, stop, height, self.reach[0])

    def correct(self, x: Array, y: Float, place: tuple[int, int, int, int]) -> Array:
        """One band of one channel, whole width, of an image that may not be there as a whole.

        Args:
            x: (v * rows, h * W), C-contiguous: HR pixels of the LR rows that :meth:`rows` names.
            y: (rows, W): those LR rows.
            place: number of the first of them, start and stop of the band, height: in LR pixels.

        Returns:
            (v * (stop - start), h * W), float32, not clipped.
        """
        first, start, stop, height = place
        if self.gain < 1:
            y = self._target(x, y, first, height)
        for further in reversed(range(self.rounds)):
            top, bottom = self._around(start, stop, height, self._looks(further, 0))
            rows, place = slice(top - first, bottom - first), (first, top, bottom, height)
            x, y = self._step(x, y, place) if further else self._last(x, y, place), y[rows]
            first = top
            if further:
                np.clip(x, 0, 1, out=x)
        return x

    def _target(self, x: Array, y: Float, first: int, height: int) -> Float:
        """What A x' is to be: y where there is no noise, between it and A x where there is."""
        top, bottom = first, first + len(y)
        # Rows whose kernels are not all there are seen by nobody.
        inside = self._inside((height, y.shape[1]), top, bottom)
        difference = self._difference(x, y, inside, (first, top, bottom))
        return y + (1 - self.gain) * difference / inside

    def _step(self, x: Array, y: Float, place: tuple[int, int, int, int]) -> Array:
        """A step towards agreement, as :meth:`correct`: x - STEP / |T|^2 T^T (T x - D^-1 y)."""
        first, start, stop, height = place
        top, bottom = self._around(start, stop, height, NEIGHBOURS)
        inside = self._inside((height, y.shape[1]), top, bottom)
        residual = self._difference(
            x, y[top - first : bottom - first], inside, (first, top, bottom)
        )
        (vertical, lateral), kernel = self.scale, self.kernel
        residual *= STEP / (largest(vertical, kernel) * largest(lateral, kernel))
        return self._moved(x, residual.astype(np.float32), top, place)

    def _last(self, x: Array, y: Float, place: tuple[int, int, int, int]) -> Array:
        """The projection, as :meth:`correct`."""
        first, start, stop, height = place
        (vertical, lateral), width = self.scale, y.shape[1]
        top, bottom = self._around(start, stop, height, self._looks(1, 0) - NEIGHBOURS)
        inside = self._inside((height, width), top, bottom)
        measured = y[top - first : bottom - first]
        residual = self._difference(x, measured, inside, (first, top, bottom)).T
        z = gram(lateral, self.kernel, width, 0, width).solve(residual)
        z = gram(vertical, self.kernel, height, top, bottom).solve(np.ascontiguousarray(z.T))
        seen = max(top, start - NEIGHBOURS)
        used = z[seen - top : min(bottom, stop + NEIGHBOURS) - top].astype(np.float32)
        return self._moved(x, used, seen, place)

    def _moved(self, x: Array, z: Array, seen: int, place: tuple[int, int, int, int]) -> Array:
        """x - T^T z; the first row of z is LR row ``seen``."""
        first, start, stop, _ = place
        (vertical, lateral), kernel = self.scale, self.kernel
        wide = spread(np.ascontiguousarray(z.T), lateral, kernel, 0, 0, z.shape[1])
        correction = spread(np.ascontiguousarray(wide.T), vertical, kernel, seen, start, stop)
        now = x[(start - first) * vertical : (stop - first) * vertical]
        return np.subtract(now, correction, out=correction)

    def _looks(self, rounds: int, axis: int) -> int:
        """How far a pixel looks through the last so many rounds, in LR pixels along an axis."""
        if not rounds:
            return 0
        return decay(self.scale[axis], self.kernel) + 2 * NEIGHBOURS * rounds

    @staticmethod
    def _around(start: int, stop: int, height: int, rows: int) -> tuple[int, int]:
        return max(0, start - rows), min(height, stop + rows)

    def _inside(self, size: tuple[int, ...], start: int, stop: int) -> Float:
        """What of the kernels of LR rows ``start`` to ``stop`` lies in the image: (rows, W)."""
        vertical, lateral = self.scale
        rows = kept(vertical, self.kernel, size[0], start, stop)
        columns = kept(lateral, self.kernel, size[1], 0, size[1])
        return np.outer(rows, columns)

    def _difference(
        self, x: Array, y: Float, inside: Float, rows: tuple[int, int, int]
    ) -> NDArray[np.float64]:
        """T x - D^-1 y of LR rows, float64 (rows, W); ``rows``: first of x, start, stop."""
        vertical, lateral = self.scale
        width = y.shape[1]
        with np.errstate(invalid="ignore"):  # what is infinite is found below
            narrow = shrink(x, vertical, self.kernel, *rows)
            small = shrink(np.ascontiguousarray(narrow.T), lateral, self.kernel, 0, 0, width).T
            difference = small - inside * y
        if not np.isfinite(difference).all():
            raise PredictionError("projection", "values are not finite")
        return np.ascontiguousarray(difference)

    def _planes(self, x: Array, y: Array, out: Array) -> Iterator[tuple[Array, Array, Array]]:
        """Views (height, width) of each slice and channel."""
        vertical, lateral = self.scale
        for trailing in (0, 1):
            if x.ndim != y.ndim or y.ndim < 2 + trailing or (trailing and y.shape[-1] != 3):
                continue
            *before, height, width = y.shape[: y.ndim - trailing]
            expected = (*before, height * vertical, width * lateral, *y.shape[y.ndim - trailing :])
            if x.shape == expected and y.size:
                colour = (slice(None), slice(None))
                for index in np.ndindex(*before):
                    for channel in np.ndindex(*y.shape[y.ndim - trailing :]):
                        at = (*index, *colour, *channel)
                        yield x[at], y[at], out[at]
                return
        raise PredictionError(
            "projection",
            f"an image of shape {x.shape} is not {vertical} x {lateral} times one of {y.shape}",
        )
