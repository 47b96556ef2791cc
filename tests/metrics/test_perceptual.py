"""LPIPS against the numbers of its authors, and what a weights file must hold."""

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from super_resolution_gans.metrics.image import MetricError
from super_resolution_gans.metrics.perceptual import WEIGHTS, load_lpips
from super_resolution_gans.metrics.undefined import UndefinedError
from super_resolution_gans.metrics.weights import WeightsError


@pytest.fixture(scope="module")
def lpips():
    return load_lpips()


def noise(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def read(path):
    return np.asarray(Image.open(path).convert("RGB"), np.float32) / 255


@pytest.mark.parametrize(("name", "printed"), [("ex_p0", 0.722), ("ex_p1", 0.138)])
def test_the_reference_pair_has_the_distance_its_authors_print(shared, lpips, name, printed):
    """LPIPS 0.1, AlexNet: the example of the README of richzhang/PerceptualSimilarity (BSD-2)."""
    folder = shared / "data" / "lpips_example"
    distance = lpips(read(folder / "ex_ref.png"), read(folder / f"{name}.png"))
    assert distance == pytest.approx(printed, abs=1e-3)


def test_identical_images_have_distance_0_and_it_is_symmetric(lpips):
    x, y = noise(40, 33, 3), noise(40, 33, 3, seed=1)
    assert lpips(x, x) == 0
    assert lpips(x, y) == lpips(y, x) > 0.05


def test_grey_is_three_equal_channels_and_nothing_is_modified(lpips):
    x, y = noise(33, 40), noise(33, 40, seed=1)
    before = x.copy()
    assert lpips(x, y) == lpips(np.stack([x] * 3, axis=2), np.stack([y] * 3, axis=2))
    np.testing.assert_array_equal(x, before)


def test_a_truth_that_was_changed_in_place_is_another_truth(lpips):
    x, y = noise(40, 40), noise(40, 40, seed=1)
    before = lpips(x, y)
    y[:] = x
    assert lpips(x, y) == 0
    y[:] = noise(40, 40, seed=1)
    assert lpips(x, y) == before


def test_the_distance_grows_with_the_noise(lpips):
    x, fluctuation = np.full((64, 64), 0.5, np.float32), noise(64, 64) - 0.5
    distances = [lpips(x, x + strength * fluctuation) for strength in (0.02, 0.1, 0.4)]
    assert distances == sorted(distances)
    assert distances[0] < distances[2] / 2


def test_doubling_a_head_adds_its_stage_once_more(lpips, tmp_path):
    """Linear in the heads: one stage alone, seen from outside."""
    x, y = noise(40, 40), noise(40, 40, seed=1)
    weights = load_file(WEIGHTS)
    stages = []
    for stage in range(5):
        alone = {
            name: tensor
            if not name.startswith("heads.") or name == f"heads.{stage}"
            else tensor * 0
            for name, tensor in weights.items()
        }
        save_file(alone, tmp_path / "alone.safetensors")
        stages.append(load_lpips(tmp_path / "alone.safetensors")(x, y))
    assert min(stages) > 0
    assert sum(stages) == pytest.approx(lpips(x, y), rel=1e-5)


def test_the_smallest_image_has_a_distance_and_a_smaller_one_none(lpips):
    assert lpips(noise(31, 31), noise(31, 31, seed=1)) > 0
    with pytest.raises(UndefinedError, match="31 x 31"):
        lpips(noise(30, 64), noise(30, 64))


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        (noise(40, 40), noise(40, 44), "different shapes"),
        (noise(40, 40, 4), noise(40, 40, 4), "expected"),
        (np.full((40, 40), np.nan, np.float32), noise(40, 40), "NaN"),
        (np.zeros((40, 40), np.uint8), np.zeros((40, 40), np.uint8), "floating point"),
    ],
)
def test_what_cannot_be_compared_is_refused(lpips, first, second, reason):
    with pytest.raises(MetricError, match=reason):
        lpips(first, second)


def spoiled(weights, what):
    if what == "lacks":
        del weights["heads.3"]
    elif what == "shape":
        weights["features.3.weight"] = torch.zeros(192, 64, 3, 3)
    elif what == "NaN":
        weights["features.8.bias"][7] = float("inf")
    elif what == "negative":
        weights["heads.0"][3] = -0.1
    else:
        weights["another"] = torch.zeros(1)
    return weights


@pytest.mark.parametrize("what", ["lacks", "has 'another'", "shape", "NaN", "negative"])
def test_weights_of_wrong_names_shapes_or_values_are_refused_in_one_line(tmp_path, what):
    path = tmp_path / "w.safetensors"
    save_file(spoiled(load_file(WEIGHTS), what), path)
    with pytest.raises(WeightsError, match=what) as caught:
        load_lpips(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [None, b"", b"\xff" * 40])
def test_a_missing_or_broken_file_is_refused_in_one_line(tmp_path, content):
    path = tmp_path / "w.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WeightsError) as caught:
        load_lpips(path)
    assert "\n" not in str(caught.value)
