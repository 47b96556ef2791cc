"""PSNR, SSIM, luma and masks against scikit-image 0.26 and by hand.

daala's SSIM has two second implementations, both written from the description of ``dump_ssim`` of
the Daala project (Ledig et al. 2017 used it): loops here, and SciPy in ``tools/tf_rows.py``.
"""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import rgb2ycbcr
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from super_resolution_gans.metrics.image import (
    MetricError,
    lr_consistency,
    luma,
    padding_mask,
    psnr,
    ssim,
)


def images(shape=(48, 61), noise=0.1, seed=0):
    random = np.random.default_rng(seed)
    hr = random.random(shape)
    return np.clip(hr + noise * random.standard_normal(shape), 0, 1), hr


def wang_map(sr, hr):
    """scikit-image 0.26's map."""
    return structural_similarity(
        hr,
        sr,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=1,
        full=True,
    )[1]


@pytest.mark.parametrize("shape", [(48, 61), (20, 17, 3)])
def test_psnr_agrees_with_scikit_image(shape):
    """scikit-image 0.26, ``peak_signal_noise_ratio``."""
    sr, hr = images(shape)
    assert psnr(sr, hr, border=0) == pytest.approx(peak_signal_noise_ratio(hr, sr, data_range=1))
    inner = (slice(4, -4), slice(4, -4))
    assert psnr(sr, hr) == pytest.approx(
        peak_signal_noise_ratio(hr[inner], sr[inner], data_range=1)
    )


def test_psnr_by_hand():
    assert psnr(np.full((3, 3), 0.5), np.full((3, 3), 0.6), border=0) == pytest.approx(20)


def test_identical_images_have_infinite_psnr_and_ssim_one():
    image = images()[1]
    assert psnr(image, image) == math.inf
    assert ssim(image, image) == pytest.approx(1)
    assert ssim(image, image, convention="daala") == pytest.approx(1)


@pytest.mark.parametrize("border", [0, 4])
def test_wang_ssim_agrees_with_the_map_of_scikit_image(border):
    sr, hr = images()
    expected = wang_map(sr, hr)[border : 48 - border, border : 61 - border].mean()
    assert ssim(sr, hr, border=border) == pytest.approx(expected, abs=1e-12)


def test_wang_ssim_on_the_valid_interior_is_what_scikit_image_returns():
    sr, hr = images()
    expected = structural_similarity(
        hr, sr, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1
    )
    assert ssim(sr, hr, border=5) == pytest.approx(expected, abs=1e-12)


def test_wang_ssim_of_masked_pixels_agrees_with_the_masked_map():
    sr, hr = images()
    mask = np.random.default_rng(5).random(hr.shape) < 0.3
    inner = (slice(4, -4), slice(4, -4))
    expected = wang_map(sr, hr)[inner][mask[inner]].mean()
    assert ssim(sr, hr, mask=mask) == pytest.approx(expected, abs=1e-12)


def test_daala_ssim_agrees_with_a_plain_loop():
    sr, hr = images((23, 19))
    # Height 15 after the border: sigma 0.088, whose weights at 1 vanish; height 23 without: too.
    # A larger image has a window of several pixels.
    for border, (x, y) in ((4, (sr, hr)), (0, images((90, 12)))):
        cut_x, cut_y = (a[border : len(a) - border, border : a.shape[1] - border] for a in (x, y))
        expected = daala_by_loop(cut_x, cut_y)
        assert ssim(x, y, convention="daala", border=border) == pytest.approx(expected, abs=1e-12)


def daala_by_loop(x, y):
    """``dump_ssim`` pixel by pixel; shares nothing with ours, not even the convolution."""
    height, width = x.shape
    sigma = 1.5 * height / 256
    side = []
    for distance in range(1, min(height, width)):
        density = math.exp(-0.5 * (distance / sigma) ** 2) / (sigma * math.sqrt(2 * math.pi))
        side.append(math.floor(256 * density + 0.5))
    weights = {0: 256 - 2 * sum(side)}
    for distance, weight in enumerate(side, start=1):
        weights[distance] = weights[-distance] = weight
    total = mass = 0.0
    for row in range(height):
        for column in range(width):
            near = [
                (weights[i] * weights[j], x[row + i, column + j], y[row + i, column + j])
                for i in weights
                for j in weights
                if 0 <= row + i < height and 0 <= column + j < width and weights[i] * weights[j]
            ]
            w, a, b = (np.array(values, float) for values in zip(*near, strict=True))
            w_sum = w.sum()
            mean_a, mean_b = (w @ a) / w_sum, (w @ b) / w_sum
            var_a, var_b = (w @ a**2) / w_sum - mean_a**2, (w @ b**2) / w_sum - mean_b**2
            covariance = (w @ (a * b)) / w_sum - mean_a * mean_b
            value = (2 * mean_a * mean_b + 1e-4) * (2 * covariance + 9e-4)
            value /= (mean_a**2 + mean_b**2 + 1e-4) * (var_a + var_b + 9e-4)
            total, mass = total + w_sum * value, mass + w_sum
    return total / mass


@pytest.mark.parametrize("convention", ["wang", "daala"])
def test_colour_ssim_is_the_mean_of_the_channels(convention):
    sr, hr = images((40, 30, 3))
    planes = [ssim(sr[..., c], hr[..., c], convention=convention) for c in range(3)]
    assert ssim(sr, hr, convention=convention) == pytest.approx(np.mean(planes))


@pytest.mark.parametrize("convention", ["wang", "daala"])
def test_masked_and_border_pixels_far_from_counted_ones_do_not_matter(convention):
    sr, hr = images((60, 60))
    mask = np.ones(hr.shape, bool)
    mask[:, 30:] = False
    changed = sr.copy()
    changed[:, 45:] = 0
    kept = {"convention": convention, "mask": mask}
    assert ssim(changed, hr, **kept) == pytest.approx(ssim(sr, hr, **kept), abs=1e-12)
    assert psnr(changed, hr, mask=mask) == psnr(sr, hr, mask=mask)
    assert psnr(changed, hr) < psnr(sr, hr)


def test_pixels_in_the_border_do_not_matter_to_psnr():
    sr, hr = images()
    changed = sr.copy()
    changed[:4] = changed[-4:] = 0
    changed[:, :4] = changed[:, -4:] = 0
    assert psnr(changed, hr) == psnr(sr, hr)
    assert psnr(changed, hr, border=3) < psnr(sr, hr, border=3)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**31))
@settings(max_examples=40, deadline=None)
def test_ssim_is_symmetric_and_at_most_one_for_any_size(height, width, seed):
    a, b = images((height, width), seed=seed)
    for convention in ("wang", "daala"):
        value = ssim(a, b, convention=convention, border=0)
        assert -1 <= value <= 1 + 1e-12
        assert value == pytest.approx(ssim(b, a, convention=convention, border=0), abs=1e-12)


def test_float32_is_measured_in_float64():
    sr, hr = (image.astype(np.float32) for image in images())
    wide = sr.astype(np.float64), hr.astype(np.float64)
    assert psnr(sr, hr) == psnr(*wide)
    assert ssim(sr, hr) == ssim(*wide)


def test_the_callers_arrays_are_not_changed():
    sr, hr = images()
    mask = hr > 0.5
    before = sr.copy(), hr.copy(), mask.copy()
    psnr(sr, hr, mask=mask)
    ssim(sr, hr, mask=mask)
    ssim(sr, hr, convention="daala", mask=mask)
    for array, copy in zip((sr, hr, mask), before, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_consistency_measures_the_downsampled_image_and_no_border_is_cut():
    sr = np.zeros((8, 8))
    sr[:4, :4] = 0.4
    lr = np.zeros((2, 2))
    means = lr_consistency(sr, lr, lambda image: image.reshape(2, 4, 2, 4).mean(axis=(1, 3)))
    assert means == pytest.approx(-10 * math.log10(0.4**2 / 4))


def test_studio_luma_is_rgb2ycbcr_and_full_luma_the_plain_weights():
    rgb = images((9, 7, 3))[1]
    np.testing.assert_allclose(luma(rgb, "studio") * 255, rgb2ycbcr(rgb)[..., 0], atol=1e-9)
    np.testing.assert_allclose(luma(np.eye(3)[None]), [[0.299, 0.587, 0.114]])
    assert luma(np.ones((1, 1, 3)), "studio")[0, 0] * 255 == pytest.approx(235)
    assert luma(np.zeros((1, 1, 3)), "studio")[0, 0] * 255 == pytest.approx(16)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_padding_is_254_and_255_of_8_bit(dtype):
    levels = (np.arange(256) / 255).astype(dtype)[None]
    np.testing.assert_array_equal(padding_mask(levels)[0], np.arange(256) < 254)


def test_a_colour_pixel_is_padding_only_if_all_channels_are_white():
    image = np.array([[[1, 1, 1], [1, 1, 0.5]]], np.float32)
    np.testing.assert_array_equal(padding_mask(image), [[False, True]])


GREY = np.zeros((10, 10))


@pytest.mark.parametrize(
    ("sr", "options", "words"),
    [
        (np.zeros((10, 11)), {}, "shape"),
        (np.full((10, 10), np.nan), {}, "NaN"),
        (np.zeros((10, 10), np.uint8), {}, "uint8"),
        (GREY, {"border": 5}, "no pixel is left"),
        (GREY, {"border": -1}, "border"),
        (GREY, {"mask": np.zeros((10, 10), bool)}, "no pixel is left"),
        (GREY, {"mask": np.ones((10, 10))}, "mask"),
        (GREY, {"mask": np.ones((9, 10), bool)}, "mask"),
    ],
)
@pytest.mark.parametrize("measure", [psnr, ssim])
def test_what_cannot_be_compared_is_refused_in_one_line(measure, sr, options, words):
    with pytest.raises(MetricError, match=words) as caught:
        measure(sr, GREY, **options)
    assert "\n" not in str(caught.value)


def test_an_unknown_convention_is_refused_with_the_known_ones():
    with pytest.raises(MetricError, match="wang, daala"):
        ssim(GREY, GREY, convention="ssim")


def test_images_that_are_no_images_are_refused():
    with pytest.raises(MetricError, match="shape"):
        psnr(np.zeros((4, 4, 2)), np.zeros((4, 4, 2)), border=0)
    with pytest.raises(MetricError, match="red, green and blue"):
        luma(GREY)
