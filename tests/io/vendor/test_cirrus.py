"""Zeiss .img: no header, so the name has to be right."""

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from super_resolution_gans.io import ReadError, read_scan
from super_resolution_gans.io.stored import Limits
from super_resolution_gans.io.vendor.parse import parse
from super_resolution_gans.io.vendor.volume import Volume

CUBE = np.random.default_rng(5).integers(0, 256, (3, 1024, 4), dtype=np.uint8)
NAME = "PXYZ_Macular Cube 4x3_2-19-2016_11-49-59_OS_sn8434_cube_{}.img"


def parsed(path: Path, name: str, data: bytes) -> Volume:
    (path / name).write_bytes(data)
    return parse("img", path / name, str(path / name), Limits(1 << 30, 0, 0))


@pytest.mark.parametrize(
    "name",
    [
        NAME.format("z"),
        NAME.format("raw"),
        "1024x4x3.img",
        "a_4x1024x3_cube_z.img",
        "12x34_a 4x3_OD_.img",  # 12 x 34 does not make up the size
    ],
)
def test_a_cube_whose_name_fits_its_size_is_read_upright(
    tmp_path: Path, vendor_files: ModuleType, name: str
) -> None:
    volume = parsed(tmp_path, name, vendor_files.img(CUBE))
    np.testing.assert_array_equal(volume.pixels, CUBE)
    assert volume.pixels.dtype == np.uint8
    assert volume.spacing == (None, None, None)
    assert volume.details["verified"] == "not verified on a real file"
    assert "XYZ" not in repr(volume.details)


@pytest.mark.parametrize(
    "name",
    [
        "a.img",
        "cube_z.img",
        "a 4x4_cube_z.img",
        "a 4x3 2x6_cube_z.img",  # both fit
        "a 3x4x1024.img",
        "a 64x8x24.img",
        "a 4x3x1x1024.img",
        "Angiography 3x3 mm_cube_z.img",
    ],
)
def test_a_cube_whose_name_does_not_fit_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ReadError, match=r"dimensions not certain.*12288 bytes"):
        parsed(tmp_path, name, CUBE.tobytes())


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    for length in (0, 1, 1000, 4096, 8192, 12287):
        with pytest.raises(ReadError, match="dimensions not certain"):
            parsed(tmp_path, NAME.format("z"), CUBE.tobytes()[:length])


def test_the_extent_of_a_protocol_is_known(tmp_path: Path) -> None:
    name = "P1_Optic Disc Cube 200x200_1-1-2020_1-1-1_OD_sn1_cube_z.img"
    volume = parsed(tmp_path, name, bytes(200 * 200 * 1024))
    assert volume.spacing == (6 / 200, 2 / 1024, 6 / 200)
    assert volume.details["scan pattern"] == "Optic Disc Cube"
    assert volume.details["eye"] == "right (OD)"
    assert "of the protocol" in volume.details["spacing"]


def test_a_cube_is_known_by_its_suffix_alone(tmp_path: Path, vendor_files: ModuleType) -> None:
    path = tmp_path / NAME.format("z")
    path.write_bytes(vendor_files.img(CUBE))
    scan = read_scan(path)
    np.testing.assert_array_equal(scan.to_array(), CUBE)
    assert scan.details["eye"] == "left (OS)"
    renamed = path.rename(tmp_path / f"{path.name}.bin")
    with pytest.raises(ReadError, match="not in a known format"):
        read_scan(renamed)
