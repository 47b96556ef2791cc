"""``srgan info``: scans and models, told apart by what is in them."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result

from super_resolution_gans.io import write_scan
from super_resolution_gans.prediction.provenance import sha256
from super_resolution_gans.scan import Scan

Srgan = Callable[..., Result]

GOLDEN = Path(__file__).parents[1] / "models" / "golden"
OLD = GOLDEN / "first_keras2.h5"
SPACING = (0.12, 0.0039, None)


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    values = np.random.default_rng(0).integers(1, 255, (4, 20, 30), dtype=np.uint8)
    values[0, :6] = 0
    values[1, :3] = 255
    write_scan(Scan.from_array(values, spacing=SPACING), tmp_path / "eye.tif")
    return tmp_path / "eye.tif"


def _words(result: Result) -> dict[str, str]:
    lines = [line.split("  ", 1) for line in result.stdout.splitlines() if line]
    return {name: text.strip() for name, text in lines}


def test_a_scan_is_told_in_words(volume: Path, srgan: Srgan) -> None:
    result = srgan("info", volume)
    assert (result.exit_code, result.stderr) == (0, "")
    assert _words(result) == {
        "file": str(volume),
        "format": "TIFF",
        "size": "4 slices of 30 x 20 pixels, grey",
        "numbers": "uint8, 0 is black and 255 is white",
        "minimum": "0",
        "maximum": "255",
        "mean": _words(result)["mean"],
        "exactly black": "7.5000% of pixels",
        "exactly white": "3.7500% of pixels",
        "spacing": "0.12 mm between slices, 0.0039 mm between rows, unknown between columns",
        "in mm": "0.48 mm across slices, 0.078 mm high, unknown wide",
        "sha256": sha256(volume),
    }


def test_nothing_known_of_sizes_is_said_in_one_word(tmp_path: Path, srgan: Srgan) -> None:
    np.save(tmp_path / "a.npy", np.ones((3, 4), np.uint8))
    words = _words(srgan("info", tmp_path / "a.npy"))
    assert words["spacing"] == words["in mm"] == "unknown"
    assert words["size"] == "1 slice of 4 x 3 pixels, grey"


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", ".ome.tif", ".zarr", ".npz"])
def test_a_result_of_ours_says_how_it_was_made(
    tmp_path: Path, volume: Path, suffix: str, srgan: Srgan
) -> None:
    out = tmp_path / f"b{suffix}"
    done = srgan("upscale", volume, "-o", out, "--model", "nearest", "--slice", "2", "--scale", 2)
    assert done.exit_code == 0, done.stderr
    words = _words(srgan("info", out))
    assert words["made: note"] == "computed super-resolution, not a measurement"
    assert words["made: input_sha256"] == sha256(volume)
    assert words["made: model"] == "nearest"
    assert words["made: selection"] == '{"axis": "bscan", "slices": [2, 3]}'
    assert words["sha256"] == sha256(out)
    document = json.loads(srgan("info", out, "--json").stdout)
    assert document["about"]["scale"] == [2, 2]


def test_as_json_one_file_is_a_document_and_several_are_a_list(volume: Path, srgan: Srgan) -> None:
    document = json.loads(srgan("info", volume, "--json").stdout)
    assert document["file"] == str(volume)
    assert document["spacing_mm"] == [0.12, 0.0039, None]
    assert document["numbers"]["black"] == 0.075
    both = json.loads(srgan("info", volume, OLD, "--json").stdout)
    assert both[0] == document
    assert "Keras SRGAN" in both[1]["network"]
    assert "card" in both[1]


def test_scans_and_models_in_one_call(volume: Path, srgan: Srgan) -> None:
    result = srgan("info", volume, "oct-srresnet-x4", OLD)
    assert result.exit_code == 0
    assert "4 slices of 30 x 20" in result.stdout
    assert "SRResNet of 16 blocks" in result.stdout
    assert "Keras SRGAN" in result.stdout


def test_the_content_decides_whatever_the_name(tmp_path: Path, volume: Path, srgan: Srgan) -> None:
    (tmp_path / "scan.h5").write_bytes(volume.read_bytes())
    assert "4 slices of 30 x 20" in srgan("info", tmp_path / "scan.h5").stdout
    (tmp_path / "model.tif").write_bytes(OLD.read_bytes())
    assert "Keras SRGAN" in srgan("info", tmp_path / "model.tif").stdout


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("none.tif", None, "no such file"),
        ("none.h5", None, "no such file"),
        ("nobody", None, "no such model"),
        ("a.tif", b"II*\0", "truncated TIFF"),
        ("a.npz", b"PK\x03\x04", "damaged ZIP"),
        ("a.txt", b"hello", "not in a known format"),
        ("a.png", b"", "an empty file"),
        ("a.xml", b'<?xml version="1.0"?>\n<net name="a" version="11">', "is an exported model"),
        ("a.h5", b"\x89HDF\r\n\x1a\n" + bytes(50), "a.h5"),
        ("a.pth", b"PK\x03\x04" + bytes(50), "a.pth"),
    ],
)
def test_what_is_neither_is_one_line_and_exit_status_1(
    tmp_path: Path, volume: Path, name: str, content: bytes | None, words: str, srgan: Srgan
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    path = name if name == "nobody" else tmp_path / name
    result = srgan("info", path, volume)
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ")
    assert words in line
    assert "4 slices of 30 x 20" in result.stdout, "the others are told all the same"
    assert srgan("info", path, "--json").stdout == ""


def test_a_folder_is_no_scan_unless_it_is_one(tmp_path: Path, volume: Path, srgan: Srgan) -> None:
    result = srgan("info", tmp_path)
    assert result.exit_code == 1
    assert "a folder, not a file" in result.stderr
    out = tmp_path / "b.pngs"
    assert srgan("upscale", volume, "-o", out, "--model", "nearest").exit_code == 0
    words = _words(srgan("info", out))
    assert (words["format"], words["sha256"]) == ("series of PNGs", sha256(out))


def test_what_files_say_cannot_move_the_terminal(tmp_path: Path, srgan: Srgan) -> None:
    scan = Scan.from_array(np.ones((3, 4), np.uint8))
    evil = "\x1b[2Jowned\nerror: x"
    write_scan(scan, tmp_path / "a.png", about=lambda: {"model": evil})
    shown = srgan("info", tmp_path / "a.png").stdout
    assert "\x1b" not in shown
    assert r"\x1b[2Jowned\nerror: x" in shown


def test_too_many_pixels_are_refused_and_can_be_allowed(volume: Path, srgan: Srgan) -> None:
    result = srgan("info", volume, "--max-pixels", 100)
    assert result.exit_code == 1
    assert "over the limit of 100 " in result.stderr
    assert srgan("info", volume, "--max-pixels", 600).exit_code == 0
