"""Fourier ring correlation of images whose common detail is known."""

import math

import numpy as np
import pytest

from super_resolution_gans.metrics.image import MetricError
from super_resolution_gans.metrics.ring_correlation import ring_correlation
from super_resolution_gans.metrics.subject import Subject
from super_resolution_gans.metrics.undefined import UndefinedError

SCALE = (4, 4)


def noise(shape=(192, 224), seed=0):
    return 0.5 + 0.1 * np.random.default_rng(seed).standard_normal(shape)


def band(image, low, high, scale=SCALE):
    """The part of an image between two frequencies in Nyquist frequencies of LR, and its mean."""
    down = 2 * scale[0] * np.fft.fftfreq(image.shape[0])[:, None]
    right = 2 * scale[1] * np.fft.fftfreq(image.shape[1])[None, :]
    radius = np.hypot(down, right)
    kept = np.fft.fft2(image - image.mean()) * ((radius >= low) & (radius < high))
    return image.mean() + np.fft.ifft2(kept).real


def test_identical_images_are_resolved_to_the_last_ring():
    found = ring_correlation(noise(), noise(), SCALE)
    np.testing.assert_allclose(found.correlation, 1, atol=1e-9)
    assert found.median_resolved() == found.median_resolved("half-bit") == 4.0
    assert found.contradicting() == found.invented_share() == 0
    assert found.spread(found.resolved()) == pytest.approx(4.0)


@pytest.mark.parametrize("cutoff", [0.75, 1.5, 3.0])
def test_a_truth_without_its_high_frequencies_is_resolved_to_where_they_end(cutoff):
    found = ring_correlation(band(noise(), 0, cutoff), noise(), SCALE)
    assert found.median_resolved() == pytest.approx(cutoff, abs=0.125)  # one ring
    assert found.contradicting() == (1.0 if cutoff < 1 else 0.0)
    assert found.invented_share() == 0  # nothing is drawn there


@pytest.mark.parametrize("strength", [0.5, 1.0, 2.0])
def test_independent_detail_beyond_lr_is_invented_and_contradicts_nothing(strength):
    hr, other = noise(), noise(seed=1)
    sr = band(hr, 0, 1.25) + strength * (band(other, 1.25, 6) - 0.5)
    found = ring_correlation(sr, hr, SCALE)
    assert found.invented_share() == 1
    assert found.contradicting() == 0
    assert found.median_resolved() == pytest.approx(1.25, abs=0.125)


def test_detail_beyond_lr_that_is_the_truths_is_not_invented_even_if_weaker():
    hr = noise()
    sr = band(hr, 0, 1.25) + 0.5 * (band(hr, 1.25, 6) - 0.5)
    found = ring_correlation(sr, hr, SCALE)
    assert found.invented_share() == 0
    assert found.median_resolved() > 3.5


def test_an_unrelated_image_contradicts_what_was_measured():
    found = ring_correlation(noise(seed=1), noise(), SCALE)
    assert found.contradicting() > 0.9
    assert found.contradicting(below=0) == 0
    assert found.median_resolved() < 0.5
    assert found.invented_share() > 0.95


def test_what_is_invented_is_found_where_it_is():
    hr, other = noise((192, 256)), noise((192, 256), seed=1)
    sr = hr.copy()
    sr[:, 128:] = (band(hr, 0, 1) + band(other, 1, 6) - 0.5)[:, 128:]
    found = ring_correlation(sr, hr, SCALE)
    share = found.spread(found.invented())
    assert share.shape == (192, 256)
    assert share[:, :96].max() == 0
    assert share[:, 160:].min() == 1
    resolved = found.spread(found.resolved())
    assert resolved[:, :96].min() == 4.0
    assert resolved[:, 160:].max() < 1.5


def by_loops(sr, hr, scale):
    """The correlation of one patch, coefficient by coefficient."""
    n = np.arange(64)
    window = np.outer(np.sin(np.pi * n / 64) ** 2, np.sin(np.pi * n / 64) ** 2)
    f, g = (np.fft.fft2((a - np.average(a, weights=window)) * window) for a in (sr, hr))
    sums = np.zeros((3, 33))
    for i in range(64):
        for j in range(64):
            y, x = (k - 64 if k >= 32 else k for k in (i, j))
            ring = round(math.hypot(y * scale[0], x * scale[1]) / max(scale))
            if 1 <= ring <= 32:
                sums[0, ring] += (f[i, j] * g[i, j].conjugate()).real
                sums[1, ring] += abs(f[i, j]) ** 2
                sums[2, ring] += abs(g[i, j]) ** 2
    return sums[0, 1:] / np.sqrt(sums[1, 1:] * sums[2, 1:])


@pytest.mark.parametrize("scale", [(4, 4), (1, 4), (8, 2)])
def test_the_correlation_of_a_patch_agrees_with_plain_loops(scale):
    hr = noise((96, 64))
    sr = hr + noise((96, 64), seed=1)
    found = ring_correlation(sr, hr, scale)
    assert found.correlation.shape[:2] == (2, 1)
    np.testing.assert_allclose(
        found.correlation[1, 0], by_loops(sr[32:], hr[32:], scale), atol=1e-9
    )
    assert found.frequency[-1] == max(scale)


def test_along_an_axis_that_was_not_shrunk_everything_was_measured():
    hr, other = noise(), noise(seed=1)
    sr = band(hr, 0, 1.25, (1, 4)) + band(other, 1.25, 6, (1, 4)) - 0.5
    found = ring_correlation(sr, hr, (1, 4))
    assert found.invented_share() == 1
    assert found.contradicting() == 0


def test_the_half_bit_curve_falls_with_the_coefficients_of_a_ring():
    # A correlation of 0.6 everywhere passes where a ring holds enough coefficients, not before.
    hr, other = noise(seed=2), noise(seed=3)
    found = ring_correlation(0.6 * hr + 0.8 * other, hr, SCALE)
    independent = found.coefficients / 2 * (3 / 8 / (35 / 128) * 3 / 8) ** 2
    curve = (0.2071 + 1.9102 / np.sqrt(independent)) / (1.2071 + 0.9102 / np.sqrt(independent))
    limit = found.limit("half-bit")
    np.testing.assert_allclose(limit[1:], curve[1:], rtol=1e-6)  # the first holds about one
    assert limit[-1] < 0.6 < limit[5]
    assert found.median_resolved("half-bit") < found.median_resolved(0.25)


def test_padding_is_not_counted_and_has_no_value_on_the_map():
    sr, hr = noise((192, 256)), noise((192, 256), seed=1)
    mask = np.ones(hr.shape, bool)
    mask[:, :128] = False
    found = ring_correlation(sr, hr, SCALE, mask=mask)
    spread = found.spread(found.resolved())
    assert np.isnan(spread[:, :128]).all()
    assert np.isfinite(spread[:, 128:]).all()
    assert np.isnan(found.resolved()).sum() == (~found.counted).sum() > 0


def test_a_patch_that_is_flat_in_the_truth_is_not_counted_and_an_image_of_them_has_no_value():
    hr = noise((64, 128))
    hr[:, :64] = 0.25
    found = ring_correlation(noise((64, 128), seed=1), hr, SCALE)
    np.testing.assert_array_equal(found.counted, [[False, True, True]])
    with pytest.raises(UndefinedError, match="flat"):
        ring_correlation(hr, np.full_like(hr, 0.5), SCALE)


def test_colour_is_correlated_over_all_channels_together():
    hr = np.stack([noise(seed=seed) for seed in range(3)], axis=2)
    sr = hr.copy()
    sr[..., 2] = noise(seed=9)
    one = ring_correlation(sr, hr, SCALE).correlation.mean()
    assert one == pytest.approx(2 / 3, abs=0.02)


def test_a_subject_gives_the_numbers_of_its_array():
    truth = Subject(noise())
    for seed in (1, 2):
        sr = noise(seed=seed)
        plain, shared = (ring_correlation(sr, hr, SCALE) for hr in (noise(), truth))
        np.testing.assert_array_equal(plain.correlation, shared.correlation)


def test_a_constant_sr_resolves_nothing():
    found = ring_correlation(np.full((96, 96), 0.5), noise((96, 96)), SCALE)
    assert found.median_resolved() == 0
    assert found.invented_share() == 0


def test_images_that_are_small_or_of_different_shapes_are_refused():
    with pytest.raises(UndefinedError, match="64 x 64"):
        ring_correlation(noise((63, 90)), noise((63, 90)), SCALE)
    with pytest.raises(MetricError, match="shape"):
        ring_correlation(noise((64, 90)), noise((64, 91)), SCALE)
