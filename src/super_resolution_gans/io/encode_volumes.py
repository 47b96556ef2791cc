"""NPY, NPZ and NIfTI, written some rows at a time."""

import gzip
import json
import math
import zipfile
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.io.nifti import MADE_BY
from super_resolution_gans.io.note import About
from super_resolution_gans.io.npz import ABOUT, RANGE, SPACING
from super_resolution_gans.io.strips import strips
from super_resolution_gans.scan import Scan


def encode_npy(file: BinaryIO, scan: Scan, _about: About) -> None:
    """The shape is the one that :meth:`Scan.from_array` understands as this scan."""
    shape = scan.shape
    if scan.slices == 1 and (scan.channels == 3 or scan.width not in (1, 3)):
        shape = shape[1:]
    elif scan.channels == 1 and scan.width in (1, 3):
        shape = (*shape, 1)
    _array(file, scan, shape)


def encode_npz(file: BinaryIO, scan: Scan, about: About) -> None:
    """As ``numpy.savez`` writes: ``pixels`` (slices, height, width[, 3]) without compression.

    Beside them ``spacing_mm`` (NaN where unknown), ``value_range`` and, if there is a story,
    ``about`` as a text of JSON.
    """
    with zipfile.ZipFile(file, "w") as archive:
        # A fixed date, and room for any size: the same scan gives the same bytes.
        with archive.open(zipfile.ZipInfo("pixels.npy"), "w", force_zip64=True) as member:
            narrow = scan.channels == 1 and scan.width in (1, 3)
            _array(member, scan, (*scan.shape, 1) if narrow else scan.shape)
        beside: dict[str, NDArray[Any]] = {
            SPACING: np.array([math.nan if mm is None else mm for mm in scan.spacing]),
            RANGE: np.array(scan.value_range),
        }
        if facts := about():
            beside[ABOUT] = np.array(json.dumps(facts, sort_keys=True))
        for name, values in beside.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, values, allow_pickle=False)


def encode_nifti(file: BinaryIO, scan: Scan, _about: About) -> None:
    """NIfTI-1 in one file: x is the column, y the row, z the slice; sizes in mm.

    No orientation is claimed (qform and sform are 0). Unknown sizes are 1, which the description
    says, since the format cannot. The range is what the format calls display range, if float32 can
    hold it.
    """
    import nibabel

    header: Any = nibabel.Nifti1Header(endianness="<")  # type: ignore[no-untyped-call]
    rgb = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
    header.set_data_dtype(rgb if scan.channels == 3 else scan.dtype)
    header.set_data_shape(scan.shape[2::-1])
    header.set_zooms([1.0 if mm is None else mm for mm in scan.spacing[::-1]])
    if any(scan.spacing):
        header.set_xyzt_units("mm")
    unknown = [axis for axis, mm in zip("zyx", scan.spacing, strict=True) if mm is None]
    header["descrip"] = MADE_BY + (f"; unknown size: {' '.join(unknown)}" if unknown else "")
    ends = np.array(scan.value_range)
    if (ends.astype(np.float32) == ends).all():
        header["cal_min"], header["cal_max"] = scan.value_range
    header["vox_offset"] = 352
    header.set_slope_inter(1, 0)
    file.write(header.binaryblock + bytes(4))  # no extensions
    for index in range(scan.slices):
        for strip in strips(scan, index):
            file.write(strip)


def encode_nifti_gz(file: BinaryIO, scan: Scan, about: About) -> None:
    """The same, compressed as nibabel does, without a time."""
    with gzip.GzipFile("", "wb", compresslevel=1, fileobj=file, mtime=0) as packed:
        encode_nifti(packed, scan, about)  # type: ignore[arg-type]


def _array(file: Any, scan: Scan, shape: tuple[int, ...]) -> None:
    header = {
        "descr": np.lib.format.dtype_to_descr(scan.dtype.newbyteorder("<")),
        "fortran_order": False,
        "shape": shape,
    }
    np.lib.format.write_array_header_1_0(file, header)
    for index in range(scan.slices):
        for strip in strips(scan, index):
            file.write(strip)
