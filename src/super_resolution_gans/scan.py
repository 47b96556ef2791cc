"""A scan: pixels between 0 and 1, and what is known of where they came from.

Inside the package pixels are float32, (slices, height, width[, 3]), in [0, 1]. A :class:`Scan` also
keeps what is needed to go back: the numbers' type, and the values that 0 and 1 stand for.
"""

import math
import operator
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

Spacing = tuple[float | None, float | None, float | None]
"""Distance in mm between slices, rows (axial) and columns (lateral); None where unknown."""

Range = tuple[float, float]
"""Two stored values, the one that 0.0 and the one that 1.0 stands for."""

_STORED_TYPES = frozenset(
    map(np.dtype, ("u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8"))
)
_BAND = 1 << 18  # as float64 they stay in the processor's cache


class ScanError(ValueError):
    """These pixels are no scan; the message names the scan and the reason in one line."""

    def __init__(self, source: str | None, reason: str) -> None:
        super().__init__(f"{printable(source or 'array')}: {printable(reason)}")
        self.source, self.reason = source, reason


class WindowSource(Protocol):
    """Pixels read piece by piece; ``read_stored``, if there is one, gives original numbers."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(slices, height, width) or (slices, height, width, 3)."""

    def read(self, index: int, rows: slice, columns: slice) -> NDArray[np.float32]:
        """A window of slice ``index``: float32 (h, w[, 3]) in [0, 1]; ends inside, no steps."""


@dataclass(frozen=True, eq=False)
class Scan:
    """One or more slices of a scan, grey or colour; a frozen value.

    Attributes:
        pixels: float32 (slices, height, width) or (slices, height, width, 3) in [0, 1], kept as a
            read-only view of what was given, not a copy; or a :class:`WindowSource` of that shape.
        spacing: mm per (slice, row, column); None where unknown.
        source: where the scan came from, for messages.
        dtype: type of the original numbers, integer or float, in native byte order.
        value_range: original values of 0.0 and 1.0; both the same in a constant scan, all 0.0.
        details: what else the file says of the scan, as words for people: device, eye, ...; never
            what identifies a person.
        header: what a writer of the same format can use again, as that format's library has it;
            None for most. It may identify a person.

    Raises:
        ScanError: if pixels, spacing, dtype or range are anything else.
    """

    pixels: NDArray[np.float32] | WindowSource
    spacing: Spacing = (None, None, None)
    source: str | None = None
    dtype: np.dtype[Any] = field(default_factory=lambda: np.dtype(np.uint8))
    value_range: Range = (0.0, 255.0)
    details: Mapping[str, str] = field(default_factory=dict)
    header: Any = field(default=None, repr=False)

    def __post_init__(self) -> None:
        replace_field = partial(object.__setattr__, self)  # a frozen value's own way
        replace_field("dtype", _stored_type(self.dtype, self.source))
        replace_field("value_range", _checked_range(self.value_range, self.dtype, self.source))
        replace_field("spacing", _checked_spacing(self.spacing, self.source))
        shape = tuple(int(n) for n in self.pixels.shape)
        if len(shape) not in (3, 4) or (len(shape) == 4 and shape[3] != 3):
            expected = "(slices, height, width) or (slices, height, width, 3)"
            raise ScanError(self.source, f"pixels of shape {shape}; expected {expected}")
        if 0 in shape:
            raise ScanError(self.source, f"no pixels: the shape is {shape}")
        if isinstance(self.pixels, np.ndarray):
            _check_values(self.pixels, self.source)
            view = self.pixels.view()
            view.flags.writeable = False
            replace_field("pixels", view)

    @classmethod
    def from_array(
        cls,
        array: ArrayLike,
        *,
        spacing: Spacing = (None, None, None),
        source: str | None = None,
        value_range: Range | None = None,
    ) -> Self:
        """Make a scan of an array of numbers; the array is not modified.

        Args:
            array: (height, width); of three axes (height, width, 3) or (height, width, 1) if the
                last is 3 or 1, otherwise (slices, height, width); (slices, height, width, 3) or
                (slices, height, width, 1). Integers, floats, or bool, which becomes 0 and 255.
            spacing: mm per (slice, row, column).
            source: a name for messages.
            value_range: the values that become 0 and 1; by default :func:`natural_range`.

        Raises:
            ScanError: if the array is no scan, or has values outside ``value_range``.
        """
        values = np.asarray(array)
        if values.dtype == np.bool_:
            values = values.astype(np.uint8) * np.uint8(255)
        dtype = _stored_type(values.dtype, source)
        values = as_slices(values, source)
        low, high = extremes(values, source)
        if value_range is None:
            value_range = natural_range(dtype, low, high)
        elif low < value_range[0] or high > value_range[1]:
            expected = f"{value_range[0]:g} to {value_range[1]:g}"
            raise ScanError(source, f"values from {low:g} to {high:g} are not within {expected}")
        return cls(to_unit(values, value_range), spacing, source, dtype, value_range)

    @property
    def shape(self) -> tuple[int, ...]:
        """(slices, height, width) or (slices, height, width, 3)."""
        return tuple(int(n) for n in self.pixels.shape)

    @property
    def slices(self) -> int:
        return self.shape[0]

    @property
    def height(self) -> int:
        return self.shape[1]

    @property
    def width(self) -> int:
        return self.shape[2]

    @property
    def channels(self) -> int:
        """1 (grey) or 3 (red, green, blue)."""
        return 3 if len(self.shape) == 4 else 1

    @property
    def is_lazy(self) -> bool:
        """Whether the pixels are read when asked for."""
        return not isinstance(self.pixels, np.ndarray)

    def window(self, index: int, rows: slice, columns: slice) -> NDArray[np.float32]:
        """A window of slice ``index``: float32 (h, w) or (h, w, 3) in [0, 1], possibly read-only.

        ``rows`` and ``columns`` are cut at the slice's borders, as numpy does; no steps.

        Raises:
            IndexError: if there is no such slice, or a step.
            ScanError: if a lazy source delivers something else than pixels.
        """
        index = operator.index(index)
        if not 0 <= index < self.slices:
            raise IndexError(f"slice {index} of a scan with {self.slices}")
        if {rows.step, columns.step} - {None, 1}:
            raise IndexError("a window has no steps")
        rows, columns = _inside(rows, self.height), _inside(columns, self.width)
        if isinstance(self.pixels, np.ndarray):
            return self.pixels[index, rows, columns]
        window = self.pixels.read(index, rows, columns)
        expected = (rows.stop - rows.start, columns.stop - columns.start, *self.shape[3:])
        if window.shape != expected:
            raise ScanError(self.source, f"a window has shape {window.shape}, not {expected}")
        if window.size:
            _check_values(window, self.source)
        return window

    def slice_pixels(self, index: int) -> NDArray[np.float32]:
        """A whole slice: float32 (height, width) or (height, width, 3) in [0, 1]."""
        return self.window(index, slice(None), slice(None))

    def load(self) -> "Scan":
        """The same scan with its pixels in memory."""
        if not self.is_lazy:
            return self
        pixels = np.empty(self.shape, np.float32)
        for index in range(self.slices):
            pixels[index] = self.slice_pixels(index)
        return replace(self, pixels=pixels)

    def stored_slice(self, index: int, rows: slice | None = None) -> NDArray[Any]:
        """Slice ``index``, or rows of it, as original numbers: (h, width[, 3]) in ``dtype``."""
        window = (index, _inside(rows or slice(None), self.height), slice(0, self.width))
        if read_stored := getattr(self.pixels, "read_stored", None):
            return np.asarray(read_stored(*window))
        return to_stored(self.window(*window), self.dtype, self.value_range)

    def to_array(self) -> NDArray[Any]:
        """All pixels as original numbers: (slices, height, width[, 3]) in ``dtype``.

        Integers are rounded half to even and clipped to their type.
        """
        stored = np.empty(self.shape, self.dtype)
        for index in range(self.slices):
            stored[index] = self.stored_slice(index)
        return stored


def as_slices(values: NDArray[Any], source: str | None = None) -> NDArray[Any]:
    """A view as (slices, height, width[, 3]), by ``from_array``'s rule; else a ScanError."""
    if values.ndim == 2 or (values.ndim == 3 and values.shape[2] in (1, 3)):
        values = values[np.newaxis]
    if values.ndim == 4 and values.shape[3] == 1:
        values = values[..., 0]
    if values.ndim == 3 or (values.ndim == 4 and values.shape[3] == 3):
        if 0 in values.shape:
            raise ScanError(source, f"no pixels: the shape is {values.shape}")
        return values
    expected = "(height, width[, 3]) or (slices, height, width[, 3])"
    raise ScanError(source, f"an array of shape {values.shape} is no scan; expected {expected}")


def natural_range(dtype: DTypeLike, low: float, high: float) -> Range:
    """The range that numbers of this type, lying between ``low`` and ``high``, are meant in.

    uint8 and uint16 mean their whole range, whatever was used of it. Floats in [0, 1] mean that.
    Wider and signed integers are containers: they mean the range of uint8 or uint16, or what their
    type can hold of it, if they fit there. Anything else means its own extremes.
    """
    kind = np.dtype(dtype)
    if kind.kind == "u" and kind.itemsize <= 2:
        return (0.0, float(np.iinfo(kind).max))
    most = 1.0 if kind.kind == "f" else float(np.iinfo(kind).max)
    for ceiling in (min(255.0, most), min(65535.0, most)):
        if low >= 0 and high <= ceiling:
            return (0.0, ceiling)
    return (float(low), float(high))


def extremes(values: NDArray[Any], source: str | None = None) -> Range:
    """Smallest and largest number.

    Raises:
        ScanError: if one of them is not finite.
    """
    low, high = float(values.min()), float(values.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        bad = ~np.isfinite(values)
        first = [int(n) for n in np.unravel_index(bad.argmax(), bad.shape)]
        raise ScanError(source, f"{bad.sum()} values are NaN or infinite, the first at {first}")
    return low, high


def to_unit(values: NDArray[Any], value_range: Range) -> NDArray[np.float32]:
    """Stored numbers within ``value_range`` as float32 in [0, 1]; a new array of the same shape."""
    low, high = value_range
    out = np.empty(values.shape, np.float32)
    if high == low:
        out.fill(0)
    elif values.dtype.kind == "u" and values.dtype.itemsize <= 2 and low == 0:
        # Both operands are exact in float32, so the quotient is correctly rounded without float64.
        np.divide(values, np.float32(high), out=out, dtype=np.float32)
    else:
        half = 0.5 if math.isinf(high - low) else 1.0
        for band in _bands(values.shape):
            wide = values[band].astype(np.float64)
            wide *= half
            wide -= low * half
            wide /= high * half - low * half
            out[band] = wide
    return out


def to_stored(pixels: NDArray[np.float32], dtype: np.dtype[Any], ends: Range) -> NDArray[Any]:
    """float32 in [0, 1] as numbers of ``dtype``, rounded half to even and clipped; a new array."""
    low, high = ends
    out = np.empty(pixels.shape, dtype)
    for band in _bands(pixels.shape):
        wide = pixels[band].astype(np.float64)
        # Weighing both ends, unlike low + p * (high - low), meets both and cannot overflow.
        wide = high * wide + low * (1.0 - wide) if low else high * wide
        out[band] = wide if dtype.kind == "f" else _rounded(wide, dtype)
    return out


def _rounded(wide: NDArray[np.float64], dtype: np.dtype[Any]) -> NDArray[Any]:
    limits = np.iinfo(dtype)
    np.rint(wide, out=wide)
    if dtype.itemsize < 8:
        return np.clip(wide, limits.min, limits.max, out=wide).astype(dtype)
    # float(2**64 - 1) is 2**64, one more than fits, so the top is set apart and not cast.
    full = wide >= float(limits.max)
    stored: NDArray[Any] = np.where(full, 0, np.maximum(wide, float(limits.min))).astype(dtype)
    stored[full] = limits.max
    return stored


def _bands(shape: tuple[int, ...]) -> Iterator[tuple[int | slice, ...]]:
    """Index an array piece by piece, so that float64 copies stay small."""
    if len(shape) > 1 and math.prod(shape[1:]) > _BAND:
        for index in range(shape[0]):
            for band in _bands(shape[1:]):
                yield (index, *band)
    else:
        rows = max(1, _BAND // max(1, math.prod(shape[1:])))
        for start in range(0, shape[0], rows):
            yield (slice(start, start + rows),)


def printable(text: str) -> str:
    """The text on one line, with control characters, line ends and odd bytes shown escaped."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _inside(window: slice, length: int) -> slice:
    start, stop, _ = window.indices(length)
    return slice(start, max(start, stop))


def _stored_type(dtype: DTypeLike, source: str | None) -> np.dtype[Any]:
    kind = np.dtype(dtype).newbyteorder("=")
    if kind not in _STORED_TYPES:
        raise ScanError(source, f"pixels of type {kind} are not supported")
    return kind


def _checked_range(value_range: Range, dtype: np.dtype[Any], source: str | None) -> Range:
    low, high = (float(end) for end in value_range)
    limits = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
    if not float(limits.min) <= low <= high <= float(limits.max):
        raise ScanError(source, f"{low:g} to {high:g} is no range of {dtype} values")
    return low, high


def _checked_spacing(spacing: Spacing, source: str | None) -> Spacing:
    slices, rows, columns = known = [None if mm is None else float(mm) for mm in spacing]
    for mm in known:
        if mm is not None and not (math.isfinite(mm) and mm > 0):
            raise ScanError(source, f"a spacing of {mm:g} mm makes no sense")
    return slices, rows, columns


def _check_values(pixels: NDArray[np.float32], source: str | None) -> None:
    if pixels.dtype != np.float32:
        raise ScanError(source, f"pixels of type {pixels.dtype}; expected float32")
    low, high = extremes(pixels, source)
    if low < 0 or high > 1:
        raise ScanError(source, f"pixels from {low:g} to {high:g}; expected [0, 1]")
