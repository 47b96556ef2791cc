"""NPY arrays, memory-mapped; never unpickled."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.io.errors import ReadError
from super_resolution_gans.io.mapped import Released
from super_resolution_gans.io.stored import Limits, check_size, explain, scan_of
from super_resolution_gans.scan import Scan, ScanError, as_slices


class _Mapped:
    def __init__(self, values: NDArray[Any]) -> None:
        self._values, self._released = values, Released(getattr(values, "_mmap", None))
        self._bool = values.dtype == np.bool_
        self.shape = values.shape
        self.dtype = np.dtype(np.uint8) if self._bool else values.dtype.newbyteorder("=")

    def read(self, index: int, rows: slice, columns: slice) -> NDArray[Any]:
        window = np.array(self._values[index, rows, columns], self.dtype)
        self._released.after(window.nbytes)
        return window * np.uint8(255) if self._bool else window


def read_npy(path: Path, source: str, limits: Limits) -> Scan:
    """Read an array of numbers, its axes as :meth:`Scan.from_array` takes them.

    Raises:
        ReadError: if the file is damaged or truncated, or holds objects or no scan.
    """
    try:
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # a damaged header raises whatever comes
        raise ReadError(source, f"damaged, or no array of numbers ({explain(error)})") from None
    if values.dtype.kind not in "buif" or values.dtype.itemsize > 8:
        raise ReadError(source, f"an array of {values.dtype} is no scan")
    try:
        values = as_slices(values, source)
    except ScanError as error:
        raise ReadError(source, error.reason) from None
    _, height, width = values.shape[:3]
    check_size(source, height, width, values[0, 0, 0].size, limits)
    return scan_of(_Mapped(values), source, limits=limits)
