"""The description of a model that Keras stores (``model_config``), as a list of layers.

Keras 2 and Keras 3 write connections in different ways; functional and sequential models are read.
Nothing in a description is executed or imported.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from typing import Any

from super_resolution_gans.models.keras_file import KerasError

_ALIASES = {
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
    "Convolution2D": "Conv2D",
}


@dataclass(frozen=True)
class KerasLayer:
    """A layer: what Keras calls it, its class, its options, and which layers it takes.

    ``call`` has the arguments besides the inputs, such as ``block_size`` of depth_to_space;
    ``group`` is where Keras 3's files keep its weights.
    """

    name: str
    kind: str
    options: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    call: Mapping[str, Any] = field(default_factory=dict)
    group: str = ""

    def __str__(self) -> str:
        return f"layer {self.name} ({self.kind})"


def layers_of(config: Mapping[str, Any]) -> list[KerasLayer]:
    """The layers in the order of the file; the last one makes the image.

    Raises:
        KerasError: if the description is of another kind of model, or cannot be understood.
    """
    kind, inner = config.get("class_name"), config.get("config")
    try:
        if kind == "Sequential":
            return _sequential(inner)
        if kind in ("Functional", "Model"):
            return _functional(inner)
    except KerasError:
        raise
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        raise KerasError(f"its model_config cannot be understood ({error!r})") from error
    raise KerasError(f"its model is a {kind}; functional and sequential ones are read")


def _sequential(inner: Any) -> list[KerasLayer]:
    layers: list[KerasLayer] = []
    entries = inner["layers"] if isinstance(inner, Mapping) else inner
    for entry in entries:
        before = (layers[-1].name,) if layers else ()
        options = entry["config"]
        if not layers and entry["class_name"] != "InputLayer":
            before = ("the input",)
            layers.append(KerasLayer(before[0], "InputLayer", options))
        layers.append(_layer(entry, str(options["name"]), before, {}))
    kinds = [str(entry["class_name"]) for entry in entries]
    return _grouped(layers, ["InputLayer"] * (len(layers) - len(kinds)) + kinds)


def _functional(inner: Any) -> list[KerasLayer]:
    layers: list[KerasLayer] = []
    for entry in inner["layers"]:
        nodes = entry["inbound_nodes"]
        if len(nodes) > 1:
            raise KerasError(f"layer {entry['name']} is used {len(nodes)} times")
        inputs, call = _connections(nodes[0]) if nodes else ([], {})
        layers.append(_layer(entry, str(entry["name"]), inputs, call))
    layers = _grouped(layers, [str(entry["class_name"]) for entry in inner["layers"]])
    if sum(layer.kind == "InputLayer" or not layer.inputs for layer in layers) != 1:
        raise KerasError("its model has more or fewer than one input")
    last = _ends(inner["output_layers"])
    if len(last) != 1:
        raise KerasError(f"its model has {len(last)} outputs")
    return _in_order(layers, last[0])


def _layer(
    entry: Mapping[str, Any], name: str, inputs: Sequence[str], call: Mapping[str, Any]
) -> KerasLayer:
    kind, options = str(entry["class_name"]), entry["config"]
    if not isinstance(options, Mapping):
        raise TypeError(f"config of {name}")
    return KerasLayer(name, _ALIASES.get(kind, kind), options, tuple(inputs), call)


def _connections(node: Any) -> tuple[list[str], dict[str, Any]]:
    """Which layers' results a layer takes, and its other arguments."""
    inputs: list[str] = []
    call: dict[str, Any] = {}
    if isinstance(node, Mapping):  # Keras 3
        waiting = list(reversed(node["args"]))
        while waiting:
            argument = waiting.pop()
            if isinstance(argument, list):
                waiting += reversed(argument)
            elif isinstance(argument, Mapping) and argument["class_name"] == "__keras_tensor__":
                inputs.append(str(argument["config"]["keras_history"][0]))
            else:
                raise TypeError(f"argument {argument!r}")
        return inputs, dict(node["kwargs"])
    if node and isinstance(node[0], str):  # a layer that takes one tensor, and says so briefly
        node = [node]
    for place in node:
        inputs.append(str(place[0]))
        call |= place[3] if len(place) > 3 else {}
    return inputs, call


def _ends(places: Any) -> list[str]:
    """Names of the output layers: one place, or a list of places."""
    if places and isinstance(places[0], str):
        places = [places]
    return [str(place[0]) for place in places]


def _in_order(layers: Sequence[KerasLayer], last: str) -> list[KerasLayer]:
    """Each layer after those it takes, the output at the end."""
    by_name = {layer.name: layer for layer in layers}
    used = {name for layer in layers for name in layer.inputs}
    if len(by_name) != len(layers) or last not in by_name or not used <= by_name.keys():
        raise KerasError("its model has two layers of one name, or takes what no layer makes")
    if loose := [x for x in layers if x.name not in used and x.name != last]:
        raise KerasError(f"nothing takes the result of {loose[0]}")
    if last in used:
        raise KerasError("its output is taken by other layers")
    try:
        order = list(TopologicalSorter({x.name: x.inputs for x in layers}).static_order())
    except CycleError as error:
        raise KerasError("its layers go round in a circle") from error
    return [by_name[name] for name in order]


def _grouped(layers: Sequence[KerasLayer], kinds: Sequence[str]) -> list[KerasLayer]:
    """Each with the name of its group in Keras 3's files: the class in snake case, counted."""
    seen: dict[str, int] = {}
    grouped = []
    for layer, kind in zip(layers, kinds, strict=True):
        words = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", kind))
        stem = re.sub(r"([a-z])([A-Z])", r"\1_\2", words).lower()
        count = seen[stem] = seen.get(stem, -1) + 1
        grouped.append(replace(layer, group=f"{stem}_{count}" if count else stem))
    return grouped
