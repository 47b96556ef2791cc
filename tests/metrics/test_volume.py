"""Flicker of volumes whose changes are known, and their mean projections."""

import math

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from super_resolution_gans.metrics.image import MetricError, ssim
from super_resolution_gans.metrics.undefined import UndefinedError
from super_resolution_gans.metrics.volume import compare_en_face, en_face, flicker


def noise(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def test_flicker_is_the_mean_change_between_neighbours_in_grey_levels():
    volume = np.zeros((3, 4, 5), np.float32)
    volume[1] = 0.2
    volume[2, :2], volume[2, 2:] = 0.3, 0.1  # changes, but not in the mean
    found = flicker(volume)
    assert found.pixels == pytest.approx(255 * (0.2 + 0.1) / 2)
    assert found.brightness == pytest.approx(255 * (0.2 + 0.0) / 2, abs=1e-5)


def test_independent_slices_flicker_and_equal_ones_do_not():
    still = np.repeat(noise(1, 20, 20), 5, axis=0)
    assert (flicker(still).pixels, flicker(still).brightness) == (0, 0)
    lively = noise(5, 100, 100)
    assert flicker(lively).pixels == pytest.approx(255 / 3, rel=0.02)  # of uniform numbers
    assert flicker(lively).brightness < 2


def test_brightness_that_jumps_from_slice_to_slice_is_seen_apart():
    volume = np.repeat(noise(1, 20, 20), 4, axis=0) * 0.5
    volume[1::2] += 0.1
    assert flicker(volume).brightness == pytest.approx(25.5, rel=1e-5)


def test_pixels_that_are_padding_in_either_slice_do_not_count():
    volume, mask = noise(4, 12, 12), np.ones((4, 12, 12), bool)
    mask[1, :, 6:] = False
    changed = volume.copy()
    changed[:3, :, 6:] = 1
    mask[2, :, 6:] = False
    assert flicker(changed, mask=mask) != flicker(volume, mask=np.ones_like(mask))
    changed[0, :, 6:] = volume[0, :, 6:]
    mask[3, :, 6:] = False
    assert flicker(changed, mask=mask) == flicker(volume, mask=mask)


def test_the_projection_is_the_mean_down_the_beam_of_what_counts():
    volume = noise(3, 7, 5)
    np.testing.assert_allclose(en_face(volume), volume.mean(axis=1), rtol=1e-6)
    mask = noise(3, 7, 5, seed=1) > 0.4
    mask[1, :, 2] = False
    expected = np.where(mask.any(1), np.ma.array(volume, mask=~mask).mean(axis=1).filled(0), 0)
    np.testing.assert_allclose(en_face(volume, mask=mask), expected, rtol=1e-6)


def test_en_face_is_compared_by_psnr_and_ssim_of_projections():
    sr, hr = noise(16, 9, 20, seed=1), noise(16, 9, 20)
    found = compare_en_face(sr, hr)
    x, y = (volume.mean(axis=1, dtype=np.float64) for volume in (sr, hr))
    assert found.psnr == pytest.approx(peak_signal_noise_ratio(y, x, data_range=1))
    assert found.ssim == ssim(x, y, border=0)
    same = compare_en_face(hr, hr)
    assert (same.psnr, same.ssim) == (math.inf, pytest.approx(1))


def test_a_streak_of_one_slice_shows_from_above():
    hr = np.repeat(noise(1, 40, 60) * 0.2 + 0.4, 30, axis=0)
    sr = hr.copy()
    sr[10] += 0.05
    assert compare_en_face(sr, hr).ssim < 0.96
    assert flicker(sr).brightness > flicker(hr).brightness == 0


def test_a_single_slice_has_no_flicker_and_nothing_counted_has_none():
    with pytest.raises(UndefinedError, match="two slices"):
        flicker(noise(1, 5, 5))
    mask = np.ones((3, 5, 5), bool)
    mask[1] = False
    with pytest.raises(UndefinedError, match="slices 0 and 1"):
        flicker(noise(3, 5, 5), mask=mask)


@pytest.mark.parametrize(
    ("volume", "mask", "words"),
    [
        (noise(5, 5), None, "slices, height, width"),
        (np.zeros((2, 3, 3), np.uint8), None, "floating point"),
        (np.full((2, 3, 3), np.nan), None, "NaN"),
        (noise(2, 3, 3), np.ones((3, 3), bool), "expected bool"),
    ],
)
@pytest.mark.parametrize("measure", [flicker, en_face])
def test_what_is_no_volume_is_refused(measure, volume, mask, words):
    with pytest.raises(MetricError, match=words):
        measure(volume, mask=mask)


def test_volumes_of_different_shapes_are_refused():
    with pytest.raises(MetricError, match="shape"):
        compare_en_face(noise(2, 3, 3), noise(2, 3, 4))
