"""What the engines of other libraries share: layout, memory, and what is not finite."""

from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.models.upsampler import Upsampler
from super_resolution_gans.prediction.engines.contract import (
    BATCH_PIXELS,
    CORE,
    WHOLE,
    OutOfMemoryError,
)
from super_resolution_gans.prediction.engines.finite import finite
from super_resolution_gans.prediction.errors import PredictionError
from super_resolution_gans.runtimes.exported import Exported
from super_resolution_gans.runtimes.sessions import Session


class RuntimeEngine:
    """A network on the CPU, in a session of another library.

    Args:
        source: a network, which is not changed, or an exported one.
        precision: what the network computes in.
        open_session: makes a session for a precision.
    """

    def __init__(
        self, source: Upsampler | Exported, precision: str, open_session: Callable[[str], Session]
    ) -> None:
        self.channels, self.scale = source.channels, source.scale
        radius = source.receptive_radius()
        self.tiles = radius is not None
        self.halo, self.core = (radius, CORE) if radius else ((0, 0), (WHOLE, WHOLE))
        self.precision, self.batch_pixels = precision, BATCH_PIXELS
        self._open, self._session = open_session, open_session(precision)

    @cached_property
    def _reference(self) -> Session:
        return self._open("float32")

    def upscale(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, h, w, c) -> (n, v*h, l*w, c).

        Raises:
            PredictionError: if memory runs out, the result is not finite even in float32, or it is
                not as large as the file says.
        """
        try:
            return finite(
                self.precision,
                lambda: self._run(self._session, windows),
                lambda: self._run(self._reference, windows),
            )
        except MemoryError:
            raise OutOfMemoryError.on("cpu", windows.shape, self.core) from None

    def _run(self, session: Session, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        upscaled = session(np.array(windows.transpose(0, 3, 1, 2), np.float32, order="C"))
        count, height, width, channels = windows.shape
        vertical, lateral = self.scale
        if upscaled.shape != (count, channels, vertical * height, lateral * width):
            raise PredictionError("the model", "gives an image of another size than its file says")
        return upscaled.transpose(0, 2, 3, 1)
