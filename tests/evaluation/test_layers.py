"""Errors of boundaries between drawn scans, in which they are known."""

import csv
import io

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import zoom

from super_resolution_gans.evaluation.layer_report import (
    layer_csv,
    layer_notes,
    layer_picture,
    layer_table,
)
from super_resolution_gans.evaluation.layers import (
    HR,
    MEASURED,
    NEIGHBOUR,
    RESPECKLED,
    Difference,
    compare_layers,
    difference,
    respeckled,
)
from super_resolution_gans.evaluation.pairs import EvaluationError, make_pair
from super_resolution_gans.metrics.layers import Layers
from super_resolution_gans.metrics.speckle import autocorrelation_width

NAN = float("nan")


def smooth(image):
    return np.clip(zoom(image, 4, order=3, grid_mode=True, mode="nearest"), 0, 1)


def blank(image):
    return np.zeros((4 * image.shape[0], 4 * image.shape[1]))


@pytest.fixture(scope="module")
def comparison(retina):
    slices = [retina.drawn(retina.curves(width=160, pit=pit), seed=1) for pit in (0.0, 8.0)]
    slices.insert(1, np.full_like(slices[0], 0.5))
    pairs = [make_pair(f"slice {number}", image) for number, image in enumerate(slices)]
    seen = []
    upscalers = {"smooth": smooth, "deeper": lambda lr: np.roll(smooth(lr), 3, 0), "blank": blank}
    compared = compare_layers(
        pairs, upscalers, axial_um=3.9, on_slice=lambda *what: seen.append(what)
    )
    return compared, seen


def test_a_difference_by_hand():
    found = np.array([1.0, 2.0, 4.0, NAN, 5.0, NAN])
    reference = np.array([2.0, 2.0, 2.0, 2.0, NAN, NAN])
    assert difference(found, reference) == Difference(
        compared=3,
        missing=1,
        mean_absolute=1.0,
        bias=pytest.approx(1 / 3),
        low=pytest.approx(-0.95),
        high=pytest.approx(1.9),
    )
    assert difference(np.array([NAN]), np.array([1.0])) is None


def test_an_image_three_rows_deeper_is_three_rows_deeper(comparison):
    compared, _ = comparison
    for measured in ("ilm", "ez", "bm"):
        plain, deeper = (compared.of(method, measured) for method in ("smooth", "deeper"))
        assert deeper.bias - plain.bias == pytest.approx(3, abs=0.1)
        assert plain.mean_absolute < 1
    thickness = [compared.of(method, "thickness").bias for method in ("smooth", "deeper")]
    assert thickness[1] - thickness[0] == pytest.approx(0, abs=0.1)


def test_slices_without_boundaries_in_hr_are_left_out_and_named(comparison):
    compared, _ = comparison
    assert compared.slices == ["slice 0", "slice 2"]
    assert compared.failures == ["slice 1: the image has no layers: it has no bright band"]


def test_boundaries_that_only_hr_has_are_missing_and_not_compared(comparison):
    compared, _ = comparison
    assert compared.of("blank", "ilm") is None
    assert all(layers.reason for layers in compared.methods["blank"])
    assert "-" in layer_table(compared).splitlines()[3]


def test_repeatability_stands_beside_the_methods(comparison):
    compared, _ = comparison
    assert list(compared.methods) == ["smooth", "deeper", "blank", RESPECKLED, NEIGHBOUR]
    assert 0 < compared.of(RESPECKLED, "ez").mean_absolute < 1
    # Slice 0 is followed by a slice without boundaries, slice 2 by none.
    assert compared.of(NEIGHBOUR, "ilm") is None


def test_the_next_slice_is_compared_with_this_one(retina):
    slices = [retina.drawn(retina.curves(width=96, pit=0.0), contrast=0.1)] * 2
    slices[1] = np.roll(slices[0], -2, axis=0)
    pairs = [make_pair(str(number), image) for number, image in enumerate(slices)]
    compared = compare_layers(pairs, {"smooth": smooth})
    assert compared.of(NEIGHBOUR, "bm").bias == pytest.approx(-2, abs=0.05)
    assert (compared.of(NEIGHBOUR, "bm").compared, compared.of(NEIGHBOUR, "bm").missing) == (96, 0)
    assert compared.of(NEIGHBOUR, "bm", 1) is None  # the last one has no next


def test_every_slice_gets_speckle_of_its_own_and_every_seed_another(retina):
    pair = make_pair("a", retina.drawn(retina.curves(width=64), contrast=0.2))
    first, other = (compare_layers([pair, pair], {}, seed=seed) for seed in (0, 1))
    biases = [first.of(RESPECKLED, "ez", 0).bias, first.of(RESPECKLED, "ez", 1).bias]
    biases.append(other.of(RESPECKLED, "ez", 0).bias)
    assert len(set(biases)) == 3


def test_the_table_has_a_line_for_each_boundary_and_method_and_um_where_they_are_known(comparison):
    compared, _ = comparison
    table = layer_table(compared)
    assert "95 % of errors px" in table
    assert "95 % of errors µm" in table
    lines = [line for line in table.splitlines()[1:] if line]
    assert len(lines) == len(MEASURED) * len(compared.methods)
    rows, um = (
        float(value) for value in np.array(lines[1].replace(" to ", " ").split())[[4, 8]]
    )  # the bias of ILM in "deeper"
    assert um == pytest.approx(rows * 3.9, abs=0.08)
    assert "3.9 µm high" in layer_notes(compared)[0]


def test_without_the_height_of_pixels_there_are_no_um(retina):
    pair = make_pair("a", retina.drawn(retina.curves(width=64), contrast=0.1))
    compared = compare_layers([pair], {"smooth": smooth})
    assert "µm" not in layer_table(compared)
    assert "unknown: no µm" in layer_notes(compared)[0]


def test_the_csv_has_a_row_for_each_slice_method_and_boundary(comparison):
    compared, _ = comparison
    rows = list(csv.DictReader(io.StringIO(layer_csv(compared))))
    assert len(rows) == 2 * len(compared.methods) * len(MEASURED)
    one = next(
        r for r in rows if (r["slice"], r["method"], r["boundary"]) == ("slice 2", "deeper", "bm")
    )
    assert float(one["bias"]) == pytest.approx(compared.of("deeper", "bm", 1).bias, abs=1e-6)
    assert {row["bias"] for row in rows if row["method"] == "blank"} == {""}


def test_the_picture_shows_hr_and_every_method_and_has_the_same_bytes_again(comparison):
    _, seen = comparison
    pair, images, found = seen[0]
    assert set(found) == {HR, "smooth", "deeper", "blank", RESPECKLED}
    first = layer_picture(pair.name, pair.hr, images, found)
    assert first == layer_picture(pair.name, pair.hr, images, found)
    picture = np.asarray(Image.open(io.BytesIO(first)).convert("RGB"), int)
    reddish = (picture[..., 0] > 200) & (picture[..., 1:].max(axis=2) < 120)
    # A red ILM in HR, smooth and deeper, each whole and closer; none in the blank image.
    bands = np.array_split(reddish, 4)
    assert [bool(band.sum() > 200) for band in bands] == [True, True, True, False]


def test_fresh_speckle_is_as_strong_and_as_coarse_as_the_image_s_own(retina):
    image = retina.drawn(retina.curves(width=256, tilt=0.0, pit=0.0), blur=1.0)
    fresh = respeckled(image, 7) - image
    choroid = slice(250, 310)
    own = image[choroid] - image[choroid].mean()
    assert fresh[choroid].std() == pytest.approx(own.std(), rel=0.15)
    dark = fresh[:100]
    assert dark.std() < fresh[choroid].std() / 2
    for axis in ("axial", "lateral"):
        widths = [autocorrelation_width(part, axis) for part in (fresh[choroid], image[choroid])]
        assert widths[0] == pytest.approx(widths[1], rel=0.2)
    assert abs(np.corrcoef(fresh[choroid].ravel(), own.ravel())[0, 1]) < 0.1


def test_fresh_speckle_is_a_function_of_its_seed_and_nothing_where_there_is_none(retina):
    image = retina.drawn(retina.curves(width=64))
    assert np.array_equal(respeckled(image, 3), respeckled(image, 3))
    assert not np.array_equal(respeckled(image, 3), respeckled(image, 4))
    flat = np.full((64, 64), 0.25, np.float32)
    assert np.allclose(respeckled(flat, 0), flat)


def test_what_cannot_be_compared_is_refused(retina):
    image = retina.drawn(retina.curves(width=64))
    colour = make_pair("c", np.stack([image] * 3, axis=-1))
    with pytest.raises(EvaluationError, match=r"c: .* grey images only"):
        compare_layers([colour], {"smooth": smooth})
    pairs = [make_pair("a", image), make_pair("b", image[:, :60])]
    with pytest.raises(EvaluationError, match="b: is not as wide"):
        compare_layers(pairs, {"smooth": smooth})
    with pytest.raises(EvaluationError, match="no slice"):
        compare_layers([], {"smooth": smooth})
    grey = make_pair("grey", np.full((300, 64), 0.5, np.float32))
    with pytest.raises(EvaluationError, match=r"grey: .* no bright band; nor has any other"):
        compare_layers([grey, grey], {"smooth": smooth})
    with pytest.raises(EvaluationError, match=r"grey: .* no bright band$"):
        compare_layers([grey], {"smooth": smooth})


def test_a_picture_of_a_slice_without_boundaries_is_drawn_all_the_same():
    nothing = np.full(40, NAN)
    layers = Layers(nothing, nothing, nothing, "no layers")
    image = np.zeros((32, 40), np.float32)
    png = layer_picture("a", image, {"x": image}, {HR: layers, "x": layers})
    assert png.startswith(b"\x89PNG")
