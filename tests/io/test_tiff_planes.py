"""Pages that are slices, channels or time points, as OME-XML and ImageJ say; sizes from both."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from super_resolution_gans.io import ReadError, read_scan

SIZES = {"PhysicalSizeX": 11.4, "PhysicalSizeY": 3.9, "PhysicalSizeZ": 120.0}
UNITS = {f"{name}Unit": "µm" for name in SIZES}


def _values(*shape: int) -> Any:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize(
    ("axes", "shape", "between"),
    [
        ("ZYX", (4, 20, 30), 0.12),
        ("TYX", (4, 20, 30), None),
        ("CYX", (4, 20, 30), None),
        ("TZCYX", (1, 4, 1, 20, 30), 0.12),
        ("ZYXS", (4, 20, 30, 3), 0.12),
        ("YX", (20, 30), 0.12),
    ],
)
def test_ome_pages_of_one_kind_are_slices(
    tmp_path: Path, axes: str, shape: tuple[int, ...], between: float | None
) -> None:
    values = _values(*shape)
    photometric: Any = "rgb" if "S" in axes else "minisblack"
    metadata = {"axes": axes, **SIZES, **UNITS}
    tifffile.imwrite(
        tmp_path / "a.ome.tif", values, ome=True, metadata=metadata, photometric=photometric
    )
    scan = read_scan(tmp_path / "a.ome.tif")
    expected = values.reshape(scan.shape)
    np.testing.assert_array_equal(scan.to_array(), expected)
    assert scan.spacing[1:] == pytest.approx((0.0039, 0.0114))
    assert scan.spacing[0] == (between if between is None else pytest.approx(between))


@pytest.mark.parametrize(
    ("axes", "shape", "words"),
    [
        ("ZCYX", (4, 2, 20, 30), "4 slices x 2 channels"),
        ("TZYX", (3, 4, 20, 30), "4 slices x 3 time points"),
        ("TCYX", (3, 2, 20, 30), "2 channels x 3 time points"),
    ],
)
def test_ome_pages_of_two_kinds_are_refused(
    tmp_path: Path, axes: str, shape: tuple[int, ...], words: str
) -> None:
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, _values(*shape), ome=True, metadata={"axes": axes})
    with pytest.raises(ReadError, match=f"its pages are {words}; expected the slices of one scan"):
        read_scan(path)


@pytest.mark.parametrize(
    ("axes", "shape", "between"),
    [("ZYX", (4, 20, 30), 0.12), ("TYX", (4, 20, 30), None), ("CYX", (4, 20, 30), None)],
)
def test_imagej_pages_of_one_kind_are_slices(
    tmp_path: Path, axes: str, shape: tuple[int, ...], between: float | None
) -> None:
    values = _values(*shape)
    tifffile.imwrite(
        tmp_path / "a.tif",
        values,
        imagej=True,
        resolution=(1 / 11.4, 1 / 3.9),
        metadata={"axes": axes, "spacing": 120.0, "unit": "um"},
    )
    scan = read_scan(tmp_path / "a.tif")
    np.testing.assert_array_equal(scan.to_array(), values)
    assert scan.spacing[1:] == pytest.approx((0.0039, 0.0114), rel=1e-5)
    assert scan.spacing[0] == (between if between is None else pytest.approx(between))


def test_an_imagej_hyperstack_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, _values(2, 3, 20, 30), imagej=True, metadata={"axes": "ZCYX"})
    with pytest.raises(ReadError, match="its pages are 2 slices x 3 channels"):
        read_scan(path)


@pytest.mark.parametrize(
    ("unit", "factor"),
    [("mm", 1.0), ("nm", 1e-6), ("&#181;m", 1e-3), ("pixel", None), ("reference frame", None)],
)
def test_units_of_ome(tmp_path: Path, unit: str, factor: float | None) -> None:
    sizes = " ".join(f'PhysicalSize{a}="2.5" PhysicalSize{a}Unit="{unit}"' for a in "XYZ")
    xml = f'<OME><Image ID="Image:0"><Pixels {sizes} SizeZ="3"></Pixels></Image></OME>'
    options: dict[str, Any] = {"photometric": "minisblack", "metadata": None}
    tifffile.imwrite(tmp_path / "a.tif", _values(3, 9, 9), description=xml, **options)
    expected = (None, None, None) if factor is None else pytest.approx([2.5 * factor] * 3)
    assert read_scan(tmp_path / "a.tif").spacing == expected
