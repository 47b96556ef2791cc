"""What a Keras file stores, in one form for all of Keras's layouts: layers, each with its weights.

Two layouts exist. In the older one (``model.h5`` and ``save_weights`` of Keras 2, ``model.h5`` of
Keras 3) the attributes ``layer_names`` and ``weight_names`` say what belongs to which layer, in the
order of the model. In the newer one (``.weights.h5``, and inside ``.keras``) there is a group for
each layer, named by its class and counted, whose weights are numbered; the order of layers of
different classes is not stored.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from super_resolution_gans.models.hdf5 import Stored

_NEW_ROOTS = ("layers", "_layer_checkpoint_dependencies")


class KerasError(ValueError):
    """A Keras file cannot be used; the message says why, and which layer or weight it is."""


@dataclass(frozen=True, eq=False)
class Weight:
    """One tensor as the file has it, and what the file calls it."""

    path: str
    values: Tensor


@dataclass(frozen=True, eq=False)
class KerasFile:
    """A file's layers.

    Attributes:
        layers: layer -> weight -> tensor; also layers without weights, if the file lists them. In
            the newer layout a layer's name is that of its group and weights are "0", "1", ...
        ordered: whether the layers stand in the order of the model (the older layout).
        config: the model's description, if the file has one.
        facts: what else is worth telling: ``keras_version``, ``backend``.
    """

    layers: Mapping[str, Mapping[str, Weight]]
    ordered: bool
    config: Mapping[str, Any] | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


def arrange(stored: Stored) -> KerasFile:
    """Find the layers in what was read.

    Raises:
        KerasError: if it is no Keras file, or lists of names and tensors do not agree.
    """
    root = "model_weights" if "model_weights" in stored.attributes else ""
    merged = dict(stored.attributes.get(root, {})) | dict(stored.attributes.get("", {}))
    facts: dict[str, str] = {
        key: str(merged[key]) for key in ("keras_version", "backend") if key in merged
    }
    text = merged.get("model_config")
    config = None if text is None else parse_config(text)
    names = stored.attributes.get(root, {}).get("layer_names")
    if names is not None:
        return KerasFile(_listed(stored, root, names), True, config, facts)
    for new_root in _NEW_ROOTS:
        if any(path.startswith(f"{new_root}/") for path in stored.tensors):
            return KerasFile(_numbered(stored, new_root), False, config, facts)
    raise KerasError("holds no Keras model (neither layer_names nor groups of layers)")


def parse_config(text: Any) -> Mapping[str, Any]:
    """The description of a model, as an object.

    Raises:
        KerasError: if it is none.
    """
    try:
        config = json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise KerasError(f"its model_config cannot be understood ({error})") from error
    if not isinstance(config, dict):
        raise KerasError("its model_config is no object")
    return config


def _listed(stored: Stored, root: str, names: list[str]) -> dict[str, dict[str, Weight]]:
    """The older layout."""
    layers: dict[str, dict[str, Weight]] = {}
    unused = set(stored.tensors)
    for layer in names:
        if layer in layers:
            raise KerasError(f"layer_names has {layer} twice")
        group = f"{root}/{layer}" if root else layer
        weights: dict[str, Weight] = {}
        for name in stored.attributes.get(group, {}).get("weight_names", []):
            path = f"{group}/{name}"
            if path not in unused:
                raise KerasError(f"weight_names of layer {layer} has {name}, which is not in it")
            unused.remove(path)
            own = name.rpartition("/")[2].partition(":")[0]
            if own in weights:
                raise KerasError(f"layer {layer} has two weights {own}; nested models are not read")
            weights[own] = Weight(path.removeprefix(f"{root}/"), stored.tensors[path])
        layers[layer] = weights
    if unused:
        raise KerasError(f"{min(unused)} belongs to no layer in layer_names")
    return layers


def _numbered(stored: Stored, root: str) -> dict[str, dict[str, Weight]]:
    """The newer layout."""
    layers: dict[str, dict[str, Weight]] = {}
    for group in stored.groups:
        parts = group.split("/")
        if len(parts) == 2 and parts[0] == root:
            layers[parts[1]] = {}
    for path, values in stored.tensors.items():
        match = re.fullmatch(re.escape(root) + r"/([^/]+)/vars/(\d{1,3})", path)
        if match is None:
            raise KerasError(f"{path} is no weight of a simple layer; nested models are not read")
        layers.setdefault(match[1], {})[match[2]] = Weight(path, values)
    return layers
