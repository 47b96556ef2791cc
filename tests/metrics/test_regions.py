"""Regions of a drawn eye: dark above, layers of known place below."""

import numpy as np
import pytest

from super_resolution_gans.metrics.image import MetricError, padding_mask
from super_resolution_gans.metrics.regions import background_of, find_regions, tissue_of
from super_resolution_gans.metrics.subject import Subject
from super_resolution_gans.metrics.undefined import UndefinedError

TOPS = (80, 110, 140, 200)  # of three layers, and where the last ends


def eye(seed=0, width=320):
    """Vitreous, a bright, a middling and a bright layer, choroid; each with its noise."""
    image = np.full((256, width), 0.08)
    for top, bottom, level in zip(TOPS, TOPS[1:], (0.6, 0.4, 0.7), strict=False):
        image[top:bottom] = level
    image += 0.02 * np.random.default_rng(seed).standard_normal(image.shape)
    return np.clip(image, 0, 0.98)


def test_background_lies_clear_above_the_first_layer():
    background = background_of(find_regions(eye()), (256, 320))
    rows = np.nonzero(background)[0]
    assert rows.max() in range(56, 66)  # 16 clear of an edge that is smoothed over a few pixels
    assert background[:50].all()


def test_each_region_is_a_window_within_one_layer_and_they_are_apart():
    labels = find_regions(eye())
    assert labels.max() == 6
    corners = []
    for region in tissue_of(labels, labels.shape):
        rows, columns = np.nonzero(region)
        assert region.sum() == 8 * 32
        assert (np.ptp(rows), np.ptp(columns)) == (7, 31)
        layer = np.searchsorted(TOPS, [rows.min(), rows.max()], "right")
        assert layer[0] == layer[1]
        corners.append((rows.min(), columns.min()))
    assert len(corners) == labels.max() - 1  # the first is background
    for index, (top, left) in enumerate(corners):
        for other_top, other_left in corners[:index]:
            assert abs(top - other_top) >= 16 or abs(left - other_left) >= 64


def test_the_same_image_gives_the_same_regions_whatever_its_brightness():
    first = find_regions(eye())
    np.testing.assert_array_equal(first, find_regions(eye()))
    np.testing.assert_array_equal(first, find_regions(eye() / 2))  # powers of two: same roundings
    np.testing.assert_array_equal(first, find_regions(Subject(eye())))


def test_padding_is_neither_background_nor_tissue_nor_an_edge():
    image = eye()
    image[:20, 100:] = 1.0
    labels = find_regions(image, mask=padding_mask(image))
    assert not labels[:20, 100:].any()
    assert (labels[34:50, 120:] == 1).all()  # below the padding, which is no tissue
    assert labels.max() > 1


def test_a_column_without_tissue_is_no_background():
    image = eye()
    image[:, :90] = 0.08
    labels = find_regions(image)
    assert not (labels[:, :60] == 1).any()


def test_a_scan_without_vitreous_has_no_regions():
    with pytest.raises(UndefinedError, match="no background"):
        find_regions(eye()[75:])


def test_a_scan_without_even_tissue_has_no_regions():
    image = np.full((192, 96), 0.05)
    for column in range(96):
        image[60 + column : 70 + column, column] = 0.9  # steeper than a region can follow
    with pytest.raises(UndefinedError, match="no even region"):
        find_regions(image)


def test_a_scan_of_nothing_but_padding_has_no_regions():
    with pytest.raises(UndefinedError, match="clear of padding"):
        find_regions(eye(), mask=np.zeros((256, 320), bool))


@pytest.mark.parametrize(
    ("image", "mask", "words"),
    [
        (np.zeros((64, 64, 3)), None, "height, width"),
        (np.zeros((64, 64)), np.ones((64, 64)), "expected bool"),
        (np.zeros((64, 64)), np.ones((64, 63), bool), "expected bool"),
    ],
)
def test_what_is_no_scan_is_refused(image, mask, words):
    with pytest.raises(MetricError, match=words):
        find_regions(image, mask=mask)


def test_drawn_labels_are_checked():
    labels = np.zeros((4, 4), np.uint8)
    with pytest.raises(UndefinedError, match="background"):
        background_of(labels, (4, 4))
    with pytest.raises(UndefinedError, match="tissue"):
        tissue_of(labels, (4, 4))
    with pytest.raises(MetricError, match="whole numbers"):
        background_of(labels, (4, 5))
    with pytest.raises(MetricError, match="whole numbers"):
        tissue_of(labels.astype(float), (4, 4))
