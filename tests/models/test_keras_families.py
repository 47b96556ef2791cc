"""Which network a file of weights is of: told by names and shapes, or refused."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from super_resolution_gans.models.checkpoint import ModelFileError
from super_resolution_gans.models.keras_families import layers_by_shape
from super_resolution_gans.models.keras_file import KerasError, KerasFile, Weight
from super_resolution_gans.models.keras_model import load_keras

NEAREST = ["conv2d", "activation", *["conv2d", "activation", "batch_normalization", "conv2d",
           "batch_normalization", "add"] * 3, "conv2d", "batch_normalization", "add",
           *["up_sampling2d", "conv2d", "activation"] * 2, "conv2d"]  # fmt: skip
SUBPIXEL = ["conv2d", "p_re_lu", *["conv2d", "batch_normalization", "p_re_lu", "conv2d",
            "batch_normalization", "add"] * 3, "conv2d", "batch_normalization", "add",
            *["conv2d", "lambda", "p_re_lu"] * 2, "conv2d"]  # fmt: skip


def keras_file(
    names: list[str], *, quarter: bool, listed: bool = True, rename: Callable[[str], str] = str
) -> KerasFile:
    """A file with these layers, 4 channels wide, 16 where it enlarges; weights are all ones."""
    convolutions, counts = names.count("conv2d"), dict.fromkeys(names, 0)
    ups = 2
    layers: dict[str, dict[str, Weight]] = {}
    for name in names:
        count = counts[name]
        counts[name] += 1
        own = rename(f"{name}_{count}" if count else name)
        wide = 4 if quarter else 16
        shapes: dict[str, tuple[int, ...]] = {}
        if name == "conv2d":
            ahead = convolutions - 1 - count  # convolutions that come after this one
            into = 1 if not count else wide if ahead < ups else 4
            out = 1 if not ahead else 16 if ahead <= ups else 4
            shapes = {"kernel": (3, 3, into, out), "bias": (out,)}
        elif name == "batch_normalization":
            shapes = dict.fromkeys(("gamma", "beta", "moving_mean", "moving_variance"), (4,))
        elif name == "p_re_lu":
            shapes = {"alpha": (1, 1, 4)}
        layers[own] = {
            weight if listed else str(place): Weight(f"{own}/{weight}", torch.ones(shape))
            for place, (weight, shape) in enumerate(shapes.items())
        }
    if not listed:  # the order of layers of different classes is not stored
        layers = dict(sorted(layers.items()))
    return KerasFile(layers, ordered=listed)


def kinds(file: KerasFile) -> list[str]:
    """Classes of the layers, activations by their function."""
    return [str(layer.options.get("activation", layer.kind)) if layer.kind == "Activation"
            else layer.kind for layer in layers_by_shape(file)]  # fmt: skip


FIRST = ["InputLayer", "Conv2D", "relu", *["Conv2D", "relu", "BatchNormalization", "Conv2D",
         "BatchNormalization", "Add"] * 3, "Conv2D", "BatchNormalization", "Add",
         *["UpSampling2D", "Conv2D", "relu"] * 2, "Conv2D"]  # fmt: skip
SECOND = ["InputLayer", "Conv2D", "PReLU", *["Conv2D", "BatchNormalization", "PReLU", "Conv2D",
          "BatchNormalization", "Add"] * 3, "Conv2D", "BatchNormalization", "Add",
          *["Conv2D", "Lambda", "PReLU"] * 2, "Conv2D"]  # fmt: skip


@pytest.mark.parametrize("listed", [True, False])
def test_both_families_are_told_in_both_layouts(listed: bool) -> None:
    assert kinds(keras_file(NEAREST, quarter=False, listed=listed)) == FIRST
    assert kinds(keras_file(SUBPIXEL, quarter=True, listed=listed)) == SECOND


def test_names_of_ones_own_do_not_matter_where_shapes_tell() -> None:
    def own(name: str) -> str:
        return f"my {name}"

    with pytest.raises(KerasError, match="several networks"):
        kinds(keras_file(NEAREST, quarter=False, rename=own))
    bare = [name for name in NEAREST if name in ("conv2d", "batch_normalization")]
    assert kinds(keras_file(bare, quarter=False, rename=own)) == FIRST
    assert kinds(keras_file(SUBPIXEL, quarter=True, rename=own)) == SECOND


def test_the_files_order_is_followed_where_it_is_stored() -> None:
    names = [*SUBPIXEL[:-7], *["conv2d", "up_sampling2d", "p_re_lu"] * 2, "conv2d"]
    expected = [*SECOND[:-7], *["Conv2D", "UpSampling2D", "PReLU"] * 2, "Conv2D"]
    assert kinds(keras_file(names, quarter=False)) == expected
    with pytest.raises(KerasError, match=r"several networks have such weights.*model\.save"):
        kinds(keras_file(names, quarter=False, listed=False))


def test_connections_go_around_each_block_and_around_all() -> None:
    layers = layers_by_shape(keras_file(NEAREST, quarter=False))
    adds = [layer for layer in layers if layer.kind == "Add"]
    norms = [layer.name for layer in layers if layer.kind == "BatchNormalization"]
    assert [layer.inputs for layer in adds] == [
        (norms[1], "activation"),
        (norms[3], "add"),
        (norms[5], "add_1"),
        (norms[6], "activation"),
    ]
    assert layers[-1].options["activation"] == "tanh"


def test_an_activation_behind_the_last_convolution_is_tanh() -> None:
    assert kinds(keras_file([*NEAREST, "activation"], quarter=False))[-2:] == ["Conv2D", "tanh"]
    with pytest.raises(KerasError, match="its last layer is layer re_lu"):
        kinds(keras_file([*NEAREST, "re_lu"], quarter=False))


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["conv2d", "activation", "conv2d"], "2 convolutions and 0 BatchNorms are no SRGAN"),
        ([*NEAREST, "leaky_re_lu"], "what leaky_re_lu does is not in the file"),
        ([*NEAREST, "rescaling"], "what rescaling does is not in the file"),
        ([name for name in NEAREST if name != "add"] + ["add"], "the order of its layers is no"),
    ],
)
def test_other_networks_are_refused_with_what_to_do(names: list[str], reason: str) -> None:
    with pytest.raises(KerasError, match=f"{reason}.*save the whole model"):
        kinds(keras_file(names, quarter=False))


def test_weights_of_other_layers_are_refused() -> None:
    file = keras_file(NEAREST, quarter=False)
    layers = {**file.layers, "dense": {"kernel": Weight("dense/kernel", torch.ones(2, 2))}}
    with pytest.raises(KerasError, match="what layer dense is cannot be told"):
        kinds(KerasFile(layers, ordered=True))


@pytest.mark.parametrize("name", ["first_keras2.h5", "first_keras3.h5", "subpixel_keras2.h5"])
def test_a_file_says_the_same_with_and_without_its_description(
    golden: Path, changed: Callable[..., Path], name: str
) -> None:
    whole = load_keras(golden / name).network
    bare = load_keras(changed(name, file=lambda f: f.attrs.__delitem__("model_config"))).network
    image = torch.rand(1, whole.channels, 7, 5)
    assert torch.equal(whole(image), bare(image))


def test_slopes_that_no_weight_tells_are_refused(changed: Callable[..., Path]) -> None:
    path = changed("relative_keras2.h5", file=lambda f: f.attrs.__delitem__("model_config"))
    with pytest.raises(ModelFileError, match="what leaky_re_lu does is not in the file"):
        load_keras(path)
