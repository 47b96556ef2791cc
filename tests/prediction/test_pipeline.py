"""Reading ahead and writing behind: nothing out of order, nothing lost, nothing left running."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from super_resolution_gans.prediction import pipeline
from super_resolution_gans.prediction.pieces import Piece
from super_resolution_gans.prediction.pipeline import AbandonedError, Handover, ahead
from super_resolution_gans.prediction.tiles import grid
from super_resolution_gans.scan import Scan, ScanError

LONG = 60  # seconds until a test is taken for hung


def threads():
    return [t.name for t in threading.enumerate() if t.name.startswith("srgan-")]


def test_items_come_in_order_and_one_is_made_while_another_is_used():
    made, second = [], threading.Event()

    def items():
        for number in range(5):
            made.append(number)
            if number == 1:
                second.set()
            yield number

    used = []
    for item in ahead(items()):
        assert second.wait(LONG)
        used.append(item)
        assert len(made) <= item + 2
    assert used == [0, 1, 2, 3, 4]
    assert threads() == []


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_what_goes_wrong_is_raised_where_the_item_would_have_come(kind):
    def items():
        yield 1
        yield 2
        raise kind("third")

    got = []
    with pytest.raises(kind, match="third"):
        got.extend(ahead(items()))
    assert threads() == []
    # Lists keep nothing of an iterable that fails; one by one they had come.
    assert got in ([], [1, 2])


def test_closing_ends_the_thread():
    source = ahead(iter(range(100)))
    assert next(source) == 0
    assert threads()
    source.close()
    assert threads() == []


def volume(*shape, dtype=np.uint16):
    low, high = (0.0, 1.0) if np.dtype(dtype).kind == "f" else (0.0, float(np.iinfo(dtype).max))
    pixels = np.random.default_rng(0).random(shape, np.float32)
    return Scan(pixels, dtype=np.dtype(dtype), value_range=(low, high))


def pieces_of(scan, upscaled, core):
    for call in grid(scan.shape[:3], core, (2, 2), batch_pixels=500):
        for index, tile in call:
            measured = scan.pixels[index][tile.target((1, 1))]
            yield Piece(index, tile, upscaled[index][tile.target((2, 3))], measured)


@pytest.mark.parametrize("shape", [(3, 20, 17), (2, 9, 30, 3), (1, 1, 1)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("step", [1, 7, 1000])
def test_what_is_given_in_pieces_is_taken_in_rows(shape, dtype, step):
    scan = volume(*shape, dtype=dtype)
    upscaled = np.asarray(scan.pixels).repeat(2, 1).repeat(3, 2)
    expected = Scan(upscaled, dtype=scan.dtype, value_range=scan.value_range).to_array()
    handover = Handover(scan, (2, 3))
    assert handover.shape == expected.shape

    def taken():
        result = Scan(handover, dtype=scan.dtype, value_range=scan.value_range)
        return [
            np.concatenate(
                [
                    result.stored_slice(i, slice(top, top + step))
                    for top in range(0, result.height, step)
                ]
            )
            for i in range(result.slices)
        ]

    with ThreadPoolExecutor(1) as writer:
        future = writer.submit(taken)
        for piece in pieces_of(scan, upscaled, (6, 7)):
            handover.give(piece)
        handover.end()
        np.testing.assert_array_equal(future.result(LONG), expected)


def test_the_network_waits_while_much_lies_untaken(monkeypatch):
    monkeypatch.setattr(pipeline, "_ROOM", 1)
    scan = volume(4, 8, 8)
    upscaled = np.asarray(scan.pixels).repeat(2, 1).repeat(3, 2)
    handover, given = Handover(scan, (2, 3)), []

    def give():
        for piece in pieces_of(scan, upscaled, (100, 100)):
            handover.give(piece)
            given.append(piece)

    with ThreadPoolExecutor(1) as network:
        future = network.submit(give)
        for index in range(4):
            # One is taken, one lies there, and one may just have been given.
            assert len(given) <= index + 1
            handover.read_stored(index, slice(0, 16), slice(0, 24))
        future.result(LONG)
    assert len(given) == 4


def test_a_side_that_ends_lets_the_other_go_on():
    scan = volume(2, 8, 8)
    (piece, *_) = pieces_of(scan, np.asarray(scan.pixels).repeat(2, 1).repeat(3, 2), (9, 9))
    handover = Handover(scan, (2, 3))
    with ThreadPoolExecutor(1) as other:
        future = other.submit(handover.read_stored, 0, slice(0, 16), slice(0, 24))
        handover.end(abandon=True)
        with pytest.raises(AbandonedError):
            future.result(LONG)
    with pytest.raises(AbandonedError):
        handover.check()
    with pytest.raises(AbandonedError):
        handover.give(piece)
    # What was given before a normal end is there, and no more.
    handover = Handover(scan, (2, 3))
    handover.give(piece)
    handover.end()
    handover.check()
    assert handover.read(0, slice(0, 16), slice(0, 24)).shape == (16, 24)
    with pytest.raises(AbandonedError):
        handover.read(1, slice(0, 16), slice(0, 24))


def test_rows_are_read_once_and_in_turn():
    scan = volume(1, 8, 8)
    (piece,) = pieces_of(scan, np.asarray(scan.pixels).repeat(2, 1).repeat(3, 2), (9, 9))
    handover = Handover(scan, (2, 3))
    handover.give(piece)
    with pytest.raises(ValueError, match="out of turn"):
        handover.read_stored(1, slice(0, 4), slice(0, 24))


def test_pixels_that_are_not_finite_are_no_result():
    scan = volume(1, 8, 8)
    handover = Handover(scan, (2, 3))
    for piece in pieces_of(scan, np.full((1, 16, 24), np.nan, np.float32), (9, 9)):
        handover.give(piece)
    with pytest.raises(ScanError, match="NaN"):
        handover.read_stored(0, slice(0, 16), slice(0, 24))
