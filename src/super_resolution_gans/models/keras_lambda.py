"""Layers whose function is code: what they must be, told by where they stand. Nothing is executed.

A Lambda holds Python bytecode, which is never looked into. It is

- depth_to_space, if it takes r*r times the channels that the layers behind it need (r = 2, 3, 4);
- the step into the network's own range, if nothing but it stands between the image and the first
  convolution;
- the step out of that range, if it is the last layer and has as many channels as the image.

Anything else is refused. A TFOpLambda says which function it is: ``nn.depth_to_space``.
"""

from super_resolution_gans.models.keras_config import KerasLayer
from super_resolution_gans.models.keras_file import KerasError
from super_resolution_gans.models.keras_layers import Build

CODE = (
    "Lambda",
    "TFOpLambda",
    "TensorFlowOpLayer",
    "DepthToSpace",
    "PixelShuffle",
    "SubpixelConv2D",
)
_WEIGHTED = ("Conv2D", "PReLU", "BatchNormalization")
# These tell nothing about how many channels they take.
_UNTOLD = (*CODE, "Concatenate")


def shuffle(build: Build, layer: KerasLayer) -> int:
    """A node for a layer of code in the middle of a network, which must be depth_to_space.

    Raises:
        KerasError: if it cannot be.
    """
    function = layer.options.get("function")
    told = isinstance(function, str) and function.endswith("depth_to_space")
    if layer.kind == "TFOpLambda" and not told:
        raise KerasError(f"computes {function}, which is not supported")
    before = build.place(layer)
    channels, needed = build.channels[before], _needed(build, layer)
    if told and layer.call.get("data_format", "NHWC") != "NHWC":
        raise KerasError("data_format is not NHWC")
    factor = next((r for r in (2, 3, 4) if needed is not None and needed * r * r == channels), None)
    stated = layer.call.get("block_size")
    if told and stated is not None:
        factor = stated
    if type(factor) is not int or not 2 <= factor <= 8 or channels % factor**2:
        behind = "an unknown number" if needed is None else needed
        raise KerasError(
            f"is code, which is never executed; it takes {channels} channels, what follows needs "
            f"{behind}, so it is no depth_to_space"
        )
    build.shuffled = True
    return build.add(
        "shuffle", before, channels=channels // factor**2, factor=factor, order="block"
    )


def is_first(build: Build, layer: KerasLayer) -> bool:
    """Whether it takes the image itself."""
    return layer.inputs == (build.layers[0].name,)


def is_last(build: Build, layer: KerasLayer) -> bool:
    """Whether it makes the image, and only changes its values."""
    image = build.channels[build.places[build.layers[0].name]]
    return layer is build.layers[-1] and build.channels[build.place(layer)] == image


def _needed(build: Build, layer: KerasLayer) -> int | None:
    """Channels that the layers behind this one take, if they tell."""
    behind: dict[str, list[KerasLayer]] = {}
    for other in build.layers:
        for name in other.inputs:
            behind.setdefault(name, []).append(other)
    waiting, seen = [layer], {layer.name}
    while waiting:
        current = waiting.pop()
        if current is build.layers[-1]:
            return build.channels[build.places[build.layers[0].name]]
        for other in behind.get(current.name, []):
            if other.kind in _WEIGHTED:
                return _taken(build, other)
            if other.name not in seen and other.kind not in _UNTOLD:
                seen.add(other.name)
                waiting.append(other)
            elif other.kind in CODE and other is build.layers[-1]:
                return build.channels[build.places[build.layers[0].name]]
    return None


def _taken(build: Build, layer: KerasLayer) -> int | None:
    """Channels that a layer takes, by the shape of its first weight."""
    weight = next(iter(build.weights.get(layer.name, {}).values()), None)
    if weight is None or not weight.values.ndim:
        return None
    shape = weight.values.shape
    return int(shape[2] if layer.kind == "Conv2D" and len(shape) == 4 else shape[-1])
