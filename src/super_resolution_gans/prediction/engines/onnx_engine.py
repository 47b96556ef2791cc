"""ONNX Runtime, on the CPU."""

from super_resolution_gans.models.upsampler import Upsampler
from super_resolution_gans.prediction.engines.runtime_engine import RuntimeEngine
from super_resolution_gans.prediction.errors import PredictionError
from super_resolution_gans.runtimes.exported import Exported
from super_resolution_gans.runtimes.sessions import onnx_session


class OnnxEngine(RuntimeEngine):
    """A network in ONNX Runtime, in float32; see :class:`RuntimeEngine`.

    Raises:
        ValueError: if the network cannot be exported, ONNX Runtime is missing or cannot use the
            file, or another precision is asked for.
    """

    def __init__(self, source: Upsampler | Exported, precision: str = "float32") -> None:
        if precision != "float32":
            raise PredictionError("precision", f"onnxruntime computes in float32, not {precision}")
        super().__init__(source, precision, lambda _: onnx_session(source))
