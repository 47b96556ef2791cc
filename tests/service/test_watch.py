"""A watched folder: complete files are upscaled once, whatever else happens in it."""

import json
import os
import shutil

import numpy as np
import pytest
from PIL import Image

from super_resolution_gans.io import write_scan
from super_resolution_gans.prediction import PredictionError, load_upscaler
from super_resolution_gans.prediction.journal import JOURNAL_NAME
from super_resolution_gans.scan import Scan
from super_resolution_gans.service.watch import Watch, watch


@pytest.fixture(scope="module")
def nearest():
    return load_upscaler("nearest", scale=2)


def draw(path, height=5, width=6, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)
    Image.fromarray(values).save(path, format="PNG")


class World:
    """A folder, a clock that only moves in sleep, and what happens at which second."""

    def __init__(self, source, upscaler):
        self.source, self.upscaler = source, upscaler
        self.now, self.events = 0.0, {}
        source.mkdir(exist_ok=True)

    def at(self, second, event):
        self.events.setdefault(second, []).append(event)

    def run(self, seconds=None, *, settle=3, out=None, **settings):
        """Outcomes as (second, status, result) of a watch for so long, or of one ``once``."""
        start = self.now
        folder = Watch(self.source, out or self.source.with_name("out"), settle=settle)
        self.absences = []

        def sleep(duration):
            assert duration > 0
            if seconds is not None and self.now - start >= seconds:
                raise KeyboardInterrupt
            self.now += duration
            for second in sorted(self.events):
                if second <= self.now:
                    for event in self.events.pop(second):
                        event()

        outcomes = watch(
            folder,
            self.upscaler,
            interval=1,
            once=seconds is None,
            on_absence=self.absences.append,
            clock=lambda: self.now,
            sleep=sleep,
            **settings,
        )
        seen = []
        try:
            for outcome in outcomes:
                seen.append((self.now - start, outcome.status, outcome.target.name))
        except KeyboardInterrupt:
            pass
        self.waiting = folder.waiting
        return seen


@pytest.fixture
def world(tmp_path, nearest):
    return World(tmp_path / "in", nearest)


def journal(folder):
    return [json.loads(line) for line in (folder / JOURNAL_NAME).read_text().splitlines()]


def test_a_file_is_done_once_when_it_has_settled(world, tmp_path):
    world.at(2, lambda: draw(world.source / "a.png"))
    assert world.run(20) == [(5, "done", "a.png")]
    with Image.open(tmp_path / "out" / "a.png") as result:
        assert result.size == (12, 10)


def test_a_file_that_grows_is_left_until_it_has_grown(world, tmp_path):
    draw(tmp_path / "whole.png", 60, 60)
    whole = (tmp_path / "whole.png").read_bytes()
    for second in range(1, 9):
        part = whole[: len(whole) * second // 8]
        world.at(second, lambda part=part: (world.source / "a.png").write_bytes(part))
    assert world.run(20) == [(11, "done", "a.png")]


def test_a_copy_with_an_old_time_of_change_has_to_settle_too(world):
    def arrive():
        draw(world.source / "a.png")
        os.utime(world.source / "a.png", (0, 0))

    world.at(1, arrive)
    assert world.run(20) == [(4, "done", "a.png")]


def test_a_file_that_stalls_fails_and_is_done_when_the_rest_comes(world, tmp_path):
    draw(tmp_path / "whole.png", 60, 60)
    whole = (tmp_path / "whole.png").read_bytes()
    world.at(1, lambda: (world.source / "a.png").write_bytes(whole[:-500]))
    world.at(10, lambda: (world.source / "a.png").write_bytes(whole))
    assert world.run(30) == [(4, "failed", "a.png"), (13, "done", "a.png")]


def test_names_of_files_on_their_way_are_left_out(world):
    names = ["a.png.part", "b.png.tmp", "c.png~", "~d.png", ".e.png", "f.part.png", "new.tmp/g.png"]
    for name in names:
        draw(world.source / name)
    assert world.run(10) == []
    (world.source / "a.png.part").rename(world.source / "a.png")
    (world.source / "new.tmp").rename(world.source / "new")
    assert [name for _, _, name in world.run(10)] == ["a.png", "g.png"]


def test_folders_are_mirrored_and_a_series_of_slices_is_one_scan(world, tmp_path):
    draw(world.source / "left" / "deep" / "a.png")
    values = np.random.default_rng(1).integers(0, 256, (3, 8, 9), np.uint8)
    write_scan(Scan.from_array(values), tmp_path / "eye.pngs")
    for number, name in enumerate(["000.png", "001.png", "002.png", "series.json"]):
        (world.source / "eye.pngs").mkdir(exist_ok=True)
        world.at(
            5 * number + 1,
            lambda name=name: shutil.copy(tmp_path / "eye.pngs" / name, world.source / "eye.pngs"),
        )
    assert world.run(30) == [(3, "done", "a.png"), (19, "done", "eye.pngs")]
    assert (tmp_path / "out" / "left" / "deep" / "a.png").is_file()
    assert len(list((tmp_path / "out" / "eye.pngs").glob("*.png"))) == 3


def test_what_was_done_stays_done_after_a_restart(world, tmp_path):
    draw(world.source / "a.png")
    assert len(world.run(10)) == 1
    lines = journal(tmp_path / "out")
    assert world.run(10) == []
    draw(world.source / "b.png")
    assert [name for _, _, name in world.run(10)] == ["b.png"]
    assert journal(tmp_path / "out")[: len(lines)] == lines
    assert len(journal(tmp_path / "out")) == 2


def test_a_result_that_somebody_fetches_is_not_made_again(world, tmp_path):
    draw(world.source / "a.png")
    world.at(6, (tmp_path / "out" / "a.png").unlink)
    assert len(world.run(20)) == 1
    assert world.run(20) == []
    draw(world.source / "a.png", seed=1)  # another scan by that name
    assert [name for _, _, name in world.run(20)] == ["a.png"]


def test_a_result_that_is_called_otherwise_is_known_after_a_restart(world, tmp_path):
    Image.new("L", (4, 3)).save(world.source / "a.gif")
    assert world.run(10) == [(3, "done", "a.png")]
    (tmp_path / "in" / "a.gif").touch()
    assert world.run(10) == []
    assert len(journal(tmp_path / "out")) == 1


@pytest.mark.parametrize("restarts", [False, True])
def test_what_failed_is_tried_again_only_when_it_changes(world, restarts):
    (world.source / "a.png").write_bytes(b"no image")
    world.at(20, lambda: draw(world.source / "a.png"))
    first = world.run(15 if restarts else 40)
    assert first[0] == (3, "failed", "a.png")
    seen = [*first[1:], *(world.run(20) if restarts else [])]
    assert [(status, name) for _, status, name in seen] == [("done", "a.png")]


def test_what_is_renamed_or_deleted_while_it_waits_is_forgotten(world):
    draw(world.source / "a.png")
    draw(world.source / "b.png")
    world.at(2, lambda: (world.source / "a.png").rename(world.source / "c.png"))
    world.at(2, (world.source / "b.png").unlink)
    assert world.run(20) == [(5, "done", "c.png")]


def test_two_images_for_one_result_are_said_once(world):
    draw(world.source / "a.png")
    draw(world.source / "a.npy")  # a PNG by content; its result is a.npy, too
    assert sorted(name for _, _, name in world.run(20)) == ["a.npy", "a.png"]
    folder = Watch(world.source, world.source.with_name("tifs"), settle=0, format="tif")
    plan = folder.look(0)
    assert [bool(job.problem) for job in plan.jobs] == [False, True]
    outcomes = list(watch(folder, world.upscaler, interval=1, once=True))
    assert [outcome.status for outcome in outcomes] == ["done", "failed"]
    assert "already that of" in outcomes[1].reason
    assert folder.look(0).jobs == ()


def test_the_results_may_lie_in_the_folder_but_not_around_it(tmp_path, nearest):
    world = World(tmp_path / "in", nearest)
    draw(world.source / "a.png")
    assert len(world.run(20, out=world.source / "out")) == 1
    assert world.run(20, out=world.source / "out") == []
    for out in (world.source, tmp_path, tmp_path / "in" / ".." / "in"):
        with pytest.raises(PredictionError, match="would be upscaled again"):
            Watch(world.source, out, settle=1)
    for name, words in (("nowhere", "there is no such folder"), ("a.png", "is no folder of scans")):
        with pytest.raises(PredictionError, match=words):
            Watch(world.source / name, tmp_path / "other", settle=1)
    assert not (tmp_path / "other").exists()


def test_a_folder_that_goes_away_is_waited_for(world):
    draw(world.source / "a.png")
    away = world.source.with_name("away")
    world.at(5, lambda: world.source.rename(away))
    world.at(9, lambda: (away.rename(world.source), draw(world.source / "b.png")))
    assert [name for _, _, name in world.run(20)] == ["a.png", "b.png"]
    assert world.absences == [True, False]


def test_a_full_disk_is_waited_for_and_what_did_not_fit_is_done_then(world, monkeypatch):
    for name in "abc":
        draw(world.source / f"{name}.png")
    sync, told = os.fsync, []
    full = {"until": 100.0}

    def syncing(file):
        if world.now < full["until"]:
            raise OSError(28, "No space left on device")
        sync(file)

    monkeypatch.setattr(os, "fsync", syncing)
    seen = world.run(seconds=200, on_full=lambda *what: told.append(what))
    assert seen[0] == (3, "failed", "a.png")
    assert {second for second, status, _ in seen if status == "failed"} == {3, 63}
    assert [(second, name) for second, status, name in seen if status == "done"] == [
        (123, "a.png"),
        (123, "b.png"),
        (123, "c.png"),
    ]
    assert [(str(problem), pause) for problem, pause in told] == [
        (f"{world.source.with_name('out')}: there is no room left", 60.0)
    ] * 2
    full["until"] = 1e9
    draw(world.source / "d.png")
    with pytest.raises(PredictionError, match="no room"):
        world.run()
    # A restart does not take for settled what only found no room.
    full["until"] = 0
    assert world.run() == [(3, "done", "d.png")]


def test_a_large_folder_is_not_looked_at_all_the_time(world, tmp_path, nearest):
    folder = Watch(world.source, tmp_path / "out", settle=0)
    pauses, ticks = [], iter(range(0, 10_000, 7))

    def sleep(pause):
        pauses.append(pause)
        if len(pauses) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(watch(folder, nearest, interval=2, clock=lambda: next(ticks), sleep=sleep))
    assert pauses == [70.0] * 3  # a look took 7 s


def test_of_a_large_folder_more_is_done_between_two_looks(world, tmp_path):
    for number in range(2000):
        (world.source / f"{number:04d}.png").touch()
    folder = Watch(world.source, tmp_path / "out", settle=0)
    assert len(folder.look(0).jobs) == 20


def test_a_folder_that_cannot_be_listed_is_waited_for(world, monkeypatch):
    draw(world.source / "a.png")
    scandir, closed = os.scandir, [True]

    def refusing(path="."):
        if closed[0] and os.fspath(path) == os.fspath(world.source):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    world.at(5, closed.clear)
    world.at(5, lambda: closed.append(False))
    assert world.run(seconds=20) == [(8, "done", "a.png")]
    assert world.absences == [True, False]


def test_once_does_what_is_complete_and_ends(world):
    for number in range(20):
        draw(world.source / f"{number:02d}.png")
    for second in (1, 2, 3):
        world.at(second, lambda second=second: draw(world.source / "20.png", seed=second))
    seen = world.run()
    assert [name for _, _, name in seen] == [f"{number:02d}.png" for number in range(20)]
    assert {second for second, _, _ in seen} == {3}
    assert world.waiting == 1
    assert world.run(settle=0) == [(0, "done", "20.png")]
    assert world.run(settle=0) == []


def test_journals_that_cannot_be_read_are_one_line(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "out" / JOURNAL_NAME).mkdir(parents=True)
    with pytest.raises(PredictionError, match=r"srgan-journal.jsonl: cannot be read"):
        Watch(tmp_path / "in", tmp_path / "out", settle=1)


def test_a_journal_of_anything_is_survived(world, tmp_path):
    (tmp_path / "out").mkdir()
    lines = ["[1]", "null", "{}", '{"output": 1, "input": []}', '{"output": "", "input": ""}', "{"]
    lines.append('{"output": "a.png", "input": "a.png", "status": "failed", "input_sha256": 3}')
    (tmp_path / "out" / JOURNAL_NAME).write_text("\n".join(lines))
    draw(world.source / "a.png")
    assert world.run(10) == [(3, "done", "a.png")]
