"""What any engine does about values that are not finite."""

import logging
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.prediction.errors import PredictionError

log = logging.getLogger(__name__)

Array = NDArray[np.float32]


def finite(precision: str, run: Callable[[], Array], exact: Callable[[], Array]) -> Array:
    """What ``run`` computes in this precision, or what ``exact`` computes in float32.

    For this batch only: results must not depend on what came before.

    Raises:
        PredictionError: if the values are not finite even in float32.
    """
    upscaled = run()
    if np.isfinite(upscaled).all():
        return upscaled
    if precision != "float32":
        log.warning("%s gave values that are not finite; using float32", precision)
        upscaled = exact()
        if np.isfinite(upscaled).all():
            return upscaled
    raise PredictionError("the model", "gives values that are not finite on this image")
