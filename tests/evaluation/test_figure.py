"""The figure for a publication: what it shows, and how long its bars are."""

import io

import numpy as np
import pytest
from PIL import Image as Pillow

from super_resolution_gans.evaluation.figure import FORMATS, bar_length, figure
from super_resolution_gans.evaluation.pairs import EvaluationError
from super_resolution_gans.evaluation.region import Region

LOW = np.zeros((10, 20), np.float32)
HIGH = np.full((40, 80), 0.5, np.float32)
REGION = Region(8, 16, 16, 32)


def draw(suffix=".png", spacing=(None, None), region=REGION, **options):
    return figure({"LR": LOW, "HR": HIGH}, region, spacing, suffix, **options)


def white_run(picture, axis):
    """The longest run of white below the titles in the first image, in inches."""
    grey = np.asarray(Pillow.open(io.BytesIO(picture)).convert("L"))
    dpi = 300
    inside = grey[int(0.26 * dpi) : int(1.1 * dpi), int(0.05 * dpi) : int(1.7 * dpi)] > 250
    runs = inside if axis == 1 else inside.T
    longest = 0
    for line in runs:
        edges = np.flatnonzero(np.diff(np.concatenate([[0], line.astype(int), [0]])))
        longest = max([longest, *(edges[1::2] - edges[::2])])
    return longest / dpi


@pytest.mark.parametrize(
    ("extent", "length"), [(3000, 1000), (2999, 500), (600, 200), (7, 2), (0.9, 0.2), (15, 5)]
)
def test_a_bar_is_a_round_length_of_at_most_a_third(extent, length):
    assert bar_length(extent) == pytest.approx(length)


def test_the_bar_across_is_as_long_as_the_spacing_says():
    # 80 columns of 10 µm are 800 µm on 1.75 inches; the bar is 200 µm.
    assert white_run(draw(spacing=(0.01, 0.01)), 1) == pytest.approx(1.75 * 200 / 800, abs=0.01)


def test_rows_of_another_spacing_have_a_bar_of_their_own():
    # 40 rows of 5 µm are 200 µm on 0.875 inches; the bar is 50 µm.
    down = white_run(draw(spacing=(0.005, 0.01)), 0)
    assert down == pytest.approx(0.875 * 50 / 200, abs=0.012)
    assert white_run(draw(spacing=(0.01, 0.01)), 0) < 0.1


def test_without_spacing_there_is_no_bar():
    assert white_run(draw(), 1) == 0


def test_true_aspect_draws_a_mm_down_as_long_as_a_mm_across():
    def shape(**options):
        return Pillow.open(io.BytesIO(draw(spacing=(0.005, 0.01), **options))).size

    (width, height), (same, lower) = shape(), shape(true_aspect=True)
    assert width == same
    # Both rows are as high as they are wide times 1/2, and then half of that.
    assert height - lower == pytest.approx(300 * 1.75 * 0.5, abs=2)
    with pytest.raises(EvaluationError, match=r"true aspect: the spacing .* is not known"):
        draw(true_aspect=True)


@pytest.mark.parametrize(
    ("suffix", "magic"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")]
)
def test_the_same_input_gives_the_same_bytes_in_every_format(suffix, magic):
    assert suffix in FORMATS
    drawn = draw(suffix, (0.01, 0.01))
    assert drawn.startswith(magic)
    assert drawn == draw(suffix, (0.01, 0.01))


@pytest.mark.parametrize("region", [Region(-1, 0, 4, 4), Region(0, 0, 41, 4), Region(0, 0, 4, 0)])
def test_a_region_outside_the_image_is_refused(region):
    with pytest.raises(EvaluationError, match="zoom: does not lie within the image"):
        draw(region=region)
