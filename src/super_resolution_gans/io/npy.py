"""NPY arrays."""

from pathlib import Path

import numpy as np

from super_resolution_gans.io.errors import ReadError
from super_resolution_gans.io.raster import check_size
from super_resolution_gans.scan import Scan


def read_npy(path: Path, source: str, *, max_pixels: int) -> Scan:
    """Read an array as :meth:`Scan.from_array` takes it; pickled objects are refused."""
    try:
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError, MemoryError) as error:
        raise ReadError(source, f"damaged or not supported ({error})") from None
    check_size(source, *values.shape[-2:], 1, max_pixels)
    return Scan.from_array(values, source=source)
