"""NPY arrays, memory-mapped; never unpickled."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.io.errors import ReadError
from super_resolution_gans.io.mapped import StoredArray
from super_resolution_gans.io.stored import Limits, check_size, explain, scan_of
from super_resolution_gans.scan import Scan, ScanError, as_slices


def read_npy(path: Path, source: str, limits: Limits) -> Scan:
    """Read an array of numbers, its axes as :meth:`Scan.from_array` takes them.

    Raises:
        ReadError: if the file is damaged or truncated, or holds objects or no scan.
    """
    try:
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # a damaged header raises whatever comes
        raise ReadError(source, f"damaged, or no array of numbers ({explain(error)})") from None
    if not is_numeric(values.dtype):
        raise ReadError(source, f"an array of {values.dtype} is no scan")
    values = slices_in(values, source)
    _, height, width = values.shape[:3]
    check_size(source, height, width, values[0, 0, 0].size, limits)
    return scan_of(StoredArray(values), source, limits=limits)


def is_numeric(dtype: np.dtype[Any]) -> bool:
    """Whether numbers of this type can be pixels."""
    return dtype.kind in "buif" and dtype.itemsize <= 8


def slices_in(values: NDArray[Any], source: str) -> NDArray[Any]:
    """The array as :func:`~super_resolution_gans.scan.as_slices` sees it.

    Raises:
        ReadError: if it is no scan.
    """
    try:
        return as_slices(values, source)
    except ScanError as error:
        raise ReadError(source, error.reason) from None
