"""Tiled equals whole at the network's own receptive radius, and not below it."""

import numpy as np
import pytest
import torch

from super_resolution_gans.models.generator import SRResNet
from super_resolution_gans.prediction.engines import TorchEngine
from super_resolution_gans.prediction.tiles import grid

SIZE, CORE = (150, 190), (60, 60)
CPU = torch.device("cpu")


def tiled(engine, image, halo):
    vertical, lateral = engine.scale
    upscaled = np.full((image.shape[0] * vertical, image.shape[1] * lateral), np.nan, np.float32)
    for call in grid((1, *image.shape), CORE, halo, batch_pixels=20_000):
        windows = np.stack([image[tile.window] for _, tile in call])[..., np.newaxis]
        for (_, tile), window in zip(call, engine.upscale(windows)[..., 0], strict=True):
            upscaled[tile.target(engine.scale)] = window[tile.inside(engine.scale)]
    return upscaled


def whole(engine, image):
    return engine.upscale(image[np.newaxis, ..., np.newaxis])[0, ..., 0]


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(0).random(SIZE, dtype=np.float32)


@pytest.fixture(scope="module")
def random_engine():
    torch.manual_seed(0)
    return TorchEngine(SRResNet(width=8), CPU)


@torch.no_grad()
def positive_network(tilt):
    """All weights positive, each convolution an average; ``tilt`` is the share of its last tap.

    So every input pixel in reach counts, and the more it is tilted, the further out.
    """
    network = SRResNet(width=4).eval()
    for name, parameter in network.named_parameters():
        if parameter.ndim == 4:
            taps = parameter.shape[1] * parameter.shape[2] * parameter.shape[3]
            parameter.fill_((1 - tilt) / taps)
            parameter[..., -1, -1] += tilt / parameter.shape[1]
        elif ("norm" in name and name.endswith("weight")) or "act" in name:
            parameter.fill_(1)
        else:
            parameter.zero_()
    # Skip connections add up; halved before each sum, numbers stay of order one.
    for block in network.body:
        block.norm2.weight.fill_(0.5)
    network.body_norm.weight.fill_(1.5**-16)
    return network


@pytest.fixture(scope="module")
def positive_engine():
    return TorchEngine(positive_network(tilt=0.9), CPU)


def test_a_random_network_gives_the_same_in_tiles(random_engine, image):
    assert random_engine.halo == (40, 40)
    difference = np.abs(tiled(random_engine, image, (40, 40)) - whole(random_engine, image))
    assert difference.max() <= 1e-5


def test_a_positive_network_gives_the_same_in_tiles(positive_engine, image):
    expected = whole(positive_engine, image)
    assert 0.3 < np.abs(expected).max() < 3
    difference = np.abs(tiled(positive_engine, image, positive_engine.halo) - expected)
    assert difference.max() <= 1e-5


def test_a_halo_of_ten_is_not_enough(positive_engine, image):
    difference = np.abs(tiled(positive_engine, image, (10, 10)) - whole(positive_engine, image))
    assert difference.max() > 1e-3


@pytest.mark.parametrize(("missing", "exact"), [(0, True), (1, False)])
def test_the_radius_is_sharp_for_a_network_that_only_looks_to_its_rim(image, missing, exact):
    network = positive_network(tilt=1.0)
    with torch.no_grad():
        for block in network.body:
            block.norm2.weight.fill_(1)
    engine = TorchEngine(network, CPU)
    halo = (engine.halo[0] - missing, engine.halo[1] - missing)
    expected = whole(engine, image)
    difference = np.abs(tiled(engine, image, halo) - expected).max()
    assert (difference <= 1e-5 * np.abs(expected).max()) == exact


def test_a_network_with_unlike_factors_gives_the_same_in_tiles(image):
    torch.manual_seed(1)
    engine = TorchEngine(SRResNet(width=8, blocks=3, scale=(1, 4)), CPU)
    difference = np.abs(tiled(engine, image, engine.halo) - whole(engine, image))
    assert difference.max() <= 1e-5


@pytest.mark.slow
def test_the_shipped_weights_give_the_same_in_tiles(image):
    from super_resolution_gans.models.checkpoint import load_generator
    from super_resolution_gans.prediction.catalogue import DEFAULT_MODEL, find_weights

    try:
        path = find_weights(DEFAULT_MODEL)
    except ValueError as error:
        pytest.skip(str(error))
    engine = TorchEngine(load_generator(path).network, CPU)
    expected = whole(engine, image)
    difference = np.abs(tiled(engine, image, engine.halo) - expected)
    assert difference.max() <= 1e-5
    assert np.abs(tiled(engine, image, (10, 10)) - expected).max() > 1e-5
