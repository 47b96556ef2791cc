"""A ZIP archive: arrays of NumPy, or a zarr store."""

import zipfile
from pathlib import Path

from super_resolution_gans.io.errors import ReadError
from super_resolution_gans.io.npz import read_npz
from super_resolution_gans.io.stored import Limits, explain
from super_resolution_gans.scan import Scan

_ZARR = ("zarr.json", ".zgroup", ".zarray")


def read_zip(path: Path, source: str, limits: Limits) -> Scan:
    """Read an archive as :func:`read_npz` or :func:`~.zarr_read.read_zarr` does.

    Raises:
        ReadError: if it is neither, or damaged.
    """
    if holds_zarr(path, source):
        from super_resolution_gans.io.zarr_read import read_zarr

        return read_zarr(path, source, limits)
    return read_npz(path, source, limits)


def holds_zarr(path: Path, source: str) -> bool:
    """Whether a zarr store lies at the top of this archive.

    Raises:
        ReadError: if it is no archive.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return not set(_ZARR).isdisjoint(archive.namelist())
    except Exception as error:  # damaged archives raise whatever comes
        raise ReadError(source, f"damaged ZIP ({explain(error)}); extract it first") from None
