"""write_scan: what each format holds, whole files or none, and the way back through read_scan."""

import os
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from PIL import Image

from super_resolution_gans.io import (
    ExistsError,
    WriteError,
    can_hold,
    check_target,
    encode_tiff,
    read_scan,
    strips,
    write_scan,
)
from super_resolution_gans.scan import Scan

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".npy")
LOSSLESS = (".png", ".bmp", ".webp", ".tif", ".npy")
SPACING = (0.12, 0.0039, 0.0114)


def _scan(shape: tuple[int, ...], dtype: str = "u1", **options: Any) -> Scan:
    rng = np.random.default_rng(7)
    if dtype[0] == "f":
        return Scan.from_array(rng.random(shape).astype(dtype), **options)
    top = min(np.iinfo(dtype).max, 65535)
    return Scan.from_array(rng.integers(0, top, shape, endpoint=True).astype(dtype), **options)


class _Failing:
    """Pixels whose last slice cannot be read."""

    shape = (3, 50, 60)

    def read(self, index: int, rows: slice, columns: slice) -> NDArray[np.float32]:
        if index == 2:
            raise OSError(5, "input/output error")
        return np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.float32)


class _Untouchable:
    """Pixels that nobody may read."""

    shape = (2, 5, 6)

    def read(self, *_: object) -> NDArray[np.float32]:
        raise AssertionError("was read")


class _Lazy:
    """Random pixels, read piece by piece."""

    shape = (4, 5, 6)

    def __init__(self) -> None:
        self.values = np.random.default_rng(1).random(self.shape, np.float32)

    def read(self, index: int, rows: slice, columns: slice) -> NDArray[np.float32]:
        return self.values[index, rows, columns]


@pytest.mark.parametrize(
    ("shape", "dtype", "holders"),
    [
        ((4, 5), "u1", (*SUFFIXES, ".dcm")),
        ((4, 5, 3), "u1", (*SUFFIXES, ".dcm")),
        ((4, 5), "u2", (".png", ".tif", ".tiff", ".npy", ".dcm")),
        ((4, 5, 3), "u2", (".tif", ".tiff", ".npy")),
        ((4, 5), "f4", (".tif", ".tiff", ".npy")),
        ((4, 5), "i2", (".tif", ".tiff", ".npy", ".dcm")),
        ((2, 4, 5), "u1", (".tif", ".tiff", ".npy", ".dcm")),
        ((1, 16_384), "u1", (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".npy", ".dcm")),
        ((65_536, 1), "u1", (".png", ".tif", ".tiff", ".npy")),
    ],
)
def test_can_hold_tells_what_write_scan_does(
    tmp_path: Path, shape: tuple[int, ...], dtype: str, holders: tuple[str, ...]
) -> None:
    scan = _scan(shape, dtype)
    for suffix in (*SUFFIXES, ".gif", ".dcm", ""):
        path = tmp_path / f"a{suffix}"
        assert can_hold(suffix, scan) == (suffix in holders)
        assert can_hold(suffix.upper(), scan) == (suffix in holders)
        if suffix in holders:
            write_scan(scan, path)
            assert read_scan(path).shape == scan.shape
        else:
            with pytest.raises(WriteError):
                write_scan(scan, path)
            assert not path.exists()


@pytest.mark.parametrize(
    ("shape", "dtype", "suffix", "words"),
    [
        ((2, 4, 5), "u1", ".png", r"PNG cannot hold 2 slices; \.tif can"),
        ((4, 5), "u2", ".jpg", r"JPEG cannot hold uint16 grey; \.png can"),
        ((4, 5, 3), "u2", ".png", r"PNG cannot hold uint16 colour; \.tif can"),
        ((4, 5), "f4", ".png", r"PNG cannot hold float32 grey; \.tif can"),
        ((4, 5), "u1", ".xyz", r"format \.xyz cannot be written; known are \.png, "),
        ((4, 5), "u1", "", r"a name without a suffix; known are "),
    ],
)
def test_a_format_that_cannot_hold_it_names_one_that_can(
    tmp_path: Path, shape: tuple[int, ...], dtype: str, suffix: str, words: str
) -> None:
    with pytest.raises(WriteError, match=words) as caught:
        write_scan(_scan(shape, dtype), tmp_path / f"a{suffix}")
    assert str(caught.value).startswith(f"{tmp_path / f'a{suffix}'}: ")
    assert "\n" not in str(caught.value)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(
    dtype=st.sampled_from(["u1", "u2", "u4", "i1", "i2", "i4", "f2", "f4", "f8", "u8"]),
    shape=hnp.array_shapes(min_dims=3, max_dims=3, max_side=6),
    colour=st.booleans(),
    suffix=st.sampled_from(LOSSLESS),
    data=st.data(),
)
def test_what_is_written_is_read_back_as_the_same_scan(
    tmp_path: Path,
    dtype: str,
    shape: tuple[int, ...],
    colour: bool,
    suffix: str,
    data: st.DataObject,
) -> None:
    if suffix in (".png", ".bmp", ".webp"):
        shape, dtype = (1, *shape[1:]), "u2" if (dtype, suffix) == ("u2", ".png") else "u1"
        colour = colour and dtype == "u1"
    elements = None
    if dtype[0] == "f":
        elements = st.floats(-1000, 1000, width=16)
    elif dtype == "u8":
        elements = st.integers(0, 2**31)
    values = data.draw(hnp.arrays(dtype, (*shape, 3 if colour else 1), elements=elements))
    scan = Scan.from_array(values)
    path = tmp_path / f"a{suffix}"
    assert can_hold(suffix, scan)
    write_scan(scan, path, overwrite=True)
    again = read_scan(path)
    expected = scan.pixels
    assert isinstance(expected, np.ndarray)
    if colour and (expected == expected[..., :1]).all():
        expected = expected[..., 0]  # colour that is grey everywhere is read as grey
    assert (again.shape, again.dtype) == (expected.shape, scan.dtype)
    assert again.value_range == scan.value_range
    low, high = scan.value_range
    tolerance = 0.0
    if dtype[0] == "f" and (low, high) != (0, 1):
        rounding = float(np.finfo(dtype).eps) * max(abs(low), abs(high))
        tolerance = rounding / (high - low) + 2**-22 if high > low else 0
    np.testing.assert_allclose(again.pixels, expected, rtol=0, atol=tolerance)
    if dtype[0] != "f":
        stored = scan.to_array()
        np.testing.assert_array_equal(
            again.to_array(), stored if again.channels == scan.channels else stored[..., 0]
        )


def test_jpeg_is_close_and_without_subsampling(tmp_path: Path) -> None:
    ramp = np.add.outer(np.arange(64), np.arange(80)).astype(np.uint8)
    values = np.dstack([ramp, ramp[::-1], 255 - ramp])
    write_scan(Scan.from_array(values), tmp_path / "a.jpg")
    again = read_scan(tmp_path / "a.jpg").to_array()[0]
    assert np.abs(again.astype(int) - values).max() <= 6
    with Image.open(tmp_path / "a.jpg") as image:
        assert [layer[1:3] for layer in image.layer] == [(1, 1)] * 3


def test_other_programs_read_the_same_numbers(tmp_path: Path) -> None:
    deep = _scan((3, 9, 7), "u2")
    write_scan(deep, tmp_path / "a.tif")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.tif"), deep.to_array())
    write_scan(deep, tmp_path / "a.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), deep.to_array())
    colour = _scan((9, 7, 3))
    for suffix in (".png", ".bmp", ".webp", ".tif"):
        write_scan(colour, tmp_path / f"b{suffix}")
        with Image.open(tmp_path / f"b{suffix}") as image:
            np.testing.assert_array_equal(np.asarray(image), colour.to_array()[0])


def test_twelve_bits_in_sixteen_come_back_with_their_range_in_tiff(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 4096, (5, 6), np.uint16)
    scan = Scan.from_array(values, value_range=(0, 4095))
    write_scan(scan, tmp_path / "a.tif")
    again = read_scan(tmp_path / "a.tif")
    assert again.value_range == (0, 4095)
    np.testing.assert_array_equal(again.pixels, scan.pixels)


@pytest.mark.parametrize("suffix", [".tif", ".png", ".jpg", ".bmp"])
def test_the_pixel_size_is_kept(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    write_scan(_scan((4, 5), spacing=SPACING), path)
    slices, *inside = read_scan(path).spacing
    assert inside == pytest.approx(SPACING[1:], rel=1e-4)
    assert slices == (SPACING[0] if suffix == ".tif" else None)


def test_the_pixel_size_in_tiff_is_in_pixels_per_cm_for_other_programs(tmp_path: Path) -> None:
    write_scan(_scan((2, 4, 5), spacing=SPACING), tmp_path / "a.tif")
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        for page in tiff.pages:
            assert page.aspage().resolutionunit == 3
            assert page.aspage().resolution == pytest.approx((10 / 0.0114, 10 / 0.0039))


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".tif", ".webp", ".npy"])
@pytest.mark.parametrize("spacing", [(None, None, None), (None, 0.0039, None)])
def test_an_unknown_pixel_size_is_not_invented(
    tmp_path: Path, suffix: str, spacing: tuple[float | None, ...]
) -> None:
    path = tmp_path / f"a{suffix}"
    write_scan(_scan((4, 5), spacing=spacing), path)
    again = read_scan(path).spacing
    assert again == (spacing if suffix == ".tif" else (None, None, None))


def test_a_spacing_that_looks_like_paper_survives_in_tiff(tmp_path: Path) -> None:
    spacing = (None, 25.4 / 300, 25.4 / 300)
    write_scan(_scan((4, 5), spacing=spacing), tmp_path / "a.tif")
    assert read_scan(tmp_path / "a.tif").spacing == spacing


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_same_scan_gives_the_same_bytes(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = _scan((40, 50), spacing=SPACING)
    write_scan(scan, tmp_path / f"a{suffix}")
    monkeypatch.setattr("time.time", lambda: 2e9)
    write_scan(scan, tmp_path / f"b{suffix}")
    data = (tmp_path / f"a{suffix}").read_bytes()
    assert data == (tmp_path / f"b{suffix}").read_bytes()
    assert b"tifffile" not in data


@pytest.mark.parametrize("suffix", [".tif", ".npy"])
def test_a_lazy_scan_is_written_as_its_loaded_twin(tmp_path: Path, suffix: str) -> None:
    lazy = Scan(_Lazy(), SPACING, None, np.dtype(np.uint16), (0, 65535))
    write_scan(lazy, tmp_path / f"a{suffix}")
    write_scan(lazy.load(), tmp_path / f"b{suffix}")
    data = (tmp_path / f"a{suffix}").read_bytes()
    assert data == (tmp_path / f"b{suffix}").read_bytes()


def test_an_existing_file_is_kept_unless_told_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"precious")
    with pytest.raises(WriteError, match="exists already"):
        write_scan(_scan((4, 5)), path)
    assert path.read_bytes() == b"precious"
    write_scan(_scan((4, 5)), path, overwrite=True)
    assert read_scan(path).shape == (1, 4, 5)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", [".tif", ".npy"])
def test_a_failure_on_the_way_leaves_nothing_behind(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    with pytest.raises(WriteError, match="input/output error"):
        write_scan(Scan(_Failing()), path)
    assert list(tmp_path.iterdir()) == []
    path.write_bytes(b"precious")
    with pytest.raises(WriteError):
        write_scan(Scan(_Failing()), path, overwrite=True)
    assert path.read_bytes() == b"precious"
    assert list(tmp_path.iterdir()) == [path]


def test_places_where_no_file_can_be_get_one_line(tmp_path: Path) -> None:
    scan = _scan((4, 5))
    with pytest.raises(WriteError, match="folder does not exist"):
        write_scan(scan, tmp_path / "none" / "a.png")
    (tmp_path / "b.png").mkdir()
    with pytest.raises(WriteError, match="a folder"):
        write_scan(scan, tmp_path / "b.png", overwrite=True)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(WriteError, match=r"(?i)not a directory|does not exist"):
        write_scan(scan, tmp_path / "file" / "a.png")
    with pytest.raises(WriteError):
        write_scan(scan, tmp_path / ("x" * 300 + ".png"))
    with pytest.raises(WriteError):
        write_scan(scan, "a\0b.png")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_device_or_pipe_is_never_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(WriteError, match="not a regular file"):
        write_scan(_scan((4, 5)), tmp_path / "a.png", overwrite=True)
    assert stat.S_ISFIFO((tmp_path / "a.png").stat().st_mode)


def test_a_forbidden_folder_gets_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)  # chmod means nothing to root
    with pytest.raises(WriteError, match="cannot be written: Permission denied"):
        write_scan(_scan((4, 5)), tmp_path / "a.png")


def test_what_can_be_told_beforehand_is_told_without_reading_or_writing(tmp_path: Path) -> None:
    scan = Scan(_Untouchable())
    assert check_target(scan, tmp_path / "a.tif") == tmp_path / "a.tif"
    for path, reason in (
        ("a.png", "cannot hold"),
        ("a.xyz", "known are"),
        ("none/a.tif", "folder does not exist"),
    ):
        with pytest.raises(WriteError, match=reason):
            check_target(scan, tmp_path / path)
    (tmp_path / "b.tif").write_bytes(b"precious")
    with pytest.raises(ExistsError):
        check_target(scan, tmp_path / "b.tif")
    check_target(scan, tmp_path / "b.tif", overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["b.tif"]


def test_a_folder_that_cannot_be_written_to_is_told_beforehand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # chmod means nothing to root
    with pytest.raises(WriteError, match="its folder cannot be written to"):
        check_target(_scan((4, 5)), tmp_path / "a.png")


def test_a_file_that_appears_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.png"

    def slow() -> dict[str, str]:
        path.write_bytes(b"of another process")
        return {}

    with pytest.raises(ExistsError):
        write_scan(_scan((4, 5)), path, about=slow)
    assert path.read_bytes() == b"of another process"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="links of POSIX")
def test_the_name_that_was_given_decides_on_the_format_not_that_behind_a_link(
    tmp_path: Path,
) -> None:
    (tmp_path / "link.png").symlink_to(tmp_path / "data")
    write_scan(_scan((4, 5)), tmp_path / "link.png")
    assert (tmp_path / "data").read_bytes().startswith(b"\x89PNG")


@pytest.mark.skipif(os.name == "nt", reason="permissions and links of POSIX")
def test_links_are_followed_and_permissions_are_those_of_new_files(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "link.png"
    link.symlink_to(tmp_path / "real" / "a.png")
    write_scan(_scan((4, 5)), link)
    assert link.is_symlink()
    assert (tmp_path / "real" / "a.png").is_file()
    (tmp_path / "plain").touch()
    plain = (tmp_path / "plain").stat().st_mode
    assert (tmp_path / "real" / "a.png").stat().st_mode == plain


def test_nothing_of_the_input_but_pixels_reaches_the_output(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010E] = "Patient: Doe^Jane"
    image = Image.fromarray(np.zeros((4, 5), np.uint8))
    image.save(tmp_path / "a.jpg", exif=exif, comment=b"Doe^Jane")
    for suffix in SUFFIXES:
        write_scan(read_scan(tmp_path / "a.jpg"), tmp_path / f"b{suffix}")
        data = (tmp_path / f"b{suffix}").read_bytes()
        assert b"Jane" not in data
        assert str(tmp_path).encode() not in data


class _Counting:
    """A large slice, and the most bytes of it that were asked for at once."""

    def __init__(self, *shape: int) -> None:
        self.shape, self.most = shape, 0

    def read(self, _index: int, rows: slice, columns: slice) -> NDArray[np.float32]:
        shape = (rows.stop - rows.start, columns.stop - columns.start, *self.shape[3:])
        self.most = max(self.most, 2 * int(np.prod(shape)))
        y = np.arange(rows.start, rows.stop, dtype=np.float32) / self.shape[1]
        return np.broadcast_to((y if len(shape) == 2 else y[:, None])[:, None], shape)


@pytest.mark.parametrize("shape", [(1, 700, 90), (2, 300, 64, 3), (3, 5, 4000)])
@pytest.mark.parametrize("suffix", [".tif", ".npy"])
def test_large_slices_are_written_in_strips_and_read_by_others(
    tmp_path: Path, suffix: str, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strips, "_STRIP_BYTES", 5000)
    source, path = _Counting(*shape), tmp_path / f"a{suffix}"
    scan = Scan(source, dtype=np.dtype(np.uint16), value_range=(0, 65535))
    write_scan(scan, path)
    assert source.most <= max(5000, 2 * int(np.prod(shape[2:])))
    stored = np.load(path) if suffix == ".npy" else tifffile.imread(path)
    np.testing.assert_array_equal(stored.reshape(shape), scan.to_array())
    assert read_scan(path).shape == (shape[:3] if len(shape) == 4 else shape)
    if suffix == ".tif":
        with tifffile.TiffFile(path) as tiff:
            pages = [page.aspage() for page in tiff.pages]
        assert len(pages) == shape[0]
        assert all(len(page.dataoffsets) > 1 for page in pages)


@pytest.mark.parametrize("shape", [(3, 40, 30), (1, 100, 30, 3)])
def test_above_four_gigabytes_it_is_a_big_tiff(
    tmp_path: Path, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = _scan(shape, "u2", spacing=SPACING)
    write_scan(scan, tmp_path / "classic.tif")
    monkeypatch.setattr(encode_tiff, "_BIG_TIFF_ABOVE", 7000)
    monkeypatch.setattr(strips, "_STRIP_BYTES", 1000)
    write_scan(scan, tmp_path / "big.tif")
    with tifffile.TiffFile(tmp_path / "classic.tif") as classic:
        assert not classic.is_bigtiff
    with tifffile.TiffFile(tmp_path / "big.tif") as big:
        assert big.is_bigtiff
        np.testing.assert_array_equal(big.asarray().reshape(shape), scan.to_array())
    again = read_scan(tmp_path / "big.tif")
    assert again.spacing == SPACING
    np.testing.assert_array_equal(again.to_array(), scan.to_array())


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_a_check_raises_ends_the_writing_and_leaves_nothing(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strips, "_STRIP_BYTES", 50_000)

    def check() -> None:
        raise RuntimeError("stop")

    scan = _scan((1000, 400))
    with pytest.raises(RuntimeError, match="stop"):
        write_scan(scan, tmp_path / f"a{suffix}", check=check)
    assert list(tmp_path.iterdir()) == []
    calls: list[int] = []
    write_scan(scan, tmp_path / f"a{suffix}", check=lambda: calls.append(1))
    assert len(calls) > 1 or suffix not in (".png", ".tif", ".npy")
    write_scan(scan, tmp_path / f"b{suffix}")
    data = (tmp_path / f"a{suffix}").read_bytes()
    assert data == (tmp_path / f"b{suffix}").read_bytes()
