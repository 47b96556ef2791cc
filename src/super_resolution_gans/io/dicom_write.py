"""Scan -> DICOM: one file, uncompressed, the same bytes for the same scan."""

import hashlib
import io
import math
import shutil
import struct
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.io.dicom_derived import derived, is_inverted
from super_resolution_gans.io.dicom_quiet import silent
from super_resolution_gans.scan import Scan, ScanError

_BAND_BYTES = 1 << 22
_IN_MEMORY = 64 << 20
_LONGEST_SIDE = 65535
# The length of a value is a number of 32 bits, and all ones mean something else.
_MOST_BYTES = (1 << 32) - 2
_GREY, _VOLUME, _COLOUR = ("u1", "u2", "i1", "i2"), ("u1", "u2"), ("u1",)

About = Callable[[], Mapping[str, Any]]


def dicom_obstacle(scan: Scan) -> str | None:
    """What of the scan a DICOM file cannot hold; None if it can."""
    kind = "grey" if scan.channels == 1 else "colour"
    types = _COLOUR if scan.channels == 3 else _GREY if scan.slices == 1 else _VOLUME
    if scan.dtype not in map(np.dtype, types):
        several = types is _VOLUME and scan.dtype in map(np.dtype, _GREY)
        return f"{scan.dtype} {kind}{' in several slices' if several else ''}"
    if max(scan.height, scan.width) > _LONGEST_SIDE:
        return f"{scan.width} x {scan.height} pixels"
    total = _bytes_of(scan)
    return f"{total} bytes of pixels" if total > _MOST_BYTES else None


def encode_dicom(file: BinaryIO, scan: Scan, about: About) -> None:
    """Without anything that identifies a person: see :mod:`io.dicom_carried`."""
    _encode(file, scan, about, keep_metadata=False)


def encode_dicom_keeping(file: BinaryIO, scan: Scan, about: About) -> None:
    """With patient, study, dates and institution of a DICOM source."""
    _encode(file, scan, about, keep_metadata=True)


def _encode(file: BinaryIO, scan: Scan, about: About, *, keep_metadata: bool) -> None:
    """Pixels go to a nameless file first: what is said before them is known only after them."""
    with _room(file, scan) as pixels:
        digest = hashlib.sha256()
        for band in _bands(scan):
            data = band.tobytes()
            digest.update(data)
            pixels.write(data)
        length = pixels.tell()
        facts = about()
        try:
            header = _header(scan, facts, digest.hexdigest(), keep_metadata)
        except Exception as error:  # pydicom raises whatever comes, and quotes what it read
            reason = f"its DICOM header cannot be used ({type(error).__name__})"
            raise ScanError(scan.source, reason) from None
        file.write(header)
        kind = b"OW" if scan.dtype.itemsize == 2 else b"OB"
        file.write(struct.pack("<HH2sHI", 0x7FE0, 0x0010, kind, 0, length + length % 2))
        pixels.seek(0)
        shutil.copyfileobj(pixels, file, _BAND_BYTES)
        file.write(b"\0" * (length % 2))


def _header(scan: Scan, about: Mapping[str, Any], digest: str, keep_metadata: bool) -> bytes:
    """The file up to the pixels, which have the highest tag of all."""
    from pydicom.filewriter import dcmwrite
    from pydicom.uid import ExplicitVRLittleEndian

    encoded = io.BytesIO()
    with silent():
        header = derived(scan, about, digest, keep_metadata=keep_metadata)
        header.ensure_file_meta()
        header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dcmwrite(encoded, header, enforce_file_format=True)
    return encoded.getvalue()


def _room(file: BinaryIO, scan: Scan) -> BinaryIO:
    """In memory if small, else a nameless file in the folder of the result."""
    if _bytes_of(scan) <= _IN_MEMORY:
        return io.BytesIO()
    name = getattr(file, "name", None)
    return TemporaryFile(dir=Path(name).parent if isinstance(name, str) else None)


def _bytes_of(scan: Scan) -> int:
    return math.prod(scan.shape) * scan.dtype.itemsize


def _bands(scan: Scan) -> Iterator[NDArray[Any]]:
    """Original numbers, little-endian, some rows at a time."""
    row_bytes = math.prod(scan.shape[2:]) * scan.dtype.itemsize
    step, kind = max(1, _BAND_BYTES // row_bytes), scan.dtype.newbyteorder("<")
    low, high = (int(end) for end in scan.value_range)
    inverted = is_inverted(scan)
    for index in range(scan.slices):
        for top in range(0, scan.height, step):
            band = scan.stored_slice(index, slice(top, top + step))
            if inverted:
                band = np.subtract(band.dtype.type(low + high), band, dtype=band.dtype)
            yield band.astype(kind, copy=False)
