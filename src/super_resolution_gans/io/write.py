"""Scan -> file."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.io.errors import WriteError
from super_resolution_gans.scan import Scan

_RASTER = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".bmp": "BMP", ".webp": "WEBP"}


def can_hold(suffix: str, scan: Scan) -> bool:
    """Whether a file with this suffix can hold the scan."""
    suffix = suffix.lower()
    if suffix in (".tif", ".tiff", ".npy"):
        return True
    if suffix not in _RASTER or scan.slices > 1:
        return False
    return scan.dtype == np.uint8 or (
        scan.dtype == np.uint16 and suffix == ".png" and scan.channels == 1
    )


def write_scan(scan: Scan, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Write a scan in its original type and range, atomically."""
    target = Path(path)
    suffix = target.suffix.lower()
    if not can_hold(suffix, scan):
        raise WriteError(path, "this format cannot hold the scan; use .tif")
    if target.exists() and not overwrite:
        raise WriteError(path, "exists already; overwrite=True replaces it")
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(
            dir=target.parent, prefix=".srgan-", suffix=suffix, delete=False
        ) as file:
            temporary = Path(file.name)
            _encode(file, scan.to_array(), suffix)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except OSError as error:
        raise WriteError(path, error.strerror or str(error)) from None
    finally:
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink()


def _encode(file: Any, values: NDArray[Any], suffix: str) -> None:
    if suffix == ".npy":
        np.save(file, values[0] if len(values) == 1 else values)
    elif suffix in (".tif", ".tiff"):
        import tifffile

        with tifffile.TiffWriter(file) as tiff:
            for page in values:
                tiff.write(page, software="", metadata=None, contiguous=False)
    else:
        from PIL import Image

        options: dict[str, Any] = {
            "JPEG": {"quality": 95, "subsampling": 0},
            "WEBP": {"lossless": True},
        }.get(_RASTER[suffix], {})
        Image.fromarray(values[0]).save(file, _RASTER[suffix], **options)
