"""Results agree with the scan where the model's file declares how scans were made, and say so."""

import json

import numpy as np
import pytest
from PIL import Image

from super_resolution_gans.models.checkpoint import save_generator
from super_resolution_gans.models.load import load_model
from super_resolution_gans.prediction import load_upscaler
from super_resolution_gans.prediction.catalogue import SHIPPED, find_weights
from super_resolution_gans.prediction.downsampling import agreement, declared
from super_resolution_gans.prediction.errors import PredictionError
from super_resolution_gans.prediction.files import upscale_files
from super_resolution_gans.prediction.plan import make_plan
from super_resolution_gans.scan import Scan


def recipe(**degradation):
    plain = {"kernels": ["bicubic"], "blur": [0.0, 0.0], "speckle": [0, 0], "noise": [0.0, 0.0]}
    return {"recipe": {"pairs": "degrade", "degradation": {**plain, **degradation}}}


@pytest.fixture
def declaring(tmp_path, grey_model):
    """A model with random weights whose card declares bicubic downsampling."""
    path = tmp_path / "declaring.safetensors"
    model = load_model(grey_model)
    save_generator(model.network, path, {**model.card, "downsampling": {"kernel": "bicubic"}})
    return path


@pytest.fixture
def scan():
    pixels = np.random.default_rng(0).integers(30, 220, (2, 70, 33), np.uint8)
    return Scan.from_array(pixels.astype(np.uint8))


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_models_declare_what_they_were_trained_on(name):
    # What learned from blurred and noisy scans must not be held to agree with one.
    kernel = None if name.endswith("-native") else "bicubic"
    assert declared(load_model(find_weights(name)).card) == kernel
    upscaler = load_upscaler(name, device="cpu")
    assert upscaler.agreement.enforced == bool(kernel)
    assert upscaler.provenance.consistency == (kernel or "off")


@pytest.mark.parametrize(
    ("card", "kernel"),
    [
        ({}, None),
        (recipe(), "bicubic"),
        (recipe(kernels=["area"]), "area"),
        (recipe(kernels=["decimate"]), None),
        (recipe(kernels=["bicubic", "area"]), None),
        (recipe(kernels="bicubic"), None),
        (recipe(blur=[0, 0.5]), None),
        (recipe(noise=[0.01, 0.01]), None),
        (recipe(speckle=[0, 0.1]), None),
        ({"recipe": {"pairs": "ready", "degradation": {"kernels": ["bicubic"]}}}, None),
        ({"recipe": {"pairs": "degrade", "degradation": {"kernels": ["bicubic"]}}}, None),
        ({"recipe": {"pairs": "degrade"}}, None),
        ({"recipe": "bicubic"}, None),
        ({"downsampling": {"kernel": "area"}, **recipe()}, "area"),
        ({"downsampling": {"kernel": "magic"}, **recipe()}, None),
        ({"downsampling": {"kernel": ["bicubic"]}}, None),
        ({"downsampling": None, **recipe()}, None),
    ],
)
def test_a_card_declares_one_plain_kernel_or_nothing(card, kernel):
    assert declared(card) == kernel
    found = agreement(card, (4, 4))
    assert found.enforced == (kernel is not None)
    assert str(found) == (kernel or "off")
    assert (found.projection is None) == (kernel is None)


def test_the_user_decides():
    assert agreement({}, (2, 4), True).projection.kernel == "bicubic"
    off = agreement(recipe(), (4, 4), False)
    assert (off.projection, str(off)) == (None, "off")
    assert off.meter(9) is not None  # that it is known is enough to measure it
    assert str(agreement(recipe(), (4, 4), noise=0.02)) == "bicubic, noise 0.02"
    for card, asked in (({}, None), (recipe(), False)):
        with pytest.raises(PredictionError, match=r"noise: weakens the agreement .* which is off"):
            agreement(card, (4, 4), asked, 0.02)
    with pytest.raises(PredictionError, match="noise nan"):
        agreement(recipe(), (4, 4), noise=float("nan"))


def test_results_agree_through_every_door_to_the_bit(declaring, scan):
    upscaler = load_upscaler(declaring, device="cpu", precision="float32", tile=20)
    result = upscaler(scan)
    raw = load_upscaler(declaring, device="cpu", precision="float32", tile=20, consistency=False)
    expected = upscaler.agreement.known(_unclipped(raw, scan), scan.pixels)
    np.testing.assert_array_equal(result.pixels, np.clip(expected, 0, 1))
    np.testing.assert_array_equal(upscaler.lazily(scan).load().pixels, result.pixels)
    assert np.abs(raw(scan).pixels - result.pixels).max() > 1e-3
    before, after = raw.residual(raw(scan), scan), upscaler.residual(result, scan)
    assert after.rms < before.rms / 2
    assert after.decibels > 40


def _unclipped(upscaler, scan):
    slices, height, width = scan.shape
    pixels = np.empty((slices, height * 4, width * 4), np.float32)
    for piece in upscaler._raw_pieces(scan, None):
        pixels[piece.number][piece.tile.target((4, 4))] = piece.core
    return pixels


def test_a_smaller_scale_agrees_as_well(declaring, scan):
    upscaler = load_upscaler(declaring, device="cpu", scale=(4, 2))
    assert upscaler.agreement.known.scale == (4, 2)
    assert upscaler.residual(upscaler(scan), scan).decibels > 40


@pytest.mark.parametrize("name", ["bicubic", "nearest"])
def test_nothing_is_done_to_what_declares_nothing_unless_asked(name, scan):
    plain = load_upscaler(name)
    assert plain.residual(plain(scan), scan) is None
    asked = load_upscaler(name, consistency=True)
    assert asked.provenance.consistency == "bicubic"
    found = asked.residual(asked(scan), scan)
    known = asked.agreement.known
    assert found.rms < known.residual(plain(scan).pixels, scan.pixels).rms / 4


def test_colour_agrees_in_every_channel(declaring):
    colours = np.random.default_rng(1).integers(60, 190, (24, 30, 3)).astype(np.uint8)
    upscaler = load_upscaler(declaring, device="cpu")
    scan = Scan.from_array(colours)
    assert upscaler.residual(upscaler(scan), scan).decibels > 40


def test_files_say_what_they_are_and_how_far_off(tmp_path, declaring):
    pixels = np.random.default_rng(2).integers(30, 220, (80, 31)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    upscaler = load_upscaler(declaring, device="cpu", tile=20)
    for suffix in (".png", ".tif"):
        (outcome,) = upscale_files(
            make_plan([tmp_path / "a.png"], tmp_path / f"o{suffix}"), upscaler
        )
        assert outcome.status == "done"
    with Image.open(tmp_path / "o.png") as image:
        stored, said = Scan.from_array(np.asarray(image)), json.loads(image.info["srgan"])
    residual = upscaler.residual(stored, Scan.from_array(pixels))
    assert outcome.residual == residual
    assert said["consistency_residual"] == {"rms": residual.rms, "largest": residual.largest}
    assert said["note"] == "computed super-resolution, not a measurement"
    assert (said["consistency"], said["scale"], said["model"]) == ("bicubic", [4, 4], "declaring")
    assert len(said["input_sha256"]) == len(said["weights_sha256"]) == 64


def test_an_exported_model_declares_what_its_card_does(tmp_path, declaring):
    pytest.importorskip("onnxruntime")
    from super_resolution_gans.export import export_model

    export_model(declaring, tmp_path / "m.onnx")
    assert load_upscaler(tmp_path / "m.onnx").provenance.consistency == "bicubic"
