"""The mean over an image and its mirror image."""

import numpy as np
import pytest
import torch

from super_resolution_gans.models.generator import SRResNet
from super_resolution_gans.prediction import load_upscaler
from super_resolution_gans.prediction.engines import SelfEnsemble, TorchEngine
from super_resolution_gans.prediction.tiles import grid


def engine(scale=(2, 2)):
    torch.manual_seed(0)
    return TorchEngine(SRResNet(scale=scale, blocks=2, width=8), torch.device("cpu"))


@pytest.fixture(scope="module")
def windows():
    return np.random.default_rng(1).random((2, 20, 28, 1), dtype=np.float32)


@pytest.mark.parametrize("scale", [(2, 2), (1, 4)])
def test_what_is_made_of_a_mirror_image_is_the_mirror_image_of_what_is_made(scale, windows):
    plain, mirrored = engine(scale), np.ascontiguousarray(windows[:, :, ::-1])
    both = SelfEnsemble(plain)
    np.testing.assert_allclose(both.upscale(mirrored), both.upscale(windows)[:, :, ::-1], atol=1e-5)
    alone = np.abs(plain.upscale(mirrored) - plain.upscale(windows)[:, :, ::-1])
    assert alone.max() > 1e-3


def test_it_is_the_mean_of_both_and_leaves_its_input_alone(windows):
    plain, before = engine(), windows.copy()
    other = plain.upscale(np.ascontiguousarray(windows[:, :, ::-1]))[:, :, ::-1]
    wanted = (plain.upscale(windows) + other) / 2
    np.testing.assert_allclose(SelfEnsemble(plain).upscale(windows), wanted, atol=1e-6)
    assert np.array_equal(windows, before)


def test_tiles_with_its_halo_are_exact():
    both = SelfEnsemble(engine())
    image = np.random.default_rng(2).random((70, 90), dtype=np.float32)
    whole = both.upscale(image[np.newaxis, ..., np.newaxis])[0, ..., 0]
    tiled = np.full_like(whole, np.nan)
    for call in grid((1, *image.shape), (30, 30), both.halo, batch_pixels=1):
        for _, tile in call:
            made = both.upscale(image[tile.window][np.newaxis, ..., np.newaxis])[0, ..., 0]
            tiled[tile.target((2, 2))] = made[tile.inside((2, 2))]
    np.testing.assert_allclose(tiled, whole, atol=1e-5)


def test_a_shipped_model_says_so_and_interpolation_stays_what_it_is():
    image = np.random.default_rng(3).random((24, 32), dtype=np.float32)
    both = load_upscaler("oct-srresnet-x4", engine="torch", ensemble=True)
    plain = load_upscaler("oct-srresnet-x4", engine="torch")
    assert both.provenance.ensemble
    assert not plain.provenance.ensemble
    assert both(image).shape == (96, 128)
    assert np.abs(both(image) - plain(image)).max() > 1e-3
    bicubic = load_upscaler("bicubic", ensemble=True)
    assert np.array_equal(bicubic(image), load_upscaler("bicubic")(image))
    assert not bicubic.provenance.ensemble
