"""Any readable file or address -> Scan."""

import os
from pathlib import Path

from super_resolution_gans.io.errors import ReadError
from super_resolution_gans.scan import Scan

_MAX_PIXELS = 512_000_000


def read_scan(source: str | os.PathLike[str], *, max_pixels: int = _MAX_PIXELS) -> Scan:
    """Read a scan from a file."""
    from super_resolution_gans.io.npy import read_npy
    from super_resolution_gans.io.raster import read_raster
    from super_resolution_gans.io.tiff import read_tiff

    name = os.fspath(source)
    path = Path(source)
    try:
        with path.open("rb") as stream:
            head = stream.read(16)
    except OSError as error:
        raise ReadError(name, error.strerror or str(error)) from None
    if head[:6] == b"\x93NUMPY":
        return read_npy(path, name, max_pixels=max_pixels)
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return read_tiff(path, name, max_pixels=max_pixels)
    return read_raster(path, name, max_pixels=max_pixels)
