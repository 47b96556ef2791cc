"""The torch engine on a CUDA device, where there is one."""

import numpy as np
import pytest
import torch

from super_resolution_gans.models.load import load_model
from super_resolution_gans.prediction import DEFAULT_MODEL, load_upscaler
from super_resolution_gans.prediction.catalogue import find_weights
from super_resolution_gans.prediction.engines import TorchEngine

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
CUDA = torch.device("cuda")


def windows(seed, shape=(2, 40, 56, 1)):
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def engine(precision, device=CUDA):
    return TorchEngine(load_model(find_weights(DEFAULT_MODEL)).network, device, precision)


def test_float32_is_that_of_the_cpu():
    expected = engine("float32", torch.device("cpu")).upscale(windows(0))
    assert np.abs(engine("float32").upscale(windows(0)) - expected).max() < 1e-4


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_short_types_come_close(precision):
    expected = engine("float32").upscale(windows(0))
    difference = engine(precision).upscale(windows(0)) - expected
    assert 0 < np.sqrt((difference**2).mean()) < 1 / 255


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_recorded_kernels_give_what_they_gave_before(precision):
    one = engine(precision)
    expected = [one.upscale(windows(seed)) for seed in range(2)]  # before anything is recorded
    for _ in range(4):
        for seed in range(2):
            np.testing.assert_array_equal(one.upscale(windows(seed)), expected[seed])
    assert len(one._graphs._records) == 1


def test_records_of_other_sizes_are_let_go():
    one = engine("bfloat16")
    for width in (24, 32, 40, 48):
        for _ in range(4):
            one.upscale(windows(1, (1, 24, width, 1)))
    assert len(one._graphs._records) == 2


def test_a_volume_is_the_same_twice():
    upscaler = load_upscaler(device="cuda")
    volume = (windows(3, (5, 40, 56, 1))[..., 0] * 255).astype(np.uint8)
    np.testing.assert_array_equal(upscaler(volume), upscaler(volume))
