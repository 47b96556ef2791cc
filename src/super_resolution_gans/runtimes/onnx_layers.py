"""The layers of other people's networks as nodes of ONNX; see :mod:`models.layers`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import nn

from super_resolution_gans.models.graph import LayerGraph
from super_resolution_gans.models.upsampler import Scale
from super_resolution_gans.runtimes.onnx_writer import Writer

# (writer, module, options, names of the inputs) -> name of the output
Draw = Callable[[Writer, Any, Mapping[str, Any], Sequence[str]], str]


def draw_layers(write: Writer, network: LayerGraph, image: str) -> None:
    """Write all layers; the last node is the result.

    Raises:
        ValueError: if there is a layer that ONNX does not have.
    """
    values = [image]
    for place, node in enumerate(network.nodes, 1):
        draw = DRAWN.get(node.operation)
        if draw is None:
            raise ValueError(f"layer {place} ({node.operation}) cannot be exported")
        inputs = [values[i] for i in node.inputs]
        values.append(draw(write, network.layers[str(place)], node.options, inputs))


def _conv(write: Writer, layer: nn.Conv2d, _: Mapping[str, Any], inputs: Sequence[str]) -> str:
    weights = [write.weight(w) for w in (layer.weight, layer.bias) if w is not None]
    rows, columns = (side // 2 for side in layer.kernel_size)
    pads = [rows, columns, rows, columns]
    return write.node("Conv", inputs[0], *weights, pads=pads, group=layer.groups)


def _prelu(write: Writer, layer: nn.PReLU, _: Mapping[str, Any], inputs: Sequence[str]) -> str:
    return write.node("PRelu", inputs[0], write.weight(layer.weight.reshape(-1, 1, 1)))


def _leaky_relu(
    write: Writer, layer: nn.LeakyReLU, _: Mapping[str, Any], inputs: Sequence[str]
) -> str:
    return write.node("LeakyRelu", inputs[0], alpha=layer.negative_slope)


def _batch_norm(
    write: Writer, layer: nn.BatchNorm2d, _: Mapping[str, Any], inputs: Sequence[str]
) -> str:
    assert layer.running_mean is not None
    assert layer.running_var is not None
    tensors = (layer.weight, layer.bias, layer.running_mean, layer.running_var)
    weights = [write.weight(tensor) for tensor in tensors]
    return write.node("BatchNormalization", inputs[0], *weights, epsilon=layer.eps)


def _instance_norm(
    write: Writer, layer: nn.InstanceNorm2d, _: Mapping[str, Any], inputs: Sequence[str]
) -> str:
    count = layer.num_features
    scale = write.weight(layer.weight if layer.affine else [1.0] * count)
    shift = write.weight(layer.bias if layer.affine else [0.0] * count)
    return write.node("InstanceNormalization", inputs[0], scale, shift, epsilon=layer.eps)


def _shuffle(write: Writer, _: Any, options: Mapping[str, Any], inputs: Sequence[str]) -> str:
    mode = "DCR" if options.get("order") == "block" else "CRD"
    return write.node("DepthToSpace", inputs[0], blocksize=options["factor"], mode=mode)


def _resize(**how: str) -> Draw:
    def draw(write: Writer, _: Any, options: Mapping[str, Any], inputs: Sequence[str]) -> str:
        factor: Scale = (options["factor"], options["factor"])
        return write.node("Resize", inputs[0], "", write.weight((1, 1, *factor)), **how)

    return draw


def _add(write: Writer, _: Any, __: Mapping[str, Any], inputs: Sequence[str]) -> str:
    total = inputs[0]
    for value in inputs[1:]:
        total = write.node("Add", total, value)
    return total


def _take(write: Writer, _: Any, options: Mapping[str, Any], inputs: Sequence[str]) -> str:
    first, last, axis = (write.weight([n], int) for n in (options["first"] - 1, options["last"], 1))
    return write.node("Slice", inputs[0], first, last, axis)


def _affine(write: Writer, _: Any, options: Mapping[str, Any], inputs: Sequence[str]) -> str:
    def per_channel(value: Any) -> str:
        listed = value if isinstance(value, list | tuple) else [value]
        return write.weight([[[number]] for number in listed])

    scaled = write.node("Mul", inputs[0], per_channel(options.get("scale", 1.0)))
    return write.node("Add", scaled, per_channel(options.get("shift", 0.0)))


def _mean(write: Writer, x: str) -> str:
    return write.node("ReduceMean", x, axes=[2, 3], keepdims=1)


def _deviation(write: Writer, _: Any, __: Mapping[str, Any], inputs: Sequence[str]) -> str:
    centred = write.node("Sub", inputs[0], _mean(write, inputs[0]))
    return write.node("Sqrt", _mean(write, write.node("Mul", centred, centred)))


def _plain(operation: str, **attributes: Any) -> Draw:
    return lambda write, _, __, inputs: write.node(operation, *inputs, **attributes)


DRAWN: Mapping[str, Draw] = {
    "conv": _conv,
    "prelu": _prelu,
    "relu": _plain("Relu"),
    "leaky_relu": _leaky_relu,
    "tanh": _plain("Tanh"),
    "sigmoid": _plain("Sigmoid"),
    "batch_norm": _batch_norm,
    "instance_norm": _instance_norm,
    "shuffle": _shuffle,
    "nearest": _resize(
        mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"
    ),
    "bilinear": _resize(mode="linear", coordinate_transformation_mode="half_pixel"),
    "add": _add,
    "multiply": _plain("Mul"),
    "concat": _plain("Concat", axis=1),
    "take": _take,
    "affine": _affine,
    "image_mean": lambda write, _, __, inputs: _mean(write, inputs[0]),
    "image_deviation": _deviation,
}
