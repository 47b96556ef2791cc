"""An engine whose result is shrunk again, so that a x4 network also gives x2."""

import numpy as np
import torch
from numpy.typing import NDArray

from super_resolution_gans.degrade import downsample
from super_resolution_gans.prediction.engines.contract import Engine
from super_resolution_gans.prediction.tiles import Pair


class Reduced:
    """An engine whose result is shrunk again, so that a x4 network also gives x2.

    The result is that of the network, clipped, and downsampled by the antialiased bicubic kernel
    that the networks here are trained to invert.

    Raises:
        ValueError: if ``scale`` does not divide the engine's.
    """

    def __init__(self, engine: Engine, scale: Pair) -> None:
        vertical, lateral = zip(engine.scale, scale, strict=True)
        if vertical[0] % vertical[1] or lateral[0] % lateral[1]:
            raise ValueError(f"{scale} does not divide {engine.scale}")
        self._engine, self.scale = engine, scale
        self.channels, self.core, self.tiles = engine.channels, engine.core, engine.tiles
        self.batch_pixels = engine.batch_pixels
        self._factor = (vertical[0] // vertical[1], lateral[0] // lateral[1])
        # The kernel reaches two output pixels to each side, which is two input pixels or less.
        self.halo = (engine.halo[0] + 2, engine.halo[1] + 2)

    def upscale(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, h, w, c) -> (n, v*h, l*w, c)."""
        large = torch.from_numpy(np.clip(self._engine.upscale(windows), 0, 1))
        with torch.inference_mode():
            small = downsample(large.permute(0, 3, 1, 2).contiguous(), self._factor)
        array: NDArray[np.float32] = small.permute(0, 2, 3, 1).numpy()
        return array
