"""The mean over mirror images and transposes."""

import numpy as np
import pytest
import torch

from super_resolution_gans.models.generator import SRResNet
from super_resolution_gans.prediction import load_upscaler
from super_resolution_gans.prediction.engines import SelfEnsemble, TorchEngine
from super_resolution_gans.prediction.tiles import grid

CPU = torch.device("cpu")


def engine(scale=(2, 2), **options):
    torch.manual_seed(0)
    return TorchEngine(SRResNet(scale=scale, blocks=2, width=8, **options), CPU)


@pytest.fixture(scope="module")
def windows():
    return np.random.default_rng(1).random((2, 20, 28, 1), dtype=np.float32)


@pytest.mark.parametrize(("scale", "views"), [((2, 2), 8), ((1, 4), 4)])
def test_it_turns_with_the_image(scale, views, windows):
    """What is upscaled from a turned image is the turned result; of the network that is not so."""
    plain = engine(scale)
    several = SelfEnsemble(plain)
    assert several.views == views
    turns = [lambda a: a[:, ::-1], lambda a: a[:, :, ::-1]]
    turns += [lambda a: a.transpose(0, 2, 1, 3)] if views == 8 else []
    for turn in turns:
        turned = np.ascontiguousarray(turn(windows))
        np.testing.assert_allclose(
            several.upscale(turned), turn(several.upscale(windows)), atol=1e-5
        )
        assert np.abs(plain.upscale(turned) - turn(plain.upscale(windows))).max() > 1e-3


def test_it_is_the_mean_of_all_views(windows):
    plain = engine((3, 3))
    wanted = np.zeros((2, 60, 84, 1))
    for turns in range(4):
        for mirrored in (False, True):
            view = np.rot90(windows, turns, (1, 2))
            view = view[:, ::-1] if mirrored else view
            made = plain.upscale(np.ascontiguousarray(view))
            made = made[:, ::-1] if mirrored else made
            wanted += np.rot90(made, -turns, (1, 2)) / 8
    np.testing.assert_allclose(SelfEnsemble(plain).upscale(windows), wanted, atol=1e-5)


def test_tiles_with_its_halo_are_exact():

    several = SelfEnsemble(engine((2, 2)))
    image = np.random.default_rng(2).random((70, 90), dtype=np.float32)
    whole = several.upscale(image[np.newaxis, ..., np.newaxis])[0, ..., 0]
    tiled = np.full_like(whole, np.nan)
    for call in grid((1, *image.shape), (30, 30), several.halo, batch_pixels=1):
        for _, tile in call:
            made = several.upscale(image[tile.window][np.newaxis, ..., np.newaxis])[0, ..., 0]
            tiled[tile.target((2, 2))] = made[tile.inside((2, 2))]
    np.testing.assert_allclose(tiled, whole, atol=1e-5)


def test_a_shipped_model_says_so_and_interpolation_stays_what_it_is():
    image = np.random.default_rng(3).random((24, 32), dtype=np.float32)
    several = load_upscaler("oct-srresnet-x4", engine="torch", ensemble=True)
    plain = load_upscaler("oct-srresnet-x4", engine="torch")
    assert several.provenance.ensemble
    assert not plain.provenance.ensemble
    assert several(image).shape == (96, 128)
    assert np.abs(several(image) - plain(image)).max() > 1e-3
    bicubic = load_upscaler("bicubic", ensemble=True)
    assert np.array_equal(bicubic(image), load_upscaler("bicubic")(image))
    assert not bicubic.provenance.ensemble
