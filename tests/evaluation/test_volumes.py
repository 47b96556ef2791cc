"""A volume that goes by slice by slice has the numbers of the volume as a whole."""

from dataclasses import astuple

import numpy as np
import pytest

from super_resolution_gans.evaluation.pairs import EvaluationError, make_pair
from super_resolution_gans.evaluation.volumes import compare_volume, volume_table
from super_resolution_gans.metrics.image import padding_mask
from super_resolution_gans.metrics.volume import compare_en_face, flicker
from super_resolution_gans.prediction import load_upscaler


@pytest.fixture
def slices():
    volume = np.random.default_rng(1).random((12, 32, 40), dtype=np.float32) * 0.9
    volume[3:, 20:, 7:19] = 1  # padding
    return volume


def pairs(slices):
    return [make_pair(f"s[{i}]", image, levels=0) for i, image in enumerate(slices)]


def test_slice_by_slice_is_as_all_at_once(slices):
    upscale = load_upscaler("bicubic", scale=4)
    found = compare_volume(pairs(slices), {"bicubic": upscale, "truth": Truth(slices)})
    sr = np.stack([np.clip(upscale(pair.lr), 0, 1) for pair in pairs(slices)])
    mask = np.stack([padding_mask(image) for image in slices])
    assert found.slices == 12
    assert astuple(found.hr) == pytest.approx(astuple(flicker(slices, mask=mask)))
    assert astuple(found.flicker["bicubic"]) == pytest.approx(astuple(flicker(sr, mask=mask)))
    whole = compare_en_face(sr, slices, mask=mask)
    assert found.en_face["bicubic"].psnr == pytest.approx(whole.psnr)
    assert found.en_face["bicubic"].ssim == pytest.approx(whole.ssim)
    assert found.flicker["truth"] == found.hr
    assert found.en_face["truth"].psnr == np.inf
    assert found.flicker["bicubic"].pixels < found.hr.pixels


class Truth:
    """Gives the slices back, one after the other."""

    def __init__(self, slices):
        self._left = iter(slices)

    def __call__(self, _lr):
        return next(self._left)


def test_streaks_between_slices_are_seen_in_both(slices):
    shades = np.where(np.arange(12) % 2, 0.95, 1.05)
    striped = np.clip(slices * shades[:, None, None], 0, 1).astype(np.float32)
    found = compare_volume(pairs(slices), {"striped": Truth(striped), "truth": Truth(slices)})
    assert found.flicker["striped"].brightness > 3 * found.hr.brightness
    assert found.en_face["striped"].psnr < 40


def test_a_volume_too_small_for_ssim_has_flicker_alone(slices):
    found = compare_volume(pairs(slices[:3]), {"bicubic": load_upscaler("bicubic", scale=4)})
    assert found.en_face == {"bicubic": None}
    assert "       -" in volume_table(found).splitlines()[2]


def test_what_is_no_volume_is_refused(slices):
    with pytest.raises(EvaluationError, match="a volume has two slices or more, this has 1"):
        compare_volume(pairs(slices[:1]), {})
    other = make_pair("other", slices[0, :16], levels=0)
    with pytest.raises(EvaluationError, match="other: has another size than the slices before"):
        compare_volume([*pairs(slices[:1]), other], {})
    colour = make_pair("colour", np.zeros((8, 8, 3), np.float32))
    with pytest.raises(EvaluationError, match="colour: volumes are compared in grey only"):
        compare_volume([colour], {})
