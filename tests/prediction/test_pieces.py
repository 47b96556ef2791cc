"""Upscaled pixels in pieces: made to agree, measured, and forgotten, without being there whole."""

import numpy as np
import pytest

from super_resolution_gans.prediction.consistency import BAND, Projection
from super_resolution_gans.prediction.meter import ResidualMeter
from super_resolution_gans.prediction.pieces import Piece, agreeing, clipped
from super_resolution_gans.prediction.tiles import grid
from super_resolution_gans.scan import Scan


def pieces_of(x, y, scale, core, batch_pixels=1):
    for call in grid(y.shape[:3], core, (3, 3), batch_pixels):
        for index, tile in call:
            here = tile.target((1, 1))
            yield Piece(index, tile, x[index][tile.target(scale)].copy(), y[index][here])


def pair(shape, scale, seed=0):
    generator = np.random.default_rng(seed)
    slices, height, width, *channels = shape
    larger = (slices, height * scale[0], width * scale[1], *channels)
    y = generator.random(shape, np.float32)
    return generator.random(larger, np.float32) * 1.4 - np.float32(0.2), y


@pytest.mark.parametrize("shape", [(2, 3 * BAND + 9, 23), (3, BAND, 9, 3), (5, 1, 1), (1, 200, 7)])
@pytest.mark.parametrize("core", [(1, 1), (30, 11), (BAND + 1, 500)])
@pytest.mark.parametrize("together", [1, 10**6])
def test_pieces_are_made_to_agree_to_the_bit(shape, core, together):
    if core == (1, 1) and shape[1] > 100:
        core = (17, 5)
    scale = (2, 3)
    x, y = pair(shape, scale)
    for rounds in (1, 4):
        projection = Projection(scale, rounds=rounds)
        expected = np.clip(projection(x, y), 0, 1)
        found = np.full_like(expected, np.nan)
        measured = np.full_like(y, np.nan)
        places = []
        for piece in agreeing(projection, pieces_of(x, y, scale, core, together), Scan(y)):
            found[piece.number][piece.tile.target(scale)] = piece.core
            measured[piece.number][piece.tile.target((1, 1))] = piece.measured
            places.append((piece.number, piece.tile.rows.core_start))
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(measured, y)
        assert places == sorted(places)


def test_pieces_are_asked_for_as_they_are_needed_and_not_kept():
    scale, height = (4, 4), 40 * BAND
    x, y = pair((1, height, 6), scale)
    asked = []

    def counted():
        for piece in pieces_of(x, y, scale, (BAND, 6)):
            asked.append(piece.number)
            yield piece

    projection = Projection(scale)
    ahead = -(-projection.reach[0] // BAND) + 2
    for done, _ in enumerate(agreeing(projection, counted(), Scan(y)), 1):
        assert len(asked) <= done + ahead
    assert len(asked) == len(grid((1, height, 6), (BAND, 6), (3, 3), 1).rows)


@pytest.mark.parametrize("step", [1, 2, 3, 30, 1000])
@pytest.mark.parametrize("shape", [(2, 97, 8), (2, 33, 5, 3), (3, 1, 4), (1, 5, 1)])
def test_the_meter_counts_every_row_once_in_whatever_pieces_they_come(shape, step):
    scale = (3, 2)
    x, y = pair(shape, scale, 1)
    projection = Projection(scale)
    expected = projection.residual(x, y)
    meter = ResidualMeter(projection, shape[1])
    assert meter.residual is None
    for index in range(shape[0]):
        for top in range(0, shape[1], step):
            rows = slice(top, top + step)
            meter.add(x[index, top * 3 : (top + step) * 3], y[index, rows])
    found = meter.residual
    assert found.rms == pytest.approx(expected.rms, rel=1e-6)
    assert found.largest == pytest.approx(expected.largest, rel=1e-6)
    # To the bit the same as in one piece: it goes into files.
    whole = ResidualMeter(projection, shape[1])
    for index in range(shape[0]):
        whole.add(x[index], y[index])
    assert whole.residual == found


def test_clipping_is_in_place_where_it_can_be():
    pixels = np.array([[-1.0, 0.5], [2.0, 1.0]], np.float32)
    assert clipped(pixels) is pixels
    assert pixels.tolist() == [[0.0, 0.5], [1.0, 1.0]]
    fixed = np.array([[-1.0]], np.float32)
    fixed.flags.writeable = False
    assert clipped(fixed).tolist() == [[0.0]]
    assert fixed.tolist() == [[-1.0]]
