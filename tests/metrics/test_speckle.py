"""Speckle statistics of noise whose statistics are known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import gaussian_filter
from scipy.stats import wasserstein_distance

from super_resolution_gans.metrics.image import MetricError
from super_resolution_gans.metrics.speckle import (
    autocorrelation_width,
    grain_ratio,
    histogram_distance,
)
from super_resolution_gans.metrics.undefined import UndefinedError


def noise(shape=(200, 240), seed=0):
    return np.random.default_rng(seed).standard_normal(shape) * 0.1 + 0.5


@pytest.mark.parametrize("axis", ["axial", "lateral"])
def test_white_noise_is_one_pixel_wide(axis):
    assert autocorrelation_width(noise(), axis) == pytest.approx(1, abs=0.02)


def test_noise_blurred_by_a_gaussian_is_3_33_sigma_wide_in_each_direction():
    blurred = gaussian_filter(noise((600, 600)), (1.0, 2.0))
    full_width = 2 * np.sqrt(2 * np.log(2)) * np.sqrt(2)
    axial = autocorrelation_width(blurred, "axial", sigma=24)
    lateral = autocorrelation_width(blurred, "lateral", sigma=24)
    assert axial == pytest.approx(full_width * 1, rel=0.05)
    assert lateral == pytest.approx(full_width * 2, rel=0.05)


def test_every_pixel_repeated_four_times_is_a_triangle_four_pixels_wide():
    blocks = np.repeat(noise((100, 400)), 4, axis=0)
    assert autocorrelation_width(blocks, "axial", sigma=40) == pytest.approx(4, abs=0.1)
    assert autocorrelation_width(blocks, "lateral", sigma=40) == pytest.approx(1, abs=0.1)


def test_slow_changes_of_brightness_do_not_widen_it():
    ramp = np.linspace(0, 1, 240)[None, :] + noise()
    assert autocorrelation_width(ramp, "lateral") == pytest.approx(1, abs=0.05)


def test_masked_pixels_do_not_count():
    image = noise()
    image[:, 150:] = 1.0
    mask = image < 0.999
    mask[:, 150:] = False
    inner = autocorrelation_width(image[:, :150], "axial")
    assert autocorrelation_width(image, "axial", mask=mask) == pytest.approx(inner, abs=0.03)
    image[:, 150:] = noise(seed=4)[:, 150:] * 7
    again = autocorrelation_width(image, "axial", mask=mask)
    image[:, 150:] = 0.0
    assert autocorrelation_width(image, "axial", mask=mask) == again


@pytest.mark.parametrize("shape", [(40, 40), (1, 1)])
def test_a_flat_image_has_no_width(shape):
    with pytest.raises(UndefinedError, match="does not fluctuate"):
        autocorrelation_width(np.full(shape, 0.4), "axial")


def test_what_is_no_grey_image_or_mask_is_refused():
    with pytest.raises(MetricError, match="expected"):
        autocorrelation_width(np.zeros((8, 8, 3)), "axial")
    with pytest.raises(MetricError, match="mask"):
        autocorrelation_width(np.zeros((8, 8)), "axial", mask=np.ones((8, 7), bool))
    with pytest.raises(MetricError, match="no pixel"):
        histogram_distance(np.zeros((8, 8)), np.zeros((8, 8)), first_mask=np.zeros((8, 8), bool))
    with pytest.raises(MetricError, match="NaN"):
        histogram_distance(np.full((8, 8), np.inf), np.zeros((8, 8)))


def test_grains_twice_as_wide_in_both_directions_have_the_ratio_two():
    fine = np.kron(noise((50, 60)), np.ones((2, 2)))
    coarse = np.kron(noise((25, 30), seed=1), np.ones((4, 4)))
    assert grain_ratio(coarse, fine) == pytest.approx(2, rel=0.1)
    assert grain_ratio(fine, coarse) == pytest.approx(1 / grain_ratio(coarse, fine))


def test_another_speckle_of_the_same_kind_has_the_ratio_one():
    first, second = (gaussian_filter(noise(seed=seed), 1.5) for seed in (1, 2))
    assert grain_ratio(first, second) == pytest.approx(1, rel=0.03)


def test_grains_are_compared_where_the_mask_counts():
    left = np.zeros((200, 240), np.bool_)
    left[:, :120] = True
    coarse = 0.5 + 10 * (gaussian_filter(noise(seed=2), 3) - 0.5)
    sr = np.where(left, noise(seed=1), coarse)
    assert grain_ratio(sr, noise(), mask=left) == pytest.approx(1, rel=0.05)
    assert grain_ratio(sr, noise()) > 1.05


def test_a_shift_of_all_pixels_is_the_distance():
    image = np.random.default_rng(0).integers(0, 200, (30, 20)) / 255
    assert histogram_distance(image, image + 12 / 255) == pytest.approx(12)
    assert histogram_distance(image, image[::-1].copy()) == 0


def test_half_the_pixels_from_black_to_white_are_127_5_levels():
    black = np.zeros((2, 2))
    assert histogram_distance(black, np.array([[0.0, 1.0]])) == pytest.approx(127.5)
    assert histogram_distance(
        black, np.array([[0.0, 1.0]]), second_mask=np.array([[True, False]])
    ) == pytest.approx(0)


@settings(max_examples=30)
@given(
    arrays(np.uint8, st.tuples(st.integers(1, 6), st.integers(1, 6))),
    arrays(np.uint8, st.tuples(st.integers(1, 6), st.integers(1, 6))),
)
def test_the_distance_is_the_wasserstein_distance_of_scipy(first, second):
    expected = wasserstein_distance(first.ravel(), second.ravel())
    measured = histogram_distance(first / 255, second / 255)
    assert measured == pytest.approx(expected, abs=1e-9)
    assert histogram_distance(second / 255, first / 255) == pytest.approx(measured, abs=1e-9)
