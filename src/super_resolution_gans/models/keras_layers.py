"""Keras's layers as nodes of a :class:`LayerGraph`: one small function for each class."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from super_resolution_gans.models.graph import Nodes
from super_resolution_gans.models.keras_config import KerasLayer
from super_resolution_gans.models.keras_file import KerasError, Weight
from super_resolution_gans.models.keras_tensors import converted, named

# What leaves channels as they are, and needs nothing but its input.
_IDLE = ("Dropout", "SpatialDropout2D", "GaussianNoise", "ActivityRegularization")
_FUNCTIONS = {"relu": "relu", "tanh": "tanh", "sigmoid": "sigmoid"}
_NUMBER = int | float


@dataclass
class Build:
    """What has been built so far.

    Attributes:
        layers: all of them, in order.
        weights: layer -> weight -> tensor, as the file has them.
        nodes: of the graph.
        places: layer -> the node with its result.
        channels: node -> how many it has.
        state: the graph's weights, by its names.
        shuffled: whether there is a depth_to_space.
        resized: whether there is an UpSampling2D.
    """

    layers: Sequence[KerasLayer]
    weights: Mapping[str, Mapping[str, Weight]]
    nodes: Nodes
    places: dict[str, int]
    channels: dict[int, int]
    state: dict[str, Tensor] = field(default_factory=dict)
    shuffled: bool = False
    resized: bool = False

    def place(self, layer: KerasLayer) -> int:
        """The node that the layer takes; a KerasError if it takes none or several."""
        if len(layer.inputs) != 1:
            raise KerasError(f"takes {len(layer.inputs)} inputs")
        return self.places[layer.inputs[0]]

    def add(self, operation: str, *inputs: int, channels: int | None = None, **options: Any) -> int:
        """A node, with as many channels as its first input unless said otherwise."""
        node = self.nodes(operation, *inputs, **options)
        self.channels[node] = self.channels[inputs[0]] if channels is None else channels
        return node

    def load(self, node: int, layer: KerasLayer, absent: set[str], **shapes: list[int]) -> None:
        """Take the layer's weights for the node."""
        weights = named(layer.kind, absent, self.weights.get(layer.name, {}))
        for name, tensor in converted(layer.kind, weights, shapes).items():
            self.state[f"layers.{node}.{name}"] = tensor


def require(layer: KerasLayer, key: str, *allowed: Any) -> None:
    """An option must be one of these; absent, it is Keras's default, the first.

    Raises:
        KerasError: if it is another.
    """
    value = layer.options.get(key, allowed[0])
    if value not in allowed:
        raise KerasError(f"{key} {value!r} is not supported, only {allowed[0]!r}")


def number(layer: KerasLayer, *keys: str, default: float) -> float:
    """An option of which Keras 2 and Keras 3 have different names.

    Raises:
        KerasError: if it is no number, or out of all bounds.
    """
    for key in keys:
        value = layer.options.get(key)
        if isinstance(value, Mapping):  # Keras 2 writes a numpy scalar so
            value = value.get("value")
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, _NUMBER) or not abs(value) < 1e9:
            raise KerasError(f"{key} {value!r} is no sane number")
        return float(value)
    return default


def activate(build: Build, place: int, function: Any) -> int:
    """An activation by its name.

    Raises:
        KerasError: if it is not one of those that are known.
    """
    if isinstance(function, Mapping):
        function = function.get("config")
    if function in (None, "linear"):
        return place
    if not isinstance(function, str) or function not in _FUNCTIONS:
        raise KerasError(f"activation {function!r} is not supported")
    return build.add(_FUNCTIONS[function], place)


def _conv(build: Build, layer: KerasLayer) -> int:
    require(layer, "padding", "same")
    require(layer, "data_format", "channels_last", None)
    for key in ("strides", "dilation_rate"):
        require(layer, key, [1, 1], 1, None)
    require(layer, "groups", 1, None)
    size: Any = layer.options.get("kernel_size")
    sides: list[Any] = size if isinstance(size, list) and size else [size]
    kernel = sides[0]
    if any(side != kernel for side in sides):
        raise KerasError(f"kernel_size {size} is not square")
    before = build.place(layer)
    filters: Any = layer.options.get("filters")
    biased = layer.options.get("use_bias", True) is not False
    shape = [kernel, kernel, build.channels[before], filters]
    node = build.add("conv", before, channels=filters, out=filters, kernel=kernel, bias=biased)
    build.load(node, layer, set() if biased else {"bias"}, kernel=shape, bias=[filters])
    return activate(build, node, layer.options.get("activation"))


def _batch_norm(build: Build, layer: KerasLayer) -> int:
    require(layer, "axis", [3], -1, 3, [-1])
    before = build.place(layer)
    channels = build.channels[before]
    node = build.add("batch_norm", before, eps=number(layer, "epsilon", default=1e-3))
    absent = {name for name, key in (("gamma", "scale"), ("beta", "center"))
              if layer.options.get(key, True) is False}  # fmt: skip
    shape = [channels]
    build.load(
        node, layer, absent, gamma=shape, beta=shape, moving_mean=shape, moving_variance=shape
    )
    like = build.state[f"layers.{node}.running_mean"]
    build.state.setdefault(f"layers.{node}.weight", like.new_ones(channels))
    build.state.setdefault(f"layers.{node}.bias", like.new_zeros(channels))
    return node


def _prelu(build: Build, layer: KerasLayer) -> int:
    before = build.place(layer)
    alpha = next(iter(build.weights.get(layer.name, {}).values()), None)
    shape = list(alpha.values.shape) if alpha is not None else []
    if len(shape) == 3 and shape[:2] != [1, 1]:
        raise KerasError(f"has slopes for each pixel of {shape[0]}x{shape[1]}, not shared_axes")
    slopes = 1 if shape[-1:] == [1] else build.channels[before]
    node = build.add("prelu", before, slopes=slopes)
    build.load(node, layer, set(), alpha=[1, 1, slopes])
    return node


def _relu(build: Build, layer: KerasLayer) -> int:
    require(layer, "max_value", None)
    if number(layer, "threshold", default=0) != 0:
        raise KerasError("threshold is not supported")
    slope = number(layer, "negative_slope", default=0)
    if slope:
        return build.add("leaky_relu", build.place(layer), slope=slope)
    return build.add("relu", build.place(layer))


def _leaky_relu(build: Build, layer: KerasLayer) -> int:
    slope = number(layer, "alpha", "negative_slope", default=0.3)
    return build.add("leaky_relu", build.place(layer), slope=slope)


def _activation(build: Build, layer: KerasLayer) -> int:
    return activate(build, build.place(layer), layer.options.get("activation"))


def _up_sampling(build: Build, layer: KerasLayer) -> int:
    require(layer, "data_format", "channels_last", None)
    require(layer, "interpolation", "nearest", "bilinear")
    size = layer.options.get("size", [2, 2])
    factors = set(size) if isinstance(size, list) else {size}
    if len(factors) != 1:
        raise KerasError(f"size {size} enlarges the two sides differently")
    build.resized = True
    operation = layer.options.get("interpolation", "nearest")
    return build.add(operation, build.place(layer), factor=factors.pop())


def _meeting(operation: str) -> Callable[[Build, KerasLayer], int]:
    def make(build: Build, layer: KerasLayer) -> int:
        return build.add(operation, *(build.places[name] for name in layer.inputs))

    return make


def _concatenate(build: Build, layer: KerasLayer) -> int:
    require(layer, "axis", -1, 3)
    places = [build.places[name] for name in layer.inputs]
    channels = sum(build.channels[place] for place in places)
    return build.add("concat", *places, channels=channels)


def _rescaling(build: Build, layer: KerasLayer) -> int:
    scale, shift = number(layer, "scale", default=1), number(layer, "offset", default=0)
    return build.add("affine", build.place(layer), scale=scale, shift=shift)


CLASSES: Mapping[str, Callable[[Build, KerasLayer], int]] = {
    "Conv2D": _conv,
    "BatchNormalization": _batch_norm,
    "PReLU": _prelu,
    "ReLU": _relu,
    "LeakyReLU": _leaky_relu,
    "Activation": _activation,
    "UpSampling2D": _up_sampling,
    "Add": _meeting("add"),
    "Multiply": _meeting("multiply"),
    "Concatenate": _concatenate,
    "Rescaling": _rescaling,
} | dict.fromkeys(_IDLE, Build.place)
