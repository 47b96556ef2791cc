"""Upscaled pixels that are computed when they are read, for results that do not fit in memory."""

from collections import OrderedDict
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.prediction.colour import upscale_windows
from super_resolution_gans.prediction.engines import Engine
from super_resolution_gans.prediction.tiles import Tile
from super_resolution_gans.scan import Scan

Batch = tuple[Tile, ...]
Cores = list[NDArray[np.float32]]


def upscale_batch(engine: Engine, scan: Scan, index: int, batch: Batch) -> Cores:
    """The upscaled cores of one batch of tiles of slice ``index``."""
    windows = np.stack([scan.window(index, *tile.window) for tile in batch])
    upscaled = upscale_windows(engine, windows)
    return [image[tile.inside(engine.scale)] for tile, image in zip(batch, upscaled, strict=True)]


class UpscaledWindows:
    """A scan's upscaled pixels as a :class:`super_resolution_gans.scan.WindowSource`.

    Batches are the same as when everything is computed at once, so the pixels are the same to the
    last bit. As many of them are kept as reading in bands of rows needs.
    """

    def __init__(
        self,
        engine: Engine,
        scan: Scan,
        batches: tuple[Batch, ...],
        on_batch: Callable[[], None] | None = None,
    ) -> None:
        self._engine, self._scan, self._batches, self._on_batch = engine, scan, batches, on_batch
        vertical, lateral = engine.scale
        slices, height, width, *channels = scan.shape
        self.shape = (slices, height * vertical, width * lateral, *channels)
        first_row = batches[0][0].rows
        in_a_row = sum(any(tile.rows == first_row for tile in batch) for batch in batches)
        self._room = in_a_row + 1
        self._kept: OrderedDict[tuple[int, int], Cores] = OrderedDict()

    def read(self, index: int, rows: slice, columns: slice) -> NDArray[np.float32]:
        """One window of slice ``index``: float32 (h, w) or (h, w, 3) in [0, 1]."""
        shape = (rows.stop - rows.start, columns.stop - columns.start, *self.shape[3:])
        window = np.empty(shape, np.float32)
        for number, batch in enumerate(self._batches):
            targets = [tile.target(self._engine.scale) for tile in batch]
            if not any(_meet(r, rows) and _meet(c, columns) for r, c in targets):
                continue
            for (r, c), core in zip(targets, self._cores(index, number), strict=True):
                if _meet(r, rows) and _meet(c, columns):
                    put_rows, take_rows = _overlap(rows, r)
                    put_columns, take_columns = _overlap(columns, c)
                    window[put_rows, put_columns] = core[take_rows, take_columns]
        return window

    def _cores(self, index: int, number: int) -> Cores:
        key = (index, number)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        cores = upscale_batch(self._engine, self._scan, index, self._batches[number])
        if self._on_batch:
            self._on_batch()
        self._kept[key] = cores
        if len(self._kept) > self._room:
            self._kept.popitem(last=False)
        return cores


def _meet(a: slice, b: slice) -> bool:
    return bool(a.start < b.stop and b.start < a.stop)


def _overlap(window: slice, core: slice) -> tuple[slice, slice]:
    """The part that both have, counted from the start of the window and of the core."""
    start, stop = max(window.start, core.start), min(window.stop, core.stop)
    return (
        slice(start - window.start, stop - window.start),
        slice(start - core.start, stop - core.start),
    )
