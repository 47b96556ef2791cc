"""CNR, ENL and SNR of values known by hand; edge preservation against numpy's correlation."""

import math

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, laplace

from super_resolution_gans.metrics.contrast import cnr, edge_preservation, enl, snr
from super_resolution_gans.metrics.image import MetricError
from super_resolution_gans.metrics.subject import Subject
from super_resolution_gans.metrics.undefined import UndefinedError

# Columns: background, two regions of tissue, what is not looked at.
LABELS = np.tile(np.array([1, 1, 2, 2, 3, 3, 0, 0], np.uint8), (6, 1))


def checkered(*levels):
    """Per label a level and a deviation, which every second row has above and below the level."""
    image = np.zeros((6, 8))
    for column, (level, deviation) in enumerate(np.repeat(levels, 2, axis=0)):
        image[::2, column], image[1::2, column] = level + deviation, level - deviation
    return image


SCAN = checkered((0.1, 0.03), (0.5, 0.04), (0.7, 0.12), (0.9, 0.0))


def test_cnr_is_the_mean_over_regions_of_contrast_over_joint_noise():
    first = (0.5 - 0.1) / math.hypot(0.04, 0.03)
    second = (0.7 - 0.1) / math.hypot(0.12, 0.03)
    assert cnr(SCAN, LABELS) == pytest.approx((first + second) / 2)


def test_enl_is_the_mean_over_regions_of_mean_squared_over_variance():
    assert enl(SCAN, LABELS) == pytest.approx(((0.5 / 0.04) ** 2 + (0.7 / 0.12) ** 2) / 2)


def test_snr_is_the_largest_value_over_the_deviation_of_the_background_in_decibels():
    assert snr(SCAN, LABELS) == pytest.approx(20 * math.log10(0.9 / 0.03))
    mask = LABELS > 0
    assert snr(SCAN, LABELS, mask=mask) == pytest.approx(20 * math.log10(0.82 / 0.03))


def test_speckle_of_a_known_number_of_looks_has_that_enl():
    random = np.random.default_rng(0)
    speckle = random.gamma(4, 1 / 4, (400, 400)) * 0.1
    assert enl(speckle, np.full(speckle.shape, 2)) == pytest.approx(4, rel=0.02)


@pytest.mark.parametrize("measure", [cnr, enl, snr])
def test_what_does_not_vary_has_no_value(measure):
    with pytest.raises(UndefinedError, match="vary"):
        measure(np.full(LABELS.shape, 0.5), LABELS)


@pytest.mark.parametrize("measure", [cnr, enl, snr])
def test_labels_of_another_shape_and_colour_are_refused(measure):
    with pytest.raises(MetricError, match="whole numbers"):
        measure(SCAN[:, :7], LABELS)
    with pytest.raises(MetricError, match="one channel"):
        measure(np.zeros((6, 8, 3)), LABELS)


def test_a_mask_of_another_shape_is_refused():
    with pytest.raises(MetricError, match="expected bool"):
        snr(SCAN, LABELS, mask=np.ones((6, 7), bool))


def noise(seed=0, shape=(40, 50)):
    return np.random.default_rng(seed).random(shape)


@pytest.mark.parametrize("sigma", [0.0, 2.0])
def test_edge_preservation_is_the_correlation_of_laplacians(sigma):
    hr = noise()
    sr = hr + 0.5 * noise(1)
    inside = np.s_[4:-4, 4:-4]
    x, y = (laplace(gaussian_filter(a, sigma) if sigma else a)[inside].ravel() for a in (sr, hr))
    expected = np.corrcoef(x, y)[0, 1]
    assert edge_preservation(sr, hr, sigma=sigma) == pytest.approx(expected, abs=1e-9)


def test_edges_of_the_same_image_are_preserved_and_of_its_negative_reversed():
    hr = noise()
    assert edge_preservation(0.5 * hr + 0.1, hr) == pytest.approx(1)
    assert edge_preservation(1 - hr, hr) == pytest.approx(-1)
    assert abs(edge_preservation(noise(1), hr)) < 0.1


def test_pixels_next_to_those_that_are_not_counted_do_not_matter():
    sr, hr, mask = noise(1), noise(), np.ones((40, 50), bool)
    mask[:, 25:] = False
    changed = sr.copy()
    changed[:, 25:] = 7
    assert edge_preservation(changed, hr, mask=mask) == edge_preservation(sr, hr, mask=mask)
    assert edge_preservation(changed, hr) != edge_preservation(sr, hr)


def test_colour_is_the_mean_over_channels_and_a_subject_changes_nothing():
    sr, hr = noise(1, (30, 30, 3)), noise(0, (30, 30, 3))
    channels = [edge_preservation(sr[..., c], hr[..., c]) for c in range(3)]
    assert edge_preservation(Subject(sr), Subject(hr)) == pytest.approx(np.mean(channels))


def test_flat_images_have_no_edges_and_a_scattered_mask_no_neighbours():
    with pytest.raises(UndefinedError, match="edges"):
        edge_preservation(np.full((20, 20), 0.5), noise(shape=(20, 20)))
    mask = np.indices((20, 20)).sum(axis=0) % 2 == 0
    with pytest.raises(UndefinedError, match="neighbours"):
        edge_preservation(noise(1, (20, 20)), noise(0, (20, 20)), mask=mask)
