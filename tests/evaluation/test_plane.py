"""The perception-distortion plane: geometry by drawn cases, places, sentences, tables, picture."""

import csv
import io
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from super_resolution_gans.evaluation.compare import Comparison, Protocol, Row
from super_resolution_gans.evaluation.plane import (
    At,
    dominated,
    least_perception,
    planes,
    rmse,
    verdicts,
)
from super_resolution_gans.evaluation.plane_picture import picture
from super_resolution_gans.evaluation.plane_report import csv_text, json_text, markdown, records

#  perception
#  5 A         A (1, 5), B (2, 2), C (6, 1): distortion 1 to 6
#  4  .
#  2   B - .
#  1         - - - C
CURVE = [At(1, 5), At(2, 2), At(6, 1)]


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        (At(1, 5), True),  # a corner is as good as itself
        (At(2, 2), True),
        (At(6, 1), True),
        (At(1.5, 3.5), True),  # on the line between corners
        (At(4, 1.5), True),
        (At(1.5, 3.4), False),  # on either side of that line
        (At(1.5, 3.6), True),
        (At(4, 1.4), False),
        (At(4, 1.6), True),
        (At(0.9, 9), False),  # less distortion than the curve has anywhere
        (At(1, 4.9), False),
        (At(1, 7), True),
        (At(9, 1), True),  # more distortion than the curve has anywhere
        (At(9, 0.9), False),
        (At(9, 4), True),
        (At(0, 0), False),
        (At(math.inf, math.inf), True),
    ],
)
def test_a_point_is_dominated_from_the_line_on(point, expected):
    assert dominated([point], CURVE) == [expected]
    assert dominated([point], CURVE[::-1]) == [expected]


@pytest.mark.parametrize(
    ("distortion", "expected"),
    [(0.5, math.inf), (1, 5), (1.25, 4.25), (2, 2), (3, 1.75), (6, 1), (100, 1)],
)
def test_the_least_perception_up_to_a_distortion(distortion, expected):
    assert least_perception(distortion, CURVE) == pytest.approx(expected)


def test_a_curve_that_turns_back_counts_by_its_best_part():
    # Down to (2, 1), back up to (3, 4), down to (4, 3): what comes later is no better.
    curve = [At(1, 3), At(2, 1), At(3, 4), At(4, 3)]
    assert [least_perception(x, curve) for x in (1.5, 2.5, 4)] == [2, 1, 1]
    assert dominated([At(3, 1), At(4, 0.9), At(1.5, 1.9)], curve) == [True, False, False]


def test_upright_level_and_single_pieces():
    assert dominated([At(1, 1.5), At(0.9, 9), At(1, 0.5)], [At(1, 2), At(1, 1)]) == [
        True,
        False,
        False,
    ]
    assert dominated([At(1.5, 1), At(1.5, 0.9)], [At(1, 1), At(2, 1)]) == [True, False]
    assert dominated([At(1, 1), At(2, 2), At(0, 2)], [At(1, 1)]) == [True, True, False]
    assert dominated([At(1, 1)], []) == [False]


numbers = st.floats(0, 100)
places = st.builds(At, numbers, numbers)


@given(st.lists(places, min_size=1, max_size=6), places)
def test_it_agrees_with_looking_along_the_whole_curve(curve, point):
    """Points that are sampled on the curve can only find less than the curve itself."""
    shares = np.linspace(0, 1, 33)[:, None]
    pieces = zip(curve, [*curve[1:], curve[-1]], strict=True)
    sampled = np.concatenate([(1 - shares) * one + shares * other for one, other in pieces])
    found = (sampled <= np.array(point) - 1e-9).all(axis=1).any()
    assert dominated([point], curve)[0] or not found
    # Whatever is dominated stays so when it gets worse.
    worse = At(point.distortion + 1, point.perception + 1)
    assert dominated([point], curve)[0] <= dominated([worse], curve)[0]


def row(method, image, psnr, lpips, distance, dataset="eyes"):
    numbers = {"ssim_wang": 0.5, "ssim_daala": 0.5, "lr_consistency": 40.0, "grid_excess": 0.1}
    size = {"height": 64, "width": 64, "counted": 3136, "masked": 0}
    told = {"channel": "grey", "levels": 255, "lr_made_here": True}
    measured = {"psnr": psnr, "lpips": lpips, "spectrum_distance": distance}
    return Row(dataset, image, "p1", method, **numbers, **size, **told, **measured)


def psnr_of(error):
    return 20 * math.log10(255 / error)


FIDELITIES = {"m at fidelity 1": 1.0, "m at fidelity 0": 0.0}


@pytest.fixture
def comparison():
    """Mean RMSE and LPIPS: m 10, .2 (fidelity 0) and 6, .4 (1); the others around that line."""
    errors = {
        "bicubic": (9, 0.5, 2.0),
        "m at fidelity 1": (6, 0.4, 1.5),
        "m at fidelity 0": (10, 0.2, 0.5),
        "better": (8, 0.25, 1.2),
        "far": (20, 0.1, 0.7),
        "exact|one": (5, 0.9, 3.0),
    }
    rows = [
        row(method, image, psnr_of(error + shift), lpips, distance)
        for image, shift in (("a", -1), ("b", 1))
        for method, (error, lpips, distance) in errors.items()
    ]
    return Comparison(Protocol(), tuple(rows))


def test_places_are_means_of_rmse_and_perception_by_dataset(comparison):
    by_lpips, by_spectrum = planes(comparison, FIDELITIES)
    assert (by_lpips.dataset, by_lpips.images) == ("eyes", 2)
    assert list(by_lpips.curve) == ["m at fidelity 0", "m at fidelity 1"]  # rising
    assert by_lpips.curve["m at fidelity 0"] == pytest.approx((10, 0.2))
    assert by_lpips.curve["m at fidelity 1"] == pytest.approx((6, 0.4))
    assert list(by_lpips.others) == ["bicubic", "better", "far", "exact|one"]
    assert by_spectrum.others["far"] == pytest.approx((20, 0.7))


def test_identical_images_have_no_error():
    assert rmse(row("m", "a", math.inf, 0.0, 0.0)) == 0
    assert rmse(row("m", "a", psnr_of(12.5), 0.0, 0.0)) == pytest.approx(12.5)


def test_images_too_small_for_a_measure_are_left_out():
    rows = [
        row(method, image, psnr_of(error), lpips, None)
        for method in FIDELITIES
        for image, error, lpips in (("small", 1, None), ("large", 7, 0.3))
    ]
    (plane,) = planes(Comparison(Protocol(), tuple(rows)), FIDELITIES)
    assert (plane.perception.name, plane.images) == ("LPIPS", 1)
    assert plane.curve["m at fidelity 0"] == pytest.approx((7, 0.3))


def test_sentences_name_each_method_that_the_curve_does_not_dominate(comparison):
    by_lpips, by_spectrum = planes(comparison, FIDELITIES)
    assert verdicts(by_lpips) == [
        "In RMSE and LPIPS the curve dominates 1 of 4 other methods.",
        "better is not dominated by the curve: its LPIPS is 0.2500 at an RMSE of 8.00; the curve "
        "up to there has no less than 0.3000.",
        "far is not dominated by the curve: its LPIPS is 0.1000 at an RMSE of 20.00; the curve, "
        "which ends at 10.00, has no less than 0.2000.",
        "exact|one is not dominated by the curve: its RMSE is 5.00, the least of the curve 6.00.",
    ]
    assert [line.split(" is ")[0] for line in verdicts(by_spectrum)[1:]] == ["exact|one"]


def test_tables_hold_the_same_numbers(comparison):
    found = planes(comparison, FIDELITIES)
    table = records(comparison, found, FIDELITIES)
    assert [record["method"] for record in table][:3] == [
        "m at fidelity 0",
        "m at fidelity 1",
        "bicubic",
    ]
    text = markdown(comparison, found, FIDELITIES)
    assert text.startswith("# ")
    assert "\n## eyes\n\neyes: 2 images, 1 patient; masked" in text
    assert "| better | 8.00 | 30.14 | 0.2500 | 1.200 | +0.10 | **no** | yes |" in text
    assert "| exact\\|one | 5.00 |" in text
    assert "| m at fidelity 0 | 10.00 | 28.17 | 0.2000 | 0.500 | +0.10 |  |  |" in text
    assert "- In RMSE and LPIPS the curve dominates 1 of 4 other methods." in text
    assert "LR: bicubic-antialiased" in text
    rows = {line["method"]: line for line in csv.DictReader(io.StringIO(csv_text(table)))}
    assert rows["better"]["rmse"] == "8.000000"
    assert rows["better"]["dominated_lpips"] == "no"
    assert rows["better"]["dominated_spectrum_distance"] == "yes"
    assert rows["m at fidelity 0"]["fidelity"] == "0.000000"
    assert rows["m at fidelity 0"]["dominated_lpips"] == rows["better"]["fidelity"] == ""
    document = json.loads(json_text(table, found))
    assert len(document["methods"]) == 6
    assert document["methods"][3]["dominated_lpips"] is False
    assert document["sentences"]["eyes"][0].endswith("dominates 1 of 4 other methods.")
    assert "dominates" in document["definition"]


def drawn(comparison, suffix):
    found = planes(comparison, FIDELITIES)
    return picture(found, FIDELITIES, "eyes: $2_images", suffix, name="m", faint=["bicubic"])


def test_a_picture_is_drawn_to_the_same_bytes(comparison):
    png = drawn(comparison, ".png")
    with Image.open(io.BytesIO(png)) as image:
        image.load()
        assert image.format == "PNG"
        assert image.width == 2 * 460
        assert "Software" not in image.info
        # The curve's blue, and the orange of the first other method.
        pixels = np.asarray(image.convert("RGB")).reshape(-1, 3)
    assert (pixels == (0x00, 0x72, 0xB2)).all(axis=1).sum() > 300
    assert (pixels == (0xD5, 0x5E, 0x00)).all(axis=1).sum() > 20
    assert png == drawn(comparison, ".png")


def test_the_vector_picture_names_every_method(comparison):
    svg = drawn(comparison, ".svg")
    assert svg == drawn(comparison, ".svg")
    text = svg.decode()
    for words in ("better", "far", "bicubic", "m, fidelity beside it", "LPIPS", "$2_images"):
        assert words in text
    assert "<dc:date>" not in text
