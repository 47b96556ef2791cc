"""Whether a file stores colour."""

import numpy as np
import pytest
from PIL import Image

from super_resolution_gans.io import read_scan, stored_in_colour

GREY = Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8))


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp"])
def test_three_equal_channels_are_remembered_though_the_scan_is_grey(tmp_path, suffix):
    for mode, expected in (("L", False), ("RGB", True)):
        path = tmp_path / f"{mode}.{suffix}"
        GREY.convert(mode).save(path)
        assert read_scan(path).channels == 1
        assert stored_in_colour(path) is expected


def test_other_files_and_damaged_ones_store_none(tmp_path):
    GREY.convert("P").save(tmp_path / "palette.png")
    GREY.save(tmp_path / "a.tif")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    for name in ("palette.png", "a.tif", "broken.png", "missing.png"):
        assert not stored_in_colour(tmp_path / name)
