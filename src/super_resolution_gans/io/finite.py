"""Numbers that are not finite: where they are, and what takes their place if that is asked for."""

import logging
import math
from collections.abc import Iterable
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.io.errors import ReadError
from super_resolution_gans.scan import printable

log = logging.getLogger(__name__)

Fill = float | Literal["min"]
"""What replaces NaN and infinite values: a number in the file's own units, or its smallest one."""

Band = tuple[int, int, NDArray[Any]]
"""Rows of a slice: its index, the first row, their numbers (h, width[, 3])."""


class _Stored(Protocol):
    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype[Any]: ...

    def read(self, index: int, rows: slice, columns: slice) -> NDArray[Any]: ...


class Survey:
    """What there is among a file's numbers.

    Attributes:
        low, high: the smallest and the largest finite number; infinite if there is none.
        bad: how many are NaN or infinite.
        first: slice, row and column of the first of them.
    """

    def __init__(self, bands: Iterable[Band]) -> None:
        self.low, self.high, self.bad = math.inf, -math.inf, 0
        self.first: tuple[int, int, int] | None = None
        for index, top, band in bands:
            self._add(index, top, band)

    def _add(self, index: int, top: int, band: NDArray[Any]) -> None:
        low, high = float(band.min()), float(band.max())
        if not (math.isfinite(low) and math.isfinite(high)):
            finite = np.isfinite(band)
            self.bad += finite.size - int(np.count_nonzero(finite))
            if self.first is None:
                row, column = np.unravel_index(int(finite.argmin()), finite.shape)[:2]
                self.first = (index, top + int(row), int(column))
            if not finite.any():
                return
            low = float(band.min(where=finite, initial=math.inf))
            high = float(band.max(where=finite, initial=-math.inf))
        self.low, self.high = min(self.low, low), max(self.high, high)


class Filled:
    """A file's numbers, with ``value`` in the place of those that are not finite."""

    def __init__(self, stored: _Stored, value: float) -> None:
        self._stored, self._value = stored, value
        self.shape, self.dtype = stored.shape, stored.dtype

    def read(self, index: int, rows: slice, columns: slice) -> NDArray[Any]:
        """A window of slice ``index``: (h, w) or (h, w, 3)."""
        return replaced(self._stored.read(index, rows, columns), self._value)


def replaced(values: NDArray[Any], value: float) -> NDArray[Any]:
    """The same numbers with ``value`` for those that are not finite."""
    return np.where(np.isfinite(values), values, values.dtype.type(value))


def filling(survey: Survey, dtype: np.dtype[Any], source: str, fill: Fill | None) -> float:
    """The number that takes the place of those that are not finite; it joins the survey.

    Raises:
        ReadError: if none was asked for, or there is none.
    """
    assert survey.first is not None
    some = "1 value is" if survey.bad == 1 else f"{survey.bad} values are"
    if fill is None:
        place = "slice {}, row {}, column {}".format(*survey.first)
        raise ReadError(
            source,
            f"{some} NaN or infinite, the first in {place}, counted from 0 (fill, or --fill of "
            "srgan upscale, replaces them)",
        )
    if fill == "min":
        if survey.low == math.inf:
            raise ReadError(source, "every value is NaN or infinite, so there is no smallest one")
        fill = survey.low
    with np.errstate(over="ignore"):
        value = float(dtype.type(fill))
    if not math.isfinite(value):
        raise ReadError(source, f"{fill:g} cannot fill in for values of type {dtype}")
    survey.low, survey.high = min(survey.low, value), max(survey.high, value)
    log.warning("%s: %s NaN or infinite, and %g here", printable(source), some, value)
    return value


def checked(fill: Any, source: str) -> Fill | None:
    """What a caller gave.

    Raises:
        ReadError: if it is neither None, a finite number nor "min".
    """
    if fill is None or fill == "min":
        return fill  # type: ignore[no-any-return]
    try:
        value = float(fill)
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise ReadError(source, f"fill is {fill!r}; expected a finite number or 'min'")
    return value
