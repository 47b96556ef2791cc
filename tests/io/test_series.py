"""A folder of numbered PNGs with its ``series.json`` is one scan."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from super_resolution_gans.io import ReadError, is_scan_folder, read_scan, write_scan
from super_resolution_gans.io.series import fill_series
from super_resolution_gans.scan import Scan

VOLUME = np.random.default_rng(0).integers(0, 256, (12, 20, 30), dtype=np.uint8)


def _by_hand(folder: Path, document: Any = None, digits: int = 0) -> Path:
    folder.mkdir()
    for index, values in enumerate(VOLUME):
        Image.fromarray(values).save(folder / f"{index:0{digits}d}.png")
    if document is not None:
        (folder / "series.json").write_text(json.dumps(document))
    return folder


def _refusal(path: Path) -> str:
    with pytest.raises(ReadError) as caught:
        read_scan(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("lazy_above", [0, 512 << 20])
def test_pngs_made_by_others_become_a_volume_in_the_order_of_their_numbers(
    tmp_path: Path, lazy_above: int
) -> None:
    folder = _by_hand(tmp_path / "eye", {"srgan": {"spacing_mm": [0.12, 0.0039, None]}})
    assert is_scan_folder(folder)
    scan = read_scan(folder, lazy_above=lazy_above)
    np.testing.assert_array_equal(scan.to_array(), VOLUME)
    assert scan.spacing == (0.12, 0.0039, None)
    assert scan.window(11, slice(2, 5), slice(3, 9)).shape == (3, 6)


@pytest.mark.parametrize("document", [None, {}, [], 3, {"srgan": 3}])
def test_a_folder_that_does_not_say_so_is_a_folder(tmp_path: Path, document: Any) -> None:
    folder = _by_hand(tmp_path / "eye", document)
    assert not is_scan_folder(folder)
    assert "a folder, not a file" in _refusal(folder)


def test_a_folder_with_other_things_is_somebodys_folder(tmp_path: Path) -> None:
    folder = _by_hand(tmp_path / "eye", {"srgan": {}})
    assert is_scan_folder(folder)
    (folder / "notes.txt").write_text("hello")
    assert not is_scan_folder(folder)


def test_slices_that_are_missing_are_said(tmp_path: Path) -> None:
    write_scan(Scan.from_array(VOLUME), tmp_path / "a.pngs")
    (tmp_path / "a.pngs" / "003.png").unlink()
    assert "12 numbered PNGs are announced, 11 found" in _refusal(tmp_path / "a.pngs")


def test_slices_of_another_scan_and_damaged_ones_are_named(tmp_path: Path) -> None:
    write_scan(Scan.from_array(VOLUME), tmp_path / "a.pngs")
    Image.fromarray(VOLUME[0, :9]).save(tmp_path / "a.pngs" / "007.png")
    assert "007.png is no slice of the same scan as 000.png" in _refusal(tmp_path / "a.pngs")
    (tmp_path / "a.pngs" / "007.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert "007.png: truncated PNG" in _refusal(tmp_path / "a.pngs")


def test_a_grey_slice_in_a_volume_of_colour_stays_colour(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 256, (3, 8, 9, 3), dtype=np.uint8)
    values[0] = values[0, ..., :1]
    write_scan(Scan.from_array(values), tmp_path / "a.pngs")
    np.testing.assert_array_equal(read_scan(tmp_path / "a.pngs").to_array(), values)


def test_names_have_the_digits_that_they_need(tmp_path: Path) -> None:
    many = Scan.from_array(np.zeros((1001, 2, 2), np.uint8))
    fill_series(tmp_path, many, dict, lambda: None)
    names = sorted(path.name for path in tmp_path.glob("*.png"))
    assert (names[0], names[-1], len(names)) == ("0000.png", "1000.png", 1001)
