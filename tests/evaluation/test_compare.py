"""Rows and means."""

import math

import numpy as np
import pytest

from super_resolution_gans.evaluation.compare import Comparison, Protocol, Row, compare, measure
from super_resolution_gans.evaluation.pairs import EvaluationError, Pair, make_pair, quantised
from super_resolution_gans.metrics.image import MetricError, luma, padding_mask, psnr, ssim
from super_resolution_gans.metrics.speckle import grain_ratio, histogram_distance
from super_resolution_gans.metrics.spectrum import grid_excess, spectrum_distance
from super_resolution_gans.metrics.undefined import UndefinedError


def noise(*shape, seed=0):
    return quantised(np.random.default_rng(seed).random(shape) * 0.9, 255)


def nearest(image):
    return np.repeat(np.repeat(image, 4, axis=0), 4, axis=1)


def dark(image):
    return nearest(image) * 0.5 - 0.1


def row(**changes):
    values = {
        "dataset": "d",
        "image": "a",
        "patient": None,
        "method": "m",
        "psnr": 20.0,
        "ssim_wang": 0.5,
        "ssim_daala": 0.6,
        "lr_consistency": 40.0,
        "height": 8,
        "width": 8,
        "channel": "grey",
        "levels": 255,
        "lr_made_here": True,
        "counted": 60,
        "masked": 4,
    }
    return Row(**{**values, **changes})


def test_every_image_gets_one_row_for_each_method_in_order():
    pairs = [make_pair(name, noise(24, 24, seed=n)) for n, name in enumerate("ab")]
    result = compare(pairs, {"nearest": nearest, "dark": dark})
    assert [(r.image, r.method) for r in result.rows] == [
        ("a", "nearest"),
        ("a", "dark"),
        ("b", "nearest"),
        ("b", "dark"),
    ]


def test_sr_is_clipped_and_rounded_to_the_depth_of_the_source_before_it_is_measured():
    pair = make_pair("a", noise(24, 24))
    (measured,) = compare([pair], {"dark": dark}).rows
    seen = np.rint(np.clip(dark(pair.lr), 0, 1) * 255).astype(np.float32) / np.float32(255)
    assert measured.psnr == psnr(seen, pair.hr)
    assert measured.ssim_wang == ssim(seen, pair.hr)
    assert measured.ssim_daala == ssim(seen, pair.hr, convention="daala")
    assert measured.psnr != psnr(dark(pair.lr), pair.hr)


def test_white_pixels_of_hr_are_masked_and_counted():
    hr = noise(24, 24)
    hr[:8] = 1
    pair = make_pair("a", hr)
    masked = measure(pair, np.zeros_like(hr), "m", Protocol())
    assert (masked.masked, masked.counted) == (4 * 16, 12 * 16)
    assert masked.psnr == psnr(np.zeros_like(hr), hr, mask=hr < 254 / 255)
    whole = measure(pair, np.zeros_like(hr), "m", Protocol(mask_padding=False))
    assert (whole.masked, whole.counted) == (0, 16 * 16)
    assert whole.psnr == psnr(np.zeros_like(hr), hr)


def test_the_border_of_the_protocol_is_cut():
    pair = make_pair("a", noise(24, 24))
    sr = nearest(pair.lr)
    assert measure(pair, sr, "m", Protocol(border=0)).psnr == psnr(sr, pair.hr, border=0)
    assert measure(pair, sr, "m", Protocol(border=0)).counted == 24 * 24


@pytest.mark.parametrize(("channel", "swing"), [("y-studio", "studio"), ("y-full", "full")])
def test_colour_is_measured_on_the_channel_of_the_protocol(channel, swing):
    pair = make_pair("a", noise(24, 24, 3))
    sr = nearest(pair.lr)
    measured = measure(pair, sr, "m", Protocol(channel=channel))
    assert measured.psnr == psnr(luma(sr, swing), luma(pair.hr, swing))
    assert measured.channel == channel


def test_colour_may_be_measured_on_all_channels():
    pair = make_pair("a", noise(24, 24, 3))
    sr = nearest(pair.lr)
    assert measure(pair, sr, "m", Protocol(channel="rgb")).psnr == psnr(sr, pair.hr)


def test_consistency_is_infinite_where_lr_comes_back_exactly():
    flat = Pair("a", np.full((24, 24), 0.5, np.float32), np.full((6, 6), 0.5, np.float32))
    measured = measure(flat, np.full((24, 24), 0.5, np.float32), "m", Protocol())
    assert measured.psnr == math.inf
    assert measured.lr_consistency > 130


def test_means_are_over_images_and_not_over_pooled_error():
    rows = (row(psnr=20.0), row(image="b", psnr=30.0, ssim_wang=0.7))
    (mean,) = Comparison(Protocol(), rows).means("d")
    assert (mean.psnr, mean.ssim_wang, mean.images) == (25.0, pytest.approx(0.6), 2)


def test_infinite_values_are_left_out_of_the_mean_and_counted():
    rows = (row(psnr=math.inf), row(image="b", psnr=30.0, lr_consistency=math.inf))
    (mean,) = Comparison(Protocol(), rows).means("d")
    assert (mean.psnr, mean.identical) == (30.0, 1)
    assert (mean.lr_consistency, mean.consistent) == (40.0, 1)


def test_the_mean_is_infinite_if_every_image_is_identical():
    (mean,) = Comparison(Protocol(), (row(psnr=math.inf),)).means("d")
    assert (mean.psnr, mean.identical) == (math.inf, 1)


def test_spectra_are_those_of_the_channel_that_is_measured():
    pair = make_pair("a", noise(64, 72, 3))
    sr = nearest(pair.lr)
    measured = measure(pair, sr, "m", Protocol(channel="y-full"))
    assert measured.spectrum_distance == spectrum_distance(luma(sr), luma(pair.hr))
    assert measured.grid_excess == grid_excess(luma(sr), luma(pair.hr))


def test_speckle_is_that_of_the_counted_pixels_of_one_channel():
    hr = noise(64, 72)
    hr[:, :16] = 1.0  # padding
    pair = make_pair("a", hr)
    sr = nearest(pair.lr)
    measured, mask = measure(pair, sr, "m", Protocol()), padding_mask(pair.hr)
    assert measured.grain_ratio == grain_ratio(sr, pair.hr, mask=mask) > 2
    levels = histogram_distance(sr, pair.hr, first_mask=mask, second_mask=mask)
    assert measured.histogram_distance == levels
    unmasked = measure(pair, sr, "m", Protocol(mask_padding=False))
    assert unmasked.histogram_distance != levels
    colour = make_pair("c", noise(64, 72, 3))
    assert measure(colour, nearest(colour.lr), "m", Protocol(channel="rgb")).grain_ratio is None


def test_images_without_grains_are_left_out_of_their_mean_and_counted():
    (mean,) = Comparison(Protocol(), (row(grain_ratio=1.5), row(image="b"))).means("d")
    assert (mean.grain_ratio, mean.without_grain) == (1.5, 1)


def test_lpips_is_handed_whole_images_with_all_channels_and_may_be_left_out():
    pair = make_pair("a", noise(24, 24, 3))
    seen = []

    def distance(sr, hr):
        seen.append((sr.pixels.shape, hr.pixels.shape))
        return 0.25

    (measured,) = compare([pair], {"nearest": nearest}, lpips=distance).rows
    assert (measured.lpips, seen) == (0.25, [((24, 24, 3), (24, 24, 3))])
    assert measure(pair, nearest(pair.lr), "m", Protocol()).lpips is None


def test_images_too_small_for_a_distance_have_none_and_keep_the_others():
    def distance(*_):
        raise UndefinedError("too small")

    (measured,) = compare([make_pair("a", noise(24, 24))], {"n": nearest}, lpips=distance).rows
    assert measured.lpips is measured.spectrum_distance is measured.grid_excess is None
    assert measured.psnr > 0


def test_a_distance_that_fails_otherwise_is_a_failure_of_the_image():
    def distance(*_):
        raise MetricError("broken")

    with pytest.raises(EvaluationError, match="a: broken"):
        compare([make_pair("a", noise(24, 24))], {"n": nearest}, lpips=distance)


def test_images_without_a_distance_are_left_out_of_its_mean_and_counted():
    rows = (
        row(lpips=0.2, spectrum_distance=1.0, grid_excess=-0.5),
        row(image="b", lpips=0.4),
        row(image="c"),
    )
    (mean,) = Comparison(Protocol(), rows).means("d")
    assert mean.lpips == pytest.approx(0.3)
    assert (mean.spectrum_distance, mean.grid_excess) == (1.0, -0.5)
    assert (mean.without_lpips, mean.without_spectrum) == (1, 2)
    (none,) = Comparison(Protocol(), rows[2:]).means("d")
    assert none.lpips is none.spectrum_distance is None


def test_datasets_are_averaged_by_themselves():
    rows = (row(dataset="x", psnr=1.0), row(dataset="y", psnr=3.0))
    comparison = Comparison(Protocol(), rows)
    assert comparison.datasets == ["x", "y"]
    assert comparison.means("y")[0].psnr == 3.0


def test_an_image_that_fails_is_reported_once_and_left_out_for_all_methods():
    def moody(image):
        if image.shape == (6, 6):
            raise ValueError("not\nthis one")
        return nearest(image)

    said = []
    pairs = [make_pair("bad", noise(24, 24)), make_pair("good", noise(28, 24))]
    result = compare(pairs, {"nearest": nearest, "moody": moody}, on_error=said.append)
    assert {r.image for r in result.rows} == {"good"}
    assert said == ["bad: not\\nthis one"]


def test_without_a_listener_the_first_failure_is_raised_by_name():
    with pytest.raises(EvaluationError, match="tiny: no pixel is left"):
        compare([make_pair("tiny", noise(8, 8))], {"nearest": nearest})


def test_an_upscaler_of_another_scale_is_refused():
    with pytest.raises(EvaluationError, match="a: half made"):
        compare([make_pair("a", noise(24, 24))], {"half": lambda image: image})


def test_a_pair_of_another_scale_is_refused():
    with pytest.raises(EvaluationError, match="2 x 2, not of 4 x 4"):
        compare([make_pair("a", noise(24, 24), (2, 2))], {"nearest": nearest})


def test_nothing_to_compare_is_refused():
    with pytest.raises(EvaluationError, match="no model"):
        compare([], {})


def test_the_listener_gets_the_images_that_were_measured():
    seen = {}

    def listen(pair, images, rows):
        seen[pair.name] = (images["dark"], [r.psnr for r in rows])

    pair = make_pair("a", noise(24, 24))
    result = compare([pair], {"dark": dark}, on_images=listen)
    image, numbers = seen["a"]
    np.testing.assert_array_equal(image, quantised(dark(pair.lr), 255))
    assert numbers == [result.rows[0].psnr]


def test_upscalers_cannot_change_the_pair():
    pair = make_pair("a", noise(24, 24))
    low, high = pair.lr.copy(), pair.hr.copy()
    compare([pair], {"nearest": nearest, "dark": dark})
    np.testing.assert_array_equal(pair.lr, low)
    np.testing.assert_array_equal(pair.hr, high)
