"""The checker of the corpus: it is content with what is right, and finds what is wrong."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

ROOT = Path(__file__).parents[2]
VALUES = np.random.default_rng(0).integers(0, 65536, (3, 6, 8), np.uint16)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the tool waits as POSIX does")


def corpus(folder: Path, rows: dict[str, str]) -> Path:
    """Some good files, one that breaks off, one without a suffix that is known."""
    folder.mkdir()
    Image.fromarray((VALUES[0] >> 8).astype(np.uint8)).save(folder / "good.png")
    tifffile.imwrite(folder / "deep.tif", VALUES, photometric="minisblack")
    whole = (folder / "good.png").read_bytes()
    (folder / "short.png").write_bytes(whole[:-20])
    (folder / "good.scan").write_bytes(whole)
    lines = ["path\texpected", *(f"{path}\t{expected}" for path, expected in rows.items())]
    (folder / "manifest.tsv").write_text("\n".join(lines) + "\n")
    return folder


def check(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "tools" / "check_corpus.py"), str(folder)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_is_right_passes(tmp_path: Path) -> None:
    rows = {"good.png": "ok", "deep.tif": "ok", "short.png": "error", "good.scan": "ok"}
    done = check(corpus(tmp_path / "corpus", rows))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "nothing is wrong"
    assert "ok     done      3" in done.stdout


def test_what_is_wrong_is_found(tmp_path: Path) -> None:
    rows = {"good.png": "error", "deep.tif": "either", "short.png": "ok"}
    done = check(corpus(tmp_path / "corpus", rows))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "good.png: should be an error" in done.stdout
    assert "short.png: should be read, but: truncated PNG" in done.stdout


def test_a_missing_extra_excuses_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    import check_corpus as tool

    def found(name: str) -> str:
        if name == "imagecodecs":
            raise tool.metadata.PackageNotFoundError
        return "1.0"

    monkeypatch.setattr(tool.metadata, "version", found)
    entry = {"status": "failed", "output": "a.tif"}
    Image.new("L", (2, 2)).save(tmp_path / "a.tif")
    for extra, wrong in (("tiff", 0), ("eval", 1), ("nothing", 1)):
        reason = f'needs more: pip install "SuperResolution-GANs[{extra}]"'
        entry["reason"] = reason
        problems = tool.check_file(tmp_path / "a.tif", "ok", entry, ["error: x"], tmp_path / "o")
        assert len(list(problems)) == wrong, extra


def test_size_depth_leftovers_and_lines_are_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    import check_corpus as tool

    source, out = tmp_path / "a.tif", tmp_path / "out"
    out.mkdir()
    tifffile.imwrite(source, VALUES, photometric="minisblack")
    large = VALUES.repeat(4, 1).repeat(4, 2)
    entry = {"status": "done", "output": "a.tif", "reason": ""}

    def problems(values: np.ndarray, lines: list[str]) -> list[str]:
        tifffile.imwrite(out / "a.tif", values, photometric="minisblack")
        return list(tool.check_file(source, "ok", entry, lines, out))

    assert problems(large, []) == []
    assert "should be (3, 24, 32) large" in problems(large[:2], [])[0]
    assert "more than 8 bits before: True" in problems((large >> 8).astype(np.uint8), [])[0]
    assert "with 1 lines of error" in problems(large, ["error: x"])[0]
    (out / "a.tif").unlink()
    assert "its result is missing" in next(iter(tool.check_file(source, "ok", entry, [], out)))

    (out / ".srgan-1.tmp").touch()
    (tmp_path / "temporary").mkdir()
    (tmp_path / "temporary" / tool.CANARY).touch()
    report = tool.Report()
    tool.check_folders(out, tmp_path / "temporary", set(), report)
    assert [line.split(": ")[1] for line in report.problems] == [
        "is left over",
        "is left over",
        "code from a file was executed",
    ]
    report = tool.Report()
    lines = ["error: a: b", "Traceback (most recent call last):"]
    tool.check_run(tool.Run(-11, lines, 0.0, 5 << 30), report)
    assert len(report.problems) == 3
