"""Spectrum distance and grid excess on spectra known by hand."""

import numpy as np
import pytest
from scipy.ndimage import correlate

from super_resolution_gans.metrics.image import MetricError
from super_resolution_gans.metrics.spectrum import (
    directional_distance,
    grid_excess,
    grid_peak,
    mean_power,
    spectrum_distance,
)
from super_resolution_gans.metrics.subject import Subject
from super_resolution_gans.metrics.undefined import UndefinedError


def noise(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape) * 0.1 + 0.5


def wave(rows, columns, shape=(128, 128)):
    """A cosine of that many cycles per 64 pixels downwards and sideways."""
    y, x = np.indices(shape)
    return np.cos(2 * np.pi * (rows * y + columns * x) / 64)


def test_a_wave_has_its_power_where_its_frequency_is():
    power = mean_power(wave(16, 5))
    assert np.unravel_index(power.argmax(), power.shape) in [(16, 5), (48, 59)]
    # Amplitude 1/2 in each of the two, times the sum of the window.
    assert power[16, 5] == pytest.approx((0.5 * 32**2) ** 2)
    assert power[17, 5] == pytest.approx((0.5 * 32 * 16) ** 2)
    assert power[30, 30] < 1e-6


def test_the_mean_is_over_the_patches_every_32_pixels_of_whole_multiples_of_64():
    image = noise(128, 127)
    corners = [(0, 0), (32, 0), (64, 0)]
    window = np.outer(*[0.5 - 0.5 * np.cos(2 * np.pi * np.arange(64) / 64)] * 2)
    powers = [np.abs(np.fft.fft2(image[y : y + 64, x : x + 64] * window)) ** 2 for y, x in corners]
    np.testing.assert_allclose(mean_power(image), np.mean(powers, axis=0), rtol=1e-9)
    changed = image.copy()
    changed[:, 64:] += 1  # beyond the last multiple
    np.testing.assert_array_equal(mean_power(changed), mean_power(image))


def test_the_power_of_colour_is_the_mean_of_its_channels():
    image = noise(70, 64, 3)
    channels = [mean_power(image[..., c]) for c in range(3)]
    np.testing.assert_allclose(mean_power(image), np.mean(channels, axis=0), rtol=1e-9)


def test_identical_images_are_0_apart():
    image = noise(96, 96)
    assert spectrum_distance(image, image) == 0
    assert grid_excess(image, image) == 0


def test_ten_times_the_contrast_is_two_decades_apart_either_way():
    image = noise(96, 96) - 0.5
    assert spectrum_distance(10 * image, image) == pytest.approx(2)
    assert spectrum_distance(image, 10 * image) == pytest.approx(2)
    assert grid_excess(10 * image, image) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("frequency", [(16, 0), (0, 32), (16, 48), (32, 32)])
def test_a_grid_of_period_4_or_2_is_an_excess_and_waves_elsewhere_are_not(frequency):
    hr = noise(256, 256)
    rows, columns = frequency
    gridded = grid_excess(hr + 0.2 * wave(rows, columns, hr.shape), hr)
    assert gridded > 2
    elsewhere = grid_excess(hr + 0.2 * wave(rows + 9, columns + 9, hr.shape), hr)
    assert abs(elsewhere) < 0.2


def test_the_peak_is_the_height_over_the_median_of_the_ring():
    power = np.ones((64, 64))
    assert grid_peak(power) == 0
    power[48, 0] = 1000
    assert grid_peak(power) == pytest.approx(3)
    power[45, 0] = power[53, 0] = power[48, 61] = 1e9  # few of the ring: the median stays
    assert grid_peak(power) == pytest.approx(3)
    power[48, 1] = power[50, 62] = 1e9  # nearer than the ring
    assert grid_peak(power) == pytest.approx(3)


def test_power_of_frequency_zero_is_no_grid():
    power = np.ones((64, 64))
    power[0, 0] = 1e9
    assert grid_peak(power) == 0


def test_the_ring_goes_on_over_the_edge_of_the_spectrum():
    power = np.ones((64, 64))
    rows, columns = np.indices((64, 64))
    distance = np.maximum(abs(rows - 16), np.minimum(columns, 64 - columns))
    power[(distance >= 3) & (distance <= 5)] = 100
    power[16, 0] = 100_000
    assert grid_peak(power) == pytest.approx(3)


def test_black_images_are_measured_too():
    black = np.zeros((64, 64))
    assert spectrum_distance(black, black) == 0
    assert np.isfinite(spectrum_distance(black, noise(64, 64)))


def test_what_is_under_64_pixels_has_no_value():
    with pytest.raises(UndefinedError, match="64 x 64"):
        spectrum_distance(noise(63, 200), noise(63, 200))


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(MetricError, match="shape"):
        grid_excess(noise(64, 64), noise(64, 68))
    with pytest.raises(MetricError, match="NaN"):
        mean_power(np.full((64, 64), np.nan))
    with pytest.raises(MetricError, match="floating point"):
        mean_power(np.zeros((64, 64), np.uint8))
    with pytest.raises(MetricError, match="expected"):
        mean_power(noise(64, 64, 4))


@pytest.mark.parametrize(("axis", "shape"), [("axial", (5, 1)), ("lateral", (1, 5))])
def test_blurring_along_one_axis_is_a_distance_of_that_axis(axis, shape):
    hr = noise(192, 192) - 0.5
    sr = correlate(hr, np.full(shape, 1 / 5), mode="wrap")
    other = {"axial": "lateral", "lateral": "axial"}[axis]
    assert directional_distance(sr, hr, axis) > 1.5 * directional_distance(sr, hr, other)
    assert directional_distance(hr, hr, axis) == 0


def test_both_directions_and_the_diagonals_make_up_the_whole_distance():
    sr, hr = noise(128, 128), 2 * noise(128, 128, seed=1)
    x, y = (np.log10(mean_power(image)) for image in (sr, hr))
    k = np.minimum(np.arange(64), 64 - np.arange(64))
    same = k[:, None] == k[None, :]
    parts = [np.abs(x - y)[same].sum()]
    parts += [
        directional_distance(sr, hr, a) * (4096 - same.sum()) / 2 for a in ("axial", "lateral")
    ]
    assert sum(parts) / 4096 == pytest.approx(spectrum_distance(sr, hr))


def test_a_subject_gives_the_numbers_of_its_array():
    truth = Subject(noise(96, 96))
    for seed in (1, 2):
        sr = noise(96, 96, seed=seed)
        assert spectrum_distance(Subject(sr), truth) == spectrum_distance(sr, noise(96, 96))
        assert grid_excess(sr, truth) == grid_excess(sr, noise(96, 96))
