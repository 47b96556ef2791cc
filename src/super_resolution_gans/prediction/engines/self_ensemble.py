"""A network asked eight times, each time with the image turned another way, and averaged."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.prediction.engines.contract import Engine

Windows = NDArray[np.float32]


class SelfEnsemble:
    """The mean of what an engine makes of an image's mirror images and transposes, turned back.

    The geometric self-ensemble of Timofte et al. 2016 (arXiv 1511.02228), section 3.6: 8 views, or
    4 (mirror images only) where the factors of the two directions differ. It takes that many times
    as long. Squared errors get smaller; textures that a GAN invents get fainter as well, since each
    view invents its own.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine, self.scale = engine, engine.scale
        self.channels, self.core, self.tiles = engine.channels, engine.core, engine.tiles
        self.batch_pixels = engine.batch_pixels
        self._turns = (False, True) if self.scale[0] == self.scale[1] else (False,)
        self.views = 4 * len(self._turns)
        # A transposed window is seen through the other direction's halo.
        reach = max(engine.halo)
        self.halo = (reach, reach) if len(self._turns) == 2 else engine.halo

    def upscale(self, windows: Windows) -> Windows:
        """(n, h, w, c) -> (n, v*h, l*w, c)."""
        total: Windows | None = None
        for part in self._each(windows):
            total = part if total is None else np.add(total, part, out=total)
        assert total is not None
        total /= self.views
        return total

    def _each(self, windows: Windows) -> Iterator[Windows]:
        for transposed in self._turns:
            for rows in (1, -1):
                for columns in (1, -1):
                    view = windows[:, ::rows, ::columns]
                    if transposed:
                        view = view.transpose(0, 2, 1, 3)
                    made = self._engine.upscale(np.ascontiguousarray(view))
                    if transposed:
                        made = made.transpose(0, 2, 1, 3)
                    yield np.ascontiguousarray(made[:, ::rows, ::columns])
