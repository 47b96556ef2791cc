"""The formats that can be written: what each can hold, and what writes it.

How the pixels came to be is one JSON object: in the note of a TIFF, OME-TIFF, zarr store or series
of PNGs (see :mod:`io.note`), an array ``about`` of an NPZ, a text chunk ``srgan`` of a PNG, the
comment of a JPEG, the Exif image description of a WebP, an element of its own in DICOM. BMP, NPY
and NIfTI have no place for it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from super_resolution_gans.io import encode_raster, encode_tiff, encode_volumes, series
from super_resolution_gans.io.dicom_write import (
    dicom_obstacle,
    encode_dicom,
    encode_dicom_keeping,
)
from super_resolution_gans.io.note import About
from super_resolution_gans.io.zarr_files import is_store
from super_resolution_gans.scan import Scan

Encode = Callable[[BinaryIO, Scan, About], None]
Fill = Callable[[Path, Scan, About, Callable[[], object]], None]


def fill_zarr(folder: Path, scan: Scan, about: About, check: Callable[[], object]) -> None:
    from super_resolution_gans.io import zarr_write

    zarr_write.fill_zarr(folder, scan, about, check)


@dataclass(frozen=True)
class Format:
    """A format: how it is written, and what it holds.

    Attributes:
        encode: writes a file.
        fill: writes an empty folder, if the format is a folder of files.
        owns: whether an existing folder is of this format, and so may be replaced.
        grey, colour: the types it holds; None means any.
        volumes: whether it holds more than one slice.
        needs: the library that writes it, if that is an extra's.
        problem: what of a scan it cannot hold, where types depend on slices.
        keeping: writes also what identifies a person, where the format has a place for it.
    """

    name: str
    suffixes: tuple[str, ...]
    encode: Encode | None = None
    fill: Fill | None = None
    owns: Callable[[Path], bool] | None = None
    grey: frozenset[np.dtype[Any]] | None = None
    colour: frozenset[np.dtype[Any]] | None = None
    longest_side: int | None = None
    volumes: bool = True
    needs: str | None = None
    problem: Callable[[Scan], str | None] | None = None
    keeping: Encode | None = None


def _types(names: str) -> frozenset[np.dtype[Any]]:
    return frozenset(map(np.dtype, names.split()))


_OME = _types("i1 i2 i4 u1 u2 u4 f4 f8")
_NIFTI = _types("i1 i2 i4 i8 u1 u2 u4 u8 f4 f8")
_BYTE, _PNG = _types("u1"), _types("u1 u2")

# In the order in which they are recommended.
_FORMATS = (
    Format(
        "PNG",
        (".png",),
        encode_raster.encode_png,
        grey=_PNG,
        colour=_BYTE,
        longest_side=1_000_000,
        volumes=False,
    ),
    Format("TIFF", (".tif", ".tiff"), encode_tiff.encode_tiff),
    Format(
        "OME-TIFF", (".ome.tif", ".ome.tiff"), encode_tiff.encode_ome_tiff, grey=_OME, colour=_OME
    ),
    Format("NPY", (".npy",), encode_volumes.encode_npy),
    Format("NPZ", (".npz",), encode_volumes.encode_npz),
    Format("zarr", (".zarr", ".ome.zarr"), fill=fill_zarr, owns=is_store, needs="zarr"),
    Format(
        "NIfTI",
        (".nii",),
        encode_volumes.encode_nifti,
        grey=_NIFTI,
        colour=_BYTE,
        longest_side=32_767,
        needs="nibabel",
    ),
    Format(
        "NIfTI",
        (".nii.gz",),
        encode_volumes.encode_nifti_gz,
        grey=_NIFTI,
        colour=_BYTE,
        longest_side=32_767,
        needs="nibabel",
    ),
    Format(
        "a series of PNGs",
        (".pngs",),
        fill=series.fill_series,
        owns=series.is_series,
        grey=_PNG,
        colour=_BYTE,
        longest_side=1_000_000,
    ),
    Format(
        "JPEG",
        (".jpg", ".jpeg"),
        encode_raster.encode_jpeg,
        grey=_BYTE,
        colour=_BYTE,
        longest_side=65_500,
        volumes=False,
    ),
    Format(
        "BMP",
        (".bmp",),
        encode_raster.encode_bmp,
        grey=_BYTE,
        colour=_BYTE,
        longest_side=30_000,
        volumes=False,
    ),
    Format(
        "WebP",
        (".webp",),
        encode_raster.encode_webp,
        grey=_BYTE,
        colour=_BYTE,
        longest_side=16_383,
        volumes=False,
    ),
    Format(
        "DICOM",
        (".dcm", ".dicom"),
        encode_dicom,
        problem=dicom_obstacle,
        keeping=encode_dicom_keeping,
    ),
)

WRITABLE_SUFFIXES = tuple(suffix for known in _FORMATS for suffix in known.suffixes)
"""The suffixes of what can be written, in lower case."""


def obstacle(suffix: str, scan: Scan) -> str | None:
    """Why a file with this suffix cannot hold the scan, and which could; None if it can."""
    chosen = format_of(suffix)
    if chosen is None:
        known = ", ".join(WRITABLE_SUFFIXES)
        problem = f"format {suffix} cannot be written" if suffix else "a name without a suffix"
        return f"{problem}; known are {known}"
    if chosen.needs is not None and find_spec(chosen.needs) is None:
        return f'{chosen.name} needs {chosen.needs}: pip install "SuperResolution-GANs[volumes]"'
    trouble = _problem(chosen, scan)
    if trouble is None:
        return None
    better = next(f.suffixes[0] for f in _FORMATS if _problem(f, scan) is None)
    return f"{chosen.name} cannot hold {trouble}; {better} can"


def format_of(suffix: str) -> Format | None:
    """The format of a suffix such as ``.ome.tif``, in any spelling; None if none is written so."""
    return next((f for f in _FORMATS if suffix.lower() in f.suffixes), None)


def _problem(chosen: Format, scan: Scan) -> str | None:
    if chosen.problem is not None:
        return chosen.problem(scan)
    if scan.slices > 1 and not chosen.volumes:
        return f"{scan.slices} slices"
    types = chosen.grey if scan.channels == 1 else chosen.colour
    if types is not None and scan.dtype not in types:
        return f"{scan.dtype} {'grey' if scan.channels == 1 else 'colour'}"
    if chosen.longest_side is not None and max(scan.shape[:3]) > chosen.longest_side:
        return f"{scan.width} x {scan.height} pixels" + (
            f" in {scan.slices} slices" if scan.slices > 1 else ""
        )
    return None
