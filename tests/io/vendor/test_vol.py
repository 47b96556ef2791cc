"""Heidelberg .vol, beside eyepy's reading."""

import struct
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from super_resolution_gans.io import read_scan
from super_resolution_gans.io.vendor.heidelberg import VALUE_OUTSIDE

SMALL = np.random.default_rng(1).random((3, 4, 5), np.float32) ** 4


def eyepy_volume(path: Path) -> Any:
    eyepy = pytest.importorskip("eyepy")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return eyepy.import_heyex_vol(path)


def in_8_bits(pixels: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.rint(pixels * 255).astype(np.uint8)


def test_the_real_sample_is_what_eyepy_reads(shared: Path) -> None:
    path = shared / "data/formats/eyepy_vol/test_volume.vol"
    scan, second = read_scan(path), eyepy_volume(path)
    assert scan.shape == (10, 40, 50)
    assert scan.dtype == np.float32
    np.testing.assert_array_equal(in_8_bits(scan.to_array()), second.data)
    meta = second.meta
    expected = (meta["scale_z"], meta["scale_y"], meta["scale_x"])
    assert scan.spacing == pytest.approx(expected)
    assert scan.details["eye"] == "right (OD)"
    assert "Doe" not in repr(scan)


def test_reflectivities_look_as_eyepy_shows_them(tmp_path: Path, vendor_files: ModuleType) -> None:
    values = SMALL.copy()
    values[0, 0, :3] = VALUE_OUTSIDE, 1.5, 0
    path = tmp_path / "a.vol"
    path.write_bytes(vendor_files.vol(values))
    scan = read_scan(path)
    second = eyepy_volume(path).data
    np.testing.assert_array_equal(in_8_bits(scan.to_array()), second)
    assert len(np.unique(second)) > 30
    assert scan.pixels[0, 0, :3].tolist() == [0, 1, 0]
    assert scan.spacing == (0.12, 0.004, 0.011)
    assert scan.value_range == (0, 1)
    assert scan.details["eye"] == "left (OS)"
    assert scan.details["scan pattern"] == "volume (ART)"
    assert "logarithmic" in scan.details["intensities"]


@pytest.mark.parametrize("pattern", [2, 5])
def test_circles_and_stars_have_no_distance_between_slices(
    pattern: int, parsed: Any, vendor_files: ModuleType
) -> None:
    volume = parsed("vol", vendor_files.vol(SMALL, pattern=pattern))
    assert volume.spacing == (None, 0.004, 0.011)
    assert parsed("vol", vendor_files.vol(SMALL[:1])).spacing[0] is None


@pytest.mark.parametrize("nonsense", [0.0, -1.0, float("nan"), float("inf"), 1e9])
def test_a_pixel_size_that_cannot_be_is_unknown(
    nonsense: float, parsed: Any, vendor_files: ModuleType
) -> None:
    data = vendor_files.vol(SMALL, spacing_mm=(nonsense, nonsense, 0.011))
    assert parsed("vol", data).spacing == (None, None, 0.011)


@pytest.mark.parametrize("nonsense", [np.nan, np.inf, -0.5])
def test_reflectivities_that_are_none_are_refused(
    nonsense: float, refusal: Any, vendor_files: ModuleType
) -> None:
    values = SMALL.copy()
    values[2, 3, 4] = nonsense
    assert "negative or not finite" in refusal("vol", vendor_files.vol(values))


def test_every_truncation_is_refused(refusal: Any, vendor_files: ModuleType) -> None:
    whole = vendor_files.vol(SMALL)
    for length in range(len(whole)):
        assert "truncated" in refusal("vol", whole[:length])


def test_fewer_bscans_than_announced_are_refused(refusal: Any, vendor_files: ModuleType) -> None:
    reason = refusal("vol", vendor_files.vol(SMALL, announced=49))
    assert "49 B-scans of 5 x 4 pixels need" in reason


def test_what_follows_the_bscans_is_ignored(parsed: Any, vendor_files: ModuleType) -> None:
    whole = vendor_files.vol(SMALL)
    grid = parsed("vol", whole + bytes(1000))  # of thicknesses
    np.testing.assert_array_equal(grid.pixels, parsed("vol", whole).pixels)


def test_pixels_are_not_taken_from_a_wrong_place(refusal: Any, vendor_files: ModuleType) -> None:
    whole = vendor_files.vol(SMALL)
    second = 2048 + 20 + 300 + 80
    shifted = whole[:second] + bytes(4) + whole[second:]
    assert "no header in front of B-scan 2 of 3" in refusal("vol", shifted)


def test_sizes_are_checked_before_they_are_believed(refusal: Any, vendor_files: ModuleType) -> None:
    whole = bytearray(vendor_files.vol(SMALL))
    whole[12:24] = b"\xff" * 12  # width, slices, height
    assert "over the limit" in refusal("vol", bytes(whole))
    assert "over the limit of 19" in refusal("vol", vendor_files.vol(SMALL), 19)
    whole[12:24] = struct.pack("<3I", 500, 1 << 20, 500)
    assert "over the limit of 2 GiB" in refusal("vol", bytes(whole))
    whole[12:24] = bytes(12)
    assert "without B-scans" in refusal("vol", bytes(whole))
