"""NIfTI as nibabel writes it, and as nobody should."""

import gzip
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from numpy.typing import NDArray

from super_resolution_gans.io import ReadError, read_scan

# (slices, height, width), all different, so that no axis can be taken for another.
VOLUME = np.random.default_rng(0).integers(0, 256, (4, 30, 50), dtype=np.uint8)
SIZES = (0.0117, 0.0039, 0.125)  # x, y, z
AFFINE = np.diag([*SIZES, 1])


def _image(values: NDArray[Any] = VOLUME, affine: Any = AFFINE, unit: str | None = "mm") -> Any:
    image = nibabel.Nifti1Image(values.transpose(), affine)
    if unit is not None:
        image.header.set_xyzt_units(unit)
    return image


def _refusal(path: Path, **options: Any) -> str:
    with pytest.raises(ReadError) as caught:
        read_scan(path, **options)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("lazy_above", [0, 512 << 20])
def test_x_is_the_column_y_the_row_z_the_slice(tmp_path: Path, name: str, lazy_above: int) -> None:
    nibabel.save(_image(), tmp_path / name)
    scan = read_scan(tmp_path / name, lazy_above=lazy_above)
    assert scan.is_lazy == (lazy_above == 0)
    np.testing.assert_array_equal(scan.to_array(), VOLUME)
    assert scan.spacing == SIZES[::-1]
    assert dict(scan.details) == {}
    window = scan.window(2, slice(3, 20), slice(10, 50))
    np.testing.assert_array_equal(window, VOLUME[2, 3:20, 10:50] / np.float32(255))


@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "u2", "i4", "u4", "f4", "f8", ">i2", ">f4"])
def test_types_and_byte_orders_are_kept(tmp_path: Path, dtype: str) -> None:
    values = (VOLUME // 2).astype(dtype)
    image = nibabel.Nifti1Image(values.transpose(), AFFINE)
    if dtype[0] == ">":
        image = nibabel.Nifti1Image(values.transpose(), AFFINE, image.header.as_byteswapped(">"))
    nibabel.save(image, tmp_path / "a.nii")
    scan = read_scan(tmp_path / "a.nii")
    assert scan.dtype == np.dtype(dtype).newbyteorder("=")
    # What lies between 0 and 1 is float32 also for float64.
    np.testing.assert_allclose(scan.to_array(), values, rtol=1e-7 * (dtype == "f8"))


def test_nifti_2_is_read(tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti2Image(VOLUME.transpose(), AFFINE), tmp_path / "a.nii")
    scan = read_scan(tmp_path / "a.nii")
    np.testing.assert_array_equal(scan.to_array(), VOLUME)
    assert scan.spacing == SIZES[::-1]


@pytest.mark.parametrize(
    ("unit", "factor"), [("mm", 1.0), ("meter", 1000.0), ("micron", 0.001), (None, 1.0)]
)
def test_units_become_mm_and_a_missing_one_is_said(
    tmp_path: Path, unit: str | None, factor: float
) -> None:
    nibabel.save(_image(unit=unit), tmp_path / "a.nii")
    scan = read_scan(tmp_path / "a.nii")
    assert scan.spacing == pytest.approx([mm * factor for mm in SIZES[::-1]])
    assert ("taken as mm" in scan.details.get("pixel sizes", "")) == (unit is None)


@pytest.mark.parametrize("affine", [np.eye(4), None])
def test_sizes_of_exactly_one_are_those_of_a_program_that_knows_none(
    tmp_path: Path, affine: Any
) -> None:
    nibabel.save(_image(affine=affine), tmp_path / "a.nii")
    assert read_scan(tmp_path / "a.nii").spacing == (None, None, None)


def test_an_oblique_affine_gives_lengths_and_turns_nothing(tmp_path: Path) -> None:
    angle = np.deg2rad(30)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0]])
    affine = np.eye(4)
    affine[:3, :3] = np.vstack([turn, [0, 0, -1]]) @ np.diag(SIZES)
    nibabel.save(_image(affine=affine), tmp_path / "a.nii")
    scan = read_scan(tmp_path / "a.nii")
    np.testing.assert_array_equal(scan.to_array(), VOLUME)
    assert scan.spacing == pytest.approx(SIZES[::-1], rel=1e-6)


@pytest.mark.parametrize(("slope", "inter"), [(0.5, 10.0), (-2.0, 600.0), (1 / 255, 0.0)])
def test_scaled_numbers_are_what_nibabel_takes_them_for(
    tmp_path: Path, slope: float, inter: float
) -> None:
    image = _image(VOLUME.astype(np.int16))
    image.header.set_slope_inter(slope, inter)
    nibabel.save(image, tmp_path / "a.nii")
    raw = bytearray((tmp_path / "a.nii").read_bytes())
    raw[112:120] = struct.pack("<ff", slope, inter)  # nibabel saves the values, not the scaling
    raw[352:] = VOLUME.astype("<i2").tobytes()
    (tmp_path / "a.nii").write_bytes(raw)
    expected = np.asarray(nibabel.load(tmp_path / "a.nii").dataobj).transpose()
    scan = read_scan(tmp_path / "a.nii")
    assert scan.dtype == np.float32
    np.testing.assert_allclose(scan.to_array(), expected, rtol=2e-6, atol=1e-4)


def test_a_display_range_is_the_range_if_all_numbers_lie_within(tmp_path: Path) -> None:
    values = VOLUME.astype(np.float32)
    image = _image(values)
    image.header["cal_min"], image.header["cal_max"] = -10, 300
    nibabel.save(image, tmp_path / "a.nii")
    assert read_scan(tmp_path / "a.nii").value_range == (-10, 300)
    image.header["cal_max"] = 100
    nibabel.save(image, tmp_path / "b.nii")
    assert read_scan(tmp_path / "b.nii").value_range == (0, 255)


def test_colour_and_single_slices(tmp_path: Path) -> None:
    colour = np.random.default_rng(1).integers(0, 256, (2, 5, 7, 3), dtype=np.uint8)
    rgb = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
    stored = colour.view(rgb)[..., 0].transpose()
    nibabel.save(nibabel.Nifti1Image(stored, AFFINE), tmp_path / "c.nii")
    np.testing.assert_array_equal(read_scan(tmp_path / "c.nii").to_array(), colour)
    nibabel.save(_image(VOLUME[0]), tmp_path / "s.nii")
    scan = read_scan(tmp_path / "s.nii")
    np.testing.assert_array_equal(scan.to_array(), VOLUME[:1])
    assert scan.spacing == (None, *SIZES[1::-1])
    nibabel.save(_image(VOLUME[np.newaxis, np.newaxis]), tmp_path / "t.nii")
    np.testing.assert_array_equal(read_scan(tmp_path / "t.nii").to_array(), VOLUME)


def test_more_than_one_volume_is_refused(tmp_path: Path) -> None:
    nibabel.save(_image(np.stack([VOLUME, VOLUME])), tmp_path / "a.nii")
    assert "axes of 50 x 30 x 4 x 2; expected x, y and z" in _refusal(tmp_path / "a.nii")


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_truncated_anywhere_it_is_one_line(tmp_path: Path, name: str) -> None:
    nibabel.save(_image(), tmp_path / name)
    data = (tmp_path / name).read_bytes()
    for end in (2, 100, 347, 360, len(data) // 2, len(data) - 9):
        (tmp_path / name).write_bytes(data[:end])
        _refusal(tmp_path / name)


def test_a_damaged_stream_is_found_by_its_checksum(tmp_path: Path) -> None:
    nibabel.save(_image(), tmp_path / "a.nii.gz")
    data = bytearray((tmp_path / "a.nii.gz").read_bytes())
    data[-6] ^= 1
    (tmp_path / "a.nii.gz").write_bytes(data)
    assert "CRC check failed" in _refusal(tmp_path / "a.nii.gz")


def _patched(tmp_path: Path, at: int, form: str, *values: Any) -> Path:
    nibabel.save(_image(), tmp_path / "a.nii")
    data = bytearray((tmp_path / "a.nii").read_bytes())
    struct.pack_into(form, data, at, *values)
    (tmp_path / "a.nii").write_bytes(data)
    return tmp_path / "a.nii"


@pytest.mark.parametrize(
    ("at", "form", "values", "words"),
    [
        (42, "<3h", (32767, 32767, 32767), "over the limit"),
        (42, "<3h", (50, 30, 4000), "truncated: 6000352 bytes announced"),
        (42, "<3h", (-1, 30, 4), "axes of"),
        (42, "<3h", (0, 30, 4), "nothing to read"),
        (40, "<h", (1,), "axes of 50; expected"),
        (40, "<h", (9,), ""),
        (70, "<h", (32,), "complex64"),
        (70, "<h", (2304,), "R G B A"),
        (70, "<h", (9999,), ""),
        (108, "<f", (1e30,), "cannot begin at byte 1e+30"),
        (108, "<f", (float("nan"),), ""),
        (108, "<f", (12.0,), "cannot begin at byte 12"),
    ],
)
def test_headers_that_make_no_sense_are_one_line(
    tmp_path: Path, at: int, form: str, values: tuple[Any, ...], words: str
) -> None:
    assert words in _refusal(_patched(tmp_path, at, form, *values))


@pytest.mark.parametrize("size", [0.0, float("nan"), float("inf"), -1.0])
def test_sizes_that_make_no_sense_are_unknown(tmp_path: Path, size: float) -> None:
    path = _patched(tmp_path, 80, "<3f", size, 0.0039, 0.125)
    data = bytearray(path.read_bytes())
    struct.pack_into("<2h", data, 252, 0, 0)  # neither qform nor sform
    path.write_bytes(data)
    assert read_scan(path).spacing[2] in (None, 1.0 if size < 0 else None)


def test_no_more_is_decompressed_than_the_header_announces(tmp_path: Path) -> None:
    nibabel.save(_image(), tmp_path / "a.nii")
    data = (tmp_path / "a.nii").read_bytes()
    with gzip.open(tmp_path / "long.nii.gz", "wb") as file:
        file.write(data)
        for _ in range(200):
            file.write(bytes(1 << 20))
    huge = bytearray(data)
    struct.pack_into("<3h", huge, 42, 10_000, 9_000, 30)
    with gzip.open(tmp_path / "huge.nii.gz", "wb") as file:
        file.write(bytes(huge))
    tracemalloc.start()
    np.testing.assert_array_equal(read_scan(tmp_path / "long.nii.gz").to_array(), VOLUME)
    message = _refusal(tmp_path / "huge.nii.gz")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "its slices take 2700000000 bytes and have to be in memory together" in message
    assert "uncompressed it is read piece by piece" in message
    assert most < 10_000_000


def test_other_gzip_files_are_told_from_ours(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "a.nii.gz", "wb") as file:
        file.write(bytes(5000))
    assert "format not supported: gzip; decompress it first" in _refusal(tmp_path / "a.nii.gz")


def test_nan_is_refused_and_the_pair_of_files_has_advice(tmp_path: Path) -> None:
    values = VOLUME.astype(np.float32)
    values[2, 3, 4] = np.nan
    nibabel.save(_image(values), tmp_path / "a.nii")
    assert "NaN or infinite" in _refusal(tmp_path / "a.nii")
    nibabel.save(nibabel.Nifti1Pair(VOLUME.transpose(), AFFINE), tmp_path / "p.hdr")
    assert "save it as .nii" in _refusal(tmp_path / "p.hdr")


def test_without_nibabel_the_cure_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nibabel.save(_image(), tmp_path / "a.nii")
    monkeypatch.setitem(__import__("sys").modules, "nibabel", None)
    assert 'pip install "SuperResolution-GANs[volumes]"' in _refusal(tmp_path / "a.nii")
