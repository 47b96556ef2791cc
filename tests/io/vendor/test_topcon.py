"""Topcon .fda and .fds: a real B-scan, and files written here."""

import io
import struct
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from super_resolution_gans.io import read_scan

RANDOM = np.random.default_rng(4)
GREY = RANDOM.integers(0, 256, (3, 9, 8), dtype=np.uint8)
DEEP = RANDOM.integers(0, 65536, (3, 9, 8), dtype=np.uint16)


def test_the_real_fda_is_its_code_stream(shared: Path) -> None:
    path = shared / "data/formats/panimg/fda_minimized.fda"
    scan, data = read_scan(path), path.read_bytes()
    stream = data[data.index(b"\xff\x4f\xff\x51", data.index(b"@IMG_JPEG")) :]
    with Image.open(io.BytesIO(stream)) as image:
        expected = np.asarray(image)
    assert scan.shape == (1, 650, 512)
    assert scan.dtype == np.uint8
    np.testing.assert_array_equal(scan.to_array()[0], expected)
    # The picture was looked at: vitreous above, a curved retina, choroid below.
    assert expected.mean() == pytest.approx(27.03, abs=0.1)
    assert expected[:180].mean() < 15
    assert expected[320:360, 200:300].mean() > 80
    assert scan.spacing == (None, 0.0035, 6 / 512)
    assert dict(scan.details) == {
        "format": "Topcon .fda",
        "device": "Topcon 3DOCT-1000MK2",
        "eye": "left (OS)",
        "scan pattern": "raster",
        "verified": "on one B-scan of a 3D OCT-1000",
    }


def test_the_real_fds_is_its_48_bytes(shared: Path) -> None:
    path = shared / "data/formats/panimg/fds_minimized.fds"
    scan, data = read_scan(path), path.read_bytes()
    at = data.index(b"@IMG_SCAN_03") + 12 + 4 + 22
    expected = np.frombuffer(data, "<u2", 24, at).reshape(4, 3, 2)
    assert scan.dtype == np.uint16
    np.testing.assert_array_equal(scan.to_array(), expected)
    assert scan.spacing == (1.5, 0.0035, 3.0)
    assert scan.details["format"] == "Topcon .fds"


def test_volumes_come_back(parsed: Any, vendor_files: ModuleType) -> None:
    for data, expected in ((vendor_files.fda(GREY), GREY), (vendor_files.fds(DEEP), DEEP)):
        volume = parsed("topcon", data)
        assert volume.pixels.dtype == expected.dtype
        np.testing.assert_array_equal(volume.pixels, expected)
        assert volume.spacing == (9 / 3, 0.0035, 6 / 8)
        assert volume.details["eye"] == "right (OD)"
        assert volume.details["device"] == "Topcon 3DOCT-2000"


def test_sixteen_bits_in_jpeg_2000_stay_sixteen(parsed: Any, vendor_files: ModuleType) -> None:
    pixels = parsed("topcon", vendor_files.fda(DEEP)).pixels
    assert pixels.dtype == np.uint16
    np.testing.assert_array_equal(pixels, DEEP)


def test_only_a_raster_has_a_distance_between_slices(parsed: Any, vendor_files: ModuleType) -> None:
    for pattern, words in ((3, "radial"), (6, "vertical raster"), (99, None)):
        scan = vendor_files.chunk(b"@IMG_SCAN_03", vendor_files.plain(DEEP, pattern))
        volume = parsed("topcon", vendor_files.topcon(b"FDS", scan))
        assert volume.spacing == (None, 0.0035, 0.75)
        assert volume.details.get("scan pattern") == words
    assert parsed("topcon", vendor_files.fds(DEEP[:1])).spacing[0] is None


def test_extents_that_cannot_be_are_unknown(parsed: Any, vendor_files: ModuleType) -> None:
    data = vendor_files.fds(DEEP, extent=(float("nan"), -1, 1e30), eye=7)
    volume = parsed("topcon", data)
    assert volume.spacing == (None, None, None)
    assert "eye" not in volume.details


def test_the_largest_of_several_volumes_is_read(parsed: Any, vendor_files: ModuleType) -> None:
    scans = [vendor_files.chunk(b"@IMG_SCAN_03", vendor_files.plain(v)) for v in (DEEP[:1], DEEP)]
    volume = parsed("topcon", vendor_files.topcon(b"FDS", *scans))
    np.testing.assert_array_equal(volume.pixels, DEEP)
    assert volume.details["volume"] == "2 of 2 (the largest)"


@pytest.mark.parametrize("write", ["fda", "fds"])
def test_every_truncation_is_refused(write: str, refusal: Any, vendor_files: ModuleType) -> None:
    whole = getattr(vendor_files, write)(GREY[:2] if write == "fda" else DEEP[:2])
    for length in range(len(whole)):
        assert "truncated" in refusal("topcon", whole[:length])


@pytest.mark.parametrize("announced", [1, 2, 4, 49, 0xFFFFFFFF])
def test_another_number_of_bscans_than_announced_is_refused(
    announced: int, refusal: Any, vendor_files: ModuleType
) -> None:
    images = [vendor_files.jpeg_2000(image) for image in GREY]
    packed = bytearray(vendor_files.packed(images, 8, 9))
    packed[17:21] = struct.pack("<I", announced)
    scan = vendor_files.chunk(b"@IMG_JPEG", bytes(packed))
    reason = refusal("topcon", vendor_files.topcon(b"FDA", scan))
    assert "does not hold" in reason or "over the limit" in reason
    plain = bytearray(vendor_files.plain(DEEP))
    plain[13:17] = struct.pack("<I", announced)
    scan = vendor_files.chunk(b"@IMG_SCAN_03", bytes(plain))
    reason = refusal("topcon", vendor_files.topcon(b"FDS", scan))
    assert "in 432 bytes" in reason or "over the limit" in reason


def test_images_of_another_size_or_in_colour_are_refused(
    refusal: Any, vendor_files: ModuleType
) -> None:
    for image, said in ((GREY[0, :8], "8 x 8 pixels, L"), (np.dstack([GREY[0]] * 3), "RGB")):
        packed = vendor_files.packed([vendor_files.jpeg_2000(image)], 8, 9)
        data = vendor_files.topcon(b"FDA", vendor_files.chunk(b"@IMG_JPEG", packed))
        assert said in refusal("topcon", data)


def test_images_that_are_damaged_or_something_else_are_refused(
    refusal: Any, vendor_files: ModuleType
) -> None:
    good = vendor_files.jpeg_2000(GREY[0])
    for image, said in (
        (b"\xff\xd8\xff\xe0", "is no JPEG 2000"),
        (good[:60], "cannot be decoded"),
        (good[:-2], "cannot be decoded"),
        (good[:6], "cannot be decoded"),
    ):
        packed = vendor_files.packed([good, image], 8, 9)
        data = vendor_files.topcon(b"FDA", vendor_files.chunk(b"@IMG_JPEG", packed))
        assert said in refusal("topcon", data)


def test_the_limit_of_pixels_holds(refusal: Any, vendor_files: ModuleType) -> None:
    assert "over the limit of 71" in refusal("topcon", vendor_files.fda(GREY), 71)
    assert "over the limit of 71" in refusal("topcon", vendor_files.fds(DEEP), 71)
    assert "without B-scans" in refusal("topcon", vendor_files.fda(GREY[:0]))
