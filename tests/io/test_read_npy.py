"""NPY: any numbers, mapped, never unpickled."""

from pathlib import Path

import numpy as np
import pytest

from super_resolution_gans.io import ReadError, read_scan


@pytest.mark.parametrize(
    "dtype", ["?", "u1", "<u2", ">u2", "u4", "u8", "i1", "i2", ">i4", "i8", "f2", "f4", ">f8"]
)
def test_any_numbers_are_read(tmp_path: Path, dtype: str) -> None:
    values = (np.arange(60).reshape(3, 4, 5) % 2).astype(dtype)
    np.save(tmp_path / "a.npy", values)
    expected = values * 255 if dtype == "?" else values
    for lazy_above in (0, 1 << 20):
        scan = read_scan(tmp_path / "a.npy", lazy_above=lazy_above)
        assert scan.is_lazy == (lazy_above == 0)
        np.testing.assert_array_equal(scan.to_array(), expected)
        assert scan.dtype == (np.uint8 if dtype == "?" else np.dtype(dtype).newbyteorder("="))


def test_fortran_order_makes_no_difference(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(3, 4, 5, 3))
    np.save(tmp_path / "a.npy", np.asfortranarray(values))
    scan, lazy = read_scan(tmp_path / "a.npy"), read_scan(tmp_path / "a.npy", lazy_above=0)
    np.testing.assert_allclose(scan.to_array(), values, atol=1e-6)
    np.testing.assert_array_equal(lazy.load().pixels, scan.pixels)
    window = lazy.window(1, slice(1, 3), slice(2, 5))
    np.testing.assert_array_equal(window, scan.window(1, slice(1, 3), slice(2, 5)))


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([[{}]], object), allow_pickle=True)
    with pytest.raises(ReadError, match="no array of numbers"):
        read_scan(tmp_path / "a.npy")


@pytest.mark.parametrize("values", [np.zeros(5), np.zeros((2, 2), complex), np.zeros((0, 3))])
def test_arrays_that_are_no_scan_are_refused(tmp_path: Path, values: np.ndarray) -> None:
    np.save(tmp_path / "a.npy", values)
    with pytest.raises(ReadError):
        read_scan(tmp_path / "a.npy")


@pytest.mark.parametrize("lazy_above", [0, 1 << 20])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(
    tmp_path: Path, lazy_above: int, bad: float
) -> None:
    values = np.zeros((2, 3, 4), np.float32)
    values[1, 2, 3] = bad
    np.save(tmp_path / "a.npy", values)
    with pytest.raises(ReadError, match="NaN or infinite"):
        read_scan(tmp_path / "a.npy", lazy_above=lazy_above)


def test_a_truncated_array_is_an_error(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((40, 50)))
    whole = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(whole[:-1])
    with pytest.raises(ReadError, match="damaged"):
        read_scan(tmp_path / "a.npy")


def test_a_volume_larger_than_memory_is_read_by_windows(tmp_path: Path) -> None:
    shape = (20_000, 4_000, 4_000)
    path = tmp_path / "huge.npy"
    with path.open("wb") as file:
        np.lib.format.write_array_header_2_0(
            file, {"descr": "|u1", "fortran_order": False, "shape": shape}
        )
        start = file.tell()
        file.seek(start + 19_999 * 16_000_000 + 4_000 * 7 + 9)
        file.write(b"\xff")
        file.truncate(start + 320_000_000_000)  # sparse
    scan = read_scan(path)
    assert scan.is_lazy
    assert scan.shape == shape
    window = scan.window(19_999, slice(6, 9), slice(8, 11))
    np.testing.assert_array_equal(window, [[0, 0, 0], [0, 1, 0], [0, 0, 0]])
