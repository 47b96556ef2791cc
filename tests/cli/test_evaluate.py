"""``srgan evaluate`` as a person runs it."""

import csv
import json

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from super_resolution_gans.cli.evaluate import evaluate
from super_resolution_gans.models.checkpoint import save_generator
from super_resolution_gans.models.generator import SRResNet


@pytest.fixture(scope="module")
def run():
    app = typer.Typer()
    app.command()(evaluate)

    def invoke(*arguments):
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return invoke


@pytest.fixture
def scans(tmp_path):
    folder = tmp_path / "scans"
    folder.mkdir()
    random = np.random.default_rng(0)
    for name in ("CNV-1-1", "CNV-1-2", "NORMAL-2-1"):
        values = random.integers(0, 250, (40, 48), dtype=np.uint8)
        Image.fromarray(values).save(folder / f"{name}.png")
    return folder


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "tiny.safetensors"
    save_generator(SRResNet(channels=1, scale=(4, 4), blocks=1, width=4), path)
    return path


def test_a_model_is_measured_beside_the_interpolations_and_everything_is_written(
    run, scans, weights, tmp_path
):
    out = tmp_path / "deep" / "out"
    result = run("--data", scans, "--model", weights, "--out", out, "--panels", 1)
    assert result.exit_code == 0, result.output
    assert "scans: 3 images, 2 patients" in result.output
    assert "SSIM daala" in result.output
    assert "weights sha256" in result.output
    rows = list(csv.DictReader((out / "per_image.csv").read_text().splitlines()))
    methods = ["nearest", "bilinear", "bicubic", "lanczos", "tiny"]
    assert [row["method"] for row in rows] == methods * 3
    document = json.loads((out / "means.json").read_text())
    means = document["datasets"]["scans"]["means"]
    assert list(means) == methods
    mean = np.mean([float(row["psnr"]) for row in rows if row["method"] == "bicubic"])
    assert means["bicubic"]["psnr"] == pytest.approx(mean, abs=1e-5)
    assert f"{mean:.2f}" in result.output
    assert document["models"]["tiny"]["weights_sha256"]
    (picture,) = (out / "panels").iterdir()
    assert picture.name == "scans-01-CNV-1-1.png"
    with Image.open(picture) as image:
        assert image.width == 4 * 384 + 3 * 16 + 2 * 24  # LR, bicubic, tiny, HR
    assert not list(out.rglob(".*"))


def test_the_same_evaluation_writes_the_same_bytes(run, scans, tmp_path):
    written = []
    for name in ("one", "two"):
        out = tmp_path / name
        run("--data", scans, "--model", "bicubic", "--out", out)
        files = sorted(path for path in out.rglob("*") if path.is_file())
        written.append({path.relative_to(out): path.read_bytes() for path in files})
    assert written[0] == written[1]
    assert len(written[0]) == 5


def test_baselines_can_be_left_out(run, scans):
    result = run("--data", scans, "--model", "lanczos", "--no-baselines")
    assert result.exit_code == 0
    assert "lanczos" in result.output
    assert "nearest" not in result.output


def test_lpips_and_spectra_are_measured_and_lpips_can_be_left_out(run, tmp_path):
    folder = tmp_path / "large"
    folder.mkdir()
    values = np.random.default_rng(0).integers(0, 250, (64, 68), dtype=np.uint8)
    Image.fromarray(values).save(folder / "a.png")
    arguments = ("--data", folder, "--model", "bicubic", "--no-baselines")
    result = run(*arguments, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    for heading in ("LPIPS alex", "spectrum distance", "grid excess"):
        assert heading in result.output
    (row,) = csv.DictReader((tmp_path / "out" / "per_image.csv").read_text().splitlines())
    assert float(row["lpips"]) > 0.1
    assert float(row["spectrum_distance"]) > 1
    without = run(*arguments, "--no-lpips").output
    assert "LPIPS alex" not in without
    assert "spectrum distance" in without


def test_one_unreadable_image_is_reported_and_the_status_is_3(run, scans, tmp_path):
    (scans / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    result = run("--data", scans, "--model", "bicubic", "--out", tmp_path / "out")
    assert result.exit_code == 3
    assert "broken.png: " in result.stderr
    assert all(line.startswith("error: ") for line in result.stderr.splitlines())
    assert "3 images" in result.stdout
    (failure,) = json.loads((tmp_path / "out" / "means.json").read_text())["failures"]
    assert "broken.png" in failure


def test_nothing_measured_is_status_1_and_writes_nothing(run, tmp_path):
    folder = tmp_path / "scans"
    folder.mkdir()
    (folder / "broken.png").write_bytes(b"")
    result = run("--data", folder, "--model", "bicubic", "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "none of its images could be measured" in result.stderr
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize(
    "option", [("--model", "no-such-model"), ("--device", "toaster"), ("--precision", "float8")]
)
def test_a_model_or_setting_that_does_not_exist_is_wrong_usage(run, scans, option):
    result = run("--data", scans, "--model", "bicubic", *option)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ")


def test_a_result_that_cannot_be_written_is_named(run, scans, tmp_path):
    (tmp_path / "out" / "means.json").mkdir(parents=True)
    result = run("--data", scans, "--model", "bicubic", "--no-lpips", "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert f"error: {tmp_path / 'out' / 'means.json'}: " in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--data", "missing", "--model", "bicubic"),
        ("--data", "scans", "--model", "bicubic", "--split", "test"),
        ("--data", "scans", "--model", "bicubic", "--out", "file/out"),
    ],
)
@pytest.mark.usefixtures("scans")
def test_bad_data_split_or_folder_is_one_line_and_status_1(run, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("in the way")
    result = run(*arguments)
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


@pytest.mark.parametrize(
    "arguments", [("--scale", "1"), ("--scale", "x4"), ("--channel", "red"), ("--border", "-1")]
)
def test_wrong_usage_is_status_2(run, scans, arguments):
    assert run("--data", scans, *arguments).exit_code == 2


def test_factors_may_differ(run, scans):
    result = run("--data", scans, "--model", "bicubic", "--scale", "1x4")
    assert result.exit_code == 0
    assert "scale: 1 x 4" in result.output


def test_the_test_split_of_a_manifest_is_the_default(run, scans):
    lines = ["path,split,dataset,role,patient"]
    splits = {"CNV-1-1": "train", "CNV-1-2": "test", "NORMAL-2-1": "test"}
    lines += [f"{name}.png,{split},eyes,{name},p" for name, split in splits.items()]
    (scans / "manifest.csv").write_text("\n".join(lines))
    result = run("--data", scans, "--model", "bicubic", "--no-baselines")
    assert "split: test" in result.output
    assert "CNV-1-1" not in result.output
    assert result.output.count(": 1 image, 1 patient;") == 2  # two roles, apart
    everything = run("--data", scans, "--model", "bicubic", "--no-baselines", "--split", "all")
    assert everything.output.count(": 1 image, 1 patient;") == 3


def test_two_models_of_one_name_go_by_their_paths(run, scans, weights, tmp_path):
    other = tmp_path / "other" / "tiny.safetensors"
    other.parent.mkdir()
    other.write_bytes(weights.read_bytes())
    result = run("--data", scans, "--model", weights, "--model", other, "--no-baselines")
    assert str(weights) in result.output
    assert str(other) in result.output
