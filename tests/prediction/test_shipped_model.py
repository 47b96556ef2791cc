"""The model that ships is worth shipping: better than interpolation on people it never saw."""

from pathlib import Path

import numpy as np
import pytest

from super_resolution_gans import load_upscaler
from super_resolution_gans.data.inventory import find_entries
from super_resolution_gans.data.pairs import read_pairs, select
from super_resolution_gans.metrics.image import padding_mask, psnr
from super_resolution_gans.models.checkpoint import load_generator
from super_resolution_gans.prediction.catalogue import SHIPPED, find_weights

EXAMPLES = Path(__file__).parents[2] / "examples" / "scans"


def gains(entries) -> list[float]:
    """PSNR of the default model less that of bicubic, image by image, in dB."""
    bicubic, ours = load_upscaler("bicubic", scale=4), load_upscaler()

    def measured(upscaler, pair) -> float:
        sr = np.rint(upscaler(pair.lr) * 255) / 255
        return psnr(sr, pair.hr, mask=padding_mask(pair.hr))

    pairs = read_pairs(entries, (4, 4), dataset="", on_error=pytest.fail)
    return [measured(ours, pair) - measured(bicubic, pair) for pair in pairs]


def test_every_bundled_scan_gains_over_bicubic():
    found = gains(find_entries(EXAMPLES))
    assert len(found) == 3
    assert min(found) > 0.3
    assert np.mean(found) > 0.9


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dataset", "role", "count", "floor"),
    [
        ("kermany_oct2017", (), 20, 1.8),
        ("duke_chiu2015_dme", (), 11, 1.6),
        ("duke_sbsdi_bioptigen", ("averaged_clean",), 4, 0.78),
    ],
)
def test_unseen_people_gain_what_the_card_says(shared, dataset, role, count, floor):
    entries = find_entries(shared / "data" / "oct")
    chosen = select(entries, splits=["test"], datasets=[dataset], roles=role)
    found = gains(chosen)
    assert len(found) == count
    assert np.mean(found) > floor


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_weights_carry_their_story(name):
    card = load_generator(find_weights(name)).card
    assert card["name"] == name
    for key in ("recipe", "data_sha256", "seed", "device", "version", "evaluation", "licence"):
        assert card[key], key
    assert find_weights(name).with_suffix(".md").is_file()


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_weights_stay_small(name):
    assert find_weights(name).stat().st_size < 8e6
