"""Several sources of images, and protocols by name, as ``srgan evaluate`` is given them."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

QUICK = ("--model", "bicubic", "--no-baselines", "--no-lpips")


@pytest.fixture
def folder(tmp_path):
    def make(name, *images, channels=()):
        place = tmp_path / name
        random = np.random.default_rng(len(name))
        for image in images:
            (place / image).parent.mkdir(parents=True, exist_ok=True)
            values = random.integers(0, 250, (24, 32, *channels), dtype=np.uint8)
            Image.fromarray(values).save(place / image)
        return place

    return make


def rows_of(out):
    return list(csv.DictReader((out / "per_image.csv").read_text().splitlines()))


def test_each_folder_is_a_dataset_of_its_name(srgan, folder, tmp_path):
    one, two = folder("one", "a.png"), folder("two", "a.png", "b.png")
    out = tmp_path / "out"
    result = srgan("evaluate", "--data", one, "--data", two, "--data", one, *QUICK, "--out", out)
    assert result.exit_code == 0, result.output
    assert [(row["dataset"], row["image"]) for row in rows_of(out)] == [
        ("one", "a.png"),
        ("two", "a.png"),
        ("two", "b.png"),
    ]


def test_two_folders_of_one_name_are_told_apart(srgan, folder, tmp_path):
    one, two = folder("x/same", "a.png"), folder("y/same", "a.png")
    out = tmp_path / "out"
    srgan("evaluate", "--data", one, "--data", two, *QUICK, "--out", out)
    assert [row["dataset"] for row in rows_of(out)] == [str(one), str(two)]


def test_a_folder_without_marks_is_measured_whole_beside_a_marked_one(srgan, folder, tmp_path):
    marked = folder("marked", "train/a.png", "test/b.png")
    plain = folder("plain", "a.png")
    out = tmp_path / "out"
    result = srgan("evaluate", "--data", marked, "--data", plain, *QUICK, "--out", out)
    assert result.exit_code == 0, result.output
    assert [row["image"] for row in rows_of(out)] == ["test/b.png", "a.png"]
    assert json.loads((out / "means.json").read_text())["splits"] == [
        "test where some scan is marked so"
    ]


def test_a_source_that_is_missing_is_named_as_it_was_given(srgan, folder):
    result = srgan("evaluate", "--data", folder("one", "a.png"), "--data", "nowhere", *QUICK)
    assert result.exit_code == 1
    assert result.stderr.startswith("error: nowhere: ")


def test_the_papers_protocol_has_its_rows_beside_ours(srgan, folder, tmp_path):
    set5 = folder("Set5", *(f"{n}.png" for n in range(5)), channels=(3,))
    out = tmp_path / "out"
    result = srgan("evaluate", "--data", set5, *QUICK, "--protocol", "paper", "--out", out)
    assert result.exit_code == 0, result.output
    assert "SRResNet (published)" in result.stdout
    assert "protocol paper: " in result.stdout
    assert all(row["protocol"].startswith("paper: ") for row in rows_of(out))
    plain = srgan("evaluate", "--data", set5, *QUICK).stdout
    assert "(published)" not in plain
    assert "protocol oct: " in plain


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--protocol", "theirs"), "none of oct, paper"),
        (("--protocol", "paper", "--border", "4"), "fixed by --protocol paper"),
        (("--protocol", "paper", "--channel", "rgb"), "fixed by --protocol paper"),
        (("--protocol", "paper", "--no-mask"), "fixed by --protocol paper"),
        (("--channel", "cmyk"), "none of y-studio"),
    ],
)
def test_a_protocol_that_does_not_exist_or_is_bent_is_wrong_usage(srgan, folder, options, reason):
    result = srgan("evaluate", "--data", folder("one", "a.png"), *QUICK, *options)
    assert result.exit_code == 2
    assert reason in " ".join(result.stderr.replace("│", " ").split())
