"""What is told of a file: its numbers, and how they came to be."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from super_resolution_gans.io import write_scan
from super_resolution_gans.io.about import read_about
from super_resolution_gans.io.describe import describe_scan, numbers_of
from super_resolution_gans.scan import Scan

FACTS = {"note": "computed super-resolution, not a measurement", "scale": [4, 4], "rms": 1.5e-3}
WITH_A_PLACE = (".dcm", ".png", ".jpg", ".webp", ".tif", ".ome.tif", ".npz", ".zarr", ".pngs")


@pytest.mark.parametrize("suffix", WITH_A_PLACE)
def test_the_story_comes_back_from_every_format_with_a_place_for_it(
    tmp_path: Path, suffix: str
) -> None:
    scan = Scan.from_array(np.random.default_rng(0).integers(0, 256, (20, 30), dtype=np.uint8))
    path = tmp_path / f"a{suffix}"
    write_scan(scan, path, about=lambda: {**FACTS, "words": "\u00b5 <&> \" '"})
    assert read_about(path) == {**FACTS, "words": "\u00b5 <&> \" '"}
    assert describe_scan(path)["about"] == read_about(path)
    write_scan(scan, tmp_path / f"b{suffix}")
    assert read_about(tmp_path / f"b{suffix}") == {}


@pytest.mark.parametrize("suffix", [".npy", ".bmp", ".nii", ".nii.gz"])
def test_without_a_place_there_is_no_story(tmp_path: Path, suffix: str) -> None:
    scan = Scan.from_array(np.zeros((20, 30), np.uint8))
    write_scan(scan, tmp_path / f"a{suffix}", about=lambda: FACTS)
    assert read_about(tmp_path / f"a{suffix}") == {}


@pytest.mark.parametrize("text", ["hello", "[1]", '{"srgan": 3}', "3", "{", "\u00b5"])
def test_what_others_wrote_there_is_no_story(tmp_path: Path, text: str) -> None:
    values = np.zeros((20, 30), np.uint8)
    info = PngInfo()
    info.add_text("srgan", text)
    Image.fromarray(values).save(tmp_path / "a.png", pnginfo=info)
    Image.fromarray(values).save(tmp_path / "a.jpg", comment=text.encode())
    tifffile.imwrite(tmp_path / "a.tif", values, description=text.encode(), metadata=None)
    np.savez(tmp_path / "a.npz", pixels=values, about=np.array(text))
    for name in ("a.jpg", "a.npz", "a.png"):
        assert read_about(tmp_path / name) == (json.loads(text) if text[:2] == '{"' else {})
    assert read_about(tmp_path / "a.tif") == {}


def test_a_damaged_file_has_no_story_and_raises_nothing(tmp_path: Path) -> None:
    scan = Scan.from_array(np.zeros((20, 30), np.uint8))
    for suffix in WITH_A_PLACE[:-2]:
        path = tmp_path / f"a{suffix}"
        write_scan(scan, path, about=lambda: FACTS)
        path.write_bytes(path.read_bytes()[:40])
        assert read_about(path) == {}
    assert read_about(tmp_path / "none.png") == {}


def test_numbers_are_those_of_numpy(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 9, (4, 30, 50)).astype(np.uint16) * 8191
    values[1, :10] = 65535
    write_scan(Scan.from_array(values, spacing=(0.12, 0.004, None)), tmp_path / "a.tif")
    told = describe_scan(tmp_path / "a.tif")
    assert told["numbers"] == {
        "minimum": 0.0,
        "maximum": 65535.0,
        "mean": pytest.approx(values.mean(), rel=1e-12),
        "black": (values == 0).mean(),
        "white": (values == 65535).mean(),
    }
    assert [told[key] for key in ("slices", "height", "width", "channels")] == [4, 30, 50, 1]
    assert (told["format"], told["dtype"], told["value_range"]) == ("TIFF", "uint16", [0, 65535])
    assert told["spacing_mm"] == [0.12, 0.004, None]
    assert told["size_mm"] == [0.48, pytest.approx(0.12), None]
    json.dumps(told)


def test_black_and_white_of_colour_are_black_and_white_in_all_channels() -> None:
    values = np.zeros((1, 2, 2, 3), np.uint8)
    values[0, 0] = [[255, 255, 255], [255, 0, 0]]
    told = numbers_of(Scan.from_array(values))
    assert (told["black"], told["white"]) == (0.5, 0.25)
    assert told["mean"] == pytest.approx(values.mean())


@pytest.mark.parametrize("dtype", ["f4", "f8", "i2", "i4"])
def test_numbers_of_other_types(dtype: str) -> None:
    values = np.array([[-5, 0, 5], [2, 2, 5]]).astype(dtype)
    told = numbers_of(Scan.from_array(values))
    assert (told["minimum"], told["maximum"]) == (-5, 5)
    assert (told["black"], told["white"]) == (pytest.approx(1 / 6), pytest.approx(1 / 3))
    assert told["mean"] == pytest.approx(1.5, rel=1e-6)


def test_a_lazy_scan_is_looked_at_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    from super_resolution_gans.io import describe

    class Source:
        shape = (2, 50, 10)
        most = 0

        def read(self, index: int, rows: slice, _columns: slice) -> Any:
            self.most = max(self.most, rows.stop - rows.start)
            return np.full((rows.stop - rows.start, 10), index, np.float32)

    monkeypatch.setattr(describe, "_BAND_NUMBERS", 70)
    source = Source()
    assert numbers_of(Scan(source))["mean"] == 127.5
    assert source.most == 7
