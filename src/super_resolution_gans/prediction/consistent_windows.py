"""Upscaled pixels made to agree with the scan as they are read, for what does not fit in memory."""

from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.prediction.consistency import BAND, Projection
from super_resolution_gans.prediction.errors import PredictionError
from super_resolution_gans.scan import Scan, WindowSource

Array = NDArray[np.float32]
Gathered = tuple[Array, Array, tuple[int, int, int, int]]
"""Upscaled and measured rows, and their place, as ``Projection.correct`` takes them."""


class ConsistentWindows:
    """Upscaled pixels that agree with the scan, as a :class:`scan.WindowSource`.

    Read from the top in bands of rows of any height, each upscaled pixel is read once, and what is
    kept is three bands of 64 LR rows (more if the projection has more than three rounds) and the
    two newest corrected ones, full width, whatever the height. Other orders give the same bits,
    with more reading.

    Args:
        projection: what is done.
        upscaled: (slices, v*H, h*W[, 3]), best unclipped.
        scan: the measured one, (slices, H, W[, 3]), in memory or lazy.

    Raises:
        PredictionError: if the shapes do not fit the scale.
    """

    def __init__(self, projection: Projection, upscaled: WindowSource, scan: Scan) -> None:
        vertical, lateral = projection.scale
        slices, height, width, *channels = scan.shape
        self.shape = (slices, height * vertical, width * lateral, *channels)
        if tuple(upscaled.shape) != self.shape:
            raise PredictionError(
                "projection",
                f"pixels of shape {tuple(upscaled.shape)} are not {vertical} x {lateral} times a "
                f"scan of {scan.shape}",
            )
        self._projection, self._upscaled, self._scan = projection, upscaled, scan
        self._read: OrderedDict[tuple[int, int], Array] = OrderedDict()
        self._corrected: OrderedDict[tuple[int, int], Array] = OrderedDict()

    def read(self, index: int, rows: slice, columns: slice) -> Array:
        """One window of slice ``index``: float32 (h, w) or (h, w, 3), clipped to [0, 1]."""
        shape = (rows.stop - rows.start, columns.stop - columns.start, *self.shape[3:])
        window = np.empty(shape, np.float32)
        high = BAND * self._projection.scale[0]
        for number in range(rows.start // high, -(-rows.stop // high)):
            start, stop = max(rows.start, number * high), min(rows.stop, (number + 1) * high)
            band = self._band(index, number)[start - number * high : stop - number * high, columns]
            np.clip(band, 0, 1, out=window[start - rows.start : stop - rows.start])
        return window

    def _band(self, index: int, number: int) -> Array:
        key = (index, number)
        if key not in self._corrected:
            self._corrected[key] = self.corrected(self.gathered(index, number))
            if len(self._corrected) > 2:
                self._corrected.popitem(last=False)
        self._corrected.move_to_end(key)
        return self._corrected[key]

    def gathered(self, index: int, number: int) -> Gathered:
        """What a band of a slice needs to be corrected; bands are best asked for downwards."""
        height = self._scan.height
        start, stop = number * BAND, min(height, (number + 1) * BAND)
        first, last = self._projection.rows(start, stop, height)
        measured = self._scan.window(index, slice(first, last), slice(None))
        return self._rows(index, first, last), measured, (first, start, stop, height)

    def corrected(self, gathered: Gathered) -> Array:
        """A band, whole width, not clipped; any thread may do this."""
        upscaled, measured, place = gathered
        if measured.ndim == 2:
            return self._projection.correct(upscaled, measured, place)
        _, start, stop, _ = place
        rows = (stop - start) * self._projection.scale[0]
        corrected = np.empty((rows, *self.shape[2:]), np.float32)
        for channel in range(3):
            plane = np.ascontiguousarray(upscaled[..., channel])
            corrected[..., channel] = self._projection.correct(plane, measured[..., channel], place)
        return corrected

    def _rows(self, index: int, first: int, last: int) -> Array:
        """HR pixels of LR rows ``first`` to ``last``, put together of bands that are kept."""
        factor = self._projection.scale[0]
        rows = np.empty(((last - first) * factor, *self.shape[2:]), np.float32)
        for number in range(first // BAND, -(-last // BAND)):
            offset = number * BAND
            start, stop = max(first, offset), min(last, offset + BAND)
            band = self._kept(index, number)
            rows[(start - first) * factor : (stop - first) * factor] = band[
                (start - offset) * factor : (stop - offset) * factor
            ]
        return rows

    def _kept(self, index: int, number: int) -> Array:
        key = (index, number)
        if key not in self._read:
            high = BAND * self._projection.scale[0]
            rows = slice(number * high, min(self.shape[1], (number + 1) * high))
            self._read[key] = self._upscaled.read(index, rows, slice(0, self.shape[2]))
            if len(self._read) > 1 + 2 * -(-self._projection.reach[0] // BAND):
                self._read.popitem(last=False)
        self._read.move_to_end(key)
        return self._read[key]
