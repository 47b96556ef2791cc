"""Descriptions of models, as Keras 2 and 3 write them and as nobody should."""

import copy
import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import pytest

from super_resolution_gans.models import keras_model
from super_resolution_gans.models.hdf5 import read_hdf5
from super_resolution_gans.models.keras_config import layers_of
from super_resolution_gans.models.keras_file import KerasError, arrange


def described(golden: Path, name: str) -> dict[str, Any]:
    with h5py.File(golden / name) as file:
        config: dict[str, Any] = json.loads(file.attrs["model_config"])
    return config


@pytest.mark.parametrize("version", [2, 3])
def test_connections_are_read_as_each_keras_writes_them(golden: Path, version: int) -> None:
    layers = layers_of(described(golden, f"relative_keras{version}.h5"))
    kinds = [layer.kind for layer in layers]
    assert (kinds[0], kinds[-1]) == ("InputLayer", "Activation")
    add = next(layer for layer in layers if layer.kind == "Add")
    assert [name.rstrip("_0123456789") for name in add.inputs] == ["p_re_lu", "batch_normalization"]
    assert all(len(layer.inputs) == 1 for layer in layers[1:] if layer.kind != "Add")


def test_groups_of_keras_3_are_counted_by_class(golden: Path) -> None:
    layers = layers_of(described(golden, "subpixel_keras3.h5"))
    groups = {layer.name: layer.group for layer in layers}
    assert groups["conv2d_18"] != "conv2d_18"
    assert sorted(group for group in groups.values() if "conv2d" in group)[:2] == [
        "conv2d",
        "conv2d_1",
    ]
    assert {"p_re_lu", "batch_normalization_1", "lambda_3", "input_layer"} <= set(groups.values())


def test_sequential_models_are_rows(golden: Path) -> None:
    config = described(golden, "sequential_keras2.h5")
    layers = layers_of(config)
    assert [layer.inputs for layer in layers] == [(), *((x.name,) for x in layers[:-1])]
    config["config"] = config["config"]["layers"]  # as the oldest files have it
    assert layers_of(config) == layers
    del config["config"][0]  # an input that only the first layer tells
    assert [layer.kind for layer in layers_of(config)] == [layer.kind for layer in layers]


def conv(name: str, *inputs: str) -> dict[str, Any]:
    nodes = [[[source, 0, 0, {}] for source in inputs]] if inputs else []
    kind = "Conv2D" if inputs else "InputLayer"
    return {"class_name": kind, "config": {"name": name}, "name": name, "inbound_nodes": nodes}


def functional(*layers: dict[str, Any], outputs: Any = "c") -> dict[str, Any]:
    ends = [[outputs, 0, 0]] if isinstance(outputs, str) else outputs
    return {"class_name": "Model", "config": {"layers": list(layers), "output_layers": ends}}


def test_layers_are_put_in_order() -> None:
    layers = layers_of(functional(conv("c", "b"), conv("b", "a"), conv("a")))
    assert [layer.name for layer in layers] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({}, "its model is a None"),
        ({"class_name": "Custom>Evil", "config": {}}, "its model is a Custom>Evil"),
        ({"class_name": "Functional", "config": None}, "cannot be understood"),
        ({"class_name": "Sequential", "config": {"layers": [1]}}, "cannot be understood"),
        (functional(conv("a"), conv("b"), conv("c", "a", "b")), "more or fewer than one input"),
        (functional(conv("b", "c"), conv("c", "b")), "more or fewer than one input"),
        (functional(conv("a"), conv("b", "c", "a"), conv("c", "b")), "its output is taken"),
        (functional(conv("a"), conv("b", "d"), conv("d", "b"), conv("c", "b", "a")), "in a circle"),
        (functional(conv("a"), conv("b", "a"), conv("c", "a")), "nothing takes the result of"),
        (functional(conv("a"), conv("c", "x")), "takes what no layer makes"),
        (functional(conv("a"), conv("a"), conv("c", "a")), "more or fewer than one input"),
        (functional(conv("a"), conv("b", "a"), conv("b", "a"), conv("c", "b")), "of one name"),
        (functional(conv("a"), conv("b", "a")), "takes what no layer makes"),
        (functional(conv("a"), conv("c", "a"), outputs=[["a", 0, 0], ["c", 0, 0]]), "2 outputs"),
        (functional(conv("a"), conv("c", "a"), outputs=[]), "0 outputs"),
        (functional(conv("a"), conv("c", "a") | {"inbound_nodes": [[], []]}), "is used 2 times"),
    ],
)
def test_descriptions_that_make_no_sense_are_refused(config: Any, reason: str) -> None:
    with pytest.raises(KerasError, match=reason):
        layers_of(config)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths to everything inside a description."""
    inner: Any = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    return [path, *(found for key, item in inner for found in places(item, (*path, key)))]


ODD = [None, True, -1, 0, 3, 1e308, float("nan"), 10**400, "", "tanh", [], {}, [[1]], {"a": 1}]
ODD += ["Lambda", "Rescaling", "Concatenate", "PReLU", "add", ["conv2d", 0, 0]]


@pytest.mark.parametrize("name", ["relative_keras2.h5", "subpixel_keras3.h5"])
def test_any_change_of_a_description_is_followed_or_refused(golden: Path, name: str) -> None:
    file, draw = arrange(read_hdf5(golden / name)), random.Random(7)
    refused = 0
    inside = places(file.config)[1:]
    for _ in range(300):
        config = copy.deepcopy(file.config)
        *path, last = draw.choice(inside)
        parent: Any = config
        for key in path:
            parent = parent[key]
        parent[last] = copy.deepcopy(draw.choice(ODD))
        try:
            keras_model._build(replace(file, config=config))
        except KerasError:
            refused += 1
    assert 30 < refused < 290
