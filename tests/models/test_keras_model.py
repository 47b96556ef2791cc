"""Keras's generators run here as they ran there; what cannot is refused by name."""

import base64
import json
import marshal
import os
import shutil
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeAlias

import h5py
import numpy as np
import pytest
import torch

from super_resolution_gans.models.checkpoint import ModelFileError, load_generator, save_generator
from super_resolution_gans.models.graph import LayerGraph
from super_resolution_gans.models.keras_model import load_keras

# The range of the arrays beside each golden file, which is that of Keras's own network.
RANGES = {"first": (-1, 1), "relative": (-1, 1), "subpixel": (0, 255), "sequential": (0, 255)}
FILES = [
    "first_keras2.h5",
    "first_keras2_weights.h5",
    "first_keras3.h5",
    "first_keras3.weights.h5",
    "first_keras3.keras",
    "relative_keras2.h5",
    "relative_keras3.h5",
    "subpixel_keras2.h5",
    "subpixel_keras2_weights.h5",
    "subpixel_keras3.h5",
    "subpixel_keras3.weights.h5",
    "sequential_keras2.h5",
    "sequential_keras3.h5",
]
Change: TypeAlias = Callable[..., Path]


def refusal(path: str | os.PathLike[str]) -> str:
    with pytest.raises(ModelFileError) as caught:
        load_keras(path)
    message = str(caught.value)
    assert message.isprintable()
    assert message.startswith(os.fspath(path))
    assert len(message) < 800
    return message.removeprefix(f"{os.fspath(path)}: ")


def on_images(path: Path, arrays: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """What we make of the golden images, and what Keras made of them, both in [0, 1]."""
    low, high = RANGES[path.name.partition("_")[0]]
    network, pairs = load_keras(path).network, []
    with np.load(arrays, allow_pickle=False) as stored:
        for name in (name for name in stored.files if name.startswith("in")):
            image = torch.from_numpy((stored[name] - low) / np.float32(high - low))
            with torch.inference_mode():
                made = network(image.permute(2, 0, 1)[None])[0].permute(1, 2, 0).numpy()
            pairs.append((made, (stored[name.replace("in", "out")] - low) / (high - low)))
    return pairs


@pytest.mark.parametrize("name", FILES)
def test_our_output_is_that_of_keras(golden: Path, name: str) -> None:
    arrays = golden / (name.partition(".")[0].removesuffix("_weights") + ".npz")
    pairs = on_images(golden / name, arrays)
    assert pairs
    for ours, theirs in pairs:
        assert theirs.std() > 0.05
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=5e-6)


def test_a_loaded_generator_is_ready_to_use_and_tells_what_it_is(golden: Path) -> None:
    model = load_keras(golden / "first_keras2.h5")
    network = model.network
    assert isinstance(network, LayerGraph)
    assert (network.channels, network.scale) == (1, (4, 4))
    assert not network.training
    assert not any(weight.requires_grad for weight in network.parameters())
    assert {weight.dtype for weight in network.parameters()} == {torch.float32}
    assert model.card == {
        "family": "Keras SRGAN (nearest)",
        "source": {
            "format": "Keras HDF5",
            "keras_version": "2.15.0",
            "backend": "tensorflow",
            "architecture": "told by its description",
            "takes": "[-1, 1]",
            "makes": "[-1, 1]",
        },
    }
    zipped = load_keras(golden / "first_keras3.keras").card["source"]
    assert (zipped["format"], zipped["keras_version"]) == ("Keras zip", "3.15.1")
    told = load_keras(golden / "subpixel_keras2_weights.h5").card
    assert told["family"] == "Keras SRGAN (sub-pixel)"
    assert told["source"]["architecture"] == "told by its weights"
    assert (told["source"]["takes"], told["source"]["makes"]) == ("0..255", "0..255")


def test_it_is_saved_and_loaded_as_one_of_ours(golden: Path, tmp_path: Path) -> None:
    model = load_keras(golden / "relative_keras3.h5")
    save_generator(model.network, tmp_path / "m.safetensors", model.card)
    again = load_generator(tmp_path / "m.safetensors")
    image = torch.rand(1, 1, 9, 6)
    assert torch.equal(again.network(image), model.network(image))
    assert again.card == model.card


@pytest.mark.parametrize("name", ["first_keras2.h5", "relative_keras2.h5", "subpixel_keras3.h5"])
def test_an_output_pixel_looks_no_farther_than_the_network_says(golden: Path, name: str) -> None:
    network = load_keras(golden / name).network
    radius = network.receptive_radius()
    assert radius is not None
    size = 2 * radius[0] + 3
    image = torch.rand(1, network.channels, size, size)
    far = image.clone()
    far[..., 0], far[..., -1] = 1 - far[..., 0], 1 - far[..., -1]
    middle = slice(4 * (radius[0] + 1), 4 * (radius[0] + 2))
    changed = network(far)[..., middle, middle] - network(image)[..., middle, middle]
    assert changed.abs().max() < 1e-6


def test_the_genuine_files_are_recognised(shared: Path) -> None:
    for name in ("pre_generator.h5", "gan_generator.h5"):
        model = load_keras(shared / "weights" / "h5" / name)
        assert (model.network.channels, model.network.scale) == (3, (4, 4))
        assert model.card["family"] == "Keras SRGAN (sub-pixel)"
        grey = model.network(torch.full((1, 3, 24, 24), 0.5))[..., 40:56, 40:56]
        assert (grey - 0.5).abs().max() < 0.1


def function(layers: dict[str, Any], name: str) -> None:
    layers["lambda"]["config"] |= {"function": name, "function_type": "function"}


@pytest.mark.parametrize(
    ("name", "low", "high"), [("normalize_01", 0, 1), ("normalize_m11", -1, 1)]
)
def test_a_step_into_the_networks_range_is_known_by_its_functions_name(
    golden: Path, changed: Change, name: str, low: float, high: float
) -> None:
    usual = load_keras(golden / "subpixel_keras2.h5").network  # x / 255 by the rule
    named = load_keras(changed("subpixel_keras2.h5", lambda x: function(x, name))).network
    image = torch.rand(1, 3, 6, 6)
    assert torch.allclose(named(image), usual(image * (high - low) + low), atol=1e-6)


@pytest.mark.parametrize(
    ("scale", "offset", "makes"),
    [(127.5, 127.5, "0..255"), (0.5, 0.5, "[0, 1]"), (1, 0, "[-1, 1]")],
)
def test_a_rescaling_behind_tanh_is_undone(
    golden: Path, changed: Change, scale: float, offset: float, makes: str
) -> None:
    def rescale(layers: dict[str, Any]) -> None:
        last = layers["lambda_3"]
        last["class_name"] = "Rescaling"
        last["config"] |= {"scale": scale, "offset": offset}

    image = torch.rand(1, 3, 6, 6)
    expected = load_keras(golden / "subpixel_keras2.h5").network(image)
    model = load_keras(changed("subpixel_keras2.h5", rescale))
    assert model.card["source"]["makes"] == makes
    assert torch.allclose(model.network(image), expected, atol=1e-6)


def set_option(layer: str, key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda layers: layers[layer]["config"].__setitem__(key, value)


def set_class(layer: str, kind: str, **options: Any) -> Callable[[dict[str, Any]], None]:
    def change(layers: dict[str, Any]) -> None:
        layers[layer]["class_name"] = kind
        layers[layer]["config"] |= options

    return change


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        (
            "first",
            set_class("conv2d_3", "Conv2DTranspose"),
            "conv2d_3 (Conv2DTranspose): layers of this class are not supported",
        ),
        ("first", set_class("add", "Evil\n"), "(Evil ): layers of this class are not"),
        (
            "first",
            set_option("conv2d_3", "padding", "valid"),
            "conv2d_3 (Conv2D): padding 'valid' is not supported",
        ),
        ("first", set_option("conv2d_3", "strides", [2, 2]), "conv2d_3 (Conv2D): strides [2, 2]"),
        (
            "first",
            set_option("conv2d_3", "dilation_rate", [2, 2]),
            "conv2d_3 (Conv2D): dilation_rate",
        ),
        ("first", set_option("conv2d_3", "groups", 2), "conv2d_3 (Conv2D): groups 2"),
        (
            "first",
            set_option("conv2d_3", "data_format", "channels_first"),
            "conv2d_3 (Conv2D): data_format",
        ),
        (
            "first",
            set_option("conv2d_3", "kernel_size", [3, 1]),
            "kernel_size [3, 1] is not square",
        ),
        (
            "first",
            set_option("conv2d_3", "kernel_size", [5, 5]),
            "kernel:0 has shape [3, 3, 8, 8], expected [5, 5, 8, 8]",
        ),
        (
            "first",
            set_option("conv2d_3", "filters", 16),
            "has shape [3, 3, 8, 8], expected [3, 3, 8, 16]",
        ),
        ("first", set_option("conv2d_3", "filters", None), "expected [3, 3, 8, None]"),
        (
            "first",
            set_option("conv2d_3", "use_bias", False),
            "conv2d_3 (Conv2D): has a weight too many, conv2d_3/conv2d_3/bias:0",
        ),
        ("first", set_option("conv2d_3", "activation", "elu"), "activation 'elu' is not supported"),
        (
            "first",
            set_option("conv2d_3", "activation", {"class_name": "x", "config": []}),
            "activation [] is not",
        ),
        (
            "first",
            set_option("activation", "activation", "gelu"),
            "activation (Activation): activation 'gelu'",
        ),
        (
            "first",
            set_option("batch_normalization", "axis", [1]),
            "batch_normalization (BatchNormalization): axis [1]",
        ),
        (
            "first",
            set_option("batch_normalization", "epsilon", "x"),
            "epsilon 'x' is no sane number",
        ),
        (
            "first",
            set_option("batch_normalization", "epsilon", float("nan")),
            "epsilon nan is no sane number",
        ),
        (
            "first",
            set_option("batch_normalization", "scale", False),
            "a weight too many, batch_normalization/batch_normalization/gamma:0",
        ),
        (
            "first",
            set_option("up_sampling2d", "size", [2, 3]),
            "size [2, 3] enlarges the two sides differently",
        ),
        (
            "first",
            set_option("up_sampling2d", "size", [[2], [2]]),
            "layer up_sampling2d (UpSampling2D): ",
        ),
        ("first", set_option("up_sampling2d", "size", [64, 64]), "factor is 64"),
        (
            "first",
            set_option("up_sampling2d", "interpolation", "lanczos3"),
            "interpolation 'lanczos3'",
        ),
        (
            "first",
            set_option("input_1", "batch_input_shape", [None, None, None, 4]),
            "takes images of 4 channels; 1 (grey) or 3 (RGB)",
        ),
        (
            "first",
            set_option("input_1", "batch_input_shape", [None, None, None, 3]),
            "conv2d/kernel:0 has shape [9, 9, 1, 8], expected [9, 9, 3, 8]",
        ),
        ("first", set_class("activation", "ReLU", max_value=6), "max_value 6 is not supported"),
        ("first", set_class("activation", "ReLU", threshold=0.5), "threshold is not supported"),
        (
            "first",
            set_class("activation", "LeakyReLU", alpha=1e9),
            "alpha 1000000000.0 is no sane number",
        ),
        ("first", set_class("activation", "PReLU"), "activation (PReLU): has no weight alpha"),
        ("first", set_class("activation", "Lambda"), "is code, which is never executed"),
        (
            "first",
            set_class("activation", "TFOpLambda", function="math.add"),
            "computes math.add, which is not supported",
        ),
        (
            "sequential",
            set_option("rescaling", "scale", 0.1),
            "rescaling (Rescaling): x * 0.1 + 0 is no change of range",
        ),
        ("sequential", set_option("rescaling_1", "scale", 10), "makes no range that is known"),
        ("sequential", set_class("rescaling", "Lambda"), "without a final tanh nothing tells"),
        ("sequential", set_class("rescaling_1", "Lambda"), "without a final tanh nothing tells"),
        (
            "sequential",
            set_class("lambda_4", "TFOpLambda", function="nn.space_to_depth"),
            "computes nn.space_to_depth",
        ),
    ],
)
def test_descriptions_that_cannot_be_followed_are_refused_by_name(
    changed: Change, name: str, change: Callable[[dict[str, Any]], Any], reason: str
) -> None:
    assert reason in refusal(changed(f"{name}_keras2.h5", change))


def test_networks_that_do_not_enlarge_are_refused(changed: Change) -> None:
    def flatten(layers: dict[str, Any]) -> None:
        for name in ("up_sampling2d", "up_sampling2d_1"):
            set_class(name, "Activation", activation="linear")(layers)

    assert refusal(changed("first_keras2.h5", flatten)) == "does not enlarge its image"

    def once(layers: dict[str, Any]) -> None:
        for name in ("up_sampling2d", "up_sampling2d_1"):
            layers[name]["config"]["size"] = [1, 1]

    assert "1 times as large" in refusal(changed("first_keras2.h5", once))


def test_networks_that_make_other_channels_are_refused(changed: Change) -> None:
    def widen(file: h5py.File) -> None:
        group = file["model_weights/conv2d_8/conv2d_8"]
        kernel = np.repeat(group["kernel:0"][()], 3, axis=3)
        del group["kernel:0"], group["bias:0"]
        group["kernel:0"], group["bias:0"] = kernel, np.zeros(3, "f4")

    path = changed("first_keras2.h5", set_option("conv2d_8", "filters", 3), widen)
    assert refusal(path) == "takes 1 channels and makes 3"


def put(path: str, value: Any) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        del file[path]
        file[path] = value

    return change


NORM = "model_weights/batch_normalization/batch_normalization"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            put(f"{NORM}/beta:0", np.full(8, np.nan, "f4")),
            "batch_normalization/beta:0 holds NaN or infinite values",
        ),
        (
            put(f"{NORM}/gamma:0", np.full(8, np.inf, "f4")),
            "batch_normalization/gamma:0 holds NaN or infinite values",
        ),
        (
            put(f"{NORM}/gamma:0", np.full(8, 1e300, "f8")),
            "batch_normalization/gamma:0 holds NaN or infinite values",
        ),
        (
            put(f"{NORM}/moving_variance:0", np.full(8, -1, "f4")),
            "moving_variance:0 holds negative variances",
        ),
        (
            put(f"{NORM}/moving_mean:0", np.ones(9, "f4")),
            "moving_mean:0 has shape [9], expected [8]",
        ),
        (put(f"{NORM}/moving_mean:0", np.ones(8, "i4")), "does not hold floating-point numbers"),
        (
            lambda f: f.__delitem__(f"{NORM}/beta:0"),
            "has batch_normalization/beta:0, which is not in it",
        ),
        (lambda f: f.__setitem__(f"{NORM}/more:0", np.ones(1, "f4")), "more:0 belongs to no layer"),
        (
            lambda f: f["model_weights"].attrs.__setitem__("layer_names", ["conv2d", "conv2d"]),
            "layer_names has conv2d twice",
        ),
        (
            lambda f: f["model_weights/conv2d"].attrs.__setitem__(
                "weight_names", ["../conv2d/conv2d/kernel:0"]
            ),
            "which is not in it",
        ),
        (
            lambda f: f["model_weights/conv2d"].attrs.__setitem__(
                "weight_names", ["conv2d/kernel:0"] * 2
            ),
            "which is not in it",
        ),
        (lambda f: f.attrs.__setitem__("model_config", "{"), "model_config cannot be understood"),
        (
            lambda f: f.attrs.__setitem__("model_config", "[" * 99_999),
            "model_config cannot be understood",
        ),
        (lambda f: f.attrs.__setitem__("model_config", "[]"), "model_config is no object"),
        (lambda f: f.attrs.__setitem__("model_config", "{}"), "its model is a None"),
    ],
)
def test_weights_that_do_not_fit_are_refused_by_name(
    changed: Change, change: Callable[[h5py.File], Any], reason: str
) -> None:
    assert reason in refusal(changed("first_keras2.h5", file=change))


def test_slopes_for_each_pixel_are_refused(changed: Change) -> None:
    path = "model_weights/p_re_lu/p_re_lu/alpha:0"
    message = refusal(changed("relative_keras2.h5", file=put(path, np.ones((24, 24, 8), "f4"))))
    assert message == "layer p_re_lu (PReLU): has slopes for each pixel of 24x24, not shared_axes"


def test_one_slope_for_all_channels_is_read(changed: Change) -> None:
    path = "model_weights/p_re_lu/p_re_lu/alpha:0"
    one = load_keras(changed("relative_keras2.h5", file=put(path, np.full((1, 1, 1), 0.3, "f4"))))
    each = load_keras(changed("relative_keras2.h5", file=put(path, np.full((1, 1, 8), 0.3, "f4"))))
    image = torch.rand(1, 1, 6, 6)
    assert torch.allclose(one.network(image), each.network(image), atol=1e-6)


def test_a_stated_depth_to_space_is_taken_at_its_word(golden: Path, changed: Change) -> None:
    def state(layers: dict[str, Any]) -> None:
        for name in ("lambda_1", "lambda_2"):
            layers[name]["class_name"] = "TFOpLambda"
            layers[name]["config"] = {"name": name, "function": "nn.depth_to_space"}
            (((source, *_),),) = layers[name]["inbound_nodes"]
            layers[name]["inbound_nodes"] = [[source, 0, 0, {"block_size": 2}]]

    image = torch.rand(1, 3, 6, 6)
    stated = load_keras(changed("subpixel_keras2.h5", state)).network
    assert torch.equal(stated(image), load_keras(golden / "subpixel_keras2.h5").network(image))


def test_code_in_a_file_is_never_executed(
    changed: Change, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytecode of the running Python, which Keras would unmarshal and call."""
    canary = tmp_path / "SRGAN_CANARY_EXECUTED"
    code = compile(f"__import__('pathlib').Path({str(canary)!r}).touch()", "canary", "exec")
    packed = base64.b64encode(marshal.dumps(code)).decode()

    def infect(layers: dict[str, Any]) -> None:
        for name in ("lambda", "lambda_1", "lambda_2", "lambda_3"):
            layers[name]["config"]["function"] = [packed, None, None]

    def infect_new(layers: dict[str, Any]) -> None:
        for name in ("lambda", "lambda_1", "lambda_2", "lambda_3"):
            layers[name]["config"]["function"]["config"]["code"] = packed
        layers["conv2d_18"]["module"] = "os"
        layers["conv2d_18"]["config"]["kernel_initializer"] = {
            "module": "builtins",
            "class_name": "exec",
            "config": {"source": packed},
        }

    monkeypatch.chdir(tmp_path)
    load_keras(changed("subpixel_keras2.h5", infect))
    load_keras(changed("subpixel_keras3.h5", infect_new))
    assert not canary.exists()
    exec(code)  # the canary can sing
    assert canary.exists()


def test_what_another_file_holds_does_not_come_out(changed: Change, tmp_path: Path) -> None:
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as opened:
        opened["bias"] = np.full(8, 12345.0, "f4")
    path = changed(
        "first_keras2.h5",
        file=put("model_weights/conv2d/conv2d/bias:0", h5py.ExternalLink(str(secret), "/bias")),
    )
    message = refusal(path)
    assert "conv2d/conv2d/bias:0 is a link to another file" in message
    assert "12345" not in message


def test_hostile_files_are_refused(shared: Path) -> None:
    rows = (shared / "corpus" / "manifest.tsv").read_text(encoding="utf-8").splitlines()
    owed = {row.split("\t")[0]: row.split("\t")[3] for row in rows if row.startswith("made/h5/")}
    assert len(owed) > 12

    def outcome(name: str) -> str:
        try:
            load_keras(shared / "corpus" / name)
        except ModelFileError as error:
            return str(error)
        return "loaded"

    with ThreadPoolExecutor(2) as pool:
        results = dict(zip(owed, pool.map(outcome, owed), strict=True))
    for name, expected in owed.items():
        assert results[name].isprintable(), name
        if expected == "error":
            assert results[name] != "loaded", name
            assert results[name].startswith(str(shared / "corpus" / name))
    assert not Path("SRGAN_CANARY_EXECUTED").exists()


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def test_keras_zips_that_make_no_sense_are_refused(golden: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(golden / "first_keras3.keras") as archive:
        whole = {name: archive.read(name) for name in archive.namelist()}
    path = tmp_path / "m.keras"
    load_keras(zipped(path, whole))
    assert "a zip, but not Keras's" in refusal(zipped(path, {"data.pkl": b""}))
    long = {"config.json": b" " * (9 << 20)}
    assert "unpacks to 9,437,184 bytes" in refusal(zipped(path, whole | long))
    assert "config.json in it is no text" in refusal(zipped(path, whole | {"config.json": b"\xff"}))
    assert "model_config cannot be understood" in refusal(
        zipped(path, whole | {"config.json": b"{"})
    )
    bad = refusal(zipped(path, whole | {"model.weights.h5": b"no"}))
    assert bad == "model.weights.h5 in it: not an HDF5 file"
    many = {f"{place}": b"" for place in range(100)}
    assert "a zip, but not Keras's" in refusal(zipped(path, whole | many))
    shutil.copyfile(golden / "first_keras3.keras", path)
    data = path.read_bytes()
    for cut in (10, len(data) // 2, len(data) - 10):
        path.write_bytes(data[:cut])
        assert "not a readable zip" in refusal(path)
    path.write_bytes(data[:40_000] + bytes(x ^ 255 for x in data[40_000:40_200]) + data[40_200:])
    assert "not a readable zip" in refusal(path)
    config = json.loads(whole["config.json"])
    del config["config"]["layers"][-2]
    assert refusal(zipped(path, whole | {"config.json": json.dumps(config).encode()}))


def test_missing_files_are_told(tmp_path: Path) -> None:
    assert refusal(tmp_path / "model.h5") == "no such file"
    assert refusal(tmp_path) == "not a file"
