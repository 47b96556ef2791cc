"""Each class of Keras's layers becomes the right nodes, with its weights and its defaults."""

from typing import Any

import pytest
import torch
from torch import Tensor

from super_resolution_gans.models.graph import Node, Nodes
from super_resolution_gans.models.keras_config import KerasLayer
from super_resolution_gans.models.keras_file import KerasError, Weight
from super_resolution_gans.models.keras_layers import CLASSES, Build, number

KERNEL, BIAS = torch.randn(3, 3, 4, 5), torch.arange(5.0)
CONV = {"filters": 5, "kernel_size": [3, 3]}
NORM = {
    "gamma": torch.rand(4),
    "beta": torch.rand(4),
    "moving_mean": torch.rand(4),
    "moving_variance": torch.zeros(4),
}


def built(kind: str, options: dict[str, Any], *inputs: str, **tensors: Tensor) -> tuple[Build, int]:
    """What a layer makes of an image of 4 channels (``image``) and one of 3 (``other``)."""
    weights = {name: Weight(f"it/{name}", tensor) for name, tensor in tensors.items()}
    file = {"it": weights} if weights else {}  # layers without weights are not in every file
    build = Build([], file, Nodes(), {"image": 0, "other": 1}, {0: 4, 1: 3})
    build.nodes("relu", 0)  # node 1
    return build, CLASSES[kind](build, KerasLayer("it", kind, options, inputs or ("image",)))


def made(kind: str, options: dict[str, Any], *inputs: str, **tensors: Tensor) -> list[Node]:
    build, place = built(kind, options, *inputs, **tensors)
    nodes = build.nodes.nodes[1:]
    assert place == len(nodes) + 1
    return nodes


def refusal(kind: str, options: dict[str, Any], *inputs: str, **tensors: Tensor) -> str:
    with pytest.raises(KerasError) as caught:
        built(kind, options, *inputs, **tensors)
    return str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"kernel_size": 3, "strides": 1, "dilation_rate": 1},
        {"padding": "same", "data_format": "channels_last", "strides": [1, 1], "groups": 1},
        {"data_format": None, "strides": None, "dilation_rate": [1, 1], "groups": None},
        {"use_bias": True, "activation": "linear"},
    ],
)
def test_a_convolution_and_its_defaults(options: dict[str, Any]) -> None:
    build, place = built("Conv2D", CONV | options, kernel=KERNEL, bias=BIAS)
    assert build.nodes.nodes[1:] == [Node("conv", (0,), {"out": 5, "kernel": 3, "bias": True})]
    assert (place, build.channels[place]) == (2, 5)
    assert build.state.keys() == {"layers.2.weight", "layers.2.bias"}
    assert torch.equal(build.state["layers.2.weight"], KERNEL.permute(3, 2, 0, 1))
    assert torch.equal(build.state["layers.2.bias"], BIAS)


def test_a_convolution_without_bias_and_with_an_activation() -> None:
    options = CONV | {"use_bias": False, "activation": "relu"}
    build, place = built("Conv2D", options, "image", kernel=KERNEL)
    assert build.nodes.nodes[1:] == [
        Node("conv", (0,), {"out": 5, "kernel": 3, "bias": False}),
        Node("relu", (2,)),
    ]
    assert (place, build.channels[place]) == (3, 5)
    assert build.state.keys() == {"layers.2.weight"}


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"padding": "valid"}, "padding 'valid' is not supported, only 'same'"),
        (
            {"data_format": "channels_first"},
            "data_format 'channels_first' is not supported, only 'channels_last'",
        ),
        ({"strides": [2, 2]}, "strides [2, 2] is not supported, only [1, 1]"),
        ({"dilation_rate": 2}, "dilation_rate 2 is not supported, only [1, 1]"),
        ({"groups": 2}, "groups 2 is not supported, only 1"),
        ({"kernel_size": [3, 1]}, "kernel_size [3, 1] is not square"),
        ({"kernel_size": 5}, "it/kernel has shape [3, 3, 4, 5], expected [5, 5, 4, 5]"),
        ({"filters": 6}, "it/kernel has shape [3, 3, 4, 5], expected [3, 3, 4, 6]"),
        ({"use_bias": False}, "has a weight too many, it/bias"),
        ({"activation": "elu"}, "activation 'elu' is not supported"),
    ],
)
def test_convolutions_that_are_refused(options: dict[str, Any], reason: str) -> None:
    assert refusal("Conv2D", CONV | options, kernel=KERNEL, bias=BIAS) == reason


@pytest.mark.parametrize("kind", ["Conv2D", "PReLU", "UpSampling2D", "Dropout"])
def test_what_takes_one_image_refuses_two(kind: str) -> None:
    assert refusal(kind, CONV, "image", "other") == "takes 2 inputs"


@pytest.mark.parametrize("axis", [[3], 3, -1, [-1], None])
def test_a_batch_norm_and_its_defaults(axis: Any) -> None:
    options = {} if axis is None else {"axis": axis, "epsilon": 1e-5}
    build, place = built("BatchNormalization", options, **NORM)
    epsilon = 1e-3 if axis is None else 1e-5
    assert build.nodes.nodes[1:] == [Node("batch_norm", (0,), {"eps": epsilon})]
    assert build.channels[place] == 4
    ours = ("weight", "bias", "running_mean", "running_var")
    assert build.state.keys() == {f"layers.2.{name}" for name in ours}
    for name, tensor in zip(ours, NORM.values(), strict=True):
        assert torch.equal(build.state[f"layers.2.{name}"], tensor)


@pytest.mark.parametrize(
    ("key", "absent", "name", "value"),
    [("scale", "gamma", "weight", 1.0), ("center", "beta", "bias", 0.0)],
)
def test_a_batch_norm_without_scale_or_centre(
    key: str, absent: str, name: str, value: float
) -> None:
    rest = {weight: tensor for weight, tensor in NORM.items() if weight != absent}
    state = built("BatchNormalization", {key: False}, **rest)[0].state
    assert torch.equal(state[f"layers.2.{name}"], torch.full((4,), value))
    assert len(state) == 4
    reason = f"has a weight too many, it/{absent}"
    assert refusal("BatchNormalization", {key: False}, **NORM) == reason
    assert refusal("BatchNormalization", {}, **rest) == f"has no weight {absent}"


def test_batch_norms_that_are_refused() -> None:
    assert refusal("BatchNormalization", {"axis": [1]}, **NORM) == (
        "axis [1] is not supported, only [3]"
    )
    for name in NORM:
        wrong = NORM | {name: torch.ones(5)}
        expected = f"it/{name} has shape [5], expected [4]"
        assert refusal("BatchNormalization", {}, **wrong) == expected


@pytest.mark.parametrize("slopes", [1, 4])
def test_slopes_of_a_prelu(slopes: int) -> None:
    alpha = torch.rand(1, 1, slopes)
    build, place = built("PReLU", {}, alpha=alpha)
    assert build.nodes.nodes[1:] == [Node("prelu", (0,), {"slopes": slopes})]
    assert torch.equal(build.state[f"layers.{place}.weight"], alpha.flatten())


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        ((24, 16, 4), "has slopes for each pixel of 24x16, not shared_axes"),
        ((1, 16, 4), "has slopes for each pixel of 1x16, not shared_axes"),
        ((1, 1, 5), "it/alpha has shape [1, 1, 5], expected [1, 1, 4]"),
        ((4,), "it/alpha has shape [4], expected [1, 1, 4]"),
        ((1,), "it/alpha has shape [1], expected [1, 1, 1]"),
    ],
)
def test_slopes_that_are_refused(shape: tuple[int, ...], reason: str) -> None:
    assert refusal("PReLU", {}, alpha=torch.ones(shape)) == reason


def test_layers_that_have_lost_their_weights_are_refused() -> None:
    assert refusal("PReLU", {}) == "has no weight alpha"
    assert refusal("Conv2D", CONV) == "has no weight kernel"
    assert refusal("BatchNormalization", {}) == "has no weight gamma"


@pytest.mark.parametrize(
    ("kind", "options", "node"),
    [
        ("ReLU", {}, Node("relu", (0,))),
        ("ReLU", {"max_value": None, "threshold": 0, "negative_slope": 0.0}, Node("relu", (0,))),
        ("ReLU", {"negative_slope": 0.2}, Node("leaky_relu", (0,), {"slope": 0.2})),
        ("LeakyReLU", {}, Node("leaky_relu", (0,), {"slope": 0.3})),
        ("LeakyReLU", {"alpha": 0.2}, Node("leaky_relu", (0,), {"slope": 0.2})),
        ("LeakyReLU", {"negative_slope": 0.1}, Node("leaky_relu", (0,), {"slope": 0.1})),
        ("Activation", {"activation": "relu"}, Node("relu", (0,))),
        ("Activation", {"activation": "tanh"}, Node("tanh", (0,))),
        ("Activation", {"activation": {"config": "sigmoid"}}, Node("sigmoid", (0,))),
        ("UpSampling2D", {}, Node("nearest", (0,), {"factor": 2})),
        (
            "UpSampling2D",
            {"size": [3, 3], "interpolation": "bilinear", "data_format": None},
            Node("bilinear", (0,), {"factor": 3}),
        ),
        (
            "UpSampling2D",
            {"size": 4, "interpolation": "nearest", "data_format": "channels_last"},
            Node("nearest", (0,), {"factor": 4}),
        ),
        ("Rescaling", {}, Node("affine", (0,), {"scale": 1.0, "shift": 0.0})),
        (
            "Rescaling",
            {"scale": 2, "offset": -1},
            Node("affine", (0,), {"scale": 2.0, "shift": -1.0}),
        ),
    ],
)
def test_layers_without_weights(kind: str, options: dict[str, Any], node: Node) -> None:
    assert made(kind, options) == [node]
    build, place = built(kind, options)
    assert build.channels[place] == 4
    assert build.state == {}
    assert (build.resized, build.shuffled) == (kind == "UpSampling2D", False)


@pytest.mark.parametrize(
    ("kind", "options", "reason"),
    [
        ("ReLU", {"max_value": 6}, "max_value 6 is not supported, only None"),
        ("ReLU", {"threshold": 0.5}, "threshold is not supported"),
        ("ReLU", {"threshold": -0.5}, "threshold is not supported"),
        ("Activation", {"activation": ["relu"]}, "activation ['relu'] is not supported"),
        ("Activation", {"activation": "gelu"}, "activation 'gelu' is not supported"),
        ("UpSampling2D", {"size": [2, 3]}, "size [2, 3] enlarges the two sides differently"),
        (
            "UpSampling2D",
            {"interpolation": "lanczos3"},
            "interpolation 'lanczos3' is not supported, only 'nearest'",
        ),
        (
            "UpSampling2D",
            {"data_format": "channels_first"},
            "data_format 'channels_first' is not supported, only 'channels_last'",
        ),
        ("Concatenate", {"axis": 1}, "axis 1 is not supported, only -1"),
        ("LeakyReLU", {"alpha": "x"}, "alpha 'x' is no sane number"),
        ("ReLU", {"negative_slope": "x"}, "negative_slope 'x' is no sane number"),
        ("Rescaling", {"scale": "x"}, "scale 'x' is no sane number"),
        ("Rescaling", {"offset": "x"}, "offset 'x' is no sane number"),
    ],
)
def test_layers_without_weights_that_are_refused(
    kind: str, options: dict[str, Any], reason: str
) -> None:
    assert refusal(kind, options) == reason


def test_layers_that_bring_images_together() -> None:
    assert made("Add", {}, "other", "image") == [Node("add", (1, 0))]
    assert made("Multiply", {}, "image", "other") == [Node("multiply", (0, 1))]
    for options in ({}, {"axis": -1}, {"axis": 3}):
        build, place = built("Concatenate", options, "image", "other", "image")
        assert build.nodes.nodes[1:] == [Node("concat", (0, 1, 0))]
        assert build.channels[place] == 4 + 3 + 4
    build, place = built("Add", {}, "other", "image")
    assert build.channels[place] == 3


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("Dropout", {"rate": 0.5}),
        ("SpatialDropout2D", {}),
        ("GaussianNoise", {"stddev": 1}),
        ("ActivityRegularization", {}),
        ("Activation", {"activation": "linear"}),
        ("Activation", {}),
    ],
)
def test_layers_that_do_nothing_at_test_time(kind: str, options: dict[str, Any]) -> None:
    build, place = built(kind, options, "other")
    assert (place, len(build.nodes.nodes)) == (1, 1)


@pytest.mark.parametrize(
    ("options", "value"),
    [
        ({}, 7.0),
        ({"a": 2}, 2.0),
        ({"b": 3}, 3.0),
        ({"a": 2, "b": 3}, 2.0),
        ({"a": None, "b": 3}, 3.0),
        ({"a": {"class_name": "float32", "value": 0.25}}, 0.25),
        ({"a": {"value": None}}, 7.0),
        ({"a": -999_999_999}, -999_999_999.0),
    ],
)
def test_a_number_has_several_names_and_a_default(options: Any, value: float) -> None:
    found = number(KerasLayer("it", "Any", options), "a", "b", default=7.0)
    assert found == value
    assert type(found) is float


@pytest.mark.parametrize("value", [True, "1", [1], 1e9, -1e9, float("nan"), float("inf"), 10**400])
def test_what_is_no_sane_number_is_refused(value: Any) -> None:
    with pytest.raises(KerasError) as caught:
        number(KerasLayer("it", "Any", {"a": value}), "a", default=0)
    assert str(caught.value) == f"a {value!r} is no sane number"
