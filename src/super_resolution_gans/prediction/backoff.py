"""An engine whose memory runs out goes on in smaller tiles."""

import logging

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.prediction.engines import Engine, OutOfMemoryError
from super_resolution_gans.prediction.tiles import Pair, grid

log = logging.getLogger(__name__)

# Smaller tiles would be mostly halo, and what does not fit then never will.
_SMALLEST_CORE = 32


class BackingOff:
    """An engine that is asked for less when its memory has run out, and from then on.

    First the windows of a call go through one by one, then each in tiles of half the core, again
    and again, down to the halo. Tiles are exact, so the result is the same; a warning says so once
    it has worked. Engines that cannot be tiled raise their error.

    Attributes:
        core: the largest tile without its halo, in input pixels: what to plan the next image with.
        batch_pixels: what goes through in one call.
    """

    def __init__(self, engine: Engine, core: Pair) -> None:
        self._engine, self.core = engine, core
        self.channels, self.scale, self.halo = engine.channels, engine.scale, engine.halo
        self.tiles, self.batch_pixels = engine.tiles, engine.batch_pixels
        self._failed = False

    def upscale(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, h, w, c) -> (n, v*h, l*w, c).

        Raises:
            OutOfMemoryError: if not even the smallest tile fits.
        """
        before, failure = self.core, None
        while True:
            try:
                upscaled = self._attempt(windows)
            except (OutOfMemoryError, MemoryError) as error:
                # Without what it was raised from: those frames hold the memory that is needed.
                failure = error.with_traceback(None)
                failure.__context__ = None
            else:
                if failure is not None:
                    self._say(before)
                return upscaled
            if not self._go_down(windows.shape):
                raise failure

    def _attempt(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        if not self._failed:
            return self._engine.upscale(windows)
        if len(windows) == 1:
            return self._in_tiles(windows[0])
        return np.concatenate([self._in_tiles(window) for window in windows])

    def _in_tiles(self, window: NDArray[np.float32]) -> NDArray[np.float32]:
        """(h, w, c) -> (1, v*h, l*w, c), as if it were an image of its own."""
        height, width, channels = window.shape
        cut = grid((1, height, width), self.core, self.halo, batch_pixels=1)
        if cut.tiles == 1:
            return self._engine.upscale(window[np.newaxis])
        vertical, lateral = self.scale
        out = np.empty((1, height * vertical, width * lateral, channels), np.float32)
        for ((_, tile),) in cut:
            core = self._engine.upscale(window[tile.window][np.newaxis])[0]
            out[0][tile.target(self.scale)] = core[tile.inside(self.scale)]
        return out

    def _go_down(self, shape: tuple[int, ...]) -> bool:
        """Ask for less from now on; False if there is no less."""
        count, *window = shape[:3]
        if not self._failed:
            self._failed, self.batch_pixels = True, 1
            if count > 1:
                return True
        # Halving what the window does not fill would be in vain.
        filled = [min(c, w - 2 * h) for c, w, h in zip(self.core, window, self.halo, strict=True)]
        smallest = [max(_SMALLEST_CORE, h) for h in self.halo]
        if not self.tiles or all(f <= s for f, s in zip(filled, smallest, strict=True)):
            return False
        rows, columns = (
            min(c, max(s, (f + 1) // 2))
            for c, s, f in zip(self.core, smallest, filled, strict=True)
        )
        self.core = (rows, columns)
        return True

    def _say(self, before: Pair) -> None:
        if self.core == before:
            log.warning("out of memory: going on with one tile at a time")
            return
        shown, old = (" x ".join(map(str, core)) for core in (self.core, before))
        log.warning(
            "out of memory: going on in tiles of %s pixels instead of %s; --tile %d avoids the "
            "failed attempt",
            *(shown, old, min(self.core)),
        )
