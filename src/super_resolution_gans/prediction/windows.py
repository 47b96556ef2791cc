"""Upscaled pixels that are computed when they are read, for results that do not fit in memory."""

from collections import OrderedDict
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.prediction.colour import upscale_windows
from super_resolution_gans.prediction.engines import Engine
from super_resolution_gans.prediction.pieces import clipped
from super_resolution_gans.prediction.tiles import Call, Grid
from super_resolution_gans.scan import Scan

Cores = list[NDArray[np.float32]]


def read_windows(scan: Scan, call: Call) -> NDArray[np.float32]:
    """What goes through the network at once: (n, h, w) or (n, h, w, 3)."""
    return np.stack([scan.window(index, *tile.window) for index, tile in call])


def upscale_call(engine: Engine, windows: NDArray[np.float32], call: Call) -> Cores:
    """The upscaled cores of a call, not clipped, views of what came out of the network."""
    upscaled = upscale_windows(engine, windows)
    return [
        image[tile.inside(engine.scale)] for (_, tile), image in zip(call, upscaled, strict=True)
    ]


class UpscaledWindows:
    """A scan's upscaled pixels as a :class:`super_resolution_gans.scan.WindowSource`.

    Calls are the same as when everything is computed at once, so the pixels are the same to the
    last bit. One row of tiles is kept, or the slices that went through together: no more is needed
    to read in bands of rows, from top to bottom, without computing anything twice.

    Args:
        clip: to [0, 1].
    """

    def __init__(
        self,
        engine: Engine,
        scan: Scan,
        grid: Grid,
        on_call: Callable[[Call], None] | None = None,
        clip: bool = True,
    ) -> None:
        self._engine, self._scan, self._grid, self._on_call = engine, scan, grid, on_call
        self._clip = clip
        vertical, lateral = engine.scale
        slices, height, width, *channels = scan.shape
        self.shape = (slices, height * vertical, width * lateral, *channels)
        self._kept: OrderedDict[tuple[int, int, int], Cores] = OrderedDict()

    def read(self, index: int, rows: slice, columns: slice) -> NDArray[np.float32]:
        """One window of slice ``index``: float32 (h, w) or (h, w, 3), in [0, 1] if clipped."""
        vertical, lateral = self._engine.scale
        shape = (rows.stop - rows.start, columns.stop - columns.start, *self.shape[3:])
        window = np.empty(shape, np.float32)
        wanted = [row for row in self._grid.rows if _meet(row.target(vertical), rows)]
        for call in self._grid.calls(index, wanted):
            if not any(_meet(tile.columns.target(lateral), columns) for _, tile in call):
                continue
            for (number, tile), core in zip(call, self._cores(call), strict=True):
                r, c = tile.target(self._engine.scale)
                if number == index and _meet(r, rows) and _meet(c, columns):
                    put_rows, take_rows = _overlap(rows, r)
                    put_columns, take_columns = _overlap(columns, c)
                    window[put_rows, put_columns] = core[take_rows, take_columns]
        return window

    def _cores(self, call: Call) -> Cores:
        index, tile = call[0]
        key = (index, tile.rows.core_start, tile.columns.core_start)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        while len(self._kept) >= self._grid.calls_in_a_row:
            self._kept.popitem(last=False)
        cores = upscale_call(self._engine, read_windows(self._scan, call), call)
        if self._on_call:
            self._on_call(call)
        # A view would keep the halo with it.
        cores = [np.ascontiguousarray(core) for core in cores]
        self._kept[key] = cores = [clipped(core) for core in cores] if self._clip else cores
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
