"""The residual of an image that is never there as a whole: of what is written, as it is written."""

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.prediction.consistency import BAND, Projection
from super_resolution_gans.prediction.residual import Residual, ResidualSum
from super_resolution_gans.prediction.shrinking import NEIGHBOURS

Array = NDArray[np.float32]


class ResidualMeter:
    """Adds up A x - y, given rows of both; it keeps a band of rows, and what they became.

    Bands are the same in whatever pieces the rows come, and so are the bits: they go into files.

    Args:
        projection: which A; whether the image was made to agree does not matter.
        height: of a slice, in LR pixels.
    """

    def __init__(self, projection: Projection, height: int) -> None:
        self._projection, self._height = projection, height
        self._sum = ResidualSum()
        self._x: Array | None = None
        self._y: Array | None = None
        self._first = self._done = 0  # LR rows of the slice: kept from, and counted up to

    def add(self, x: Array, y: Array) -> None:
        """Rows that follow those before, slice by slice, each complete.

        Args:
            x: upscaled, float32 (v*h, l*w) or (v*h, l*w, 3) in [0, 1].
            y: measured, float32 (h, w) or (h, w, 3) in [0, 1].
        """
        self._x = x if self._x is None else np.concatenate((self._x, x))
        self._y = y if self._y is None else np.concatenate((self._y, y))
        there = self._first + len(self._y)
        while self._done < self._height:
            stop = min(self._done + BAND, self._height)
            if there < min(stop + NEIGHBOURS, self._height):
                break
            self._count_rows(self._x, self._y, stop)
        if there == self._height:
            self._x = self._y = None
            self._first = self._done = 0
            return
        first = max(self._first, self._done - NEIGHBOURS)
        # Copies, since views would keep all that came.
        self._x = self._x[(first - self._first) * self._projection.scale[0] :].copy()
        self._y = self._y[first - self._first :].copy()
        self._first = first

    @property
    def residual(self) -> Residual | None:
        """Of all rows that have been added; None before any could be counted."""
        return self._sum.residual

    def _count_rows(self, x: Array, y: Array, stop: int) -> None:
        start, factor = self._done, self._projection.scale[0]
        first, last = max(0, start - NEIGHBOURS), min(stop + NEIGHBOURS, self._height)
        cells = x[(first - self._first) * factor : (last - self._first) * factor]
        rows = y[start - self._first : stop - self._first]
        for channel in range(3 if y.ndim == 3 else 1):
            here = (..., channel) if y.ndim == 3 else ...
            plane = np.ascontiguousarray(cells[here])
            place = (first, start, stop, self._height)
            self._sum.add(self._projection.difference(plane, rows[here], place))
        self._done = stop
