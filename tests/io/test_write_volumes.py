"""Volumes we wrote, read back by the libraries of their formats and without anything of ours."""

import csv
import json
import os
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import tifffile
import zarr
from numpy.typing import NDArray
from PIL import Image

from super_resolution_gans import load_upscaler
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

SPACING = (0.13, 0.0039, 0.0122)
FACTS = {"note": "computed super-resolution, not a measurement", "scale": [4, 4]}
FOLDERS = (".zarr", ".pngs")
SUFFIXES = (".ome.tif", ".npz", ".zarr", ".nii", ".nii.gz", ".pngs")

Read = tuple[NDArray[Any], list[float | None]]


def _scan(shape: tuple[int, ...], dtype: str = "u1", **options: Any) -> Scan:
    rng = np.random.default_rng(7)
    if dtype[0] == "f":
        return Scan.from_array(rng.random(shape).astype(dtype), **options)
    top = min(np.iinfo(dtype).max, 65535)
    return Scan.from_array(rng.integers(0, top, shape, endpoint=True).astype(dtype), **options)


def by_zarr(path: Path) -> Read:
    group = zarr.open_group(path, mode="r")
    image: Any = group.attrs["multiscales"]
    level = image[0]["datasets"][0]
    values = np.asarray(group[level["path"]])
    scale = level["coordinateTransformations"][0]["scale"]
    named = {
        axis["name"]: (axis.get("unit"), n) for axis, n in zip(image[0]["axes"], scale, strict=True)
    }
    if values.ndim == 4:
        values = np.moveaxis(values, 0, 3)
    units = {"millimeter": 1.0}
    return values, [units[named[a][0]] * named[a][1] if named[a][0] else None for a in "zyx"]


def by_tifffile(path: Path) -> Read:
    with tifffile.TiffFile(path) as tiff:
        assert tiff.is_ome
        assert tiff.series[0].axes in ("ZYX", "YX", "ZYXS", "YXS")
        values = tiff.series[0].asarray()
        root = ET.fromstring(tiff.ome_metadata or "")
    pixels = root.find(".//{*}Pixels")
    assert pixels is not None
    if values.ndim == 2 + (int(pixels.get("SizeC", "1")) == 3):
        values = values[np.newaxis]
    found: list[float | None] = []
    for axis in "ZYX":
        size = pixels.get(f"PhysicalSize{axis}")
        assert size is None or pixels.get(f"PhysicalSize{axis}Unit") == "µm"
        found.append(None if size is None else float(size) / 1000)
    return values, found


def by_nibabel(path: Path) -> Read:
    image: Any = nibabel.load(path)
    header = image.header
    values = np.asarray(image.dataobj).transpose()
    if values.dtype.names:
        values = np.stack([values[name] for name in "RGB"], axis=-1)
    unit = header.get_xyzt_units()[0]
    zooms = [float(n) for n in header.get_zooms()[::-1]]
    return values, [n if unit == "mm" else None for n in zooms]


def by_numpy(path: Path) -> Read:
    with np.load(path, allow_pickle=False) as archive:
        values = archive["pixels"]
        spacing = [None if np.isnan(n) else float(n) for n in archive["spacing_mm"]]
    return values[..., 0] if values.shape[-1] == 1 else values, spacing


def by_pillow(path: Path) -> Read:
    names = sorted(p.name for p in path.glob("*.png"))
    spacing = json.loads((path / "series.json").read_text())["srgan"]["spacing_mm"]
    return np.stack([np.asarray(Image.open(path / name)) for name in names]), spacing


READERS: dict[str, Callable[[Path], Read]] = {
    ".zarr": by_zarr,
    ".ome.tif": by_tifffile,
    ".nii": by_nibabel,
    ".nii.gz": by_nibabel,
    ".npz": by_numpy,
    ".pngs": by_pillow,
}


def content(path: Path) -> dict[str, bytes]:
    """All bytes of a file or folder."""
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in files}


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("dtype", ["u1", "u2", "i2", "f4"])
@pytest.mark.parametrize("shape", [(3, 40, 30), (1, 40, 30), (2, 600, 9), (4, 5, 3)])
def test_order_depth_and_spacing_arrive_in_other_libraries(
    tmp_path: Path, suffix: str, dtype: str, shape: tuple[int, ...]
) -> None:
    scan = _scan((*shape, 1), dtype, spacing=SPACING)
    path = tmp_path / f"a{suffix}"
    if not can_hold(suffix, scan):
        assert (suffix, dtype) in ((".pngs", "i2"), (".pngs", "f4"))
        return
    write_scan(scan, path, about=lambda: FACTS)
    values, spacing = READERS[suffix](path)
    assert values.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(values, scan.to_array())
    assert spacing == pytest.approx(SPACING, rel=1e-7)
    again = read_scan(path)
    assert (again.spacing, again.value_range) == (SPACING, scan.value_range)
    np.testing.assert_array_equal(again.to_array(), scan.to_array())
    write_scan(scan, tmp_path / f"b{suffix}", about=lambda: FACTS)
    assert content(path).values() != []
    assert list(content(path).values()) == list(content(tmp_path / f"b{suffix}").values())


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_colour_arrives_in_other_libraries(tmp_path: Path, suffix: str) -> None:
    scan = _scan((2, 20, 30, 3), spacing=SPACING)
    write_scan(scan, tmp_path / f"a{suffix}")
    values, spacing = READERS[suffix](tmp_path / f"a{suffix}")
    np.testing.assert_array_equal(values, scan.to_array())
    assert spacing == pytest.approx(SPACING, rel=1e-7)
    np.testing.assert_array_equal(read_scan(tmp_path / f"a{suffix}").to_array(), scan.to_array())


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("known", [(None, None, None), (None, 0.0039, 0.0122)])
def test_what_is_unknown_stays_unknown(tmp_path: Path, suffix: str, known: Any) -> None:
    write_scan(_scan((2, 20, 30), spacing=known), tmp_path / f"a{suffix}")
    assert read_scan(tmp_path / f"a{suffix}").spacing == known
    if suffix not in (".nii", ".nii.gz") or not any(known):
        assert READERS[suffix](tmp_path / f"a{suffix}")[1] == pytest.approx(list(known))


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("dtype", ["u2", "i4"])
def test_a_range_that_the_type_does_not_tell_is_kept(
    tmp_path: Path, suffix: str, dtype: str
) -> None:
    values = np.random.default_rng(0).integers(0, 1000, (2, 20, 30)).astype(dtype)
    scan = Scan.from_array(values, value_range=(0, 1023))
    if can_hold(suffix, scan):
        write_scan(scan, tmp_path / f"a{suffix}")
        assert read_scan(tmp_path / f"a{suffix}").value_range == (0, 1023)


@pytest.fixture(scope="module")
def volume(shared: Path) -> Scan:
    """The 49 B-scans of one eye, in order, with their spacing."""
    folder = shared / "data" / "oct"
    with (folder / "spectralis_amd_healthy" / "slices.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["patient"] == "AMD_patient1"]
    assert [int(row["slice"]) for row in rows] == list(range(49))
    # The part with the retina in it, so that all 49 slices are quickly done.
    pixels = np.stack([np.asarray(Image.open(folder / row["path"]))[80:280] for row in rows])
    starts = np.array([float(row["start_y_mm"]) for row in rows])
    spacing = (
        round(float(np.abs(np.diff(starts)).mean()), 4),
        float(rows[0]["scale_y_mm"]),
        float(rows[0]["scale_x_mm"]),
    )
    return Scan.from_array(pixels, spacing=spacing)


@pytest.mark.parametrize("suffix", [".zarr", ".ome.tif"])
def test_an_upscaled_eye_is_whole_in_order_and_as_large_as_it_was(
    tmp_path: Path, volume: Scan, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encode_tiff, "_BIG_TIFF_ABOVE", 1 << 20)
    write_scan(volume, tmp_path / f"in{suffix}")
    lazy = read_scan(tmp_path / f"in{suffix}", lazy_above=0)
    assert lazy.is_lazy
    write_scan(load_upscaler("nearest", scale=(2, 2))(lazy), tmp_path / f"out{suffix}")
    values, spacing = READERS[suffix](tmp_path / f"out{suffix}")
    assert values.dtype == np.uint8
    assert values.shape == (49, 2 * volume.height, 2 * volume.width)
    np.testing.assert_array_equal(values[:, ::2, ::2], volume.to_array())
    np.testing.assert_array_equal(values[:, 1::2, 1::2], volume.to_array())
    assert volume.spacing == (0.1294, 0.0039, 0.0122)
    assert spacing == pytest.approx((0.1294, 0.00195, 0.0061))
    if suffix == ".ome.tif":
        with tifffile.TiffFile(tmp_path / f"out{suffix}") as tiff:
            assert tiff.is_bigtiff


def test_ome_xml_is_ascii_without_what_changes_from_run_to_run(tmp_path: Path) -> None:
    write_scan(_scan((3, 40, 30), spacing=SPACING), tmp_path / "a.ome.tif", about=lambda: FACTS)
    with tifffile.TiffFile(tmp_path / "a.ome.tif") as tiff:
        text = str(tiff.pages.first.description)
    assert text.isascii()
    assert "uuid" not in text.lower()
    assert not re.search(r"20\d\d-(?!06)", text), "a date"
    root = ET.fromstring(text)
    noted = root.find(".//{*}MapAnnotation/{*}Value/{*}M[@K='srgan']")
    assert noted is not None
    assert json.loads(noted.text or "")["srgan"]["about"] == FACTS
    (reference,) = root.findall(".//{*}Image/{*}AnnotationRef")
    (annotation,) = root.findall(".//{*}MapAnnotation")
    assert reference.get("ID") == annotation.get("ID")


def test_physical_sizes_changed_by_somebody_else_are_believed(tmp_path: Path) -> None:
    write_scan(_scan((3, 40, 30), spacing=SPACING), tmp_path / "a.ome.tif")
    data = (tmp_path / "a.ome.tif").read_bytes()
    (tmp_path / "a.ome.tif").write_bytes(
        data.replace(b'PhysicalSizeX="12.2"', b'PhysicalSizeX="99.2"')
    )
    assert read_scan(tmp_path / "a.ome.tif").spacing == pytest.approx((0.13, 0.0039, 0.0992))


class _Bands:
    """Pixels that remember how many were asked for at once."""

    def __init__(self, *shape: int) -> None:
        self.shape, self.most = shape, 0

    def read(self, index: int, rows: slice, columns: slice) -> NDArray[np.float32]:
        self.most = max(self.most, (rows.stop - rows.start) * (columns.stop - columns.start))
        y = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] / self.shape[1]
        return np.broadcast_to(y, (rows.stop - rows.start, columns.stop - columns.start)) / (
            index + 1
        )


@pytest.mark.parametrize("suffix", [".ome.tif", ".npz", ".zarr", ".nii", ".nii.gz"])
def test_a_lazy_scan_is_written_some_rows_at_a_time(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strips, "_STRIP_BYTES", 5000)
    source = _Bands(2, 1400, 40)
    scan = Scan(source, dtype=np.dtype(np.uint16), value_range=(0, 65535))
    write_scan(scan, tmp_path / f"a{suffix}")
    assert source.most <= (512 * 40 if suffix == ".zarr" else 2500)
    np.testing.assert_array_equal(READERS[suffix](tmp_path / f"a{suffix}")[0], scan.to_array())


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_a_check_or_a_reader_raises_leaves_nothing(tmp_path: Path, suffix: str) -> None:
    class Failing(_Bands):
        def read(self, index: int, rows: slice, columns: slice) -> NDArray[np.float32]:
            if index == 1:
                raise OSError(5, "input/output error")
            return super().read(index, rows, columns)

    with pytest.raises(WriteError, match="input/output error"):
        write_scan(Scan(Failing(2, 50, 40)), tmp_path / f"a{suffix}")
    assert list(tmp_path.iterdir()) == []
    calls: list[int] = []

    def stop() -> None:
        calls.append(1)
        if len(calls) > 1:
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        write_scan(_scan((3, 1100, 40)), tmp_path / f"a{suffix}", check=stop)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", FOLDERS)
def test_a_folder_is_replaced_only_if_asked_and_only_one_of_the_same_kind(
    tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"a{suffix}"
    write_scan(_scan((3, 20, 30)), path)
    with pytest.raises(ExistsError):
        write_scan(_scan((2, 9, 8)), path)
    write_scan(_scan((2, 9, 8)), path, overwrite=True)
    assert read_scan(path).shape == (2, 9, 8)
    assert list(tmp_path.iterdir()) == [path]
    other = tmp_path / f"photos{suffix}"
    other.mkdir()
    (other / "001.png").write_bytes(b"precious")
    with pytest.raises(WriteError, match="a folder with other things in it"):
        write_scan(_scan((2, 9, 8)), other, overwrite=True)
    assert (other / "001.png").read_bytes() == b"precious"
    (tmp_path / f"file{suffix}").write_bytes(b"precious")
    with pytest.raises(WriteError, match=r"a file, not .* lies there"):
        write_scan(_scan((2, 9, 8)), tmp_path / f"file{suffix}", overwrite=True)


def test_a_series_with_something_else_in_it_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.pngs"
    write_scan(_scan((3, 20, 30)), path)
    (path / "notes.txt").write_text("precious")
    with pytest.raises(WriteError, match="a folder with other things in it"):
        write_scan(_scan((3, 20, 30)), path, overwrite=True)


@pytest.mark.parametrize("suffix", FOLDERS)
def test_the_old_folder_is_back_if_the_new_one_cannot_take_its_place(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"a{suffix}"
    write_scan(_scan((3, 20, 30)), path)
    before, rename, calls = content(path), Path.rename, []

    def failing(self: Path, target: Any) -> Path:
        calls.append(target)
        if len(calls) == 2:
            raise OSError(28, "No space left on device", str(self))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(WriteError, match="No space left on device"):
        write_scan(_scan((2, 9, 8)), path, overwrite=True)
    assert content(path) == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "shape", "dtype", "words"),
    [
        ("a.nii", (2, 3, 4), "f2", "NIfTI cannot hold float16 grey; .tif can"),
        ("a.nii.gz", (2, 3, 4, 3), "u2", "NIfTI cannot hold uint16 colour; .tif can"),
        ("a.nii", (1, 2, 40_000), "u1", "NIfTI cannot hold 40000 x 2 pixels; .png can"),
        ("a.ome.tif", (2, 3, 4), "i8", "OME-TIFF cannot hold int64 grey; .tif can"),
        ("a.pngs", (2, 3, 4), "f4", "a series of PNGs cannot hold float32 grey; .tif can"),
        ("a.zarr.zip", (2, 3, 4), "u1", "format .zarr.zip cannot be written; known are .png"),
        ("a.ome.png", (2, 3, 4), "u1", "PNG cannot hold 2 slices; .tif can"),
    ],
)
def test_what_cannot_be_held_is_said_with_what_can(
    tmp_path: Path, name: str, shape: tuple[int, ...], dtype: str, words: str
) -> None:
    with pytest.raises(WriteError, match=re.escape(words)):
        check_target(_scan(shape if len(shape) == 4 else (*shape, 1), dtype), tmp_path / name)


@pytest.mark.parametrize(("suffix", "library"), [(".zarr", "zarr"), (".nii.gz", "nibabel")])
def test_a_missing_library_is_said_before_the_work(
    tmp_path: Path, suffix: str, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from super_resolution_gans.io import encode

    monkeypatch.setattr(encode, "find_spec", lambda name: None if name == library else object())
    with pytest.raises(WriteError, match=rf"needs {library}: pip install .*\[volumes\]"):
        check_target(_scan((2, 3, 4)), tmp_path / f"a{suffix}")


@pytest.mark.skipif(os.name == "nt", reason="links of POSIX")
def test_a_link_to_a_store_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link.zarr").symlink_to(tmp_path / "disk" / "a.zarr")
    (tmp_path / "disk").mkdir()
    write_scan(_scan((2, 9, 8)), tmp_path / "link.zarr")
    assert (tmp_path / "link.zarr").is_symlink()
    assert read_scan(tmp_path / "disk" / "a.zarr").shape == (2, 9, 8)
