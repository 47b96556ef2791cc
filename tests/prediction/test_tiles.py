"""Tile geometry, by hand and by identity."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from super_resolution_gans.prediction.tiles import Span, grid, spans


def tiles_of(size, core, halo):
    """Of one slice, one by one."""
    calls = list(grid((1, *size), core, halo, batch_pixels=1))
    assert {len(call) for call in calls} == {1}
    return [tile for ((_, tile),) in calls]


def test_a_4x4_image_in_four_tiles_is_the_grid_written_by_hand():
    tiles = tiles_of((4, 4), core=(1, 1), halo=(1, 1))
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
    assert [tile.window for tile in tiles_of((4, 4), core=(2, 2), halo=(0, 0))] == [
        (slice(0, 2), slice(0, 2)),
        (slice(0, 2), slice(2, 4)),
        (slice(2, 4), slice(0, 2)),
        (slice(2, 4), slice(2, 4)),
    ]


def test_a_b_scan_of_512_by_496_is_one_tile_at_the_default_size():
    assert len(tiles_of((496, 512), (432, 432), (40, 40))) == 1


def test_axes_that_fit_into_one_window_and_one_pixel_more():
    assert spans(1, 1, 0) == spans(1, 5, 3) == (Span(0, 1, 0, 1),)
    assert spans(11, 5, 3) == (Span(0, 11, 0, 11),)
    assert spans(12, 5, 3) == (Span(0, 9, 0, 6), Span(3, 12, 6, 12))


def test_three_cores_for_two_axes_are_refused():
    for core, halo in (((4, 4, 4), (1, 1)), ((4, 4), (1,))):
        with pytest.raises(ValueError, match="zip"):
            grid((1, 9, 9), core, halo, batch_pixels=100)


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
    for tile in tiles_of(size, core, halo):
        window = image[tile.window].repeat(scale[0], axis=0).repeat(scale[1], axis=1)
        assert (tiled[tile.target(scale)] == -1).all()
        tiled[tile.target(scale)] = window[tile.inside(scale)]
    np.testing.assert_array_equal(tiled, expected)


@given(
    shape=st.tuples(st.integers(1, 5), st.integers(1, 70), st.integers(1, 70)),
    core=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    batch_pixels=st.integers(1, 5000),
)
def test_calls_hold_every_tile_once_in_order_and_no_more_than_they_may(shape, core, batch_pixels):
    cut = grid(shape, core, (3, 2), batch_pixels)
    calls = list(cut)
    everything = [piece for call in calls for piece in call]
    tiles = tiles_of(shape[1:], core, (3, 2))
    assert everything == [(index, tile) for index in range(shape[0]) for tile in tiles]
    assert cut.tiles == len(everything)
    rows, columns = tiles[0].window
    window = (rows.stop - rows.start) * (columns.stop - columns.start)
    for call in calls:
        assert len(call) == 1 or len(call) * window <= batch_pixels
        whole = len(call) % len(tiles) == 0 and call[0][1] == tiles[0]
        assert whole or len({(index, tile.rows) for index, tile in call}) == 1
    for index, tile in everything[:20]:
        needed = [call for call in calls if any((index, tile.rows) == (i, t.rows) for i, t in call)]
        assert list(cut.calls(index, [tile.rows])) == needed
        assert len(needed) == cut.calls_in_a_row


def test_small_slices_go_together_and_large_ones_alone():
    def sizes(height, width):
        return [len(call) for call in grid((9, height, width), (432, 432), (40, 40), 128 * 128)]

    assert sizes(64, 64) == [4, 4, 1]
    assert sizes(128, 128) == [1] * 9
    assert sizes(496, 512) == [1] * 9


@pytest.mark.parametrize(("length", "core", "halo"), [(0, 1, 0), (1, 0, 0), (1, 1, -1)])
def test_impossible_sizes_are_refused(length, core, halo):
    with pytest.raises(ValueError, match="no tiles"):
        spans(length, core, halo)
