"""A ZIP archive: arrays of NumPy, or a zarr store."""

import zipfile
from pathlib import Path

from super_resolution_gans.io.errors import ReadError
from super_resolution_gans.io.names import ends_in
from super_resolution_gans.io.npz import read_npz
from super_resolution_gans.io.stored import Limits, explain
from super_resolution_gans.io.zarr_files import MARKERS
from super_resolution_gans.io.zarr_read import read_zarr
from super_resolution_gans.scan import Scan


def read_zip(path: Path, source: str, limits: Limits) -> Scan:
    """Read an archive as :func:`read_npz` or :func:`~.zarr_read.read_zarr` does.

    Raises:
        ReadError: if it is neither, or damaged.
    """
    try:
        names = _names(path)
    except Exception as error:  # damaged archives raise whatever comes
        raise ReadError(source, f"damaged ZIP ({explain(error)})") from None
    if not names.isdisjoint(MARKERS):
        return read_zarr(path, source, limits)
    return read_npz(path, source, limits)


def holds_arrays(path: Path) -> bool:
    """Whether an archive is, or by its name is meant to be, arrays of NumPy or a zarr store."""
    if ends_in(path, (".npz", ".zarr.zip")):
        return True
    try:
        names = _names(path)
    except Exception:  # damaged archives raise whatever comes
        return False
    return not names.isdisjoint(MARKERS) or any(name.endswith(".npy") for name in names)


def _names(path: Path) -> set[str]:
    with zipfile.ZipFile(path) as archive:
        return set(archive.namelist())
