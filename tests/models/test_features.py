"""VGG features: the right layers, the right statistics, never trained, and clear refusals."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from super_resolution_gans import losses
from super_resolution_gans.models.checkpoint import ModelFileError
from super_resolution_gans.models.features import (
    VGGFeatures,
    import_features,
    load_features,
)
from super_resolution_gans.models.vgg import FeatureError, convolutions, parse_layer
from super_resolution_gans.models.vgg_weights import read_vgg

# Simonyan and Zisserman 2015, table 1, columns D and E; M is a max-pooling.
TABLE_1 = {
    "vgg16": "64 64 M 128 128 M 256 256 256 M 512 512 512 M 512 512 512 M",
    "vgg19": "64 64 M 128 128 M 256 256 256 256 M 512 512 512 512 M 512 512 512 512 M",
}


def as_sequence(network: str) -> nn.Sequential:
    """The whole stack as torchvision numbers it, on no device."""
    modules: list[nn.Module] = []
    inputs = 3
    with torch.device("meta"):
        for entry in TABLE_1[network].split():
            if entry == "M":
                modules.append(nn.MaxPool2d(2))
            else:
                modules += [nn.Conv2d(inputs, int(entry), 3, padding=1), nn.ReLU()]
                inputs = int(entry)
    return nn.Sequential(*modules)


def made_up(network: str, depth: int) -> dict[str, Tensor]:
    """Weights of the right shapes that keep activations at about one."""
    random = torch.Generator().manual_seed(0)
    tensors = {}
    for convolution in convolutions(network)[:depth]:
        kernel = torch.empty(convolution.outputs, convolution.inputs, 3, 3)
        nn.init.kaiming_normal_(kernel, generator=random)
        tensors[f"features.{convolution.index}.weight"] = kernel
        tensors[f"features.{convolution.index}.bias"] = torch.zeros(convolution.outputs)
    return tensors


@pytest.fixture
def shallow(tmp_path: Path) -> Path:
    """A VGG19 up to conv2_1, torchvision's way of storing it."""
    path = tmp_path / "vgg19.pth"
    torch.save({**made_up("vgg19", 3), "classifier.0.weight": torch.zeros(2, 2)}, path)
    return path


@pytest.fixture
def vgg16(shared: Path) -> Path:
    return shared / "weights" / "vgg16_features_fp16.safetensors"


@pytest.fixture
def vgg19(shared: Path) -> Path:
    return shared / "weights" / "vgg19_conv1_1_to_conv3_4_fp16.safetensors"


# Names


@pytest.mark.parametrize("network", ["vgg16", "vgg19"])
def test_convolutions_stand_where_torchvision_has_them(network: str) -> None:
    modules = as_sequence(network)
    expected = [
        (i, m.in_channels, m.out_channels, i > 0 and isinstance(modules[i - 1], nn.MaxPool2d))
        for i, m in enumerate(modules)
        if isinstance(m, nn.Conv2d)
    ]
    assert [(c.index, c.inputs, c.outputs, c.pooled) for c in convolutions(network)] == expected


@pytest.mark.parametrize(
    ("name", "label", "source"),
    [
        ("vgg19.relu2_2", "VGG22", "conv2_2"),
        ("vgg19.relu5_4", "VGG54", "conv5_4"),
        ("vgg16.relu5_3", "VGG16-53", "conv5_3"),
        ("vgg19.conv5_4", "VGG54 before activation", "conv5_4"),
    ],
)
def test_layers_have_the_paper_s_labels_only_where_they_are_the_paper_s(
    name: str, label: str, source: str
) -> None:
    layer = parse_layer(name)
    assert (layer.name, layer.label, layer.source) == (name, label, source)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("vgg16.relu5_4", "did you mean vgg16.relu5_3?"),
        ("vgg19.rellu5_4", "did you mean vgg19.relu5_4?"),
        ("alexnet.relu2", "no such layer"),
        ("lpips", "layers are called like vgg19.relu5_4"),
        ("vgg19.relu2_2\n", "did you mean vgg19.relu2_2?"),
    ],
)
def test_unknown_layers_are_refused_in_one_line_that_names_the_nearest(
    name: str, hint: str
) -> None:
    with pytest.raises(FeatureError) as refused:
        parse_layer(name)
    assert hint in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("layers", [[], ["vgg16.relu1_1", "vgg19.relu1_1"]])
def test_layers_of_no_network_or_of_two_are_refused(layers: list[str], shallow: Path) -> None:
    with pytest.raises(FeatureError, match="layers of one network"):
        load_features(layers, shallow)


# Values


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("vgg16.relu1_2", 3),
        ("vgg16.conv3_3", 14),
        ("vgg16.relu5_3", 29),
        ("vgg19.conv1_1", 0),
        ("vgg19.relu2_2", 8),
        ("vgg19.relu3_4", 17),
    ],
)
def test_features_are_those_of_the_network_run_module_by_module(
    name: str, index: int, vgg16: Path, vgg19: Path
) -> None:
    network, path = name[:5], vgg16 if name.startswith("vgg16") else vgg19
    stored = {k.removeprefix("features."): v.float() for k, v in load_file(path).items()}
    modules = as_sequence(network)[: index + 1]
    needed = {k: v for k, v in stored.items() if int(k.split(".")[0]) <= index}
    modules.load_state_dict(needed, assign=True)
    mean = [0.485, 0.456, 0.406] if network == "vgg16" else [0.48501961, 0.45795686, 0.40760784]
    image = torch.rand(1, 3, 32, 48)
    normalised = image - torch.tensor(mean)[:, None, None]
    normalised /= torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    with torch.inference_mode():
        expected, answer = modules(normalised), load_features(name, path)(image)
    torch.testing.assert_close(answer, {name: expected}, rtol=1e-4, atol=1e-3)


@pytest.mark.slow
def test_the_astronaut_activates_the_two_networks_as_differently_as_their_source_says(
    vgg16: Path, vgg19: Path
) -> None:
    # The weights' README: about 0.74 for torchvision's VGG16, about 106 for Caffe's VGG19.
    pixels = skimage.data.astronaut().astype(np.float32) / 255
    image = torch.from_numpy(pixels).permute(2, 0, 1)[None]
    with torch.inference_mode():
        of_torchvision = load_features("vgg16.relu2_2", vgg16)(image)["vgg16.relu2_2"].mean()
        of_caffe = load_features("vgg19.relu2_2", vgg19)(image)["vgg19.relu2_2"].mean()
    assert of_torchvision.item() == pytest.approx(0.74, rel=0.15)
    assert of_caffe.item() == pytest.approx(106, rel=0.01)


def test_statistics_travel_with_the_file(vgg16: Path, vgg19: Path, tmp_path: Path) -> None:
    assert read_vgg(vgg16, "vgg16", 1).statistics.mean == (0.485, 0.456, 0.406)
    assert read_vgg(vgg19, "vgg19", 1).statistics.mean == (0.48501961, 0.45795686, 0.40760784)
    path = tmp_path / "own.safetensors"
    norm = "RGB in 0..1, (x-[0.5,0.25,0.125])/[1,0.5,0.25]"
    save_file(made_up("vgg19", 1), path, metadata={"norm": norm})
    network = load_features("vgg19.relu1_1", path)
    assert network.mean.flatten().tolist() == [0.5, 0.25, 0.125]
    assert network.std.flatten().tolist() == [1, 0.5, 0.25]
    black_in_its_statistics = network.mean.expand(1, 3, 4, 4)
    assert network(black_in_its_statistics)["vgg19.relu1_1"].abs().max() == 0


@pytest.mark.parametrize("norm", ["BGR minus mean", "(x-[1,2])/[1,1,1]", "(x-[99,99,99])/[1,1,1]"])
def test_statistics_that_are_not_understood_are_not_guessed(norm: str, tmp_path: Path) -> None:
    path = tmp_path / "own.safetensors"
    save_file(made_up("vgg19", 1), path, metadata={"norm": norm})
    with pytest.raises(ModelFileError, match="normalisation"):
        load_features("vgg19.relu1_1", path)


def test_grey_images_count_as_colour_images_of_three_equal_channels(shallow: Path) -> None:
    network, grey = load_features("vgg19.relu2_1", shallow), torch.rand(2, 1, 8, 8)
    colour = grey.repeat(1, 3, 1, 1)
    torch.testing.assert_close(network(grey), network(colour))


def test_several_layers_come_from_one_pass_with_their_weights(shallow: Path) -> None:
    weights = {"vgg19.relu1_1": 0.5, "vgg19.conv1_1": 2.0, "vgg19.relu2_1": 1.0}
    network = load_features(weights, shallow)
    assert network.layer_weights == weights
    assert network.label() == "VGG11 + VGG11 before activation + VGG21"
    answer = network(torch.rand(1, 3, 9, 7))
    assert {k: tuple(v.shape) for k, v in answer.items()} == {
        "vgg19.relu1_1": (1, 64, 9, 7),
        "vgg19.conv1_1": (1, 64, 9, 7),
        "vgg19.relu2_1": (1, 128, 4, 3),
    }
    assert answer["vgg19.conv1_1"].min() < 0
    torch.testing.assert_close(answer["vgg19.relu1_1"], answer["vgg19.conv1_1"].relu())


def test_the_network_is_built_only_as_deep_as_asked(shallow: Path) -> None:
    network = load_features("vgg19.relu1_2", shallow)
    counted = sum(p.numel() for p in network.parameters())
    assert counted == 9 * 3 * 64 + 64 + 9 * 64 * 64 + 64


@pytest.mark.slow
def test_a_complete_vgg19_gives_vgg54(tmp_path: Path) -> None:
    path = tmp_path / "vgg19.pth"
    torch.save(made_up("vgg19", 16), path)
    network = load_features("vgg19.relu5_4", path)
    assert network.label() == "VGG54"
    assert sum(p.numel() for p in network.parameters()) == 20_024_384
    assert network(torch.rand(1, 1, 16, 31))["vgg19.relu5_4"].shape == (1, 512, 1, 1)
    with pytest.raises(ValueError, match="at least 16 pixels"):
        network(torch.rand(1, 1, 15, 32))


@pytest.mark.parametrize("shape", [(1, 2, 8, 8), (3, 8, 8)])
def test_images_of_another_shape_are_refused(shape: tuple[int, ...], shallow: Path) -> None:
    with pytest.raises(ValueError, match=r"\(N, 1 or 3, H, W\)"):
        load_features("vgg19.relu1_1", shallow)(torch.rand(shape))


# Never trained


def test_gradients_reach_the_image_and_never_the_network(shallow: Path) -> None:
    network = load_features(["vgg19.relu1_1", "vgg19.relu2_1"], shallow)
    network.train()
    assert not any(module.training for module in network.modules())
    sr, hr = torch.rand(1, 1, 8, 8, requires_grad=True), torch.rand(1, 1, 8, 8)
    with torch.no_grad():
        reference = network(hr)
    losses.perceptual(network(sr), reference, weights=network.layer_weights).backward()
    assert sr.grad is not None
    assert sr.grad.abs().max() > 0
    assert all(p.grad is None and not p.requires_grad for p in network.parameters())


# Files


def test_old_and_new_pth_files_and_half_precision_give_the_same_features(tmp_path: Path) -> None:
    tensors = {k: v.half() for k, v in made_up("vgg19", 1).items()}
    old, new, safe = tmp_path / "old.pth", tmp_path / "new.pth", tmp_path / "safe.safetensors"
    torch.save(tensors, old, _use_new_zipfile_serialization=False)
    torch.save(tensors, new)
    save_file(tensors, safe)
    image = torch.rand(1, 3, 4, 4)
    answers = [load_features("vgg19.relu1_1", path)(image) for path in (old, new, safe)]
    torch.testing.assert_close(answers[0], answers[1], rtol=0, atol=0)
    torch.testing.assert_close(answers[0], answers[2], rtol=0, atol=0)
    assert answers[0]["vgg19.relu1_1"].dtype == torch.float32


def test_a_file_that_ends_too_early_says_what_it_lacks_and_where_the_rest_is(vgg19: Path) -> None:
    with pytest.raises(ModelFileError) as refused:
        load_features("vgg19.relu5_4", vgg19)
    message = str(refused.value)
    assert message.startswith(str(vgg19))
    assert "lacks features.34.bias (conv5_4 of VGG19), its last layer is conv3_4" in message
    assert "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth" in message
    assert "\n" not in message


def test_one_network_is_not_taken_for_the_other(vgg16: Path, vgg19: Path) -> None:
    with pytest.raises(ModelFileError, match=r"holds no VGG19 \(is a VGG16\)"):
        load_features("vgg19.relu2_2", vgg16)
    with pytest.raises(ModelFileError, match=r"holds no VGG16 \(is a VGG19\)"):
        load_features("vgg16.relu2_2", vgg19)


KERNEL, BIAS = "features.0.weight", "features.0.bias"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({KERNEL: torch.zeros(64, 1, 3, 3)}, "has shape"),
        ({BIAS: torch.full((64,), torch.nan)}, "NaN"),
        ({BIAS: torch.zeros(64, dtype=torch.int64)}, "expected floating point"),
        ({"features.1.weight": torch.zeros(64)}, "other names"),  # batch normalisation
    ],
)
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_files_with_wrong_tensors_are_refused(
    change: dict[str, object], reason: str, suffix: str, tmp_path: Path
) -> None:
    path, stored = tmp_path / f"weights{suffix}", {**made_up("vgg19", 1), **change}
    if suffix == ".pth":
        torch.save(stored, path)
    else:
        save_file(stored, path)
    with pytest.raises(ModelFileError, match=reason):
        load_features("vgg19.relu1_1", path)


def test_a_pth_file_of_anything_but_tensors_is_refused(tmp_path: Path) -> None:
    for stored in ({**made_up("vgg19", 1), BIAS: "text"}, [1, 2]):
        torch.save(stored, tmp_path / "weights.pth")
        with pytest.raises(ModelFileError, match="no state dict"):
            load_features("vgg19.relu1_1", tmp_path / "weights.pth")


class Bomb:
    def __reduce__(self) -> tuple[Callable[[int], None], tuple[int]]:
        return sys.exit, (99,)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("content", [b"", b"\xff" * 64, b"PK\x03\x04 torn", None])
def test_damaged_and_hostile_files_are_refused_in_one_line(
    content: bytes | None, suffix: str, tmp_path: Path
) -> None:
    path = tmp_path / f"bad{suffix}"
    if content is None:
        torch.save({KERNEL: Bomb()}, path)
    else:
        path.write_bytes(content)
    with pytest.raises(ModelFileError) as refused:
        load_features("vgg19.relu1_1", path)
    assert "\n" not in str(refused.value)
    assert str(refused.value).startswith(str(path))


def test_a_missing_file_is_named_with_where_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"none.pth: no such file; .*vgg16-397923af\.pth"):
        load_features("vgg16.relu5_3", tmp_path / "none.pth")


# A module of the user's own


OWN_MODULE = """
import torch
from torch import nn

class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout(0.5))

    def forward(self, image):
        first = self.first(image)
        return {"first": first, "second": first * 2}

def one():
    return nn.Conv2d(1, 2, 3)

def broken():
    raise RuntimeError("no weights")

def number():
    return 3
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "srgan_own_features.py").write_text(OWN_MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "srgan_own_features", raising=False)
    return "srgan_own_features"


def test_a_module_of_the_user_s_own_serves_by_its_import_path(own: str) -> None:
    network = import_features(f"{own}:one")
    assert network.label() == f"{own}:one"
    image = torch.rand(1, 1, 5, 5, requires_grad=True)
    answer = network(image)
    assert {k: tuple(v.shape) for k, v in answer.items()} == {"own": (1, 2, 3, 3)}
    answer["own"].sum().backward()
    assert image.grad is not None
    assert all(p.grad is None and not p.requires_grad for p in network.parameters())


def test_a_module_of_the_user_s_own_stays_frozen_and_answers_with_the_layers_weighed(
    own: str,
) -> None:
    network = import_features(f"{own}:Two", {"second": 3.0})
    network.train()
    image = torch.rand(2, 1, 5, 5)
    first, second = network(image), network(image)
    assert first.keys() == {"second"}
    torch.testing.assert_close(first, second, rtol=0, atol=0)  # neither dropout nor statistics
    with pytest.raises(FeatureError, match="not 'third'"):
        import_features(f"{own}:Two", {"third": 1.0})(image)


@pytest.mark.parametrize(
    ("attribute", "reason"),
    [
        (":broken", "no weights"),
        (":number", "made a int"),
        (":missing", "cannot be imported"),
        ("_elsewhere:one", "cannot be imported"),
        ("", "package.module:factory"),
    ],
)
def test_what_makes_no_module_is_refused(own: str, attribute: str, reason: str) -> None:
    with pytest.raises(FeatureError, match=reason):
        import_features(own + attribute)


def test_the_extractor_is_a_module_that_moves_with_its_statistics(shallow: Path) -> None:
    network: VGGFeatures = load_features("vgg19.relu1_1", shallow).to(torch.float64)
    answer = network(torch.rand(1, 1, 4, 4, dtype=torch.float64))
    assert answer["vgg19.relu1_1"].dtype == torch.float64
