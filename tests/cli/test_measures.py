"""The measures that ``srgan evaluate`` adds, the files they need, and regions drawn by hand."""

import csv

import numpy as np
import pytest
import torch
from PIL import Image

from super_resolution_gans.cli.measures import measuring
from super_resolution_gans.evaluation.measures import OCT


@pytest.fixture
def scans(tmp_path):
    folder = tmp_path / "scans"
    folder.mkdir()
    image = np.full((200, 202), 30.0)
    image[80:], image[140:] = 150, 100
    image += 10 * np.random.default_rng(0).standard_normal(image.shape)
    Image.fromarray(image.clip(0, 250).astype(np.uint8)).save(folder / "a.png")
    return folder


def rows_of(folder):
    return list(csv.DictReader((folder / "per_image.csv").read_text().splitlines()))


def test_measures_of_oct_are_measured_and_written_beside_the_usual(srgan, scans, tmp_path):
    plain = ("evaluate", "--data", scans, "--model", "bicubic", "--no-baselines", "--no-lpips")
    result = srgan(*plain, "--metrics", "oct", "--out", tmp_path / "out", "--panels", 0)
    assert result.exit_code == 0, result.output
    (row,) = rows_of(tmp_path / "out")
    assert list(row)[-len(OCT) - 1 :] == [*OCT, "protocol"]
    assert all(row[name] for name in OCT)
    for heading in ("MS-SSIM", "CNR ratio", "invented"):
        assert heading in result.stdout
    without = srgan(*plain).stdout
    assert "MS-SSIM" not in without


def test_regions_are_read_from_pictures_of_labels(srgan, scans, tmp_path):
    labels = np.zeros((200, 202), np.uint8)
    labels[:60], labels[90:130] = 1, 2
    drawn = tmp_path / "drawn"
    drawn.mkdir()
    plain = (
        "evaluate", "--data", scans, "--model", "bicubic", "--no-baselines", "--no-lpips",
        "--metrics", "cnr_ratio", "--regions", drawn,
    )  # fmt: skip
    missing = srgan(*plain)
    assert missing.exit_code == 1
    assert f"a.png: its regions are not at {drawn / 'a.png'}" in missing.stderr
    Image.fromarray(labels).save(drawn / "a.png")
    found = srgan(*plain, "--out", tmp_path / "out", "--panels", 0)
    assert found.exit_code == 0, found.output
    assert "regions: drawn by hand" in found.stdout
    assert 1 < float(rows_of(tmp_path / "out")[0]["cnr_ratio"]) < 100
    Image.fromarray(labels[:100]).save(drawn / "a.png")
    assert "HR is (200, 200)" in srgan(*plain).stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--metrics", "beauty"), "'beauty' is no measure; known are oct"),
        (("--metrics", "niqe"), "needs --metric-file niqe=FILE"),
        (("--metrics", "dists", "--metric-file", "dists=x"), "needs --metric-file vgg16=FILE"),
        (("--metric-file", "clip=x"), "expected one of dists, niqe, vgg16"),
        (("--metric-file", "niqe"), "then =FILE"),
        (("--metrics", "niqe", "--metric-file", "niqe=nowhere"), "nowhere: no such file"),
    ],
)
def test_measures_and_files_that_are_not_there_are_wrong_usage(
    srgan, error, scans, arguments, words
):
    result = srgan("evaluate", "--data", scans, "--model", "bicubic", *arguments)
    assert result.exit_code == 2
    assert words in error(result)


def test_niqe_is_measured_with_the_parameters_of_a_file(srgan, scans, tmp_path):
    np.savez(tmp_path / "p.npz", mu_pris_param=np.ones(36), cov_pris_param=np.eye(36))
    result = srgan(
        "evaluate", "--data", scans, "--model", "bicubic", "--no-baselines", "--no-lpips",
        "--metrics", "niqe", "--metric-file", f"niqe={tmp_path / 'p.npz'}",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "NIQE" in result.stdout


def test_dists_is_put_together_from_its_two_files(shared):
    weights = shared / "weights"
    files = [
        f"dists={weights / 'dists' / 'weights.pt'}",
        f"vgg16={weights / 'vgg16_features_fp16.safetensors'}",
    ]
    found = measuring("dists", files)
    assert list(found) == ["dists"]


def test_weights_that_are_none_are_refused_by_name(srgan, error, scans, tmp_path):
    torch.save({"alpha": torch.ones(3)}, tmp_path / "w.pt")
    result = srgan(
        "evaluate", "--data", scans, "--model", "bicubic", "--metrics", "dists",
        "--metric-file", f"dists={tmp_path / 'w.pt'}", "--metric-file", "vgg16=nowhere",
    )  # fmt: skip
    assert result.exit_code == 2
    assert "nowhere" in error(result)
