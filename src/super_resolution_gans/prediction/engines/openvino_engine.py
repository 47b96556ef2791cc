"""OpenVINO, on the CPU."""

from super_resolution_gans.models.upsampler import Upsampler
from super_resolution_gans.prediction.engines.runtime_engine import RuntimeEngine
from super_resolution_gans.prediction.errors import PredictionError
from super_resolution_gans.runtimes.exported import Exported
from super_resolution_gans.runtimes.sessions import openvino_session


class OpenVinoEngine(RuntimeEngine):
    """A network in OpenVINO, in float32 or bfloat16; see :class:`RuntimeEngine`.

    In bfloat16 the image, the first convolution and the sums of the last one are as in float32.

    Raises:
        ValueError: if the network cannot be exported, OpenVINO is missing or cannot use the file,
            or another precision is asked for.
    """

    def __init__(self, source: Upsampler | Exported, precision: str = "float32") -> None:
        if precision not in ("float32", "bfloat16"):
            raise PredictionError(
                "precision", f"openvino computes in float32 or bfloat16, not {precision}"
            )
        super().__init__(source, precision, lambda short: openvino_session(source, short))
