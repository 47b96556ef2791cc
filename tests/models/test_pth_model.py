"""Other people's generators: equal to their own definition, or refused by name."""

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from super_resolution_gans.models.checkpoint import (
    ModelFileError,
    load_generator,
    save_generator,
)
from super_resolution_gans.models.pth_model import load_pth

# name of the definition, its arguments, family, scale, whether it looks at the whole image
WRITTEN: list[tuple[str, dict[str, Any], str, int, bool]] = [
    ("Lornatang", {}, "SRGAN-PyTorch (Lornatang)", 4, False),
    ("Lornatang", {"width": 6, "blocks": 1, "steps": 1, "channels": 1},
     "SRGAN-PyTorch (Lornatang)", 2, False),
    ("Leftthomas", {"width": 8, "blocks": 2}, "SRGAN (leftthomas)", 4, False),
    ("Leftthomas", {"width": 4, "blocks": 1, "steps": 3, "normed": False},
     "SRGAN (leftthomas)", 8, False),
    ("FastSRGAN", {"width": 8, "blocks": 2}, "Fast-SRGAN", 4, True),
    ("FastSRGAN", {"width": 8, "blocks": 2, "batch": True}, "Fast-SRGAN", 4, False),
    ("IMDN", {"width": 16, "blocks": 3, "scale": 3, "reduction": 4}, "IMDN", 3, True),
    ("CARN", {}, "CARN", 4, False),
    ("CARN", {"scale": 8}, "CARN", 8, False),
    ("CARN", {"several": True}, "CARN", 4, False),
    ("CARN", {"groups": 4, "scale": 3}, "CARN", 3, False),
    ("CARN", {"groups": 2, "several": True}, "CARN", 4, False),
    ("MSRResNet", {}, "MSRResNet (BasicSR)", 4, False),
    ("MSRResNet", {"scale": 3}, "MSRResNet (BasicSR)", 3, False),
    ("MSRResNet", {"scale": 2, "width": 5}, "MSRResNet (BasicSR)", 2, False),
    ("RRDBNet", {}, "RRDBNet (ESRGAN, Real-ESRGAN)", 4, False),
]  # fmt: skip
SIZES = [(16, 16), (9, 23), (31, 12), (1, 40)]


def lively(network: nn.Module, seed: int = 0) -> nn.Module:
    """With statistics, slopes and weights that show every mistake, in evaluation mode."""
    generator = torch.Generator().manual_seed(seed)

    def uniform(tensor: Tensor, low: float, high: float) -> None:
        tensor.copy_(torch.rand(tensor.shape, generator=generator) * (high - low) + low)

    with torch.no_grad():
        for name, module in network.named_modules():
            if isinstance(module, nn.BatchNorm2d):
                uniform(module.running_mean, -0.3, 0.3)
                uniform(module.running_var, 0.5, 2.0)
                uniform(module.weight, 0.5, 1.5)
                uniform(module.bias, -0.2, 0.2)
            elif isinstance(module, nn.PReLU):
                uniform(module.weight, 0.05, 0.4)
            elif isinstance(module, nn.Conv2d) and not name.endswith("shifter"):
                reach = (3 / module.weight[0].numel()) ** 0.5
                uniform(module.weight, -reach, reach)
    return network.eval()


def made(peers: ModuleType, name: str, arguments: dict[str, Any]) -> nn.Module:
    return lively(getattr(peers, name)(**arguments))


def saved(stored: Any, path: Path) -> Path:
    torch.save(stored, path)
    return path


def farthest(ours: nn.Module, theirs: nn.Module, channels: int, sizes: Any = SIZES) -> float:
    """The largest difference on whole images of several sizes."""
    generator = torch.Generator().manual_seed(1)
    worst = 0.0
    with torch.inference_mode():
        for height, width in sizes:
            image = torch.rand((1, channels, height, width), generator=generator)
            difference = (ours(image) - theirs.on_unit(image)).abs().max()
            worst = max(worst, float(difference))
    return worst


def refusal(path: Path) -> str:
    with pytest.raises(ModelFileError) as caught:
        load_pth(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert message.isprintable()
    return message


@pytest.mark.parametrize(("name", "arguments", "family", "scale", "whole"), WRITTEN)
def test_a_file_written_from_a_definition_gives_what_the_definition_gives(
    peers: ModuleType, tmp_path: Path, name: str, arguments: dict[str, Any], family: str,
    scale: int, whole: bool,
) -> None:  # fmt: skip
    theirs = made(peers, name, arguments)
    model = load_pth(saved(theirs.state_dict(), tmp_path / "model.pth"))
    network = model.network
    assert model.card == {"family": family}
    assert network.scale == (scale, scale)
    assert network.channels == arguments.get("channels", 3)
    assert (network.receptive_radius() is None) == whole
    assert not network.training
    assert not any(p.requires_grad for p in network.parameters())
    assert farthest(network, theirs, network.channels) < 1e-5
    # and as a file of ours
    save_generator(network, tmp_path / "ours.safetensors", model.card)
    again = load_generator(tmp_path / "ours.safetensors")
    image = torch.rand(1, network.channels, 9, 7)
    assert torch.equal(again.network(image), network(image))
    assert again.card == model.card


SAMPLES = [
    ("Leftthomas", "leftthomas_srgan_shahinur/netG_epoch_4_100.pth"),
    ("FastSRGAN", "fast_srgan/model.pt"),
    ("IMDN", "imdn_x4/IMDN_x4.pth"),
]


@pytest.mark.parametrize(("name", "file"), SAMPLES)
def test_genuine_files_give_what_their_definition_gives(
    peers: ModuleType, shared: Path, name: str, file: str
) -> None:
    path = shared / "weights" / "peers" / file
    theirs = getattr(peers, name)().eval()
    stored = torch.load(path, map_location="cpu", weights_only=True)
    names = {n.removeprefix("module.").removeprefix("_orig_mod."): t for n, t in stored.items()}
    theirs.load_state_dict(names)
    ours = load_pth(path).network
    assert ours.scale == (4, 4)
    assert farthest(ours, theirs, 3, [(48, 48), (33, 71), (64, 20), (1, 50)]) < 1e-5


@pytest.mark.parametrize("name", ["Leftthomas", "Lornatang", "MSRResNet", "RRDBNet", "CARN"])
def test_tiles_of_other_peoples_networks_do_not_show(
    peers: ModuleType, tmp_path: Path, name: str
) -> None:
    network = load_pth(saved(made(peers, name, {"width": 8}).state_dict(), tmp_path / "m")).network
    radius = network.receptive_radius()
    assert radius is not None
    side, margin, image = 6, radius[0], torch.rand(1, 3, 2 * radius[0] + 6, 2 * radius[0] + 9)
    whole = network(image)
    tile = network(image[..., : side + margin, 3 : 3 + side + 2 * margin])
    scale = network.scale[0]
    core = tile[..., : side * scale, margin * scale : (margin + side) * scale]
    across = slice((3 + margin) * scale, (3 + margin + side) * scale)
    torch.testing.assert_close(core, whole[..., : side * scale, across], atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    "nest",
    [
        lambda w: w,
        lambda w: {"state_dict": w, "epoch": 3},
        lambda w: {"params_ema": w, "params": {n: t + 1 for n, t in w.items()}},
        lambda w: {"params": w},
        lambda w: {"epoch": 1, "model": {"state_dict": w}},
        lambda w: {"generator": w, "discriminator": {"conv.weight": torch.ones(3)}},
        lambda w: {"state_dict": {n: t * 2 for n, t in w.items()},
                   "ema_state_dict": {"n_averaged": torch.tensor(7)}
                   | {f"module.{n}": t for n, t in w.items()}},
        lambda w: {f"module._orig_mod.{n}": t for n, t in w.items()},
        lambda w: {"state_dict": {f"model.{n}": t for n, t in w.items()}},
        lambda w: {"state_dict": {f"generator.{n}": t for n, t in w.items()}
                   | {"discriminator.weight": torch.ones(3)}},
    ],
)  # fmt: skip
def test_tensors_are_found_in_nests_and_under_wrappers(
    peers: ModuleType, tmp_path: Path, nest: Any
) -> None:
    theirs = made(peers, "Lornatang", {"width": 4, "blocks": 1})
    network = load_pth(saved(nest(dict(theirs.state_dict())), tmp_path / "model.ckpt")).network
    assert farthest(network, theirs, 3, [(8, 9)]) < 1e-5


def test_training_checkpoints_with_optimizer_and_schedule_are_read(
    peers: ModuleType, tmp_path: Path
) -> None:
    theirs = made(peers, "Lornatang", {"width": 4, "blocks": 1})
    optimizer = torch.optim.Adam(theirs.parameters())
    theirs(torch.rand(1, 3, 8, 8)).sum().backward()
    optimizer.step()
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [2, 5])
    stored = {
        "epoch": 2, "best_psnr": 27.5, "state_dict": theirs.state_dict(),
        "optimizer": optimizer.state_dict(), "scheduler": schedule.state_dict(),
    }  # fmt: skip
    network = load_pth(saved(stored, tmp_path / "checkpoint.pth.tar")).network
    assert farthest(network, theirs, 3, [(8, 9)]) < 1e-5


@pytest.mark.parametrize("zipped", [True, False])
def test_parameters_and_both_containers_are_read(
    peers: ModuleType, tmp_path: Path, zipped: bool
) -> None:
    theirs = made(peers, "MSRResNet", {"width": 4, "blocks": 1})
    torch.save(
        dict(theirs.named_parameters()), tmp_path / "m.pth", _use_new_zipfile_serialization=zipped
    )
    assert farthest(load_pth(tmp_path / "m.pth").network, theirs, 3, [(8, 9)]) < 1e-5


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_floating_point_types_are_read_as_float32(
    peers: ModuleType, tmp_path: Path, dtype: torch.dtype
) -> None:
    theirs = made(peers, "RRDBNet", {"width": 4, "blocks": 1}).to(dtype)
    network = load_pth(saved(theirs.state_dict(), tmp_path / "m.pth")).network
    assert all(p.dtype == torch.float32 for p in network.parameters())
    assert farthest(network, theirs.float(), 3, [(8, 9)]) < 1e-5


@pytest.mark.parametrize(
    ("name", "renames"),
    [
        ("Lornatang", [("conv1.", "conv_block1."), ("conv2.", "conv_block2."),
                       ("conv3.", "conv_block3.")]),
        ("MSRResNet", [("body.", "recon_trunk."), ("conv_hr.", "HRconv.")]),
        ("RRDBNet", [("conv_body.", "trunk_conv."), ("body.", "RRDB_trunk."), (".rdb", ".RDB"),
                     ("conv_up", "upconv"), ("conv_hr.", "HRconv.")]),
    ],
)  # fmt: skip
def test_older_names_of_the_same_networks_are_known(
    peers: ModuleType, tmp_path: Path, name: str, renames: list[tuple[str, str]]
) -> None:
    theirs = made(peers, name, {"width": 4, "blocks": 1})
    stored: dict[str, Tensor] = {}
    for key, tensor in theirs.state_dict().items():
        for new, old in renames:
            if key.startswith(new) or new.startswith("."):
                key = key.replace(new, old, 1)
        stored[key] = tensor
    path = saved(stored, tmp_path / "old.pth")
    assert farthest(load_pth(path).network, theirs, 3, [(8, 9)]) < 1e-5
    bias = next(reversed(stored))
    del stored[bias]
    assert f"{bias.partition('.')[2]} is missing" in refusal(saved(stored, path))


def changed(peers: ModuleType, path: Path, name: str = "Lornatang", **changes: Any) -> Path:
    """A file of small weights with tensors changed by a function, or removed (None)."""
    stored = made(peers, name, {"width": 8}).state_dict()
    for key, change in changes.items():
        key = key.replace("__", ".")
        if change is None:
            del stored[key]
        else:
            stored[key] = change(stored[key]) if callable(change) else change
    return saved(stored, path / "changed.pth")


def test_unknown_names_list_what_the_file_has_and_what_the_nearest_family_wants(
    tmp_path: Path, peers: ModuleType
) -> None:
    message = refusal(saved({f"layer{i}.w": torch.ones(1) for i in range(9)}, tmp_path / "x.pth"))
    assert "it has layer0.w, layer1.w, layer2.w and 6 more" in message
    assert "also wants" in message
    message = refusal(changed(peers, tmp_path, conv_first__weight=None, name="RRDBNet"))
    assert "the nearest, RRDBNet (ESRGAN, Real-ESRGAN), also wants conv_first.weight" in message
    swin = {"conv_first.weight": torch.ones(60, 3, 3, 3), "layers.0.norm.weight": torch.ones(60)}
    assert "it has conv_first.weight, layers.0.norm.weight" in refusal(saved(swin, tmp_path / "s"))


def test_tensors_that_are_missing_or_left_over_are_named(tmp_path: Path, peers: ModuleType) -> None:
    message = refusal(changed(peers, tmp_path, trunk__1__rcb__4__running_mean=None))
    assert "those of SRGAN-PyTorch (Lornatang), but trunk.1.rcb.4.running_mean" in message
    message = refusal(changed(peers, tmp_path, trunk__7__rcb__0__weight=torch.ones(8, 8, 3, 3)))
    assert "makes no use of trunk.7.rcb.0.weight beside conv1.0.bias" in message
    message = refusal(changed(peers, tmp_path, conv1__0__bias=torch.ones(7)))
    assert message.endswith("conv1.0.bias has shape [7], expected [8]")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"conv2__0__weight": torch.ones(8, 9, 3, 3)}, "conv2.0.weight has shape [8, 9, 3, 3], "),
        ({"conv2__0__weight": torch.ones(9, 8, 3, 3)}, "expected [8, 8, 3, 3]"),
        ({"conv2__0__weight": torch.ones(8, 8, 3, 5)}, "conv2.0.weight has shape [8, 8, 3, 5]"),
        ({"conv2__0__weight": torch.ones(8)}, "conv2.0.weight has shape [8], expected 4 axes"),
        ({"conv2__0__weight": torch.ones(8, 0, 3, 3)}, "conv2.0.weight has shape"),
        ({"conv1__1__weight": torch.ones(3)}, "conv1.1.weight has shape [3], expected [1] or [8]"),
        ({"conv3__weight": torch.ones(4, 8, 9, 9)}, "expected [3, 8, 9, 9]"),
        ({"conv3__weight": torch.ones(3, 8, 8, 8)}, "kernel is 8"),
        ({"conv1__0__weight": torch.ones(8, 3, 99, 99)}, "kernel is 99"),
        ({"conv1__0__weight": torch.ones(8, 65, 9, 9)}, "conv1.0.weight is for images of 65 ch"),
        ({"upsampling__0__upsample_block__0__weight": torch.ones(24, 8, 3, 3)},
         "upsampling.0.upsample_block.0.weight makes 24 channels, no whole scale for 8"),
        ({"conv2__1__running_var": lambda t: t - 9}, "conv2.1.running_var holds negative"),
        ({"conv2__1__running_var": lambda t: t * float("nan")}, "conv2.1.running_var holds NaN"),
        ({"conv3__bias": lambda t: t / 0}, "conv3.bias holds NaN or infinite values"),
        ({"conv3__bias": lambda t: t.double() * 1e300}, "conv3.bias holds NaN or infinite values"),
        ({"conv3__bias": lambda t: t.int()}, "conv3.bias has type int32"),
        ({"conv3__bias": torch.ones(1).expand(3)}, "conv3.bias has shape [3], larger than"),
        ({"conv3__bias": 5}, "'conv3.bias' is of type int; expected tensors"),
    ],
)  # fmt: skip
def test_wrong_tensors_are_refused_by_name(
    tmp_path: Path, peers: ModuleType, changes: dict[str, Any], reason: str
) -> None:
    assert reason in refusal(changed(peers, tmp_path, **changes))


def test_scales_below_four_of_rrdbnet_are_refused_in_words(
    tmp_path: Path, peers: ModuleType
) -> None:
    path = saved(made(peers, "RRDBNet", {"taken": 12}).state_dict(), tmp_path / "x2.pth")
    assert "conv_first.weight takes 12 channels for images of 3" in refusal(path)
    assert "only x4 is read" in refusal(path)


def test_mean_shifts_that_are_more_than_shifts_are_refused(
    tmp_path: Path, peers: ModuleType
) -> None:
    mixing = torch.full((3, 3, 1, 1), 0.5)
    message = refusal(changed(peers, tmp_path, "CARN", add_mean__shifter__weight=mixing))
    assert "add_mean.shifter.weight mixes channels" in message
    missing = torch.full((3,), float("inf"))
    message = refusal(changed(peers, tmp_path, "CARN", sub_mean__shifter__bias=missing))
    assert "sub_mean.shifter.bias holds NaN or infinite values" in message


def test_networks_that_do_not_enlarge_are_refused(tmp_path: Path, peers: ModuleType) -> None:
    path = saved(made(peers, "IMDN", {"width": 16, "scale": 1}).state_dict(), tmp_path / "x1.pth")
    assert "1 times as large" in refusal(path)


def test_loading_changes_no_random_state(tmp_path: Path, peers: ModuleType) -> None:
    path = changed(peers, tmp_path)
    before = torch.get_rng_state()
    load_pth(path)
    assert torch.equal(torch.get_rng_state(), before)
