"""The rearranged convolution against the plain one."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from super_resolution_gans.models.phase_space import (
    convolve_shuffled,
    phase_kernel,
    shuffle_pixels,
)

small = st.integers(1, 4)


@given(
    v=small, h=small, kh=st.integers(0, 5), kw=st.integers(0, 5), inputs=small, outputs=small,
    height=st.integers(1, 7), width=st.integers(1, 7), bias=st.booleans(),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_equals_a_convolution_behind_the_shuffle(
    v: int, h: int, kh: int, kw: int, inputs: int, outputs: int, height: int, width: int, bias: bool
) -> None:
    torch.manual_seed(v + 5 * h + 25 * kh + 150 * kw)
    x = torch.randn(2, inputs * v * h, height, width, dtype=torch.float64)
    weight = torch.randn(outputs, inputs, 2 * kh + 1, 2 * kw + 1, dtype=torch.float64)
    offset = torch.randn(outputs, dtype=torch.float64) if bias else None
    plain = F.conv2d(shuffle_pixels(x, (v, h)), weight, offset, padding=(kh, kw))
    torch.testing.assert_close(
        convolve_shuffled(x, weight, offset, (v, h)), plain, atol=1e-11, rtol=0
    )


@given(factor=st.integers(1, 4), channels=small, height=small, width=small)
@settings(max_examples=30, deadline=None)
def test_shuffling_is_that_of_torch_where_the_factors_are_equal(
    factor: int, channels: int, height: int, width: int
) -> None:
    x = torch.randn(2, channels * factor**2, height, width)
    assert torch.equal(shuffle_pixels(x, (factor, factor)), torch.nn.PixelShuffle(factor)(x))


def test_shuffling_by_different_factors_puts_every_channel_where_it_belongs() -> None:
    v, h, channels, height, width = 2, 3, 2, 2, 3
    x = torch.arange(channels * v * h * height * width).reshape(1, -1, height, width)
    shuffled = shuffle_pixels(x, (v, h))
    assert shuffled.shape == (1, channels, v * height, h * width)
    for c in range(channels):
        for a in range(v):
            for b in range(h):
                assert torch.equal(shuffled[0, c, a::v, b::h], x[0, c * v * h + a * h + b])


@pytest.mark.parametrize(("kernel", "factor", "expected"), [(9, 2, 5), (9, 3, 5), (3, 2, 3)])
def test_the_rearranged_kernel_is_as_small_as_it_can_be(
    kernel: int, factor: int, expected: int
) -> None:
    weight = torch.ones(1, 64, kernel, kernel)
    rearranged = phase_kernel(weight, (factor, factor))
    assert rearranged.shape == (factor**2, 64 * factor**2, expected, expected)
    assert int(rearranged.sum()) == factor**2 * 64 * kernel**2  # every tap once per phase


def test_gradients_reach_input_weight_and_bias() -> None:
    x = torch.randn(1, 4, 3, 3, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(1, 1, 5, 5, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(1, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda *arguments: convolve_shuffled(*arguments, (2, 2)), (x, weight, bias)
    )
