"""The residual of an image that is never there as a whole: of what is written, as it is written."""

import math

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.prediction.consistency import Projection
from super_resolution_gans.prediction.residual import Residual
from super_resolution_gans.prediction.shrinking import NEIGHBOURS

Array = NDArray[np.float32]


class ResidualMeter:
    """Adds up A x - y, given rows of both; it keeps four LR rows, and what they became.

    Args:
        projection: which A; whether the image was made to agree does not matter.
        height: of a slice, in LR pixels.
    """

    def __init__(self, projection: Projection, height: int) -> None:
        self._projection, self._height = projection, height
        # Row by row and added exactly, so that it does not matter in which pieces they came.
        self._squares: list[float] = []
        self._largest, self._count = 0.0, 0
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
        stop = there if there == self._height else there - NEIGHBOURS
        if stop > self._done:
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
        if not self._count:
            return None
        return Residual(math.sqrt(math.fsum(self._squares) / self._count), self._largest)

    def _count_rows(self, x: Array, y: Array, stop: int) -> None:
        rows = slice(self._done - self._first, stop - self._first)
        place = (self._first, self._done, stop, self._height)
        for channel in range(3 if y.ndim == 3 else 1):
            here = (..., channel) if y.ndim == 3 else ...
            plane = np.ascontiguousarray(x[here])
            difference = self._projection.difference(plane, y[here][rows], place)
            self._squares += np.square(difference).sum(axis=1).tolist()
            self._largest = max(self._largest, float(np.abs(difference).max()))
            self._count += difference.size
        self._done = stop
