"""Our rows of the paper's protocol against those of TensorFlow, scikit-image and SciPy.

``tf_rows.csv`` was written by ``tools/tf_rows.py`` (TensorFlow 2.21.0, Keras 3.15.1, scikit-image
0.26.0, SciPy 1.17.1), which imports nothing of ours; the command stands in its head.
"""

import csv
from pathlib import Path

import pytest

from super_resolution_gans.data.inventory import find_entries
from super_resolution_gans.data.pairs import read_pairs
from super_resolution_gans.evaluation.compare import compare
from super_resolution_gans.evaluation.rows import PAPER
from super_resolution_gans.prediction import load_upscaler

LONG = [pytest.mark.slow, pytest.mark.long]

TABLE = Path(__file__).with_name("tf_rows.csv")
MODELS = ("pre_generator", "gan_generator")


def theirs(dataset, method):
    with TABLE.open(newline="", encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if row["method"] == method]
    return {row["image"]: row for row in rows if row["dataset"] == dataset}


def ours(shared, dataset, upscalers):
    entries = find_entries(shared / "data" / "natural" / dataset)
    return compare(read_pairs(entries, dataset=dataset), upscalers, PAPER).rows


@pytest.mark.timeout(1800)  # full-size networks
@pytest.mark.parametrize("dataset", ["Set5", pytest.param("Set14", marks=LONG)])
def test_every_image_has_the_numbers_of_the_independent_script(shared, dataset):
    """To 0.01 dB and 0.0005: TensorFlow's convolutions and resizing add in another order."""
    upscalers = {name: load_upscaler(name, scale=4) for name in ("nearest", "bicubic")}
    for name in MODELS:
        upscalers[name] = load_upscaler(shared / "weights" / "h5" / f"{name}.h5")
    rows = ours(shared, dataset, upscalers)
    assert {row.image for row in rows} == set(theirs(dataset, "bicubic"))
    for row in rows:
        other = theirs(dataset, row.method)[row.image]
        assert row.psnr == pytest.approx(float(other["psnr"]), abs=0.01), row
        assert row.ssim_wang == pytest.approx(float(other["ssim_wang"]), abs=5e-4), row
        assert row.ssim_daala == pytest.approx(float(other["ssim_daala"]), abs=5e-4), row
