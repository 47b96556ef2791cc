"""MS-SSIM against torchmetrics, and against the paper's formula written out with scipy."""

import numpy as np
import pytest
import torch
from scipy.ndimage import correlate
from torchmetrics.functional.image import multiscale_structural_similarity_index_measure

from super_resolution_gans.metrics.image import MetricError
from super_resolution_gans.metrics.ms_ssim import SMALLEST, ms_ssim
from super_resolution_gans.metrics.subject import Subject
from super_resolution_gans.metrics.undefined import UndefinedError


def images(shape=(192, 208), noise=0.2, seed=0):
    random = np.random.default_rng(seed)
    smooth = correlate(random.random(shape), np.ones((5, 5) + (1,) * (len(shape) - 2)) / 25)
    return np.clip(smooth + noise * random.standard_normal(shape), 0, 1), smooth


def textbook(sr, hr):
    """Equation 7 of the paper with full two-dimensional windows and filters, no shortcut."""
    offsets = np.arange(-5, 6)
    window = np.exp(-(offsets[:, None] ** 2 + offsets[None, :] ** 2) / (2 * 1.5**2))
    window /= window.sum()
    result = 1.0
    for level, weight in enumerate((0.0448, 0.2856, 0.3001, 0.2363, 0.1333), start=1):
        mean_x, mean_y, xx, yy, xy = (
            correlate(image, window)[5:-5, 5:-5] for image in (sr, hr, sr * sr, hr * hr, sr * hr)
        )
        contrast = (2 * (xy - mean_x * mean_y) + 9e-4) / (xx - mean_x**2 + yy - mean_y**2 + 9e-4)
        if level == 5:
            contrast *= (2 * mean_x * mean_y + 1e-4) / (mean_x**2 + mean_y**2 + 1e-4)
        result *= contrast.mean() ** weight
        # imfilter's even kernel: a pixel, its right and lower neighbours, mirrored at the edge.
        sr, hr = (correlate(image, np.ones((2, 2)) / 4, origin=-1)[::2, ::2] for image in (sr, hr))
    return result


@pytest.mark.parametrize("shape", [(176, 176), (181, 203), (200, 177)])
def test_it_agrees_with_the_formula_written_out(shape):
    sr, hr = images(shape)
    assert ms_ssim(sr, hr, border=0) == pytest.approx(textbook(sr, hr), abs=1e-12)
    cut = slice(4, -4)
    larger = [np.pad(image, 4, constant_values=0.3) for image in (sr, hr)]
    assert ms_ssim(*larger) == pytest.approx(textbook(*(x[cut, cut] for x in larger)), abs=1e-12)


def test_it_is_close_to_torchmetrics_which_counts_the_mirrored_border_at_the_last_level():
    sr, hr = images((192, 208, 3))
    tensors = [torch.from_numpy(image.transpose(2, 0, 1)[None]) for image in (sr, hr)]
    theirs = [
        multiscale_structural_similarity_index_measure(
            *(tensor[:, c : c + 1] for tensor in tensors), data_range=1.0, normalize="relu"
        )
        for c in range(3)
    ]
    assert ms_ssim(sr, hr, border=0) == pytest.approx(float(np.mean(theirs)), abs=1e-3)


def test_identical_images_score_one_and_noise_lowers_it():
    hr = images()[1]
    assert ms_ssim(hr, hr) == pytest.approx(1)
    scores = [ms_ssim(images(noise=noise)[0], hr) for noise in (0.02, 0.1, 0.4)]
    assert scores == sorted(scores, reverse=True)


def test_an_image_that_is_the_negative_of_another_scores_0_and_not_nan():
    hr = images()[1]
    assert ms_ssim(1 - hr, hr) == 0


def test_pixels_that_are_not_counted_do_not_matter_far_from_those_that_are():
    sr, hr = images((192, 400))
    mask = np.zeros(hr.shape, bool)
    mask[:, :150] = True
    changed = sr.copy()
    changed[:, 320:] = 0  # a window of the last level reaches 5 * 16 + 15 pixels
    assert ms_ssim(changed, hr, mask=mask) == ms_ssim(sr, hr, mask=mask)
    assert ms_ssim(changed, hr) < ms_ssim(sr, hr)


def test_a_subject_gives_the_numbers_of_its_array():
    sr, hr = images()
    truth = Subject(hr)
    for image in (sr, hr, 0.5 * sr):
        assert ms_ssim(Subject(image), truth) == ms_ssim(image, hr)


def test_an_image_too_small_for_five_levels_has_no_value():
    assert SMALLEST == 176
    small = images((183, 300))[1]
    with pytest.raises(UndefinedError, match="176 x 176 pixels, 175 x 292 are left"):
        ms_ssim(small, small)
    assert ms_ssim(small, small, border=3) == pytest.approx(1)


def test_a_mask_without_a_window_has_no_value():
    hr = images()[1]
    mask = np.zeros(hr.shape, bool)
    mask[20:40, 20:40] = True
    with pytest.raises(UndefinedError, match="at level 4"):
        ms_ssim(hr, hr, mask=mask)


def test_images_of_different_shapes_are_refused():
    with pytest.raises(MetricError, match="shape"):
        ms_ssim(images()[1], images((192, 192))[1])
