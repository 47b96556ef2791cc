"""What an ONNX file must be to be run: one of ours, in one piece, of plain operations."""

from pathlib import Path
from typing import Any

from super_resolution_gans.models.checkpoint import ModelFileError
from super_resolution_gans.runtimes.facts import KEY, Facts
from super_resolution_gans.runtimes.libraries import library


def check_onnx(path: Path, payload: bytes) -> Facts:
    """The facts of an ONNX file; nothing but the protocol buffer is parsed.

    Refused are tensors in other files, operations outside ONNX itself, functions and nested graphs.

    Raises:
        ModelFileError: if it is damaged, not from ``srgan export``, or has one of these.
    """
    onnx = library("onnx")
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load_model_from_string(payload)
    except (DecodeError, ValueError) as error:
        raise ModelFileError(path, f"not a readable ONNX file ({error})") from error
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    facts = Facts.parse(path, metadata.get(KEY))
    if reason := _objection(onnx, model, facts):
        raise ModelFileError(path, reason)
    return facts


def _objection(onnx: Any, model: Any, facts: Facts) -> str | None:
    graph = model.graph
    tensors = list(graph.initializer)
    kinds = onnx.AttributeProto
    plain = {kinds.INT, kinds.INTS, kinds.FLOAT, kinds.FLOATS, kinds.STRING, kinds.STRINGS}
    if any(opset.domain not in ("", "ai.onnx") for opset in model.opset_import):
        return "uses operations outside ONNX"
    if model.functions or model.training_info or graph.sparse_initializer:
        return "has functions, training steps or sparse weights"
    if any(t.external_data or t.data_location != t.DEFAULT for t in tensors):
        return "keeps weights in other files"
    for node in graph.node:
        if node.domain not in ("", "ai.onnx"):
            return f"uses an operation outside ONNX ({node.domain}.{node.op_type})"
        if any(attribute.type not in plain for attribute in node.attribute):
            return f"has a nested graph or tensor in {node.op_type}"
    shapes = [_signature(value) for value in (*graph.input, *graph.output)]
    named = [(name, facts.channels, onnx.TensorProto.FLOAT) for name in ("image", "upscaled")]
    return None if shapes == named else "does not take an image and give it upscaled"


def _signature(value: Any) -> tuple[str, int, int]:
    """Name, channels (0 if not NCHW) and type of an input or output."""
    tensor = value.type.tensor_type
    sides = tensor.shape.dim
    return value.name, sides[1].dim_value if len(sides) == 4 else 0, tensor.elem_type
