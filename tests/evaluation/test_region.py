"""The automatically chosen region."""

import numpy as np

from super_resolution_gans.evaluation.pairs import make_pair
from super_resolution_gans.evaluation.region import Region, eventful_region


def checkered(top, left, side=32, shape=(160, 240)):
    """Flat grey with one patch of large squares."""
    image = np.full(shape, 0.3, np.float32)
    rows, columns = np.indices((side, side)) // 8
    image[top : top + side, left : left + side] = 0.9 * ((rows + columns) % 2)
    return image


def test_the_busy_patch_is_found_and_cut_along_lr_pixels():
    region = eventful_region(make_pair("a", checkered(80, 120)), side=40)
    assert (region.height, region.width) == (40, 40)
    assert region.top % 4 == region.left % 4 == 0
    assert region.top <= 80 <= 112 <= region.top + 40
    assert region.left <= 120 <= 152 <= region.left + 40


def test_the_edge_of_white_padding_is_no_event():
    image = checkered(100, 40) * 0.3
    image[:30, :] = 1
    region = eventful_region(make_pair("a", image), side=48)
    assert region.top >= 32 + 8
    assert region.top <= 100 <= 132 <= region.top + 48


def test_saturated_tissue_inside_the_image_is_no_padding():
    image = checkered(80, 120)
    image[image == np.float32(0.9)] = 1
    region = eventful_region(make_pair("a", image), side=40)
    assert region.top <= 80 <= 112 <= region.top + 40


def test_small_images_are_taken_whole():
    image = np.random.default_rng(0).random((20, 9), dtype=np.float32)
    assert eventful_region(make_pair("a", image)) == Region(0, 0, 20, 8)


def test_an_all_white_image_has_a_region_too():
    region = eventful_region(make_pair("a", np.ones((200, 200), np.float32)))
    assert (region.height, region.width) == (96, 96)


def test_factors_that_differ_are_kept_apart():
    region = eventful_region(make_pair("a", checkered(80, 120), (1, 4)), side=42)
    assert (region.height, region.width) == (42, 40)
    assert region.left % 4 == 0


def test_colour_is_judged_by_its_luma():
    image = np.repeat(checkered(80, 120)[..., None], 3, axis=2)
    assert eventful_region(make_pair("a", image)) == eventful_region(
        make_pair("a", checkered(80, 120))
    )
