"""read_scan: which reader, and what it says of everything that is no scan."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from super_resolution_gans.io import READABLE_SUFFIXES, ReadError, read_scan


def _refusal(path: Path | str) -> str:
    with pytest.raises(ReadError) as caught:
        read_scan(path)
    message = str(caught.value)
    assert "\n" not in message
    assert isinstance(caught.value, ValueError)
    return message


def test_an_empty_name_is_said() -> None:
    assert "an empty name" in _refusal("")


def test_every_readable_suffix_is_one_that_is_read_and_in_lower_case(tmp_path: Path) -> None:
    assert {".png", ".jpeg", ".tif", ".npy", ".webp", ".bmp", ".gif"} <= set(READABLE_SUFFIXES)
    for suffix in READABLE_SUFFIXES:
        assert suffix == suffix.lower()
        path = tmp_path / f"a{suffix}"
        path.write_bytes(b"hello")
        unknown = "dimensions not certain" if suffix == ".img" else "nor any other known format"
        assert unknown in _refusal(path)


def test_the_content_decides_not_the_suffix(tmp_path: Path) -> None:
    values = np.arange(12, dtype=np.uint8).reshape(3, 4)
    for name in ("a.tif", "b.jpg", "c.dcm", "d", "e.npy"):
        Image.fromarray(values).save(tmp_path / name, "PNG")
        np.testing.assert_array_equal(read_scan(tmp_path / name).to_array()[0], values)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.png", b"", "empty file"),
        ("a.png", b"<!DOCTYPE html><html>not found</html>", "format not supported: HTML"),
        ("a.png", b"\x1f\x8b\x08\0", "gzip; decompress it first"),
        ("a.png", b"hello", "not a PNG file"),
        ("a.txt", b"hello", "not in a known format .known are DICOM, PNG"),
        ("a.svg", b"<svg/>", "not supported: SVG"),
        (
            "a.xml",
            b"<?xml version='1.0'?><svg/>",
            "not supported: XML that is no Heidelberg export",
        ),
        ("a.dcm", bytes(128) + b"DICM" + bytes(9), "a DICOM file without pixels"),
        ("a", b"II*\0" + bytes(124) + b"DICM", "a DICOM file without pixels"),
        ("a.dcm", bytes(500), "not a DICOM file"),
        ("a.vol", b"HSF-OCT-103", "the header would end behind the end of the file"),
        ("a.E2E", bytes(50), "not a Heidelberg .E2E file"),
        ("a.fda", b"FOCTFDA", "truncated"),
        ("a.img", bytes(1000), "dimensions not certain"),
        ("a.npz", b"PK\x03\x04", "damaged ZIP"),
        ("a.tif", b"II*\0", "truncated TIFF"),
        ("a.tif", b"MM\0*\0\0\0\0", "without pages"),
        ("a.npy", b"\x93NUMPY\x01\0", "damaged"),
        ("a.png", b"\x89PNG\r\n\x1a\n", "truncated PNG"),
        ("a.jpg", b"\xff\xd8\xff", "damaged"),
        ("a.bmp", b"BM", "damaged"),
    ],
)
def test_what_is_no_scan_gets_one_line(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    message = _refusal(path)
    assert message.startswith(f"{path}: ")
    with pytest.raises(ReadError, match=words):
        read_scan(path)


def test_a_missing_file_and_a_folder_get_one_line(tmp_path: Path) -> None:
    assert "no such file" in _refusal(tmp_path / "none.png")
    assert "a folder" in _refusal(tmp_path)
    assert "null" in _refusal("a\0b.png")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    assert "not a regular file" in _refusal(tmp_path / "pipe.png")


def test_a_forbidden_file_gets_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"x")

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)  # chmod means nothing to root
    assert "permission denied" in _refusal(path)


def test_names_with_control_characters_are_shown_escaped(tmp_path: Path) -> None:
    assert "a\\nb\\x1b" in _refusal(tmp_path / "a\nb\x1b.png")


def test_a_path_of_any_kind_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "Auge \u00e9\u4e2d #1%20?.png"
    Image.fromarray(np.zeros((2, 3), np.uint8)).save(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert read_scan(name).shape == (1, 2, 3)
    assert read_scan(tmp_path / name).source == str(tmp_path / name)


def test_importing_the_room_loads_neither_torch_nor_pillow_nor_tifffile() -> None:
    program = (
        "import sys, super_resolution_gans.io; "
        "print(sorted({'torch', 'PIL', 'tifffile', 'httpx'} & set(sys.modules)))"
    )
    out = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert out.stdout.strip() == "[]"


def test_a_damaged_lzw_strip_prints_nothing_beside_the_error(tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("libtiff is only found in Pillow's wheels for Linux and macOS")
    path = tmp_path / "a.tif"
    values = np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8)
    Image.fromarray(values).save(path, compression="tiff_lzw")
    damaged = bytearray(path.read_bytes())
    damaged[60:90] = b"\xff" * 30
    path.write_bytes(bytes(damaged))
    program = (
        "import sys\nfrom super_resolution_gans.io import ReadError, read_scan\n"
        "try: read_scan(sys.argv[1])\nexcept ReadError: print('refused')"
    )
    out = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
    )
    assert (out.stdout, out.stderr) == ("refused\n", "")


def test_reading_leaves_the_file_alone(tmp_path: Path) -> None:
    path, copy = tmp_path / "a.npy", tmp_path / "b.npy"
    np.save(path, np.arange(6.0).reshape(2, 3))
    shutil.copy(path, copy)
    read_scan(path, lazy_above=0).load()
    assert path.read_bytes() == copy.read_bytes()
