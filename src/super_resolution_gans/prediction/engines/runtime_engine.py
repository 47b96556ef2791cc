"""What the engines of other libraries share: layout, memory, and what is not finite."""

import logging
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.models.upsampler import Upsampler
from super_resolution_gans.prediction.engines.contract import WHOLE, OutOfMemoryError
from super_resolution_gans.prediction.errors import PredictionError
from super_resolution_gans.runtimes.exported import Exported
from super_resolution_gans.runtimes.sessions import Session

log = logging.getLogger(__name__)

_CORE = 432  # as in torch_engine


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
        self.halo, self.core = (radius, (_CORE, _CORE)) if radius else ((0, 0), (WHOLE, WHOLE))
        self.precision = precision
        self._open, self._session = open_session, open_session(precision)
        self._reference: Session | None = None

    def upscale(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, h, w, c) -> (n, v*h, l*w, c).

        Raises:
            PredictionError: if memory runs out, the result is not finite even in float32, or it is
                not as large as the file says.
        """
        try:
            upscaled = self._run(self._session, windows)
            if not np.isfinite(upscaled).all() and self.precision != "float32":
                log.warning("%s gave values that are not finite; using float32", self.precision)
                self._reference = self._reference or self._open("float32")
                upscaled = self._run(self._reference, windows)
        except MemoryError:
            raise OutOfMemoryError.on("cpu", windows.shape, self.core) from None
        if not np.isfinite(upscaled).all():
            raise PredictionError("the model", "gives values that are not finite on this image")
        return upscaled

    def _run(self, session: Session, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        upscaled = session(np.array(windows.transpose(0, 3, 1, 2), np.float32, order="C"))
        count, height, width, channels = windows.shape
        vertical, lateral = self.scale
        if upscaled.shape != (count, channels, vertical * height, lateral * width):
            raise PredictionError("the model", "gives an image of another size than its file says")
        return upscaled.transpose(0, 2, 3, 1)
