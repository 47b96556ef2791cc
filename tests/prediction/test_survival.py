"""Runs that are killed, meet full disks or changing inputs, or meet each other."""

import errno
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from super_resolution_gans.io import read_scan
from super_resolution_gans.prediction import PredictionError, load_upscaler, worker
from super_resolution_gans.prediction import journal as journals
from super_resolution_gans.prediction.errors import NoRoomError
from super_resolution_gans.prediction.files import upscale_files
from super_resolution_gans.prediction.journal import JOURNAL_NAME, Journal, read_journals
from super_resolution_gans.prediction.plan import make_plan

ROOT = Path(__file__).parents[2]
posix = pytest.mark.skipif(os.name == "nt", reason="signals and limits of POSIX")


@pytest.fixture(scope="module")
def nearest():
    return load_upscaler("nearest", scale=2)


def draw(path, *shape, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(seed).integers(0, 256, shape or (5, 6), np.uint8)
    if path.suffix == ".npy":
        np.save(path, values)
    elif path.suffix == ".tif":
        tifffile.imwrite(path, values, photometric="minisblack")
    else:
        Image.fromarray(values).save(path)


def run(folder, out, upscaler, **settings):
    return list(upscale_files(make_plan([folder], out), upscaler, **settings))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@posix
@pytest.mark.skipif(sys.platform == "darwin", reason="forks after threads")
def test_killed_batches_are_completed_to_the_bytes_of_a_whole_one():
    command = [sys.executable, ROOT / "tools" / "kill_batches.py", "--kills", "6", "--images", "8"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 kills" in done.stdout.splitlines()[-1]


@pytest.mark.parametrize("suffix", [".npy", ".tif", ".png"])
def test_an_input_that_changes_while_it_is_read_has_no_result(
    tmp_path, nearest, monkeypatch, suffix
):
    shape = (9, 512, 1024) if suffix != ".png" else (64, 64)  # the first two are read lazily
    draw(tmp_path / "in" / f"a{suffix}", *shape)
    draw(tmp_path / "in" / "b.png")

    def reading(source, **limits):
        scan = read_scan(source, **limits)
        if source.endswith(f"a{suffix}"):
            draw(Path(source), *shape, seed=1)
            os.utime(source, ns=(1, 1))
        return scan

    monkeypatch.setattr(worker, "read_scan", reading)
    first, second = run(tmp_path / "in", tmp_path / "out", nearest)
    assert (first.status, second.status) == ("failed", "done")
    assert first.reason == "was changed while it was read"
    assert names(tmp_path / "out") == ["b.png", JOURNAL_NAME]
    monkeypatch.undo()
    again = run(tmp_path / "in", tmp_path / "out", nearest)
    assert [outcome.status for outcome in again] == ["done", "skipped"]


@posix
@pytest.mark.parametrize("suffix", [".npy", ".tif"])
def test_a_file_that_shrinks_while_it_is_read_does_not_end_the_process(
    tmp_path, nearest, monkeypatch, suffix
):
    draw(tmp_path / "in" / f"a{suffix}", 9, 512, 1024)

    def reading(source, **limits):
        scan = read_scan(source, **limits)
        os.truncate(source, 100_000)
        return scan

    monkeypatch.setattr(worker, "read_scan", reading)
    monkeypatch.setattr(worker, "check_unchanged", lambda *_: None)  # it looks at the end
    (outcome,) = run(tmp_path / "in", tmp_path / "out", nearest)
    assert outcome.status == "failed"
    assert "it was shortened while it was read" in outcome.reason
    assert names(tmp_path / "out") == [JOURNAL_NAME]


def test_an_input_that_vanishes_is_one_line_and_the_rest_goes_on(tmp_path, nearest):
    draw(tmp_path / "in" / "a.png")
    draw(tmp_path / "in" / "b.png")
    plan = make_plan([tmp_path / "in"], tmp_path / "out")
    (tmp_path / "in" / "a.png").unlink()
    first, second = upscale_files(plan, nearest)
    assert (first.status, second.status) == ("failed", "done")
    assert "no such file" in first.reason


FULL = """
import resource, signal, sys
from super_resolution_gans.cli.commands import app
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
app(sys.argv[1:])
"""


@posix
@pytest.mark.usefixtures("unmeasured")
def test_files_that_the_system_refuses_to_write_are_failures_and_then_done(tmp_path):
    """A limit of the size of files stands for a full disk: the same calls fail."""
    for number in range(3):
        draw(tmp_path / "in" / f"{number}.png", 20, 20)
    draw(tmp_path / "in" / "large.png", 200, 200)
    options = ["upscale", tmp_path / "in", "-o", tmp_path / "out", "--model", "nearest"]
    done = subprocess.run(
        [sys.executable, "-c", FULL, *options], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert line.endswith("large.png: cannot be written: File too large")
    assert done.stdout.splitlines()[-1].startswith("3 done, 0 skipped, 1 failed; journal: ")
    assert names(tmp_path / "out") == ["0.png", "1.png", "2.png", JOURNAL_NAME]
    after = run(tmp_path / "in", tmp_path / "out", load_upscaler("nearest"))
    assert [outcome.status for outcome in after] == ["skipped"] * 3 + ["done"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("suffix", [".png", ".npy"])
def test_a_full_disk_ends_the_run_after_one_image_and_the_next_run_goes_on(
    tmp_path, nearest, monkeypatch, number, suffix
):
    for name in "abcdef":
        draw(tmp_path / "in" / f"{name}{suffix}")
    sync, asked = os.fsync, []

    def full(file):
        asked.append(file)
        if len(asked) > 1:
            raise OSError(number, os.strerror(number))
        sync(file)

    monkeypatch.setattr(os, "fsync", full)
    seen = []
    with pytest.raises(NoRoomError, match="out: there is no room left"):
        seen.extend(upscale_files(make_plan([tmp_path / "in"], tmp_path / "out"), nearest))
    monkeypatch.undo()
    lines = list(read_journals(tmp_path / "out"))
    assert [line["status"] for line in lines] == ["done", "failed"]
    assert lines[1]["reason"].endswith(f"cannot be written: {os.strerror(number)}")
    assert lines[1]["no_room"] is True
    # The image that was under way meanwhile was tried as well, and no other.
    assert len(asked) <= 3
    assert names(tmp_path / "out") == [f"a{suffix}", JOURNAL_NAME]
    again = run(tmp_path / "in", tmp_path / "out", nearest)
    assert [outcome.status for outcome in again] == ["skipped", *["done"] * 5]


def test_a_full_disk_is_the_failure_of_an_image_by_itself(tmp_path, nearest, monkeypatch):
    draw(tmp_path / "a.png")

    def full(_file):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    plan = make_plan([tmp_path / "a.png"], tmp_path / "b.png")
    (outcome,) = upscale_files(plan, nearest)
    assert outcome.reason.endswith("b.png: cannot be written: No space left on device")


@posix
def test_a_journal_may_be_shared_as_the_mask_of_its_maker_allows(tmp_path, nearest):
    draw(tmp_path / "in" / "a.png")
    before = os.umask(0o002)
    try:
        run(tmp_path / "in", tmp_path / "out", nearest)
    finally:
        os.umask(before)
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "out").iterdir()}
    assert modes == {0o664}


def test_a_journal_on_a_full_disk_ends_the_run_and_no_result_is_lost(
    tmp_path, nearest, monkeypatch
):
    for name in "abc":
        draw(tmp_path / "in" / f"{name}.png")
    write, left = os.write, [1]

    def full(file, line):
        if not left[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        left[0] -= 1
        return write(file, line[: len(line) // 2] if not left[0] else line)

    monkeypatch.setattr(journals.os, "write", full)
    with pytest.raises(PredictionError, match="jsonl: cannot be written: No space left on device"):
        run(tmp_path / "in", tmp_path / "out", nearest)
    monkeypatch.undo()
    assert "a.png" in names(tmp_path / "out")
    again = run(tmp_path / "in", tmp_path / "out", nearest)
    assert {outcome.status for outcome in again} == {"skipped", "done"}
    # The line that was cut short stays by itself.
    first, *lines = (tmp_path / "out" / JOURNAL_NAME).read_text().splitlines()
    assert not first.endswith("}")
    assert [json.loads(line)["output"] for line in lines] == ["a.png", "b.png", "c.png"]


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="permissions of POSIX")
def test_a_folder_that_cannot_be_written_to_is_one_line(tmp_path, nearest):
    draw(tmp_path / "in" / "a.png")
    (tmp_path / "out").mkdir()
    (tmp_path / "out").chmod(0o555)
    # Others may not even enter the folders of pytest.
    above = {folder: folder.stat().st_mode for folder in (tmp_path, *tmp_path.parents)}
    before = {folder: mode for folder, mode in above.items() if mode & 0o011 != 0o011}
    root = os.geteuid() == 0  # who may write anywhere
    try:
        for folder, mode in before.items():
            folder.chmod(mode | 0o011)
        if root:
            os.seteuid(65534)
        assert names(tmp_path / "out") == []
        with pytest.raises(PredictionError) as caught:
            run(tmp_path / "in", tmp_path / "out", nearest)
    finally:
        if root:
            os.seteuid(0)
        for folder, mode in before.items():
            folder.chmod(mode)
    journal = tmp_path / "out" / JOURNAL_NAME
    assert str(caught.value) == f"{journal}: cannot be written: Permission denied"


def test_two_runs_at_once_write_each_result_once(tmp_path, nearest):
    for number in range(30):
        draw(tmp_path / "in" / f"{number:02d}.png", 40, 40, seed=number)
    outcomes = []

    def work():
        outcomes.extend(run(tmp_path / "in", tmp_path / "out", nearest))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done = [outcome.target.name for outcome in outcomes if outcome.status == "done"]
    assert sorted(done) == [f"{number:02d}.png" for number in range(30)]
    assert {outcome.status for outcome in outcomes} <= {"done", "skipped"}
    assert len(outcomes) == len(list(read_journals(tmp_path / "out"))) == 60
    assert names(tmp_path / "out") == [*sorted(done), JOURNAL_NAME]


def test_journals_are_appended_to_by_several_at_once(tmp_path):
    def work(number):
        with Journal(tmp_path) as lines:
            for _ in range(100):
                lines.append({"writer": number, "text": "x" * 5000})

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    entries = [json.loads(line) for line in (tmp_path / JOURNAL_NAME).read_text().splitlines()]
    assert [entry["writer"] for entry in entries].count(3) == 100
    assert len(entries) == 400


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc")
def test_a_long_batch_keeps_its_memory_and_its_files():
    """The bound is generous; the long form prints what there is."""
    command = [sys.executable, ROOT / "benchmarks" / "long_batch.py", "300"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, env=environment)
    assert done.returncode == 0, done.stderr
    growth, files = done.stdout.splitlines()[-2:]
    assert float(growth.split(": ")[1].split(" MB")[0]) < 30
    fewest, most = (int(word) for word in files.removeprefix("descriptors: ").split(" to "))
    assert most - fewest <= 8
