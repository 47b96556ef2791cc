"""NPZ: which array is the scan, and what archives may not do."""

import io
import json
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from super_resolution_gans.io import ReadError, read_scan

VOLUME = np.random.default_rng(0).integers(0, 256, (4, 30, 50), dtype=np.uint8)


def _refusal(path: Path, **options: Any) -> str:
    with pytest.raises(ReadError) as caught:
        read_scan(path, **options)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("lazy_above", [0, 512 << 20])
@pytest.mark.parametrize("order", ["C", "F"])
def test_the_only_array_is_the_scan(tmp_path: Path, save: Any, lazy_above: int, order: Any) -> None:
    save(tmp_path / "a.npz", np.asarray(VOLUME, order=order))
    scan = read_scan(tmp_path / "a.npz", lazy_above=lazy_above)
    assert scan.is_lazy == (lazy_above == 0)
    np.testing.assert_array_equal(scan.to_array(), VOLUME)
    np.testing.assert_array_equal(
        scan.window(3, slice(5, 9), slice(40, 50)), VOLUME[3, 5:9, 40:50] / np.float32(255)
    )


@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "i4", "f4", "f8", ">u2", ">f4", "?"])
def test_types_and_byte_orders_are_kept(tmp_path: Path, dtype: str) -> None:
    values = (VOLUME > 100).astype(dtype) if dtype == "?" else VOLUME.astype(dtype)
    np.savez(tmp_path / "a.npz", values)
    scan = read_scan(tmp_path / "a.npz")
    expected = values.astype(np.uint8) * np.uint8(255) if dtype == "?" else values
    assert scan.dtype == expected.dtype.newbyteorder("=")
    # What lies between 0 and 1 is float32 also for float64.
    np.testing.assert_allclose(scan.to_array(), expected, rtol=1e-7 * (dtype == "f8"))


@pytest.mark.parametrize("name", ["pixels", "volume", "image", "arr_0"])
def test_of_several_the_one_with_the_usual_name_is_taken(tmp_path: Path, name: str) -> None:
    arrays: dict[str, NDArray[Any]] = {"another": VOLUME[:2], name: VOLUME, "layers": VOLUME[0]}
    np.savez(tmp_path / "a.npz", **arrays)
    scan = read_scan(tmp_path / "a.npz")
    np.testing.assert_array_equal(scan.to_array(), VOLUME)
    assert scan.details["array"] == name


def test_arrays_that_cannot_be_a_scan_do_not_count(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", cube=VOLUME, sizes=np.ones(3), name=np.array("eye"))
    np.testing.assert_array_equal(read_scan(tmp_path / "a.npz").to_array(), VOLUME)


def test_without_a_usual_name_the_line_names_the_arrays(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", left=VOLUME, right=VOLUME)
    message = _refusal(tmp_path / "a.npz")
    assert "left uint8 (4, 30, 50), right uint8 (4, 30, 50)" in message
    assert "call it one of pixels, volume" in message


def test_spacing_and_range_beside_the_pixels_are_believed_where_they_make_sense(
    tmp_path: Path,
) -> None:
    told = {"spacing_mm": np.array([np.nan, 0.004, 0.012]), "value_range": np.array([0, 1023])}
    np.savez(tmp_path / "a.npz", pixels=VOLUME.astype(np.uint16), **told)
    scan = read_scan(tmp_path / "a.npz")
    assert scan.spacing == (None, 0.004, 0.012)
    assert scan.value_range == (0, 1023)
    nonsense = {"spacing_mm": np.array([-1, np.inf, 0]), "value_range": np.array([9, 1])}
    np.savez(tmp_path / "b.npz", pixels=VOLUME, **nonsense)
    scan = read_scan(tmp_path / "b.npz")
    assert scan.spacing == (None, None, None)
    assert scan.value_range == (0, 255)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.zeros(5), "no array of numbers is a scan: arr_0 float64 (5,)"),
        (np.zeros((2, 3, 4, 5)), "is no scan"),
        (np.zeros((2, 3), np.complex128), "no array of numbers"),
        (np.array([["a", "b"]]), "no array of numbers"),
        (np.zeros((0, 3)), "no pixels"),
        (np.full((3, 4), np.nan), "NaN or infinite"),
    ],
)
def test_arrays_that_are_no_scan_are_said(tmp_path: Path, values: NDArray[Any], words: str) -> None:
    np.savez(tmp_path / "a.npz", values)
    assert words in _refusal(tmp_path / "a.npz")


class _Loud:
    def __reduce__(self) -> Any:
        return (pytest.fail, ("was unpickled",))


def test_pickles_are_never_loaded(tmp_path: Path) -> None:
    objects = np.empty((2, 2), object)
    objects[...] = _Loud()
    np.savez(tmp_path / "a.npz", objects, allow_pickle=True)
    assert "no array of numbers is a scan: arr_0 object (2, 2)" in _refusal(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", about=objects, pixels=VOLUME, spacing_mm=objects)
    np.testing.assert_array_equal(read_scan(tmp_path / "b.npz").to_array(), VOLUME)


def _header(shape: tuple[int, ...], dtype: str = "|u1") -> bytes:
    file = io.BytesIO()
    head = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, head)
    return file.getvalue()


def test_a_bomb_is_refused_before_anything_is_decompressed(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("arr_0.npy", "w") as member,
    ):
        member.write(_header((40, 1000, 1000)))
        for _ in range(40):
            member.write(bytes(1_000_000))
    assert path.stat().st_size < 100_000
    tracemalloc.start()
    message = _refusal(path, max_memory=10_000_000)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "its slices take 40000000 bytes" in message
    assert "the limit is 10000000 (max_memory of read_scan raises it; uncompressed it is" in message
    assert most < 2_000_000
    assert "over the limit of 100000 " in _refusal(path, max_pixels=100_000)


@pytest.mark.parametrize("shape", [(4, 30, 51), (4, 30, 49), (10**9, 10**9), (2**40, 2**40, 2)])
def test_a_header_that_announces_another_size_is_refused(
    tmp_path: Path, shape: tuple[int, ...]
) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("arr_0.npy", _header(shape) + VOLUME.tobytes())
    assert "damaged NPZ (arr_0.npy announces" in _refusal(tmp_path / "a.npz")


def test_flipped_bits_are_found_by_the_checksum(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", VOLUME)
    data = bytearray((tmp_path / "a.npz").read_bytes())
    data[3000] ^= 1
    (tmp_path / "a.npz").write_bytes(data)
    assert "Bad CRC-32" in _refusal(tmp_path / "a.npz")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_truncated_anywhere_it_is_one_line(tmp_path: Path, save: Any) -> None:
    save(tmp_path / "whole.npz", VOLUME)
    data = (tmp_path / "whole.npz").read_bytes()
    for end in (4, 30, 60, 200, len(data) // 2, len(data) - 30, len(data) - 1):
        (tmp_path / "a.npz").write_bytes(data[:end])
        _refusal(tmp_path / "a.npz")
        _refusal(tmp_path / "a.npz", lazy_above=0)


def test_other_archives_are_told_from_ours(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("letter.txt", "hello")
    assert "format not supported: ZIP; extract it first" in _refusal(tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "empty.npz", "w") as archive:
        archive.writestr("letter.txt", "hello")
    assert "there are no arrays in this archive" in _refusal(tmp_path / "empty.npz")
    with zipfile.ZipFile(tmp_path / "b.npz", "w") as archive:
        archive.writestr("arr_0.npy", json.dumps("no array").encode())
    assert "damaged or not supported" in _refusal(tmp_path / "b.npz")


def test_an_uncompressed_array_is_mapped_and_not_held(tmp_path: Path) -> None:
    values = np.random.default_rng(1).integers(0, 256, (200, 100, 200), dtype=np.uint8)
    np.savez(tmp_path / "a.npz", values)
    tracemalloc.start()
    scan = read_scan(tmp_path / "a.npz", lazy_above=0)
    for index in range(scan.slices):
        np.testing.assert_array_equal(scan.stored_slice(index), values[index])
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < values.nbytes / 2
