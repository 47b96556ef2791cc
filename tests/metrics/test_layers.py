"""Boundaries of drawn retinas, whose rows are known, and of images that have none."""

import builtins

import numpy as np
import pytest

from super_resolution_gans.metrics.image import MetricError, padding_mask
from super_resolution_gans.metrics.layers import find_layers

BOUNDARIES = ("ilm", "ez", "bm")


def errors(found, truth, columns=slice(None)):
    assert found.reason is None
    return [getattr(found, name)[columns] - getattr(truth, name)[columns] for name in BOUNDARIES]


@pytest.mark.parametrize(
    "shape", [{}, {"tilt": -0.45}, {"pit": 0.0}], ids=["with a pit", "tilted", "without a pit"]
)
def test_boundaries_under_speckle_are_found_within_a_pixel(shape, retina):
    truth = retina.curves(**shape)
    for error in errors(find_layers(retina.drawn(truth, seed=3)), truth):
        assert np.isfinite(error).mean() > 0.98
        assert np.nanmean(np.abs(error)) < 1
        assert abs(np.nanmean(error)) < 0.4


def test_without_speckle_they_are_found_to_a_tenth_of_a_pixel(retina):
    truth = retina.curves()
    for error in errors(find_layers(retina.drawn(truth, contrast=0.0)), truth):
        assert np.nanmean(np.abs(error)) < 0.1


def test_drusen_lift_the_upper_edge_and_not_the_lower_one(retina):
    truth = retina.curves(drusen=12.0)
    found = find_layers(retina.drawn(truth, contrast=0.2))
    over = slice(102, 122)  # around the top, 12 rows above the rest
    _, upper, lower = errors(found, truth, over)
    assert np.nanmean(np.abs(upper)) < 2
    assert np.nanmean(np.abs(lower)) < 1


def test_an_image_moved_by_whole_pixels_has_its_boundaries_moved_by_as_many(retina):
    image = retina.drawn(retina.curves(width=256), height=340)
    moved = np.roll(image, (5, 3), axis=(0, 1))
    here, there = find_layers(image), find_layers(moved)
    inner = slice(30, 220)  # columns that the edge of the image has no part in
    for name in BOUNDARIES:
        expected = getattr(here, name)[inner] + 5
        difference = getattr(there, name)[inner.start + 3 : inner.stop + 3] - expected
        assert np.nanmean(np.abs(difference)) < 0.05


def test_the_same_image_gives_the_same_numbers_and_is_not_changed(retina):
    image = retina.drawn(retina.curves(width=200))
    before = image.copy()
    first, second = find_layers(image), find_layers(image)
    assert np.array_equal(image, before)
    for name in BOUNDARIES:
        assert np.array_equal(getattr(first, name), getattr(second, name), equal_nan=True)


def test_thickness_is_the_lower_boundary_minus_the_upper_one(retina):
    truth = retina.curves()
    found = find_layers(retina.drawn(truth))
    assert np.array_equal(found.thickness, found.bm - found.ilm, equal_nan=True)
    assert np.nanmean(np.abs(found.thickness - truth.thickness)) < 1


def test_lengths_of_the_search_follow_the_height_of_pixels(retina):
    truth = retina.curves(width=128)
    image = retina.drawn(truth, contrast=0.3)
    finer = np.repeat(image, 3, axis=0)  # a pixel at row r is now at 3 r + 1
    found = find_layers(finer, axial_um=3.9 / 3)
    for error in errors(found, type(truth)(*(3 * getattr(truth, n) + 1 for n in BOUNDARIES))):
        assert np.nanmean(np.abs(error)) < 1.8
    assert find_layers(finer).reason is not None


def test_a_tilted_retina_is_smoothed_along_itself(retina):
    level, tilted = (retina.curves(width=256, tilt=tilt, pit=0.0) for tilt in (0.0, 0.5))
    sizes = [
        np.nanmean(np.abs(errors(find_layers(retina.drawn(truth)), truth)[1]))
        for truth in (level, tilted)
    ]
    assert sizes[1] < 1.3 * sizes[0]


def test_it_does_not_matter_what_padding_looks_like(retina):
    image = retina.drawn(retina.curves(width=160))
    row, column = np.indices(image.shape)
    padding = row < (150 - column) * 0.8  # down to the ILM
    white, black = (find_layers(np.where(padding, v, image), mask=~padding) for v in (1.0, 0.0))
    assert white.reason is None
    for name in BOUNDARIES:
        assert np.array_equal(getattr(white, name), getattr(black, name), equal_nan=True)


def test_white_wedges_are_left_out_and_saturated_speckle_is_not(retina):
    truth = retina.curves()
    image = retina.drawn(truth)
    row, column = np.indices(image.shape)
    image[row < (380 - column) / 5] = 1.0  # reaches 76 rows down, above the retina
    image[:, 378:] = 1.0
    bright = np.random.default_rng(0).random(image.shape) < 0.01
    image[bright] = 1.0
    found = find_layers(image, mask=padding_mask(image))
    for error in errors(found, truth, slice(0, 370)):
        assert np.isfinite(error).mean() > 0.95
        assert np.nanmean(np.abs(error)) < 1
    assert np.isnan(found.ilm[379:]).all()
    assert np.isnan(found.bm[379:]).all()


def test_a_column_in_which_nothing_shines_has_no_boundaries(retina):
    truth = retina.curves()
    image = retina.drawn(truth, contrast=0.2)
    image[:, 150:200] = 0.06
    found = find_layers(image)
    for error, name in zip(errors(found, truth), BOUNDARIES, strict=True):
        assert np.isnan(getattr(found, name)[165:185]).all()
        assert np.nanmean(np.abs(error)) < 1


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (np.full((300, 200), 0.5), "no bright band"),
        (np.zeros((300, 200)), "no bright band"),
        (np.tile(np.linspace(0, 1, 200), (300, 1)), "no bright band"),
        (np.tile(np.linspace(0, 1, 300)[:, None], (1, 200)), "no layers"),
        (np.full((20, 200), 0.5), "too few"),
        (np.full((300, 1), 0.5), "too few"),
        (np.ones((300, 200)), "no bright band"),
    ],
    ids=["grey", "black", "lateral ramp", "axial ramp", "low", "narrow", "white"],
)
def test_an_image_without_a_retina_has_no_boundaries_and_a_reason(image, reason):
    found = find_layers(image.astype(np.float32), mask=padding_mask(image))
    assert reason in found.reason
    for name in BOUNDARIES:
        assert getattr(found, name).shape == (image.shape[1],)
        assert np.isnan(getattr(found, name)).all()


@pytest.mark.parametrize("grain", [0, 1, 3])
def test_speckle_alone_has_no_boundaries(grain):
    from scipy.ndimage import gaussian_filter

    noise = np.random.default_rng(grain).standard_normal((320, 300))
    noise = gaussian_filter(noise, grain) if grain else noise
    found = find_layers(np.clip(0.5 + 0.15 * noise / noise.std(), 0, 1))
    assert "no layers" in found.reason


def test_an_edge_above_and_no_band_below_are_no_retina(retina):
    truth = retina.curves()
    row = np.arange(320)[:, None]
    image = np.where(row < truth.ilm, 0.06, 0.5).astype(np.float32)
    noise = np.random.default_rng(0).standard_normal(image.shape).astype(np.float32)
    found = find_layers(np.clip(image * (1 + 0.3 * noise), 0, 1))
    assert "bright band below" in found.reason


def test_a_vitreous_alone_has_no_boundaries(retina):
    assert find_layers(retina.drawn(retina.curves())[:130]).reason is not None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"image": np.zeros((9, 9, 3))}, "expected (height, width)"),
        ({"image": np.zeros((0, 9))}, "expected (height, width)"),
        ({"image": np.zeros((9, 9), np.uint8)}, "expected floating point"),
        ({"image": np.full((9, 9), np.nan)}, "NaN"),
        ({"image": np.zeros((9, 9)), "mask": np.ones((9, 8), bool)}, "mask"),
        ({"image": np.zeros((9, 9)), "axial_um": 0.0}, "0 µm"),
        ({"image": np.zeros((9, 9)), "axial_um": float("nan")}, "nan µm"),
    ],
)
def test_what_is_no_scan_is_refused(arguments, words):
    with pytest.raises(MetricError) as caught:
        find_layers(**arguments)
    assert words in str(caught.value)


@pytest.mark.parametrize(("library", "name"), [("skimage", "scikit-image"), ("scipy", "SciPy")])
def test_a_missing_library_is_named_with_its_cure(monkeypatch, library, name, retina):
    honest = builtins.__import__

    def without(module, *arguments, **options):
        if module.partition(".")[0] == library:
            raise ImportError(module)
        return honest(module, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MetricError, match=f"need {name}: pip install") as caught:
        find_layers(
            retina.drawn(retina.curves(width=64)) if library == "skimage" else np.zeros((300, 64))
        )
    assert "[eval]" in str(caught.value)


def test_real_scans_have_a_retina_of_plausible_thickness(shared):
    from PIL import Image

    folder = shared / "data" / "oct" / "spectralis_amd_healthy" / "healthy_subject2"
    image = np.asarray(Image.open(folder / "24.png"), np.float32) / 255
    found = find_layers(image, mask=padding_mask(image))
    assert found.reason is None
    thickness = found.thickness * 3.9
    # Of a healthy macula: 200 µm or a little more in the fovea, 300 to 400 µm around it.
    assert 180 < np.nanmin(thickness) < 260
    assert 280 < np.nanmax(thickness) < 400
    assert np.nanmax(np.abs(np.diff(found.bm))) < 3
