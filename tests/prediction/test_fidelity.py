"""Models mixed with the faithful one they were trained from, from name to image."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from super_resolution_gans import load_upscaler, read_scan
from super_resolution_gans.evaluation.pairs import make_pair, quantised
from super_resolution_gans.metrics.image import psnr
from super_resolution_gans.models.checkpoint import load_generator, save_generator
from super_resolution_gans.models.generator import SRResNet
from super_resolution_gans.models.interpolate import kinship
from super_resolution_gans.prediction import PredictionError
from super_resolution_gans.prediction.catalogue import FAITHFUL, SHIPPED, find_weights
from super_resolution_gans.prediction.maps import load_maps

EXAMPLES = Path(__file__).parents[2] / "examples" / "scans"


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """(SRResNet, SRGAN trained from it), tiny."""
    torch.manual_seed(0)
    network, folder = SRResNet(blocks=1, width=4), tmp_path_factory.mktemp("pair")
    save_generator(network, folder / "faithful.safetensors")
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.02 * torch.randn_like(parameter)
    save_generator(network, folder / "inventive.safetensors")
    return folder / "faithful.safetensors", folder / "inventive.safetensors"


def picture(*shape, dtype=np.float32):
    values = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    return values if dtype == np.uint8 else (values / np.float32(255)).astype(dtype)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_at_its_ends_the_shipped_mixture_is_the_one_and_the_other_to_the_byte(dtype):
    image = picture(24, 32, dtype=dtype)
    ends = [
        load_upscaler(name, device="cpu")(image) for name in ("oct-srgan-x4", "oct-srresnet-x4")
    ]
    assert ends[0].tobytes() != ends[1].tobytes()
    for fidelity, expected in enumerate(ends):
        mixture = load_upscaler("oct-srgan-x4", device="cpu", fidelity=fidelity)
        assert mixture(image).tobytes() == expected.tobytes()


def test_partners_of_shipped_models_are_of_near_kin():
    for name, partner in FAITHFUL.items():
        assert {name, partner} <= SHIPPED.keys()
        faithful, inventive = (load_generator(find_weights(n)).network for n in (partner, name))
        assert kinship(faithful, inventive) > 0.97


def test_distortion_falls_steadily_as_fidelity_rises():
    scan = read_scan(sorted(EXAMPLES.glob("*.jpeg"))[0])
    hr = scan.slice_pixels(0)[160:288, 100:292]
    low = make_pair("crop", hr).lr
    measured = []
    for fidelity in (0, 0.25, 0.5, 0.75, 1):
        upscaler = load_upscaler("oct-srgan-x4", device="cpu", fidelity=fidelity)
        measured.append(psnr(quantised(upscaler(low), 255), hr))
    assert measured == sorted(measured)
    assert measured[-1] > measured[0] + 0.5


def test_own_models_name_their_partner(pair):
    faithful, inventive = pair
    image = picture(6, 7)
    one, other = (load_upscaler(path, device="cpu")(image) for path in pair)
    assert np.array_equal(load_upscaler(inventive, fidelity=1, faithful=faithful)(image), one)
    mixture = load_upscaler(inventive, device="cpu", fidelity=0.5, faithful=str(faithful))
    assert mixture.scale == (4, 4)
    # Not exactly the mean of both images, since networks are not linear; but near it.
    difference = np.abs(mixture(image) - (one + other) / 2).max()
    assert 0 < difference < 0.5 * np.abs(one - other).max()


def test_provenance_has_the_fidelity_and_the_digests_of_both_files(pair):
    faithful, inventive = pair
    story = load_upscaler(inventive, device="cpu", fidelity=0.25, faithful=faithful).provenance
    assert (
        json.loads(json.dumps(story.as_dict())).items()
        >= {
            "model": "inventive at fidelity 0.25",
            "weights_sha256": hashlib.sha256(inventive.read_bytes()).hexdigest(),
            "faithful_sha256": hashlib.sha256(faithful.read_bytes()).hexdigest(),
            "fidelity": 0.25,
        }.items()
    )
    alone = load_upscaler(inventive, device="cpu").provenance
    assert (alone.model, alone.fidelity, alone.faithful_sha256) == ("inventive", None, None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"fidelity": 1.5}, "inventive.*: fidelity 1.5 is not a number from 0 .* to 1"),
        ({"fidelity": float("nan")}, "inventive.*: fidelity nan is not a number"),
        ({"fidelity": 0.5}, "inventive.*: fidelity needs the faithful model it was trained from"),
        ({"faithful": "oct-srresnet-x4"}, "oct-srresnet-x4: a faithful partner needs a fidelity"),
        ({"fidelity": 0.5, "faithful": "bicubic"}, "bicubic: is an interpolation"),
        ({"fidelity": 0.5, "faithful": "a.onnx"}, "a.onnx: is an exported model"),
        ({"fidelity": 0.5, "faithful": "missing.pth"}, "missing.pth: no such file"),
        ({"fidelity": 0.5, "faithful": "srresnet"}, "srresnet: no such model"),
    ],
)
def test_what_cannot_be_mixed_is_one_line(pair, arguments, message):
    with pytest.raises(ValueError, match=f"^.*{message}") as caught:
        load_upscaler(pair[1], **arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("bicubic", "is an interpolation: fidelity is for networks"),
        ("model.onnx", "is an exported model: fidelity needs files of weights"),
        ("model.XML", "is an exported model: fidelity needs files of weights"),
        ("oct-srresnet-x4", "fidelity needs the faithful model"),
    ],
)
def test_models_without_weights_or_partner_have_no_fidelity(model, reason):
    with pytest.raises(PredictionError, match=f"^{model}: {reason}"):
        load_upscaler(model, fidelity=0.5)


def test_files_of_different_networks_are_both_named(pair, grey_model):
    with pytest.raises(PredictionError) as caught:
        load_upscaler(pair[1], fidelity=0.5, faithful=grey_model)
    said = str(caught.value)
    assert said.startswith(f"{pair[1]} and {grey_model}: cannot be mixed: not of one architecture")
    assert "\n" not in said


def declaring(path, target, kernel):
    """The same network on a card that declares the downsampling it inverts."""
    card = {} if kernel is None else {"downsampling": {"kernel": kernel}}
    save_generator(load_generator(path).network, target, card)
    return target


@pytest.mark.parametrize(
    ("kernels", "fidelity", "expected"),
    [
        (("bicubic", "bicubic"), 0.5, "bicubic"),
        (("bicubic", "area"), 0.5, "off"),
        (("bicubic", None), 0.5, "off"),
        (("bicubic", "area"), 0, "area"),
        (("bicubic", "area"), 1, "bicubic"),
    ],
)
def test_a_mixture_agrees_with_the_scan_as_both_of_its_models_do(
    pair, tmp_path, kernels, fidelity, expected
):
    faithful, inventive = (
        declaring(path, tmp_path / path.name, kernel)
        for path, kernel in zip(pair, kernels, strict=True)
    )
    mixture = load_upscaler(inventive, fidelity=fidelity, faithful=faithful)
    assert mixture.provenance.consistency == expected


def test_intervals_are_for_the_inventive_end_alone():
    for fidelity, calibrated in ((None, True), (0, True), (0.5, False), (1, False)):
        upscaler = load_upscaler("oct-srgan-x4", device="cpu", fidelity=fidelity)
        if calibrated:
            load_maps(upscaler, device="cpu")
        else:
            with pytest.raises(PredictionError, match=f"fidelity {fidelity}: its uncertainty"):
                load_maps(upscaler, device="cpu")
