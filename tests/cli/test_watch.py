"""``srgan watch`` as a program: options, signals, words, exit status."""

import json
import os
import signal
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
from PIL import Image


def draw(path, height=5, width=6):
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(0).integers(0, 256, (height, width), np.uint8)
    Image.fromarray(values).save(path)


def test_once_does_what_is_there_and_says_so(tmp_path, srgan):
    draw(tmp_path / "in" / "a.png")
    options = ["-o", tmp_path / "out", "--once", "--settle", "0", "--model", "nearest"]
    result = srgan("watch", tmp_path / "in", *options)
    assert result.exit_code == 0, result.output
    assert "a.png: 6x5 -> 24x20 by nearest" in result.stdout
    assert result.stdout.splitlines()[-1].startswith("1 done, 0 skipped, 0 failed; journal: ")
    assert "0 done" in srgan("watch", tmp_path / "in", *options).stdout


def test_a_failure_is_one_line_and_status_3(tmp_path, srgan, error):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(b"no image")
    options = ["-o", tmp_path / "out", "--once", "--settle", "0", "--model", "nearest"]
    result = srgan("watch", tmp_path / "in", *options)
    assert result.exit_code == 3
    assert "a.png: " in error(result)
    assert srgan("watch", tmp_path / "in", *options).exit_code == 0


def test_options_are_those_of_upscale(tmp_path, srgan):
    draw(tmp_path / "in" / "a.png", 20, 20)
    options = ["--model", "bicubic", "--scale", "1x3", "--format", "tif", "--region", "0:10,5:15"]
    first = srgan("watch", tmp_path / "in", "-o", tmp_path / "a", "--once", "--settle", 0, *options)
    second = srgan("upscale", tmp_path / "in", "-o", tmp_path / "b", *options)
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert (tmp_path / "a" / "a.tif").read_bytes() == (tmp_path / "b" / "a.tif").read_bytes()
    journals = [(tmp_path / name / "srgan-journal.jsonl").read_text() for name in "ab"]
    assert journals[0] == journals[1]


def test_a_full_disk_is_a_warning_and_is_waited_for(tmp_path, srgan, monkeypatch):
    from super_resolution_gans.service import watch as watching

    draw(tmp_path / "in" / "a.png")
    options = ["-o", tmp_path / "out", "--settle", "0", "--model", "nearest"]
    sync = os.fsync

    def full(_file):
        monkeypatch.setattr(os, "fsync", sync)
        raise OSError(28, "No space left on device")

    def sleep(_seconds):
        if (tmp_path / "out" / "a.png").exists():
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", full)
    monkeypatch.setattr(watching, "watch", partial(watching.watch, sleep=sleep))
    result = srgan("watch", tmp_path / "in", *options)
    assert result.exit_code == 130
    assert result.stderr.splitlines()[1:] == [
        f"warning: {tmp_path / 'out'}: there is no room left; again in 60 s"
    ]
    assert "ended; 1 done, 0 skipped, 1 failed" in result.stdout


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["in", "-o", "in"], "would be upscaled again"),
        (["nowhere", "-o", "out"], "there is no such folder"),
        (["in", "-o", "out", "--format", "xyz"], "cannot be written"),
        (["in", "-o", "out.png"], "named like a file"),
        (["in", "-o", "out", "--model", "nothing"], "nothing"),
        (["in", "-o", "out", "--slice", "x"], "slice"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(tmp_path, srgan, error, monkeypatch, options, words):
    monkeypatch.chdir(tmp_path)
    draw(tmp_path / "in" / "a.png")
    result = srgan("watch", *options)
    assert result.exit_code == 2
    assert words in error(result)


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("busy", [False, True])
def test_a_stop_ends_with_a_summary_and_whole_files(tmp_path, name, busy):
    for number in range(100 if busy else 1):
        draw(tmp_path / "in" / f"{number:03d}.png", 60, 60)
    command = ["-m", "super_resolution_gans.cli", "watch", tmp_path / "in", "-o", tmp_path / "out"]
    program = subprocess.Popen(
        [sys.executable, *command, "--settle", "0.2", "--model", "bicubic", "--scale", "8"],
        # Whoever runs tests in the background has SIGINT ignored, and so would the program.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert program.stdout.readline().startswith("watching ")
    assert "60x60 -> 480x480" in program.stdout.readline()
    program.send_signal(getattr(signal, name))
    out, err = program.communicate(timeout=60)
    assert (program.returncode, err) == (128 + getattr(signal, name), "")
    assert out.splitlines()[-1].startswith("ended; ")
    journal = (tmp_path / "out" / "srgan-journal.jsonl").read_text().splitlines()
    done = [json.loads(line)["output"] for line in journal]
    written = sorted(path.name for path in (tmp_path / "out").iterdir() if path.suffix == ".png")
    assert set(done) <= set(written)
    assert len(written) - len(done) <= 1
    assert len(list((tmp_path / "out").iterdir())) == len(written) + 1
    assert len(written) < 100
