"""What is worked out once, and the same numbers with and without it."""

import numpy as np
import pytest

from super_resolution_gans.metrics.image import psnr, ssim
from super_resolution_gans.metrics.perceptual import load_lpips
from super_resolution_gans.metrics.speckle import grain_ratio, histogram_distance
from super_resolution_gans.metrics.subject import Subject, mask_key, subject


def noise(seed=0, shape=(48, 61)):
    return np.random.default_rng(seed).random(shape)


def test_work_is_done_once_for_each_name_and_failures_are_not_remembered():
    known, calls = Subject(noise()), []

    def work():
        calls.append(1)
        if len(calls) == 1:
            raise ValueError("not yet")
        return len(calls)

    with pytest.raises(ValueError, match="not yet"):
        known.once("a", work)
    assert [known.once(name, work) for name in ("a", "a", "b")] == [2, 2, 3]


def test_a_subject_is_itself_and_an_array_becomes_a_new_one():
    image = noise()
    known = subject(image)
    assert subject(known) is known
    assert subject(image) is not known
    assert known.pixels is image


def test_masks_of_the_same_pixels_and_shape_have_one_name():
    mask = noise() > 0.5
    assert mask_key(mask) == mask_key(mask.copy()) != mask_key(~mask)
    assert mask_key(None) is None
    assert mask_key(np.ones((2, 3), bool)) != mask_key(np.ones((3, 2), bool))


@pytest.mark.parametrize("border", [0, 4])
@pytest.mark.parametrize("shape", [(48, 61), (40, 44, 3)])
def test_one_truth_for_several_images_gives_the_numbers_of_arrays(border, shape):
    hr = noise(shape=shape)
    truth, mask = Subject(hr), noise(9, shape[:2]) > 0.2
    for seed in (1, 2):
        for counted in (None, mask):
            options, sr = {"border": border, "mask": counted}, noise(seed, shape)
            known = Subject(sr)
            assert psnr(known, truth, **options) == psnr(sr, hr, **options)
            for convention in ("wang", "daala"):
                shared = ssim(known, truth, convention=convention, **options)
                assert shared == ssim(sr, hr, convention=convention, **options)


def test_speckle_of_one_truth_is_kept_apart_by_mask():
    hr, mask = noise(shape=(80, 90)), noise(9, (80, 90)) > 0.2
    truth = Subject(hr)
    for seed in (1, 2):
        sr = noise(seed, (80, 90))
        for counted in (None, mask):
            assert grain_ratio(sr, truth, mask=counted) == grain_ratio(sr, hr, mask=counted)
            masks = {"first_mask": counted, "second_mask": counted}
            assert histogram_distance(sr, truth, **masks) == histogram_distance(sr, hr, **masks)


def test_lpips_computes_the_features_of_a_subject_once(monkeypatch):
    lpips = load_lpips()
    seen, place = [], lpips._place
    monkeypatch.setattr(lpips, "_place", lambda image: seen.append(image) or place(image))
    truth = Subject(noise().astype(np.float32))
    for seed in (1, 2):
        sr = noise(seed).astype(np.float32)
        assert lpips(sr, truth) == lpips(sr, truth.pixels)
    assert sum(image is truth.pixels for image in seen) == 1 + 2  # once, and as an array each time
