"""A network asked twice, the second time with the image mirrored, and averaged."""

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.prediction.engines.contract import Engine


class SelfEnsemble:
    """The mean of what an engine makes of an image and of its lateral mirror image, turned back.

    Timofte et al. 2016 (arXiv 1511.02228), section 3.6, take eight views, with the image upside
    down and transposed as well. A B-scan has an up and a down, and its rows are not its columns:
    networks for OCT never saw such views, and the mean of eight is farther from HR than the network
    alone (docs/experiments.md). It takes twice as long; textures that a GAN invents get fainter,
    since each view invents its own.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine, self.scale, self.halo = engine, engine.scale, engine.halo
        self.channels, self.core, self.tiles = engine.channels, engine.core, engine.tiles
        self.batch_pixels = engine.batch_pixels

    def upscale(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, h, w, c) -> (n, v*h, l*w, c)."""
        mirrored = self._engine.upscale(np.ascontiguousarray(windows[:, :, ::-1]))
        mean = self._engine.upscale(windows)
        mean += mirrored[:, :, ::-1]
        mean /= 2
        return mean
