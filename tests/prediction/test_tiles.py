"""Tile geometry, by hand and by identity."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from super_resolution_gans.prediction.tiles import Span, spans, tile_batches


def test_a_4x4_image_in_four_tiles_is_the_grid_written_by_hand():
    batches = tile_batches((4, 4), core=(1, 1), halo=(1, 1))
    tiles = [tile for batch in batches for tile in batch]
    first = Span(window_start=0, window_stop=3, core_start=0, core_stop=2)
    second = Span(window_start=1, window_stop=4, core_start=2, core_stop=4)
    assert [(tile.rows, tile.columns) for tile in tiles] == [
        (first, first),
        (first, second),
        (second, first),
        (second, second),
    ]
    assert tiles[1].window == (slice(0, 3), slice(1, 4))
    assert tiles[1].target((2, 3)) == (slice(0, 4), slice(6, 12))
    assert tiles[1].inside((2, 3)) == (slice(0, 4), slice(3, 9))


def test_a_4x4_image_without_halo_is_cut_into_quarters():
    batches = tile_batches((4, 4), core=(2, 2), halo=(0, 0))
    assert [tile.window for batch in batches for tile in batch] == [
        (slice(0, 2), slice(0, 2)),
        (slice(0, 2), slice(2, 4)),
        (slice(2, 4), slice(0, 2)),
        (slice(2, 4), slice(2, 4)),
    ]


def test_a_b_scan_of_512_by_496_is_one_tile_at_the_default_size():
    assert [len(batch) for batch in tile_batches((496, 512), (432, 432), (40, 40))] == [1]


@given(length=st.integers(1, 400), core=st.integers(1, 90), halo=st.integers(0, 45))
def test_cores_partition_the_axis_and_windows_are_equal_and_wide_enough(length, core, halo):
    axis = spans(length, core, halo)
    assert [s.core_start for s in axis[1:]] == [s.core_stop for s in axis[:-1]]
    assert (axis[0].core_start, axis[-1].core_stop) == (0, length)
    assert len({s.window_stop - s.window_start for s in axis}) == 1
    for s in axis:
        assert s.core_start < s.core_stop
        assert 0 <= s.window_start <= max(0, s.core_start - halo)
        assert length >= s.window_stop >= min(length, s.core_stop + halo)
        assert s.window_stop - s.window_start <= core + 2 * halo


@given(
    size=st.tuples(st.integers(1, 70), st.integers(1, 70)),
    core=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    halo=st.tuples(st.integers(0, 9), st.integers(0, 9)),
    scale=st.tuples(st.integers(1, 4), st.integers(1, 4)),
)
def test_tiling_a_nearest_neighbour_upscaling_returns_it_exactly(size, core, halo, scale):
    image = np.arange(size[0] * size[1]).reshape(size)
    expected = image.repeat(scale[0], axis=0).repeat(scale[1], axis=1)
    tiled = np.full(expected.shape, -1)
    for batch in tile_batches(size, core, halo):
        windows = np.stack([image[tile.window] for tile in batch])
        upscaled = windows.repeat(scale[0], axis=1).repeat(scale[1], axis=2)
        for tile, window in zip(batch, upscaled, strict=True):
            assert (tiled[tile.target(scale)] == -1).all()
            tiled[tile.target(scale)] = window[tile.inside(scale)]
    np.testing.assert_array_equal(tiled, expected)


def test_a_batch_is_never_larger_than_one_full_tile():
    for batch in tile_batches((600, 900), (50, 50), (7, 7)):
        rows, columns = batch[0].window
        area = (rows.stop - rows.start) * (columns.stop - columns.start)
        assert len(batch) * area <= 64 * 64


@pytest.mark.parametrize(("length", "core", "halo"), [(0, 1, 0), (1, 0, 0), (1, 1, -1)])
def test_impossible_sizes_are_refused(length, core, halo):
    with pytest.raises(ValueError, match="no tiles"):
        spans(length, core, halo)
