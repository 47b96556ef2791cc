"""Numbers as a file stores them -> Scan: in memory if small, read piece by piece if large."""

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.io.errors import ReadError
from super_resolution_gans.io.finite import Band, Fill, Filled, Survey, filling, replaced
from super_resolution_gans.scan import (
    Range,
    Scan,
    ScanError,
    Spacing,
    natural_range,
    to_unit,
)

UNKNOWN: Spacing = (None, None, None)

_BAND_NUMBERS = 1 << 25
_LONGEST_WORDS = 200
_MOST_CHANNELS = 4
# What a decoder raises when it stumbles over what it did not expect: words for programmers.
_STUMBLES = (TypeError, AttributeError, LookupError, ArithmeticError, AssertionError, struct.error)


@dataclass(frozen=True)
class Limits:
    """How much a reader takes on, and what it does about numbers that are not finite.

    Attributes:
        max_pixels: most pixels (height x width) of one slice, which may have four numbers each.
        lazy_above: a scan of more bytes than this as float32 is read piece by piece, if it can be.
        stream_above: the same for one whose numbers say nothing about its range or colour, so that
            reading it piece by piece costs no second look at them.
        max_memory: most bytes of numbers, as stored, of a volume that cannot be read piece by
            piece.
        fill: what takes the place of NaN and infinite values; None refuses them.
    """

    max_pixels: int
    lazy_above: int
    stream_above: int
    max_memory: int = 2 << 30
    fill: Fill | None = None


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
            survey = Survey(() if plain else ((n, 0, values[n]) for n in range(len(values))))
            if survey.bad:
                values = replaced(values, filling(survey, stored.dtype, source, limits.fill))
            if values.ndim == 4 and is_grey(values):
                values = values[..., 0]
            ends = sure or _meant(stored.dtype, survey, told_range)
            if values.ndim == 3:
                values = values[..., np.newaxis]  # so that three columns are not taken for RGB
            return Scan.from_array(values, spacing=spacing, source=source, value_range=ends)
        survey = Survey(() if plain else _bands(stored, source))
        if survey.bad:
            stored = Filled(stored, filling(survey, stored.dtype, source, limits.fill))
        grey = len(stored.shape) == 4 and all(
            is_grey(band) for _, _, band in _bands(stored, source)
        )
        ends = sure or _meant(stored.dtype, survey, told_range)
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
    """Refuse (ReadError) an image without pixels, or with too many, before it is decoded."""
    if height < 1 or width < 1:
        raise ReadError(source, f"an image of {width} x {height} pixels has nothing to read")
    if height * width > limits.max_pixels:
        raise too_many_pixels(source, f"{width} x {height} pixels", limits)
    if height * width * channels > _MOST_CHANNELS * limits.max_pixels:
        size = (
            f"{width} x {height} pixels of {channels} channels, of which four count as one pixel,"
        )
        raise too_many_pixels(source, size, limits)


def too_many_pixels(source: str, what: str, limits: Limits) -> ReadError:
    """The refusal of ``what``, and how to have it read."""
    return ReadError(
        source,
        f"{what} are over the limit of {limits.max_pixels} a slice (max_pixels, or --max-pixels of "
        "srgan upscale, raises it)",
    )


def check_memory(source: str, count: int, limits: Limits, cure: str = "") -> None:
    """Refuse (ReadError) a volume of ``count`` bytes that has to be in memory, if that is much."""
    if count > limits.max_memory:
        raise ReadError(
            source,
            f"its slices take {count} bytes and have to be in memory together; the limit is "
            f"{limits.max_memory} (max_memory of read_scan raises it{cure})",
        )


def explain(error: Exception) -> str:
    """What an exception from a decoder says, without a full stop, and not at length.

    Some quote the bytes that they stumbled over.
    """
    if isinstance(error, _STUMBLES):
        return "its structure makes no sense"
    said = str(error).strip()
    if len(said) > _LONGEST_WORDS:
        return f"{said[:_LONGEST_WORDS]}..."
    return said.rstrip(".") or type(error).__name__


def _meant(dtype: np.dtype[Any], survey: Survey, told: Range | None) -> Range:
    if _is_plain(dtype, told):
        return natural_range(dtype, 0, 0)
    if told is not None and told[0] <= survey.low and survey.high <= told[1]:
        return told
    return natural_range(dtype, survey.low, survey.high)


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


def _bands(stored: Stored, source: str) -> Iterator[Band]:
    _, height, width = stored.shape[:3]
    step = max(1, _BAND_NUMBERS // (width * math.prod(stored.shape[3:])))
    for index in range(stored.shape[0]):
        for top in range(0, height, step):
            rows = slice(top, min(top + step, height))
            yield index, top, read_window(stored, source, index, rows, slice(0, width))


def _whole(stored: Stored) -> tuple[slice, slice]:
    return slice(0, stored.shape[1]), slice(0, stored.shape[2])
