"""Pairs: cutting, downsampling, rounding."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from super_resolution_gans.evaluation.pairs import (
    EvaluationError,
    downsampled,
    join_pair,
    levels_of,
    make_pair,
    quantised,
)
from super_resolution_gans.scan import Scan


def noise(*shape):
    return np.random.default_rng(0).random(shape, dtype=np.float32)


def test_hr_is_cut_to_a_multiple_of_the_scale_and_lr_rounded_to_8_bit():
    pair = make_pair("a", noise(23, 18))
    assert pair.hr.shape == (20, 16)
    assert pair.lr.shape == (5, 4)
    assert pair.scale == (4, 4)
    assert pair.made_here
    steps = pair.lr * 255
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-4)


def test_lr_is_the_antialiased_bicubic_of_torch():
    hr = noise(32, 48)
    expected = F.interpolate(
        torch.from_numpy(hr)[None, None], (8, 12), mode="bicubic", antialias=True
    )
    np.testing.assert_allclose(downsampled(hr, (4, 4)), expected[0, 0].numpy(), atol=1e-7)
    assert np.abs(make_pair("a", hr).lr - expected[0, 0].numpy()).max() <= 0.5 / 255 + 1e-6


def test_colour_is_downsampled_channel_by_channel():
    hr = noise(16, 8, 3)
    low = downsampled(hr, (4, 2))
    assert low.shape == (4, 4, 3)
    for channel in range(3):
        plane = downsampled(np.ascontiguousarray(hr[..., channel]), (4, 2))
        np.testing.assert_allclose(low[..., channel], plane, atol=1e-7)


def test_factors_may_differ():
    pair = make_pair("a", noise(10, 10), (1, 4))
    assert pair.lr.shape == (10, 2)
    assert pair.scale == (1, 4)


def test_sixteen_bit_lr_is_rounded_to_sixteen_bit_and_float_lr_not_at_all():
    hr = noise(16, 16)
    exact = np.clip(downsampled(hr, (4, 4)), 0, 1)
    sixteen = make_pair("a", hr, levels=65535).lr
    assert 0 < np.abs(sixteen - exact).max() <= 0.5 / 65535 + 1e-7
    np.testing.assert_array_equal(make_pair("a", hr, levels=0).lr, exact)


def test_quantising_clips_rounds_half_to_even_and_leaves_the_input():
    image = np.array([[-0.5, 0.5 / 255, 1.5 / 255, 2.6 / 255, 1.5]], np.float32)
    before = image.copy()
    np.testing.assert_array_equal(np.rint(quantised(image, 255) * 255), [[0, 0, 2, 3, 255]])
    np.testing.assert_array_equal(image, before)


def test_quantised_8_bit_pixels_are_exactly_those_of_a_scan():
    values = np.arange(256, dtype=np.uint8)[None]
    pixels = Scan.from_array(values).slice_pixels(0)
    np.testing.assert_array_equal(quantised(pixels + np.float32(1e-4), 255), pixels)


@pytest.mark.parametrize(
    ("dtype", "expected"), [(np.uint8, 255), (np.uint16, 65535), (np.float32, 0)]
)
def test_levels_follow_the_type_a_scan_came_with(dtype, expected):
    assert levels_of(Scan.from_array(np.ones((4, 4), dtype))) == expected


def test_an_image_smaller_than_one_lr_pixel_is_refused_by_name():
    with pytest.raises(EvaluationError, match=r"tiny\\n\.png: 3 x 9 pixels are too few"):
        make_pair("tiny\n.png", noise(3, 9))


def test_ready_pairs_are_joined_and_the_rest_of_hr_is_cut():
    pair = join_pair("a", noise(23, 18), noise(5, 4))
    assert pair.hr.shape == (20, 16)
    assert not pair.made_here


@pytest.mark.parametrize("shape", [(6, 4), (5, 5), (5, 4, 3)])
def test_ready_pairs_that_do_not_fit_are_refused(shape):
    with pytest.raises(EvaluationError, match="LR"):
        join_pair("a", noise(23, 18), noise(*shape))
