"""Numbers as a file stores them -> Scan: in memory if small, read piece by piece if large."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.io.errors import ReadError
from super_resolution_gans.scan import (
    Range,
    Scan,
    ScanError,
    Spacing,
    extremes,
    natural_range,
    to_unit,
)

UNKNOWN: Spacing = (None, None, None)

_BAND_NUMBERS = 1 << 25


@dataclass(frozen=True)
class Limits:
    """How much a reader takes on.

    Attributes:
        max_pixels: most numbers (height x width x channels) of one slice.
        lazy_above: a scan of more bytes than this as float32 is read piece by piece, if it can be.
        stream_above: the same for one whose numbers say nothing about its range or colour, so that
            reading it piece by piece costs no second look at them.
    """

    max_pixels: int
    lazy_above: int
    stream_above: int


class Stored(Protocol):
    """A file's numbers, upright, in the type a scan keeps: grey, or red, green and blue."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(slices, height, width) or (slices, height, width, 3)."""

    @property
    def dtype(self) -> np.dtype[Any]: ...

    def read(self, index: int, rows: slice, columns: slice) -> NDArray[Any]:
        """A window of slice ``index``: (h, w) or (h, w, 3)."""


class StoredSource:
    """The :class:`WindowSource` over a file's numbers."""

    def __init__(self, stored: Stored, source: str, value_range: Range, grey: bool) -> None:
        self._stored, self._source, self._range = stored, source, value_range
        self._grey = grey and len(stored.shape) == 4
        self.shape = stored.shape[:3] if self._grey else stored.shape

    def read(self, index: int, rows: slice, columns: slice) -> NDArray[np.float32]:
        """float32 (h, w) or (h, w, 3) in [0, 1]."""
        values = read_window(self._stored, self._source, index, rows, columns)
        return to_unit(values[..., 0] if self._grey else values, self._range)


def scan_of(
    stored: Stored,
    source: str,
    *,
    limits: Limits,
    spacing: Spacing = UNKNOWN,
    told_range: Range | None = None,
    certain: bool = False,
) -> Scan:
    """A scan of these numbers, lazy if the limits say so.

    Colour in which red, green and blue agree everywhere becomes grey.

    Args:
        told_range: what the file says that 0 and 1 stand for; believed if all numbers lie within,
            otherwise, or if the file says nothing, it is what such numbers naturally mean.
        certain: all numbers lie within ``told_range``; grey ones need not be searched.

    Raises:
        ReadError: if numbers cannot be read or are not finite.
    """
    try:
        sure = told_range if certain else None
        plain = certain or _is_plain(stored.dtype, told_range)
        searched = len(stored.shape) == 4 or not plain
        if 4 * math.prod(stored.shape) <= (limits.lazy_above if searched else limits.stream_above):
            values = _all(stored, source)
            if values.ndim == 4 and is_grey(values):
                values = values[..., 0]
            ends = sure or _meant(stored.dtype, [values], source, told_range)
            if values.ndim == 3:
                values = values[..., np.newaxis]  # so that three columns are not taken for RGB
            return Scan.from_array(values, spacing=spacing, source=source, value_range=ends)
        grey = len(stored.shape) == 4 and all(is_grey(band) for band in _bands(stored, source))
        ends = sure or _meant(stored.dtype, _bands(stored, source), source, told_range)
        pixels = StoredSource(stored, source, ends, grey)
        return Scan(pixels, spacing, source, stored.dtype, ends)
    except ScanError as error:
        raise ReadError(source, error.reason) from None


def read_window(
    stored: Stored, source: str, index: int, rows: slice, columns: slice
) -> NDArray[Any]:
    """``stored.read``, whatever goes wrong in a decoder being a :class:`ReadError`."""
    try:
        return stored.read(index, rows, columns)
    except ReadError:
        raise
    except MemoryError:
        raise ReadError(source, "too large for the memory of this machine") from None
    except Exception as error:  # decoders of damaged data raise whatever comes
        raise ReadError(source, f"damaged or not supported ({explain(error)})") from None


def is_grey(values: NDArray[Any]) -> bool:
    """Whether red, green and blue of (..., 3) agree in every pixel."""
    red = values[..., 0]
    return np.array_equal(red, values[..., 1]) and np.array_equal(red, values[..., 2])


def check_size(source: str, height: int, width: int, channels: int, limits: Limits) -> None:
    """Refuse an image without pixels, or with too many, before it is decoded."""
    if height < 1 or width < 1:
        raise ReadError(source, f"an image of {width} x {height} pixels has nothing to read")
    if height * width * channels > limits.max_pixels:
        times = f" x {channels} channels" if channels > 1 else ""
        raise ReadError(
            source,
            f"{width} x {height} pixels{times} are over the limit of {limits.max_pixels} "
            "(max_pixels, or --max-pixels of srgan upscale, raises it)",
        )


def explain(error: Exception) -> str:
    """What an exception from a decoder says, without a full stop."""
    return str(error).strip().rstrip(".") or type(error).__name__


def _meant(
    dtype: np.dtype[Any], bands: Iterable[NDArray[Any]], source: str, told: Range | None
) -> Range:
    if _is_plain(dtype, told):
        return natural_range(dtype, 0, 0)
    ends = [extremes(band, source) for band in bands]
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    if told is not None and told[0] <= low and high <= told[1]:
        return told
    return natural_range(dtype, low, high)


def _is_plain(dtype: np.dtype[Any], told: Range | None) -> bool:
    """Whether the range follows from the type, so that a large file need not be searched."""
    if dtype.kind != "u" or dtype.itemsize > 2:
        return False
    return told is None or told == natural_range(dtype, 0, 0)


def _all(stored: Stored, source: str) -> NDArray[Any]:
    values = np.empty(stored.shape, stored.dtype)
    for index in range(stored.shape[0]):
        values[index] = read_window(stored, source, index, *_whole(stored))
    return values


def _bands(stored: Stored, source: str) -> Iterator[NDArray[Any]]:
    _, height, width = stored.shape[:3]
    step = max(1, _BAND_NUMBERS // (width * math.prod(stored.shape[3:])))
    for index in range(stored.shape[0]):
        for top in range(0, height, step):
            rows = slice(top, min(top + step, height))
            yield read_window(stored, source, index, rows, slice(0, width))


def _whole(stored: Stored) -> tuple[slice, slice]:
    return slice(0, stored.shape[1]), slice(0, stored.shape[2])
