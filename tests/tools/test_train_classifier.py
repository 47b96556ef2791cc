"""The small classifier: its regression against scipy, its features, and who it is trained on."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize

from super_resolution_gans.data.inventory import Entry

TOOL = Path(__file__).resolve().parents[2] / "tools" / "train_classifier.py"


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("train_classifier", TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_regression_is_at_the_minimum_that_scipy_finds(tool):
    random = np.random.default_rng(0)
    rows = random.standard_normal((40, 3))
    diseased = (rows @ [1.0, -2.0, 0.5] + random.standard_normal(40) > 0).astype(float)
    weights = random.random(40)

    def loss(coefficients):
        value = coefficients[0] + rows @ coefficients[1:]
        likelihood = weights @ (np.logaddexp(0, value) - diseased * value)
        return likelihood + (1e-6 * coefficients[0] ** 2 + np.sum(coefficients[1:] ** 2)) / 2

    expected = minimize(loss, np.zeros(4), tol=1e-10).x
    assert tool.fitted(rows, diseased, weights) == pytest.approx(expected, abs=1e-4)


def test_a_scan_has_nine_numbers_and_a_blank_one_none(tool, retina):
    image = retina.drawn(retina.curves(width=96), contrast=0.1)
    found = tool.features(image, np.ones(image.shape, bool))
    assert found.shape == (9,)
    truth = retina.curves(width=96)
    assert found[0] == pytest.approx(truth.thickness.mean(), abs=1)
    assert found[3] == pytest.approx((truth.bm - truth.ez).mean(), abs=0.5)
    blank = np.full(image.shape, 0.5, np.float32)
    assert tool.features(blank, np.ones(image.shape, bool)) is None


def test_a_person_is_predicted_by_what_was_trained_on_others(tool):
    # The others' number says what they have; the last person's label says otherwise, and would
    # outweigh them if it were trained on.
    entries = [(Entry(Path(f"{n}"), f"{n}", f"p{n}"), tool.LABELS[n]) for n in range(2)]
    entries += [(Entry(Path(f"x{n}"), f"x{n}", "last"), "normal") for n in range(5)]
    numbers = [0.0, 1.0] + [1.0] * 5
    found = [
        {"HR": np.array([number, -number]), "SR": np.array([1 - number, number - 1]), "LR": None}
        for number in numbers
    ]
    said = tool.predict(entries, found, 2)
    assert said == {"HR": "diseased", "SR": "normal", "LR": "no layers"}


def test_scans_are_labelled_by_their_paths_and_few_of_each_person(tool, tmp_path):
    lines = ["path,patient,split"]
    lines += [f"DME/{n:02}.png,a,train" for n in range(20)]
    lines += ["NORMAL/1.png,b,test", "both-NORMAL-DME.png,c,test", "other.png,d,test"]
    (tmp_path / "manifest.csv").write_text("\n".join(lines) + "\n")
    found = tool.labelled(tmp_path, "NORMAL", "DME", 5)
    names = [(entry.name, label) for entry, label in found]
    assert [name for name, label in names if label == "diseased"] == [
        f"DME/{n:02}.png" for n in (5, 7, 10, 12, 14)
    ]
    assert ("NORMAL/1.png", "normal") in names
    assert len(names) == 6
