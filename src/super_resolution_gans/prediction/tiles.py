"""Where to read, and where to put it back: tiles as frozen values, computed without a network.

Cores partition the image. Each is read with a halo around it, cut at the image's border: there the
network's own zero padding must do in the tile what it does in the whole image, so a true border
stays a border. All windows of an image have the same shape and can share a batch.
"""

import math
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


def tile_batches(size: Pair, core: Pair, halo: Pair) -> tuple[tuple[Tile, ...], ...]:
    """All tiles of one slice in reading order, in batches no larger than one full-sized tile.

    Args:
        size: height and width of the slice.
        core: the largest core, before border cores grow by their halo.
        halo: how far the network looks, see ``SRResNet.receptive_radius``.

    Raises:
        ValueError: if a size or core is below 1 or a halo below 0.
    """
    rows, columns = (spans(*axis) for axis in zip(size, core, halo, strict=True))
    tiles = [Tile(row, column) for row, column in product(rows, columns)]
    largest = math.prod(c + 2 * h for c, h in zip(core, halo, strict=True))
    window = math.prod(s.stop - s.start for s in tiles[0].window)
    size_of_batch = max(1, largest // window)
    return tuple(
        tuple(tiles[first : first + size_of_batch]) for first in range(0, len(tiles), size_of_batch)
    )
