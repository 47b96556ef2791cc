"""Files with weights only: which network they are of, told by names and shapes of their weights.

Two families are known, both with 2 convolutions and 2 BatchNorms a block, a convolution and a
BatchNorm behind the blocks, a connection around all blocks, and a final convolution with tanh:

- nearest: UpSampling2D by 2 and a convolution, for each doubling (0.0.x and relatives);
- sub-pixel: a convolution to 4 times the channels and depth_to_space, for each doubling.

The convolutions that enlarge tell them apart: behind depth_to_space there is a quarter of the
channels. Where Keras stored the order of layers and their names are Keras's own (``activation_3``),
it is followed; otherwise only the two orders below are known, and anything else is refused. What a
file does not hold is assumed: ``activation`` is ReLU, and BatchNorm has Keras's epsilon.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

from super_resolution_gans.models.keras_config import KerasLayer
from super_resolution_gans.models.keras_file import KerasError, KerasFile, Weight

_CURE = "save the whole model (model.save), which has a description"
_KINDS = {
    "input": "InputLayer",
    "input_layer": "InputLayer",
    "activation": "Activation",
    "re_lu": "ReLU",
    "add": "Add",
    "tf.__operators__.add": "Add",
    "up_sampling2d": "UpSampling2D",
    "lambda": "Lambda",
    "tf.nn.depth_to_space": "Lambda",
    "tf_op_layer_DepthToSpace": "Lambda",
    "dropout": "Dropout",
}
# Their numbers are not among the weights.
_UNTOLD = ("leaky_re_lu", "rescaling", "normalization")
Step = tuple[str, str]  # kind, the file's name for it


def layers_by_shape(file: KerasFile) -> list[KerasLayer]:
    """The layers of a network of which only the weights are stored.

    Raises:
        KerasError: if it is of no known family, or could be several networks.
    """
    weighted = {name: _kind(name, weights) for name, weights in file.layers.items() if weights}
    for name, weights in file.layers.items():
        if not weights and _stem(name) in _UNTOLD:
            raise KerasError(f"what {name} does is not in the file; {_CURE}")
    steps: list[Step] | None = None
    if file.ordered:
        steps = _ordered(file, weighted)
    return _wired(file, steps or _template(file, weighted))


def _stem(name: str) -> str:
    return re.sub(r"_\d+$", "", name)


def _kind(name: str, weights: Mapping[str, Weight]) -> str:
    """The class of a layer with weights."""
    first = next(iter(weights.values())).values
    if first.ndim == 4 and ("kernel" in weights or name.startswith("conv2d")):
        return "Conv2D"
    if "moving_mean" in weights or name.startswith("batch_normalization"):
        return "BatchNormalization"
    if "alpha" in weights or name.startswith("p_re_lu"):
        return "PReLU"
    raise KerasError(f"what layer {name} is cannot be told by its weights; {_CURE}")


def _ordered(file: KerasFile, weighted: Mapping[str, str]) -> list[Step] | None:
    """The layers in the file's order, if all names are Keras's own."""
    steps = []
    for name in file.layers:
        kind = weighted.get(name) or _KINDS.get(_stem(name))
        if kind is None:
            return None
        if kind not in ("InputLayer", "Dropout"):
            steps.append((kind, name))
    enough = {"Add"} <= {kind for kind, _ in steps}
    active = {"Activation", "ReLU", "PReLU"} & {kind for kind, _ in steps}
    return steps if enough and active else None


def _template(file: KerasFile, weighted: Mapping[str, str]) -> list[Step]:
    """The order of layers by counting them."""
    names: dict[str, list[str]] = {kind: [] for kind in ("Conv2D", "BatchNormalization", "PReLU")}
    for name, kind in weighted.items():
        names[kind].append(name)
    if not file.ordered:
        for listed in names.values():
            listed.sort(key=_place)
    convolutions, norms, slopes = (iter(listed) for listed in names.values())
    counts = [len(listed) for listed in names.values()]
    blocks, rest = divmod(counts[1] - 1, 2)
    ups = counts[0] - 2 * blocks - 3
    if rest or blocks < 1 or ups < 1:
        raise KerasError(
            f"{counts[0]} convolutions and {counts[1]} BatchNorms are no SRGAN generator; {_CURE}"
        )
    subpixel = _is_subpixel(file, names["Conv2D"][-ups - 1 :])
    plain = counts[2] == 0
    activations = sum(_stem(name) in ("activation", "re_lu") for name in file.layers)
    listed_too = any(not weights for weights in file.layers.values())
    fits = activations - (1 + blocks + ups) in (0, 1) or not listed_too
    if subpixel == plain or not (fits if plain else counts[2] == 1 + blocks + ups):
        raise KerasError(f"several networks have such weights, in other orders of layers; {_CURE}")

    def conv() -> Step:
        return ("Conv2D", next(convolutions))

    def norm() -> Step:
        return ("BatchNormalization", next(norms))

    def active() -> Step:
        return ("Activation", "") if plain else ("PReLU", next(slopes))

    steps = [conv(), active()]
    for _ in range(blocks):
        middle = [conv(), active(), norm()] if plain else [conv(), norm(), active()]
        steps += [*middle, conv(), norm(), ("Add", "")]
    steps += [conv(), norm(), ("Add", "")]
    for _ in range(ups):
        steps += [("UpSampling2D", ""), conv()] if plain else [conv(), ("Lambda", "")]
        steps.append(active())
    return [*steps, conv()]


def _place(name: str) -> int:
    match = re.search(r"_(\d{1,6})$", name)
    return int(match[1]) if match else 0


def _is_subpixel(file: KerasFile, names: Sequence[str]) -> bool:
    """Whether behind each of the enlarging convolutions there is a quarter of its channels."""
    kernels = [next(iter(file.layers[name].values())).values for name in names]
    ratios = {
        one.shape[3] / max(1, other.shape[2])
        for one, other in pairwise(kernels)
        if one.ndim == other.ndim == 4
    }
    if ratios not in ({1}, {4}):
        raise KerasError(f"its last convolutions do not fit each other's channels; {_CURE}")
    return ratios == {4}


def _wired(file: KerasFile, steps: Sequence[Step]) -> list[KerasLayer]:
    """Layers in a row, with the connections around each block and around all of them."""
    layers = [KerasLayer("the input", "InputLayer")]
    adds = [place for place, (kind, _) in enumerate(steps) if kind == "Add"]
    convolutions = [place for place, (kind, _) in enumerate(steps) if kind == "Conv2D"]
    between = [0, *adds]
    counts = [
        sum(one < place < other for place in convolutions)
        for one, other in zip(between, adds, strict=False)
    ]
    if len(adds) < 2 or counts[1:] != [2] * (len(adds) - 2) + [1]:
        raise KerasError(f"the order of its layers is no SRGAN generator's; {_CURE}")
    head = block = ""
    for place, (kind, name) in enumerate(steps):
        if place == convolutions[1]:
            head = block = layers[-1].name
        inputs: tuple[str, ...] = (layers[-1].name,)
        options: dict[str, object] = {}
        if kind == "Add":
            inputs = (layers[-1].name, head if place == adds[-1] else block)
        elif kind == "Activation":
            options = {"activation": "tanh" if place > convolutions[-1] else "relu"}
        elif file.layers.get(name):
            options = _options(kind, name, file.layers[name])
        if place == convolutions[-1]:
            options = {**options, "activation": "tanh"}
        layer = KerasLayer(name or f"{kind} {place}", kind, options, inputs, group=name)
        layers.append(layer)
        if kind == "Add":
            block = layer.name
    if layers[-1].kind not in ("Conv2D", "Activation", "Lambda"):
        raise KerasError(f"its last layer is {layers[-1]}; {_CURE}")
    return layers


def _options(kind: str, name: str, weights: Mapping[str, Weight]) -> dict[str, object]:
    """What the weights tell of a layer."""
    numbered = "0" in weights
    if kind == "Conv2D":
        shape = list(next(iter(weights.values())).values.shape)
        biased = len(weights) == 2 if numbered else "bias" in weights
        return {"filters": shape[3], "kernel_size": [shape[0], shape[1]], "use_bias": biased}
    if kind == "BatchNormalization":
        if numbered and len(weights) not in (2, 4):
            raise KerasError(f"{name} has {len(weights)} weights, gamma or beta; {_CURE}")
        full = len(weights) == 4
        scale, center = (full, full) if numbered else ("gamma" in weights, "beta" in weights)
        return {"scale": scale, "center": center}
    return {}
