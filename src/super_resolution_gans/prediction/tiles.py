"""Where to read, and where to put it back: tiles as frozen values, computed without a network.

Cores partition the image. Each is read with a halo around it, cut at the image's border: there the
network's own zero padding must do in the tile what it does in the whole image, so a true border
stays a border. All windows of an image have the same shape and can share a batch.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product

Pair = tuple[int, int]  # (rows, columns)


@dataclass(frozen=True)
class Span:
    """One axis of a tile, in input pixels: the core lies inside the window."""

    window_start: int
    window_stop: int
    core_start: int
    core_stop: int

    def target(self, factor: int) -> slice:
        """Where the upscaled core lies in the upscaled image."""
        return slice(self.core_start * factor, self.core_stop * factor)

    def inside(self, factor: int) -> slice:
        """Where the upscaled core lies in the upscaled window."""
        start = self.core_start - self.window_start
        return slice(start * factor, (start + self.core_stop - self.core_start) * factor)


@dataclass(frozen=True)
class Tile:
    """A window to read, and the core of it that is kept."""

    rows: Span
    columns: Span

    @property
    def window(self) -> tuple[slice, slice]:
        """(rows, columns) to read."""
        return (
            slice(self.rows.window_start, self.rows.window_stop),
            slice(self.columns.window_start, self.columns.window_stop),
        )

    def target(self, scale: Pair) -> tuple[slice, slice]:
        """(rows, columns) of the core in the upscaled image."""
        return self.rows.target(scale[0]), self.columns.target(scale[1])

    def inside(self, scale: Pair) -> tuple[slice, slice]:
        """(rows, columns) of the core in the upscaled window."""
        return self.rows.inside(scale[0]), self.columns.inside(scale[1])


def spans(length: int, core: int, halo: int) -> tuple[Span, ...]:
    """Cut one axis into windows of equal length, at most ``core + 2 * halo``, and their cores.

    Border windows need a halo on one side only, so their cores are longer by one halo: that is how
    all windows come out equal without reading anything twice in vain.

    Raises:
        ValueError: if ``length`` or ``core`` is below 1 or ``halo`` below 0.
    """
    if length < 1 or core < 1 or halo < 0:
        raise ValueError(f"no tiles for {length=}, {core=}, {halo=}")
    if length <= core + 2 * halo:
        return (Span(0, length, 0, length),)
    inner = length - 2 * halo
    stride = math.ceil(inner / math.ceil(inner / core))
    count = math.ceil(inner / stride)
    window = stride + 2 * halo
    cut = [0, *(number * stride + halo for number in range(1, count)), length]
    starts = [min(number * stride, length - window) for number in range(count)]
    return tuple(
        Span(start, start + window, core_start, core_stop)
        for start, core_start, core_stop in zip(starts, cut, cut[1:], strict=False)
    )


Call = tuple[tuple[int, Tile], ...]
"""What goes through the network at once: slices, and tiles of them."""


@dataclass(frozen=True)
class Grid:
    """All tiles of all slices, and the calls in which they go through a network.

    Slices that are small go together, whole ones; tiles go together with others of their row. So
    what a band of rows needs comes before what is below it, and the calls follow from sizes alone.

    Attributes:
        rows, columns: the cuts of one slice.
        slices: how many there are.
        together: most tiles in a call.
    """

    rows: tuple[Span, ...]
    columns: tuple[Span, ...]
    slices: int
    together: int

    @property
    def tiles(self) -> int:
        """How many there are in all slices."""
        return len(self.rows) * len(self.columns) * self.slices

    @property
    def calls_in_a_row(self) -> int:
        """How many calls a row of tiles needs."""
        return 1 if self._slices_together else math.ceil(len(self.columns) / self.together)

    def __iter__(self) -> Iterator[Call]:
        """The calls in reading order."""
        for index in range(0, self.slices, self._slices_together or 1):
            yield from self.calls(index, self.rows)

    def calls(self, index: int, rows: Iterable[Span]) -> Iterator[Call]:
        """Those that give some rows of tiles of a slice, and perhaps of its neighbours."""
        several = self._slices_together
        if several:
            first = index // several * several
            chosen = range(first, min(first + several, self.slices))
            yield tuple(
                (number, Tile(row, column))
                for number in chosen
                for row, column in product(self.rows, self.columns)
            )
            return
        for row in rows:
            for left in range(0, len(self.columns), self.together):
                some = self.columns[left : left + self.together]
                yield tuple((index, Tile(row, column)) for column in some)

    @property
    def _slices_together(self) -> int:
        """Slices in a call; 0 if a slice needs several calls."""
        return self.together // (len(self.rows) * len(self.columns))


def grid(shape: tuple[int, int, int], core: Pair, halo: Pair, batch_pixels: int) -> Grid:
    """Cut slices into tiles, and these into calls.

    Args:
        shape: slices, height, width.
        core: the largest core, before border cores grow by their halo.
        halo: how far the network looks, see ``SRResNet.receptive_radius``.
        batch_pixels: most pixels of a call, unless a single window has more.

    Raises:
        ValueError: if a size or core is below 1 or a halo below 0.
    """
    slices, *size = shape
    rows, columns = (spans(*axis) for axis in zip(size, core, halo, strict=True))
    window = math.prod(s[0].window_stop - s[0].window_start for s in (rows, columns))
    return Grid(rows, columns, slices, max(1, batch_pixels // window))
