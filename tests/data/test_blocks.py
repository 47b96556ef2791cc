"""The block grid against sums taken one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from super_resolution_gans.data.blocks import PADDING, block_means


@given(
    channels=st.sampled_from([1, 3]),
    height=st.integers(1, 30),
    width=st.integers(1, 30),
    dtype=st.sampled_from(["u1", "<u2"]),
    seed=st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_blocks_hold_their_mean_grey(
    channels: int, height: int, width: int, dtype: str, seed: int
) -> None:
    white = np.iinfo(dtype).max
    stored = np.random.default_rng(seed).integers(
        0, white * 250 // 255, (channels, height, width), dtype
    )
    grid = block_means(stored)
    assert grid.shape == (-(-height // 8), -(-width // 8))
    assert grid.dtype == np.uint8
    for row in range(grid.shape[0]):
        for column in range(grid.shape[1]):
            block = stored[:, 8 * row : 8 * row + 8, 8 * column : 8 * column + 8]
            assert abs(grid[row, column] - 254 * block.mean() / white) <= 0.5 + 1e-6


@pytest.mark.parametrize(("dtype", "grey", "white"), [("u1", 128, 254), ("<u2", 30000, 65300)])
@pytest.mark.parametrize("channels", [1, 3])
def test_white_that_reaches_an_edge_is_padding_wherever_it_ends(
    dtype: str, grey: int, white: int, channels: int
) -> None:
    stored = np.full((channels, 40, 48), grey, dtype)
    stored[:, :3] = white  # a strip thinner than a block
    stored[:, :, 45:] = white
    y, x = np.mgrid[:40, :48]
    stored[:, y - 30 > x] = white  # a wedge at the lower left
    expected = np.zeros((5, 6), bool)
    expected[0] = expected[:, 5] = expected[3, 0] = expected[4, :2] = True
    assert np.array_equal(block_means(stored) == PADDING, expected)


def test_saturated_tissue_is_not_padding_unless_it_fills_a_block() -> None:
    stored = np.full((1, 40, 40), 60, np.uint8)
    stored[0, 9:15, 9:15] = 255
    stored[0, 24:32, 24:32] = 255
    grid = block_means(stored)
    assert [tuple(place) for place in np.argwhere(grid == PADDING)] == [(3, 3)]
    assert grid[1, 1] == round(254 * (36 * 255 + 28 * 60) / 64 / 255)


def test_a_scan_that_is_all_white_is_all_padding() -> None:
    assert (block_means(np.full((1, 9, 17), 255, np.uint8)) == PADDING).all()
    assert (block_means(np.full((1, 9, 17), 253, np.uint8)) == 252).all()
