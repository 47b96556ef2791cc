"""The formats that can be written: what each can hold, and how.

How the pixels came to be is one JSON object: in the note of a TIFF, a text chunk ``srgan`` of a
PNG, the comment of a JPEG, the Exif image description of a WebP, an element of its own in DICOM.
BMP and NPY have no place for it.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.io.dicom_write import (
    dicom_obstacle,
    encode_dicom,
    encode_dicom_keeping,
)
from super_resolution_gans.io.spacing import MM_PER_INCH
from super_resolution_gans.io.tiff_spacing import note
from super_resolution_gans.scan import Scan

_UINT8, _UINT16 = np.dtype(np.uint8), np.dtype(np.uint16)
_BIG_TIFF_ABOVE = (1 << 32) - (1 << 25)
# Of a strip, and of what is written at once: large slices are never held whole.
_STRIP_BYTES = 1 << 22
_IMAGE_DESCRIPTION = 270

About = Callable[[], Mapping[str, Any]]
"""Tells how the pixels came to be, once all of them have been read."""


def encode_png(file: BinaryIO, scan: Scan, about: About) -> None:
    from PIL.PngImagePlugin import PngInfo

    pixels, told = scan.stored_slice(0), PngInfo()
    if facts := about():
        told.add_text("srgan", _json(facts))
    _save(file, pixels, "PNG", compress_level=6, pnginfo=told, **_dpi(scan))


def encode_jpeg(file: BinaryIO, scan: Scan, about: About) -> None:
    pixels, facts = scan.stored_slice(0), about()
    told = {"comment": _json(facts).encode()} if facts else {}
    _save(file, pixels, "JPEG", quality=95, subsampling=0, **told, **_dpi(scan))


def encode_bmp(file: BinaryIO, scan: Scan, _about: About) -> None:
    _save(file, scan.stored_slice(0), "BMP", **_dpi(scan))


def encode_webp(file: BinaryIO, scan: Scan, about: About) -> None:
    from PIL import Image

    pixels, exif = scan.stored_slice(0), Image.Exif()
    if facts := about():
        exif[_IMAGE_DESCRIPTION] = _json(facts)
    _save(file, pixels, "WEBP", lossless=True, quality=80, method=4, exif=exif)


def encode_npy(file: BinaryIO, scan: Scan, _about: About) -> None:
    """The shape is the one that :meth:`Scan.from_array` understands as this scan."""
    shape = scan.shape
    if scan.slices == 1 and (scan.channels == 3 or scan.width not in (1, 3)):
        shape = shape[1:]
    elif scan.channels == 1 and scan.width in (1, 3):
        shape = (*shape, 1)
    header = {
        "descr": np.lib.format.dtype_to_descr(scan.dtype.newbyteorder("<")),
        "fortran_order": False,
        "shape": shape,
    }
    np.lib.format.write_array_header_1_0(file, header)
    for index in range(scan.slices):
        for strip in _strips(scan, index):
            file.write(strip)


def encode_tiff(file: BinaryIO, scan: Scan, about: About) -> None:
    """Uncompressed strips, in pixels per cm; a note holds what those tags cannot."""
    import tifffile

    total = int(np.prod(scan.shape, dtype=np.int64)) * scan.dtype.itemsize
    options: dict[str, Any] = {"photometric": "rgb" if scan.channels == 3 else "minisblack"}
    _, rows, columns = scan.spacing
    if rows is not None and columns is not None:
        options["resolution"] = (10 / columns, 10 / rows)
        options["resolutionunit"] = "CENTIMETER"
    with tifffile.TiffWriter(file, byteorder="<", bigtiff=total > _BIG_TIFF_ABOVE) as tiff:
        for index in range(scan.slices):
            tiff.write(
                _strips(scan, index),
                shape=scan.shape[1:],
                dtype=scan.dtype,
                rowsperstrip=_rows_in_a_strip(scan),
                planarconfig="contig" if scan.channels == 3 else None,
                description=note(scan.spacing, scan.value_range) if index == 0 else None,
                metadata=None,
                software=False,
                contiguous=False,
                **options,
            )
        if facts := about():
            tiff.overwrite_description(note(scan.spacing, scan.value_range, facts))


def _json(facts: Mapping[str, Any]) -> str:
    return json.dumps(facts, sort_keys=True)


def _strips(scan: Scan, index: int) -> Iterator[bytes]:
    """The little-endian bytes of a slice, some rows at a time."""
    step, kind = _rows_in_a_strip(scan), scan.dtype.newbyteorder("<")
    for top in range(0, scan.height, step):
        yield scan.stored_slice(index, slice(top, top + step)).astype(kind, copy=False).tobytes()


def _rows_in_a_strip(scan: Scan) -> int:
    row_bytes = math.prod(scan.shape[2:]) * scan.dtype.itemsize
    return min(scan.height, max(1, _STRIP_BYTES // row_bytes))


Encode = Callable[[BinaryIO, Scan, About], None]


@dataclass(frozen=True)
class _Format:
    """A format: how it is written, and what it holds; no ``types`` means any.

    Attributes:
        problem: what of a scan it cannot hold, where that is not a matter of types and size.
        keeping: writes also what identifies a person, where the format has a place for it.
    """

    name: str
    suffixes: tuple[str, ...]
    encode: Encode
    grey: tuple[np.dtype[Any], ...] = ()
    colour: tuple[np.dtype[Any], ...] = ()
    longest_side: int | None = None
    problem: Callable[[Scan], str | None] | None = None
    keeping: Encode | None = None


# In the order in which they are recommended.
_FORMATS = (
    _Format("PNG", (".png",), encode_png, (_UINT8, _UINT16), (_UINT8,), 1_000_000),
    _Format("TIFF", (".tif", ".tiff"), encode_tiff),
    _Format("NPY", (".npy",), encode_npy),
    _Format("JPEG", (".jpg", ".jpeg"), encode_jpeg, (_UINT8,), (_UINT8,), 65_500),
    _Format("BMP", (".bmp",), encode_bmp, (_UINT8,), (_UINT8,), 30_000),
    _Format("WebP", (".webp",), encode_webp, (_UINT8,), (_UINT8,), 16_383),
    _Format(
        "DICOM",
        (".dcm", ".dicom"),
        encode_dicom,
        problem=dicom_obstacle,
        keeping=encode_dicom_keeping,
    ),
)


def obstacle(suffix: str, scan: Scan) -> str | None:
    """Why a file with this suffix cannot hold the scan, and which could; None if it can."""
    known = ", ".join(s for f in _FORMATS for s in f.suffixes)
    chosen = _format(suffix)
    if chosen is None:
        problem = f"format {suffix} cannot be written" if suffix else "a name without a suffix"
        return f"{problem}; known are {known}"
    trouble = _problem(chosen, scan)
    if trouble is None:
        return None
    better = next(f.suffixes[0] for f in _FORMATS if _problem(f, scan) is None)
    return f"{chosen.name} cannot hold {trouble}; {better} can"


def encoder(suffix: str, *, keep_metadata: bool = False) -> Encode:
    """The function that writes this format, with what identifies a person if that is wanted."""
    chosen = _format(suffix)
    if chosen is None:
        raise KeyError(suffix)
    return (chosen.keeping if keep_metadata else None) or chosen.encode


def _format(suffix: str) -> _Format | None:
    return next((f for f in _FORMATS if suffix.lower() in f.suffixes), None)


def _problem(chosen: _Format, scan: Scan) -> str | None:
    if chosen.problem is not None:
        return chosen.problem(scan)
    types = chosen.grey if scan.channels == 1 else chosen.colour
    if not types:
        return None
    if scan.slices > 1:
        return f"{scan.slices} slices"
    if scan.dtype not in types:
        return f"{scan.dtype} {'grey' if scan.channels == 1 else 'colour'}"
    if chosen.longest_side is not None and max(scan.height, scan.width) > chosen.longest_side:
        return f"{scan.width} x {scan.height} pixels"
    return None


def _save(file: BinaryIO, pixels: NDArray[Any], name: str, **options: Any) -> None:
    from PIL import Image

    Image.fromarray(pixels).save(file, name, **options)


def _dpi(scan: Scan) -> dict[str, Any]:
    _, rows, columns = scan.spacing
    if rows is None or columns is None:
        return {}
    return {"dpi": (MM_PER_INCH / columns, MM_PER_INCH / rows)}
