"""Memory that runs out: smaller tiles, the same result, one sentence."""

import weakref

import numpy as np
import pytest
from typer.testing import CliRunner

from super_resolution_gans.prediction.engines import WHOLE, OutOfMemoryError
from super_resolution_gans.prediction.engines.contract import BATCH_PIXELS
from super_resolution_gans.prediction.interpolation import Interpolation
from super_resolution_gans.prediction.provenance import Provenance
from super_resolution_gans.prediction.upscale import Upscaler
from super_resolution_gans.scan import Scan


class Small:
    """Bicubic doubling on a device that holds ``room`` input pixels."""

    channels, scale, tiles = 1, (2, 2), True
    halo, core, batch_pixels = (2, 2), (200, 200), BATCH_PIXELS

    def __init__(self, room, error=None):
        self.room, self.windows, self.failed = room, [], 0
        self.error = error or OutOfMemoryError("toaster", "too much")
        self._engine = Interpolation("bicubic", (2, 2))

    def upscale(self, windows):
        if windows[..., 0].size > self.room:
            self.failed += 1
            raise self.error
        self.windows.append(windows.shape[:3])
        return self._engine.upscale(windows)


def upscaler_of(engine, tile=None):
    return Upscaler(engine, Provenance("small", None, (2, 2), "float32", "cpu", "0"), tile)


def pixels(*shape):
    return np.random.default_rng(0).random(shape, np.float32)


def warnings_in(caplog):
    return [r.getMessage() for r in caplog.records if r.name.startswith("super_resolution_gans")]


@pytest.mark.parametrize("shape", [(150, 170), (90, 400), (2, 130, 120), (150, 170, 3)])
@pytest.mark.parametrize("error", [None, MemoryError()])
def test_smaller_tiles_give_the_same_and_it_is_said_once(shape, error, caplog):
    image = pixels(*shape)
    engine = Small(60 * 60, error)
    upscaler = upscaler_of(engine)
    result = upscaler(image)
    np.testing.assert_allclose(result, upscaler_of(Small(WHOLE))(image), atol=1e-6)
    (message,) = warnings_in(caplog)
    assert message.startswith("out of memory: going on in tiles of ")
    assert "\n" not in message
    assert max(n * h * w for n, h, w in engine.windows) <= 60 * 60
    # Now it is known, so nothing fails and nothing is said.
    failed = engine.failed
    np.testing.assert_allclose(upscaler(image), result, atol=1e-6)
    assert engine.failed == failed
    assert len(warnings_in(caplog)) == 1


def test_the_next_image_is_planned_with_the_smaller_tiles():
    engine = Small(60 * 60)
    upscaler = upscaler_of(engine)
    totals = []
    for _ in range(2):
        upscaler(pixels(450, 570), on_batch=lambda done, total: totals.append((done, total)))
    assert totals[8] == (9, 9)
    # What is planned is what goes through.
    assert totals[-1] == (totals[-1][1], len(totals) - 9)
    assert totals[-1][1] > 9


def test_a_batch_is_first_taken_apart(caplog):
    engine = Small(40 * 40)
    volume = pixels(9, 40, 40)
    result = upscaler_of(engine)(volume)
    np.testing.assert_allclose(result, upscaler_of(Small(WHOLE))(volume), atol=1e-6)
    assert set(engine.windows) == {(1, 40, 40)}
    assert engine.failed == 1
    assert warnings_in(caplog) == ["out of memory: going on with one tile at a time"]


def test_lazy_results_back_off_too():
    engine = Small(60 * 60)
    image = pixels(2, 150, 170)
    lazy = upscaler_of(engine).lazily(Scan(image)).load()
    np.testing.assert_allclose(lazy.pixels, upscaler_of(Small(WHOLE))(image), atol=1e-6)
    assert engine.failed


def test_below_the_smallest_tile_it_is_an_error():
    engine = Small(10)
    with pytest.raises(OutOfMemoryError, match="toaster: too much"):
        upscaler_of(engine)(pixels(150, 170))
    assert engine.failed < 10


def test_the_smallest_tile_is_not_smaller_than_the_halo():
    engine = Small(20)
    engine.halo, engine.core = (50, 50), (400, 400)
    upscaler = upscaler_of(engine)
    with pytest.raises(OutOfMemoryError):
        upscaler(pixels(600, 700))
    assert upscaler._engines["fast"].core == (50, 50)


def test_what_cannot_be_tiled_gets_the_plain_error(caplog):
    engine = Small(10)
    engine.tiles, engine.halo, engine.core = False, (0, 0), (WHOLE, WHOLE)
    with pytest.raises(OutOfMemoryError, match="toaster: too much"):
        upscaler_of(engine)(pixels(150, 170))
    assert engine.failed == 1
    assert warnings_in(caplog) == []


def test_what_the_failed_attempt_held_is_free_before_the_next():
    class Held:
        pass

    kept = []

    class Holding(Small):
        def upscale(self, windows):
            assert all(reference() is None for reference in kept)
            held = Held()
            kept.append(weakref.ref(held))
            try:
                if windows[..., 0].size > self.room:
                    raise RuntimeError("out of memory")
            except RuntimeError:
                raise OutOfMemoryError("toaster", "too much") from None
            return super().upscale(windows)

    upscaler_of(Holding(60 * 60))(pixels(150, 170))
    assert len(kept) > 3


def test_the_command_line_says_it_and_goes_on(tmp_path, monkeypatch):
    import typer
    from PIL import Image

    from super_resolution_gans.cli.upscale import upscale

    (tmp_path / "in").mkdir()
    for name in "ab":
        image = (pixels(150, 170) * 255).astype(np.uint8)
        Image.fromarray(image).save(tmp_path / "in" / f"{name}.png")
    work = Interpolation.upscale

    def limited(self, windows):
        if windows[..., 0].size > 60 * 60:
            raise OutOfMemoryError("toaster", "too much")
        return work(self, windows)

    app = typer.Typer()
    app.command()(upscale)
    options = ["--model", "bicubic", "--scale", "2"]
    CliRunner().invoke(app, [str(tmp_path / "in"), "-o", str(tmp_path / "whole"), *options])
    monkeypatch.setattr(Interpolation, "upscale", limited)
    result = CliRunner().invoke(app, [str(tmp_path / "in"), "-o", str(tmp_path / "out"), *options])
    assert result.exit_code == 0
    (line,) = result.stderr.splitlines()
    assert line.startswith("warning: out of memory: going on in tiles of ")
    for name in ("a.png", "b.png"):
        whole, tiled = (Image.open(tmp_path / folder / name) for folder in ("whole", "out"))
        difference = np.asarray(whole).astype(int) - np.asarray(tiled)
        assert np.abs(difference).max() <= 1
