"""``--fidelity`` and ``--fidelity-sweep`` as a person uses them."""

import csv
import hashlib
import json

import numpy as np
import pytest
import torch
from PIL import Image

from super_resolution_gans.models.checkpoint import save_generator
from super_resolution_gans.models.generator import SRResNet


@pytest.fixture
def pair(tmp_path):
    """(SRResNet, SRGAN), tiny; both declare the downsampling that they invert."""
    torch.manual_seed(0)
    network, card = SRResNet(blocks=1, width=4), {"downsampling": {"kernel": "bicubic"}}
    save_generator(network, tmp_path / "faithful.safetensors", card)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.02 * torch.randn_like(parameter)
    save_generator(network, tmp_path / "inventive.safetensors", card)
    return tmp_path / "faithful.safetensors", tmp_path / "inventive.safetensors"


@pytest.fixture
def scans(tmp_path):
    folder = tmp_path / "scans"
    folder.mkdir()
    random = np.random.default_rng(0)
    for name in ("CNV-1-1", "NORMAL-2-1"):
        values = random.integers(0, 250, (68, 72), dtype=np.uint8)
        Image.fromarray(values).save(folder / f"{name}.png")
    return folder


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_upscale_takes_a_fidelity_and_the_journal_has_both_models(srgan, pair, scans, tmp_path):
    faithful, inventive = pair
    out = tmp_path / "out"
    model = ("--model", inventive, "--faithful", faithful)
    result = srgan("upscale", scans, "-o", out, *model, "--fidelity", 0.5)
    assert result.exit_code == 0, result.output
    assert "by inventive at fidelity 0.5" in result.stdout
    first = json.loads((out / "srgan-journal.jsonl").read_text().splitlines()[0])
    assert first["fidelity"] == 0.5
    assert first["weights_sha256"] == digest(inventive)
    assert first["faithful_sha256"] == digest(faithful)
    with Image.open(out / "CNV-1-1.png") as image:
        told = json.loads(image.info["srgan"])
    assert (told["fidelity"], told["faithful_sha256"]) == (0.5, digest(faithful))


def test_upscale_at_the_ends_gives_the_pixels_of_the_one_and_the_other(
    srgan, pair, scans, tmp_path
):
    faithful, inventive = pair
    source = scans / "CNV-1-1.png"
    for fidelity, alone in ((0, inventive), (1, faithful)):
        one, other = tmp_path / f"one{fidelity}.png", tmp_path / f"other{fidelity}.png"
        mixed = ("--model", inventive, "--faithful", faithful, "--fidelity", fidelity)
        assert srgan("upscale", source, "-o", one, *mixed).exit_code == 0
        assert srgan("upscale", source, "-o", other, "--model", alone).exit_code == 0
        # Files differ in what they say of their making.
        np.testing.assert_array_equal(pixels(one), pixels(other))
    assert not np.array_equal(pixels(tmp_path / "one0.png"), pixels(tmp_path / "one1.png"))


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--fidelity", "1.5"), "oct-srgan-x4: fidelity 1.5 is not a number from 0"),
        (("--fidelity", "nan"), "oct-srgan-x4: fidelity nan is not a number from 0"),
        (("--fidelity", "0.5", "--model", "bicubic"), "bicubic: is an interpolation"),
        (("--faithful", "oct-srresnet-x4"), "oct-srresnet-x4: a faithful partner needs a fidelity"),
    ],
)
def test_what_cannot_be_mixed_is_one_line_and_status_2(
    srgan, error, scans, tmp_path, options, reason
):
    for command in (("upscale", scans, "-o", tmp_path / "out"), ("evaluate", "--data", scans)):
        result = srgan(*command, *options)
        assert result.exit_code == 2
        assert error(result).startswith(f"error: {reason}")


def test_evaluate_measures_the_first_model_at_a_fidelity(srgan, pair, scans):
    faithful, inventive = pair
    models = ("--model", inventive, "--faithful", faithful, "--model", f"theirs={faithful}")
    result = srgan(
        "evaluate", "--data", scans, *models, "--fidelity", 1, "--no-lpips", "--no-baselines"
    )
    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.stdout.splitlines()]
    mixed = next(line for line in lines if line[:4] == ["inventive", "at", "fidelity", "1"])
    theirs = next(line for line in lines if line[:1] == ["theirs"])
    assert mixed[4:] == theirs[1:]  # fidelity 1 is the faithful network
    assert f"sha256 {digest(inventive)}, faithful {digest(faithful)}" in result.stdout


def test_a_sweep_writes_tables_and_pictures(srgan, pair, scans, tmp_path):
    faithful, inventive = pair
    out = tmp_path / "out"
    models = ("--model", f"mine={inventive}", "--faithful", faithful, "--model", faithful)
    result = srgan(
        *("evaluate", "--data", scans, *models, "--out", out, "--panels", 0),
        *("--fidelity-sweep", "1,0,0.5,1"),
    )
    assert result.exit_code == 0, result.output
    assert "In RMSE and LPIPS the curve dominates" in result.stdout
    assert sorted(path.name for path in out.iterdir()) == [
        "means.json",
        "per_image.csv",
        "plane-scans.png",
        "plane-scans.svg",
        "plane.csv",
        "plane.json",
        "plane.md",
        "rows.jsonl",
    ]
    rows = {
        line["method"]: line
        for line in csv.DictReader((out / "plane.csv").read_text().splitlines())
    }
    assert list(rows) == [
        *(f"mine at fidelity {share}" for share in ("0", "0.5", "1")),
        *("nearest", "bilinear", "bicubic", "lanczos", "faithful"),
    ]
    assert rows["faithful"]["lpips"] == rows["mine at fidelity 1"]["lpips"]
    assert rows["faithful"]["dominated_lpips"] == "yes"  # it lies on the curve
    models = json.loads((out / "means.json").read_text())["models"]
    assert models["mine at fidelity 0.5"]["faithful_sha256"] == digest(faithful)
    assert models["mine at fidelity 0.5"]["consistency"] == "bicubic"
    means = json.loads((out / "means.json").read_text())["datasets"]["scans"]["means"]
    assert rows["bicubic"]["lpips"] == f"{means['bicubic']['lpips']:.6f}"
    sentences = json.loads((out / "plane.json").read_text())["sentences"]["scans"]
    assert all(sentence in (out / "plane.md").read_text() for sentence in sentences)
    with Image.open(out / "plane-scans.png") as image:
        image.load()
        assert image.format == "PNG"
    assert b"mine, fidelity beside it" in (out / "plane-scans.svg").read_bytes()


def test_scans_too_small_for_any_perception_have_no_plane(srgan, pair, tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    Image.fromarray(np.arange(1024, dtype=np.uint8).reshape(32, 32)).save(folder / "a.png")
    models = ("--model", pair[1], "--faithful", pair[0])
    result = srgan("evaluate", "--data", folder, *models, "--fidelity-sweep", "0,1", "--no-lpips")
    assert result.exit_code == 0, result.output
    assert "no image is large enough for LPIPS or the spectrum" in result.stdout


@pytest.mark.parametrize(
    "options",
    [
        ("--fidelity-sweep", "0.5"),
        ("--fidelity-sweep", "0,1.5"),
        ("--fidelity-sweep", "0,nan"),
        ("--fidelity-sweep", "0;1"),
        ("--fidelity-sweep", ""),
        ("--fidelity-sweep", "0,1", "--fidelity", "0.5"),
    ],
)
def test_a_sweep_that_is_none_is_wrong_usage(srgan, scans, options):
    assert srgan("evaluate", "--data", scans, *options).exit_code == 2


def test_an_ensemble_is_another_result_and_journal_and_files_say_so(srgan, pair, scans, tmp_path):
    plain, several = tmp_path / "plain", tmp_path / "several"
    for out, more in ((plain, ()), (several, ("--ensemble",))):
        result = srgan("upscale", scans, "-o", out, "--model", pair[0], *more)
        assert result.exit_code == 0, result.output
        first = json.loads((out / "srgan-journal.jsonl").read_text().splitlines()[0])
        assert first["ensemble"] is bool(more)
    for name in ("CNV-1-1.png", "NORMAL-2-1.png"):
        with Image.open(plain / name) as one, Image.open(several / name) as other:
            assert json.loads(other.info["srgan"])["ensemble"] is True
            assert not np.array_equal(np.asarray(one), np.asarray(other))


def test_evaluate_measures_an_ensemble_as_such(srgan, pair, scans, tmp_path):
    out = tmp_path / "out"
    arguments = ("evaluate", "--data", scans, "--model", pair[0], "--out", out, "--no-lpips")
    assert srgan(*arguments).exit_code == 0
    before = json.loads((out / "means.json").read_text())
    again = srgan(*arguments, "--ensemble")
    assert again.exit_code == 0, again.output
    after = json.loads((out / "means.json").read_text())
    (one,), (other,) = before["datasets"].values(), after["datasets"].values()
    assert one["means"]["faithful"] != other["means"]["faithful"]
    assert one["means"]["bicubic"] == other["means"]["bicubic"]
