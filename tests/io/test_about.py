"""How pixels came to be, in the metadata of what is written: read by other libraries than ours."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from super_resolution_gans.io import read_scan, write_scan
from super_resolution_gans.scan import Scan

FACTS = {"note": "computed super-resolution, not a measurement", "scale": [4, 4], "rms": 1.5e-3}


def told(path: Path) -> dict[str, Any]:
    """What a file says, by a library that knows nothing of us."""
    if path.suffix == ".tif":
        with tifffile.TiffFile(path) as tiff:
            return dict(json.loads(tiff.pages[0].description)["srgan"]["about"])
    with Image.open(path) as image:
        text = image.info.get("srgan") or image.info.get("comment") or image.getexif().get(270)
        return dict(json.loads(text or "{}"))


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
def test_every_format_with_a_place_for_it_says_how_pixels_came_to_be(
    tmp_path: Path, suffix: str
) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (40, 50), dtype=np.uint8)
    scan = Scan.from_array(pixels, spacing=(None, 0.004, 0.012))
    path = tmp_path / f"a{suffix}"
    write_scan(scan, path, about=lambda: FACTS)
    assert told(path) == FACTS
    again = tmp_path / f"b{suffix}"
    write_scan(scan, again, about=lambda: FACTS)
    assert path.read_bytes() == again.read_bytes()
    silent = tmp_path / f"c{suffix}"
    write_scan(scan, silent)
    np.testing.assert_array_equal(read_scan(path).to_array(), read_scan(silent).to_array())
    assert read_scan(path).spacing == read_scan(silent).spacing


def test_a_volume_keeps_spacing_range_and_order_beside_a_long_story(tmp_path: Path) -> None:
    pixels = np.random.default_rng(1).integers(0, 4096, (3, 40, 50), dtype=np.uint16)
    scan = Scan.from_array(pixels, spacing=(0.12, 0.004, 0.012), value_range=(0, 4095))
    path = tmp_path / "a.tif"
    write_scan(scan, path, about=lambda: {**FACTS, "long": "words " * 5000})
    again = read_scan(path)
    assert again.spacing == scan.spacing
    assert again.value_range == (0, 4095)
    np.testing.assert_array_equal(again.to_array(), pixels)
    np.testing.assert_array_equal(tifffile.imread(path), pixels)


def test_it_is_asked_after_all_pixels_have_been_read(tmp_path: Path) -> None:
    order: list[str] = []

    class Source:
        shape = (2, 30, 40)

        def read(self, index: int, rows: slice, columns: slice) -> np.ndarray[Any, Any]:
            order.append(f"{index}: {rows.stop}")
            return np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.float32)

    def about() -> dict[str, Any]:
        order.append("about")
        return FACTS

    write_scan(Scan(Source()), tmp_path / "a.tif", about=about)
    assert order == ["0: 30", "1: 30", "about"]
