"""The models that ship are worth shipping: better than interpolation on people they never saw."""

from pathlib import Path

import numpy as np
import pytest

from super_resolution_gans import load_upscaler
from super_resolution_gans.data.inventory import find_entries
from super_resolution_gans.data.pairs import read_pairs, select
from super_resolution_gans.evaluation.compare import compare
from super_resolution_gans.metrics.image import padding_mask, psnr
from super_resolution_gans.metrics.perceptual import load_lpips
from super_resolution_gans.models.checkpoint import load_generator
from super_resolution_gans.prediction.catalogue import (
    DEFAULT_MODEL,
    FAITHFUL,
    SHIPPED,
    find_weights,
)

EXAMPLES = Path(__file__).parents[2] / "examples" / "scans"


def gains(entries) -> list[float]:
    """PSNR of the SRResNet less that of bicubic, image by image, in dB."""
    bicubic, ours = load_upscaler("bicubic", scale=4), load_upscaler("oct-srresnet-x4")

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


def means(entries):
    """Bicubic and the SRGAN: name -> mean over the images."""
    upscalers = {name: load_upscaler(name, scale=4) for name in ("bicubic", "oct-srgan-x4")}
    pairs = read_pairs(entries, (4, 4), dataset="scans", on_error=pytest.fail)
    comparison = compare(pairs, upscalers, lpips=load_lpips())
    return {mean.method: mean for d in comparison.datasets for mean in comparison.means(d)}


def looks_real(measured) -> None:
    """A texture that is that of scans, not smoothness, not a grid, and not far from the truth."""
    bicubic, ours = measured["bicubic"], measured["oct-srgan-x4"]
    assert ours.lpips < 0.60 * bicubic.lpips
    assert ours.psnr > bicubic.psnr - 1.8
    assert ours.spectrum_distance < 0.7
    assert ours.grid_excess < 0.5


def test_the_srgan_makes_bundled_scans_look_real():
    looks_real(means(find_entries(EXAMPLES)))


@pytest.mark.slow
@pytest.mark.parametrize("dataset", ["kermany_oct2017", "duke_chiu2015_dme"])
def test_the_srgan_makes_unseen_people_look_real(shared, dataset):
    entries = find_entries(shared / "data" / "oct")
    looks_real(means(select(entries, splits=["test"], datasets=[dataset])))


def test_the_default_of_every_door_is_the_srgan():
    assert DEFAULT_MODEL == "oct-srgan-x4"
    assert load_upscaler().name == DEFAULT_MODEL


def test_the_shipped_srgan_can_be_mixed_with_the_network_it_was_trained_from():
    pair = (DEFAULT_MODEL, FAITHFUL[DEFAULT_MODEL])
    first, second = (load_generator(find_weights(name)).network for name in pair)
    assert first.architecture() == second.architecture()


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
