"""Generators that Keras wrote (``.h5``, ``.weights.h5``, ``.keras``), run without Keras.

The architecture comes from the description in the file, or, where a file holds weights only, from
the names and shapes of its weights (:mod:`keras_families`). Nothing in a file is executed.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from super_resolution_gans.models.checkpoint import Model, ModelFileError, filled
from super_resolution_gans.models.graph import LayerGraph, Node, Nodes
from super_resolution_gans.models.hdf5 import read_hdf5
from super_resolution_gans.models.keras_config import KerasLayer, layers_of
from super_resolution_gans.models.keras_families import layers_by_shape
from super_resolution_gans.models.keras_file import KerasError, KerasFile, Weight, arrange
from super_resolution_gans.models.keras_lambda import CODE, is_first, is_last, shuffle
from super_resolution_gans.models.keras_layers import CLASSES, Build
from super_resolution_gans.models.keras_ranges import BYTES, ending, made, shown, taken
from super_resolution_gans.models.keras_zip import is_keras_zip, read_keras_zip

_MOST_LAYERS = 2048


def load_keras(path: str | os.PathLike[str]) -> Model:
    """Read a generator from a file of Keras 2 or 3, on the CPU, float32, evaluation mode.

    The network takes and makes [0, 1] like every :class:`Upsampler`; the range that the file's own
    network works in is decided by the rules of :mod:`keras_ranges`, and said in the card.

    Args:
        path: ``.h5`` or ``.keras`` with the whole model; or weights only, of an SRGAN generator
            with nearest upsampling (as of 0.0.x) or with depth_to_space.

    Returns:
        the network, a :class:`LayerGraph`, and a card: ``family``, ``source`` (``format``,
        ``keras_version``, ``architecture``, ``takes``, ``makes``).

    Raises:
        ModelFileError: if the file is missing, damaged or hostile, is no generator that can be
            built, or its weights do not fit; the message names the layer or weight.
    """
    path = Path(path)
    try:
        zipped = is_keras_zip(path)
        file = read_keras_zip(path) if zipped else arrange(read_hdf5(path))
        family, network, state, source = _build(file)
    except KerasError as error:
        raise ModelFileError(path, str(error)) from error
    except RecursionError as error:
        raise ModelFileError(path, "its description is nested too deeply") from error
    source = {"format": "Keras zip" if zipped else "Keras HDF5", **file.facts, **source}
    return filled(network, state, {"family": family, "source": source})


def _build(file: KerasFile) -> tuple[str, LayerGraph, dict[str, Tensor], dict[str, Any]]:
    """The network on the meta device, its weights, and what to tell of them."""
    layers = layers_by_shape(file) if file.config is None else layers_of(file.config)
    if not 2 <= len(layers) <= _MOST_LAYERS:
        raise KerasError(f"has {len(layers)} layers; 2 to {_MOST_LAYERS} are read")
    weights = _assigned(file, layers)
    channels = _image_channels(layers, weights)
    build = Build(layers, weights, Nodes(), {layers[0].name: 1}, {0: channels})
    build.add("affine", 0)  # replaced below: what it is depends on the layers
    for layer in layers[1:]:
        try:
            build.places[layer.name] = _node(build, layer)
        except (KerasError, TypeError) as error:
            raise KerasError(f"{layer}: {error}") from error
    last = build.places[layers[-1].name]
    if build.channels[last] != channels:
        raise KerasError(f"takes {channels} channels and makes {build.channels[last]}")
    if not (build.shuffled or build.resized):
        raise KerasError("does not enlarge its image")
    takes, makes = _ranges(build, last)
    family = _family(build)
    try:
        with torch.device("meta"):
            network = LayerGraph(build.nodes.nodes, channels, family)
    except (ValueError, TypeError) as error:
        raise KerasError(f"its network cannot be built ({error})") from error
    told = "its weights" if file.config is None else "its description"
    source = {"architecture": f"told by {told}", "takes": takes, "makes": makes}
    return family, network, build.state, source


def _assigned(file: KerasFile, layers: Sequence[KerasLayer]) -> dict[str, Mapping[str, Weight]]:
    """The file's weights by the names of layers; none may be left over."""
    places = {layer.name if file.ordered else layer.group: layer.name for layer in layers}
    for name, weights in file.layers.items():
        if weights and name not in places:
            raise KerasError(f"its description has no layer {name}, for which it has weights")
    return {own: file.layers.get(place, {}) for place, own in places.items()}


def _image_channels(
    layers: Sequence[KerasLayer], weights: Mapping[str, Mapping[str, Weight]]
) -> int:
    """As the input layer says, or the first convolution's kernel where it does not."""
    options = layers[0].options
    shape = options.get("batch_shape") or options.get("batch_input_shape") or [None]
    channels = shape[-1] if isinstance(shape, list) else None
    if channels is None:
        kernels = [w.values for x in weights.values() for w in x.values() if w.values.ndim == 4]
        channels = int(kernels[0].shape[2]) if kernels else None
    if type(channels) is not int or channels not in (1, 3):
        raise KerasError(f"takes images of {channels} channels; 1 (grey) or 3 (RGB) are supported")
    return channels


def _node(build: Build, layer: KerasLayer) -> int:
    """The node with the layer's result; changes of range at either end are made by other nodes."""
    if layer.kind in ("Lambda", "Rescaling") and is_first(build, layer):
        return build.place(layer)
    if layer.kind == "Lambda" and is_last(build, layer):
        return build.place(layer)
    if layer.kind in CODE:
        return shuffle(build, layer)
    if layer.kind not in CLASSES:
        raise KerasError("layers of this class are not supported")
    return CLASSES[layer.kind](build, layer)


def _ranges(build: Build, last: int) -> tuple[str, str]:
    """Put the changes from and to [0, 1] at both ends; what the file's network takes and makes."""
    layers, end = build.layers, ending(build.layers)
    firsts = [layer for layer in layers if is_first(build, layer)]
    takes, inside = taken(firsts[0], end, shuffled=build.shuffled)
    low, high = inside or takes
    build.nodes.nodes[0] = Node("affine", (0,), {"scale": high - low, "shift": low})
    makes = made(layers[-1], end)
    span = makes[1] - makes[0]
    build.add("affine", last, scale=1 / span, shift=-makes[0] / span)
    lambda_ends = layers[-1].kind == "Lambda" and build.places[layers[-1].name] == last
    return shown(takes), shown(BYTES if lambda_ends and end == "tanh" else makes)


def _family(build: Build) -> str:
    """What people call such a network."""
    if ending(build.layers) != "tanh":
        return "Keras network"
    return "Keras SRGAN (sub-pixel)" if build.shuffled else "Keras SRGAN (nearest)"
