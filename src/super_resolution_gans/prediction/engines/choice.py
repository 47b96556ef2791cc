"""Which engine runs a network."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import NamedTuple

import torch

from super_resolution_gans.models.upsampler import Upsampler
from super_resolution_gans.prediction.engines.contract import Engine
from super_resolution_gans.prediction.engines.onnx_engine import OnnxEngine
from super_resolution_gans.prediction.engines.openvino_engine import OpenVinoEngine
from super_resolution_gans.prediction.engines.torch_engine import TorchEngine
from super_resolution_gans.prediction.errors import PredictionError
from super_resolution_gans.runtimes.exported import SUFFIXES, Exported

ENGINES = ("torch", "openvino", "onnxruntime")
# What ``auto`` is, by kind of processor: "cuda", "mps", or what torch calls what the CPU can do
# (AVX512, AVX2, DEFAULT, NEON, ...). Any other, or one whose library is missing, is torch. Measured
# by benchmarks/inference.py on AVX512 with bfloat16 products; see docs/speed.md.
FASTEST: Mapping[str, str] = {"AVX512": "openvino"}
_NEEDS = {  # networks go to the others as ONNX
    "torch": ("torch",),
    "openvino": ("openvino", "onnx"),
    "onnxruntime": ("onnxruntime", "onnx"),
}


class Choice(NamedTuple):
    """What ``auto`` means on this machine, and why, in words."""

    value: str
    why: str


def automatic_engine(device: torch.device) -> Choice:
    """The engine that ``auto`` means for a network on this device; see :data:`FASTEST`."""
    processor = _processor(device)
    fastest = FASTEST.get(processor)
    if fastest is None:
        return Choice("torch", f"none was measured to be faster on {processor}")
    missing = [name for name in _NEEDS[fastest] if not find_spec(name)]
    if missing:
        return Choice(
            "torch",
            f"{fastest} was measured to be faster on {processor}, but there is no "
            f'{" and no ".join(missing)}: pip install "SuperResolution-GANs[export]"',
        )
    return Choice(fastest, f"measured to be faster than torch on {processor}")


def pick_engine(kind: str, device: torch.device, suffix: str = "") -> str:
    """The engine that ``kind`` (``auto`` or one of :data:`ENGINES`) means.

    Args:
        kind: what is asked for.
        device: where it is to run.
        suffix: of the model's file; an exported one is run by the library it was made for, and an
            .onnx file by either if told so.

    Raises:
        PredictionError: if there is no such engine, or it cannot run there or run that file.
    """
    if kind not in ("auto", *ENGINES):
        raise PredictionError("engine", f"{kind} is unknown; known are auto, {', '.join(ENGINES)}")
    own = SUFFIXES.get(suffix.lower())
    if own is not None:
        kind = own if kind == "auto" else kind
        if kind != own and (suffix.lower(), kind) != (".onnx", "openvino"):
            raise PredictionError("engine", f"{kind} cannot run {suffix} files; {own} can")
    elif kind == "auto":
        kind = automatic_engine(device).value
    if kind != "torch" and device.type != "cpu":
        raise PredictionError("engine", f"{kind} runs on the CPU here, not on {device.type}")
    return kind


def make_engine(
    source: Upsampler | Exported, kind: str, device: torch.device, precision: str
) -> Engine:
    """The engine of a kind, ready.

    Args:
        source: a network, owned by the engine from now on, or an exported one (not for torch).
        kind: ``auto`` or one of :data:`ENGINES`.
        device: where it runs.
        precision: ``float32``, or what else the engine knows.

    Raises:
        ValueError: if this engine cannot run the network in this precision on this device.
    """
    suffix = source.path.suffix if isinstance(source, Exported) else ""
    kind = pick_engine(kind, device, suffix)
    if kind == "openvino":
        return OpenVinoEngine(source, precision)
    if kind == "onnxruntime":
        return OnnxEngine(source, precision)
    assert isinstance(source, Upsampler)
    return TorchEngine(source, device, precision)


def _processor(device: torch.device) -> str:
    return torch.backends.cpu.get_cpu_capability() if device.type == "cpu" else device.type
