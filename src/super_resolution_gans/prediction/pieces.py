"""Upscaled pixels on their way: pieces in reading order, and the same in bands that agree."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.prediction.consistency import BAND, Projection
from super_resolution_gans.prediction.consistent_windows import ConsistentWindows
from super_resolution_gans.prediction.tiles import Span, Tile
from super_resolution_gans.prediction.waiting import result_of
from super_resolution_gans.program import processors
from super_resolution_gans.scan import Scan

Array = NDArray[np.float32]
# Bands that are corrected at once: numpy works in one thread each.
_THREADS = min(4, processors())


class Piece(NamedTuple):
    """A part of one slice.

    Attributes:
        number: of the slice.
        tile: the part.
        core: it, upscaled: float32 (v*h, l*w) or (v*h, l*w, 3).
        measured: it, as it was: float32 (h, w) or (h, w, 3) in [0, 1].
    """

    number: int
    tile: Tile
    core: Array
    measured: Array


def clipped(pixels: Array) -> Array:
    """In [0, 1]; in place if that is possible, because results of large windows are large."""
    result: Array = np.clip(pixels, 0, 1, out=pixels if pixels.flags.writeable else None)
    return result


def agreeing(projection: Projection, pieces: Iterator[Piece], scan: Scan) -> Iterator[Piece]:
    """The same pixels, made to agree with the scan and clipped, in bands of whole rows.

    Nothing is kept but the rows that :class:`ConsistentWindows` and the tiles of one row need, and
    the scan is not read again. Bands are corrected by threads, while the network goes on.

    Args:
        pieces: of all slices, in reading order, unclipped.
        scan: of which they are; only its shape and its name are used.
    """
    order = _InOrder(pieces, projection, scan)
    measured = replace(scan, pixels=order.measured)
    source = ConsistentWindows(projection, order.upscaled, measured)
    whole, width = slice(0, scan.width), Span(0, scan.width, 0, scan.width)
    under_way: deque[tuple[int, Tile, Future[Array], Array]] = deque()

    def next_piece() -> Piece:
        number, tile, corrected, before = under_way.popleft()
        return Piece(number, tile, clipped(result_of(corrected)), before)

    with ThreadPoolExecutor(_THREADS, "srgan-agreement") as pool:
        for index in range(scan.slices):
            for start in range(0, scan.height, BAND):
                stop = min(scan.height, start + BAND)
                gathered = source.gathered(index, start // BAND)
                before = order.measured.read(index, slice(start, stop), whole)
                tile = Tile(Span(start, stop, start, stop), width)
                future = pool.submit(source.corrected, gathered)
                under_way.append((index, tile, future, before))
                del gathered, future
                if len(under_way) > _THREADS:
                    yield next_piece()
        while under_way:
            yield next_piece()


class _InOrder:
    """Pieces as two sources of rows, to be read downwards: pixels upscaled and measured."""

    def __init__(self, pieces: Iterator[Piece], projection: Projection, scan: Scan) -> None:
        self._pieces, self._scale = pieces, projection.scale
        vertical, lateral = projection.scale
        slices, height, width, *channels = scan.shape
        larger = (slices, height * vertical, width * lateral, *channels)
        # A band is corrected with rows around it, so that some are measured rows of two bands.
        self.measured = _Rows(scan.shape, self._pull, 2 * (projection.reach[0] + BAND))
        self.upscaled = _Rows(larger, self._pull, 0)

    def _pull(self) -> None:
        index, tile, core, measured = next(self._pieces)
        self.upscaled.add(index, *tile.target(self._scale), core)
        self.measured.add(index, *tile.target((1, 1)), measured)


class _Rows:
    """A source of rows, each of which is forgotten ``margin`` rows after it has been read."""

    def __init__(self, shape: tuple[int, ...], pull: Callable[[], None], margin: int) -> None:
        self.shape, self._pull, self._margin = shape, pull, margin
        self._parts: deque[tuple[int, slice, slice, Array]] = deque()

    def add(self, index: int, rows: slice, columns: slice, pixels: Array) -> None:
        """What comes next in reading order."""
        self._parts.append((index, rows, columns, pixels))

    def read(self, index: int, rows: slice, columns: slice) -> Array:
        """Rows, whole: (h, w) or (h, w, 3)."""
        while not self._reaches(index, rows.stop):
            self._pull()
        while self._parts and self._is_over(index, rows.start):
            self._parts.popleft()
        out = np.empty((rows.stop - rows.start, *self.shape[2:]), np.float32)
        for number, down, across, pixels in self._parts:
            top, bottom = max(down.start, rows.start), min(down.stop, rows.stop)
            if number == index and top < bottom:
                part = pixels[top - down.start : bottom - down.start]
                out[top - rows.start : bottom - rows.start, across] = part
        return out[:, columns]

    def _reaches(self, index: int, row: int) -> bool:
        if not self._parts:
            return False
        number, rows, columns, _ = self._parts[-1]
        if number != index:
            return number > index
        whole = columns.stop == self.shape[2]
        return bool(rows.start >= row or (rows.stop >= row and whole))

    def _is_over(self, index: int, row: int) -> bool:
        number, rows, _, _ = self._parts[0]
        return bool(number < index or (number == index and rows.stop <= row - self._margin))
