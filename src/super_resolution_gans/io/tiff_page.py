"""One page of a TIFF file: windows of its numbers, upright, grey or RGB."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.io import orientation
from super_resolution_gans.io.raster import over_black
from super_resolution_gans.io.tiff_cache import SegmentCache
from super_resolution_gans.io.tiff_codecs import (
    NONE,
    bytes_in,
    decompress,
    undo_prediction,
    unpack_bits,
)

_LARGEST_SEGMENT = 1 << 31
_SLACK = 1 << 12

MIN_IS_WHITE, MIN_IS_BLACK, RGB, PALETTE = 0, 1, 2, 3


class Page(Protocol):
    """A page as a scan wants it."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(height, width) or (height, width, 3), upright."""

    @property
    def dtype(self) -> np.dtype[Any]: ...

    def read(self, rows: slice, columns: slice) -> NDArray[Any]: ...


@dataclass(frozen=True)
class Meaning:
    """What the samples of a pixel stand for.

    Attributes:
        photometric: tag 262, one of the four numbers above.
        bits: significant bits of a sample.
        alpha: None, "associated" (colours are already multiplied by it) or "unassociated".
        palette: (entries, 3), 8-bit.
    """

    photometric: int
    bits: int
    alpha: str | None = None
    palette: NDArray[np.uint8] | None = None

    @property
    def colours(self) -> int:
        """Samples that are a colour: 3 or 1."""
        return 3 if self.photometric == RGB else 1

    @property
    def samples(self) -> int:
        """Samples that are needed."""
        return self.colours + (self.alpha == "unassociated")

    def apply(self, samples: NDArray[Any]) -> NDArray[Any]:
        """(h, w, samples) as stored -> (h, w) or (h, w, 3)."""
        if self.palette is not None:
            index = np.minimum(samples[..., 0], len(self.palette) - 1)
            colours_of: NDArray[Any] = self.palette[index]
            return colours_of
        colours = self.colours
        values: NDArray[Any] = samples[..., :3] if colours == 3 else samples[..., 0]
        if self.bits < 8:
            values = values * np.uint8(255 // ((1 << self.bits) - 1))
        if self.photometric == MIN_IS_WHITE:
            values = _white_at(self.bits, values.dtype) - values
        if self.alpha == "unassociated":
            if values.dtype.kind == "f":
                share = samples[..., colours]
                values = values * (share[..., np.newaxis] if colours == 3 else share)
            else:
                values = over_black(values, samples[..., colours])
        return values


@dataclass(frozen=True)
class Layout:
    """Where the numbers of a page are: a grid of strips or tiles.

    Attributes:
        height, width, samples: of the stored page.
        used: how many of the samples are wanted, the first ones.
        separate: whether each sample has strips or tiles of its own.
        bits: of a number, 1 to 16, 32 or 64.
        dtype: of a number, with the file's byte order; unsigned if packed.
        compression, predictor: tags 259 and 317.
        rows, columns: of a strip or tile.
        offsets, counts: bytes, for each strip or tile in the file's order.
    """

    height: int
    width: int
    samples: int
    used: int
    separate: bool
    bits: int
    dtype: np.dtype[Any]
    compression: int
    predictor: int
    rows: int
    columns: int
    tiled: bool
    offsets: tuple[int, ...]
    counts: tuple[int, ...]

    def problem(self, file_bytes: int) -> str | None:
        """Why the page cannot be decoded, or None."""
        across = math.ceil(self.width / self.columns)
        down = math.ceil(self.height / self.rows)
        expected = across * down * (self.samples if self.separate else 1)
        if len(self.offsets) != expected or len(self.counts) != expected:
            return f"damaged TIFF ({expected} strips or tiles expected, {len(self.offsets)} listed)"
        if self.segment_bytes(self.rows) > _LARGEST_SEGMENT and self.compression != NONE:
            return "a compressed strip or tile of more than 2 GiB is not supported"
        for number in range(across * down * (self.used if self.separate else 1)):
            offset, count = self.offsets[number], self.counts[number]
            if self.compression == NONE:
                count = self.segment_bytes(self._rows_of(number))
            if offset <= 0 or count <= 0 or offset + count > file_bytes:
                return "truncated TIFF (pixels lie beyond the end of the file)"
        return None

    def segment_bytes(self, rows: int) -> int:
        """Uncompressed size of a strip or tile of this many rows."""
        return rows * bytes_in(self.columns * self._together, self.bits)

    @property
    def copied(self) -> bool:
        """Whether decoding a strip or tile makes numbers, rather than pointing at the file's."""
        return self.compression != NONE or self.bits not in (8, 16, 32, 64)

    @property
    def band_bytes(self) -> int:
        """Decoded size of what windows in bands of rows share: two rows of strips or tiles."""
        across, down = math.ceil(self.width / self.columns), math.ceil(self.height / self.rows)
        planes = self.used if self.separate else 1
        numbers = self.rows * self.columns * self._together * across * planes
        return min(2, down) * numbers * self.dtype.itemsize

    @property
    def _together(self) -> int:
        return 1 if self.separate else self.samples

    def _rows_of(self, number: int) -> int:
        """Rows stored for a strip or tile: the last strip is cut, a tile never."""
        down = math.ceil(self.height / self.rows)
        top = number // math.ceil(self.width / self.columns) % down * self.rows
        return self.rows if self.tiled else min(self.rows, self.height - top)

    def overlaps(self, rows: slice, columns: slice) -> Iterator[tuple[int, int, int, int]]:
        """(number, plane, top, left) of each strip or tile that meets the window."""
        across, down = math.ceil(self.width / self.columns), math.ceil(self.height / self.rows)
        for plane in range(self.used if self.separate else 1):
            for y in range(rows.start // self.rows, math.ceil(rows.stop / self.rows)):
                for x in range(
                    columns.start // self.columns, math.ceil(columns.stop / self.columns)
                ):
                    yield (plane * down + y) * across + x, plane, y * self.rows, x * self.columns

    def decode(self, data: memoryview, number: int) -> NDArray[Any]:
        """A strip or tile: (rows, columns, samples together) in native or the file's order."""
        rows, offset = self._rows_of(number), self.offsets[number]
        size = self.segment_bytes(rows)
        if self.compression == NONE:
            raw: Any = data[offset : offset + size]
        else:
            # No codec makes data twice as long: what a strip claims beyond that is not copied.
            claimed = min(self.counts[number], 2 * size + _SLACK)
            packed = bytes(data[offset : offset + claimed])
            raw = decompress(packed, self.compression, rows, size // rows)
        shape = rows, self.columns, self._together
        if self.bits in (8, 16, 32, 64):
            return undo_prediction(np.frombuffer(raw, self.dtype).reshape(shape), self.predictor)
        lines = np.frombuffer(raw, np.uint8).reshape(rows, -1)
        return unpack_bits(lines, self.columns * self._together, self.bits).reshape(shape)


class PlainPage:
    """A page whose strips or tiles are decoded one by one, as windows need them.

    Args:
        data: the file.
        number: of the page in the file.
        turned: its orientation, see :mod:`~super_resolution_gans.io.orientation`.
        cache: that of the file.
    """

    def __init__(
        self,
        data: memoryview,
        number: int,
        layout: Layout,
        meaning: Meaning,
        turned: int,
        cache: SegmentCache,
    ) -> None:
        self._data, self._layout, self._meaning, self._turned = data, layout, meaning, turned
        self._number, self._cache = number, cache
        cache.room = max(cache.room, layout.band_bytes)
        self.dtype = np.dtype(np.uint8) if meaning.palette is not None else _native(layout.dtype)
        size = (layout.height, layout.width)
        size = size[::-1] if orientation.swaps_axes(turned) else size
        colour = meaning.photometric in (RGB, PALETTE)
        self.shape: tuple[int, ...] = (*size, 3) if colour else size

    def read(self, rows: slice, columns: slice) -> NDArray[Any]:
        """A window of the upright page: (h, w) or (h, w, 3)."""
        height, width = self.shape[:2]
        rows, columns = orientation.stored_window(rows, columns, height, width, self._turned)
        return orientation.upright(self._meaning.apply(self._samples(rows, columns)), self._turned)

    def _samples(self, rows: slice, columns: slice) -> NDArray[Any]:
        layout = self._layout
        shape = (rows.stop - rows.start, columns.stop - columns.start, layout.used)
        out = np.empty(shape, _native(layout.dtype))
        for number, plane, top, left in layout.overlaps(rows, columns):
            segment = self._segment(number)
            y0, y1 = max(rows.start, top), min(rows.stop, top + len(segment))
            x0, x1 = max(columns.start, left), min(columns.stop, left + segment.shape[1])
            target = out[y0 - rows.start : y1 - rows.start, x0 - columns.start : x1 - columns.start]
            piece = segment[y0 - top : y1 - top, x0 - left : x1 - left]
            if layout.separate:
                target[..., plane] = piece[..., 0]
            else:
                target[...] = piece[..., : layout.used]
        return out

    def _segment(self, number: int) -> NDArray[Any]:
        if not self._layout.copied:
            return self._layout.decode(self._data, number)
        key = (self._number, number)
        segment = self._cache.get(key)
        if segment is None:
            segment = self._layout.decode(self._data, number)
            self._cache.put(key, segment)
        return segment


def eight_bit_palette(table: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """A TIFF colour map, 16-bit (3, entries), as (entries, 3) 8-bit."""
    # Some programs wrote 8-bit numbers into the 16-bit table.
    shift = np.uint16(8 if table.max(initial=0) > 255 else 0)
    return (table >> shift).astype(np.uint8).T


def _white_at(bits: int, dtype: np.dtype[Any]) -> Any:
    if dtype.kind != "u":
        raise ValueError(f"white-is-zero with {dtype} numbers is not supported")
    return dtype.type(255 if bits < 8 else (1 << bits) - 1)


def _native(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return dtype.newbyteorder("=")
