"""Reading what an evaluation wrote."""

import math

import pytest

from super_resolution_gans.evaluation.compare import Comparison, Protocol, Row
from super_resolution_gans.evaluation.pairs import EvaluationError
from super_resolution_gans.evaluation.report import csv_text
from super_resolution_gans.evaluation.results import read_results

ROW = {
    "dataset": "eyes, two",
    "psnr": 27.25,
    "ssim_wang": 0.5,
    "ssim_daala": 0.75,
    "lr_consistency": math.inf,
    "height": 8,
    "width": 12,
    "channel": "grey",
    "levels": 255,
    "lr_made_here": True,
    "counted": 90,
    "masked": 6,
    "lpips": 0.125,
}


@pytest.fixture
def folder(tmp_path):
    rows = (
        Row(image="a.png", patient="p1", method="m", more={"resolved": 1.5}, **ROW),
        Row(image="a.png", patient="p1", method="n", more={"resolved": None}, **ROW),
        Row(image="b\n.png", patient=None, method="m", more={"resolved": 2.5}, **ROW),
    )
    (tmp_path / "per_image.csv").write_text(csv_text(Comparison(Protocol(), rows)))
    return tmp_path


def test_what_was_written_is_read_again(folder):
    first, second, third = read_results(folder)
    assert (first.dataset, first.image, first.patient, first.method) == (
        "eyes, two", "a.png", "p1", "m",
    )  # fmt: skip
    assert first.values["psnr"] == 27.25
    assert first.values["lr_consistency"] == math.inf
    assert first.values["resolved"] == 1.5
    assert first.values["grid_excess"] is second.values["resolved"] is None
    assert (third.image, third.patient) == ("b\n.png", None)
    words = "height 8, width 12, channel grey, levels 255, counted 90, protocol "
    assert first.measured == words + Protocol().in_short


def test_the_folder_its_file_and_the_means_beside_it_are_the_same(folder):
    (folder / "means.json").write_text("{}")
    for name in ("per_image.csv", "means.json"):
        assert read_results(folder / name) == read_results(folder)


def test_columns_that_are_no_measures_are_left_alone(folder):
    path = folder / "per_image.csv"
    lines = [f"{line},x" for line in path.read_text().replace("b\n", "b").splitlines()]
    path.write_text("\n".join(["note".join(lines[0].rsplit("x", 1)), *lines[1:]]))
    assert "note" not in read_results(path)[0].values


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no such file; srgan evaluate --out writes it"),
        ("", "lacks 'dataset'"),
        ("dataset,image,patient,method,psnr\n", "holds no image"),
        ("dataset,image,method,psnr\nd,a,m,1\n", "lacks 'patient'"),
        ("dataset,image,patient,method,psnr\nd,a,p,m,many\n", "no number"),
        ("dataset,image,patient,method,psnr\nd,a,p\n", "cut short"),
        ("dataset,image,patient,method,psnr\nd,a,p,m,1\nd,a,p,m,2\n", "has m on a twice"),
    ],
)
def test_what_is_no_evaluation_is_refused_in_one_line(tmp_path, content, words):
    path = tmp_path / "per_image.csv"
    if content is not None:
        path.write_text(content)
    with pytest.raises(EvaluationError, match=words) as caught:
        read_results(tmp_path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_bytes_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "per_image.csv").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(EvaluationError, match="cannot be read"):
        read_results(tmp_path)
