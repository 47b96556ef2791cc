"""A scan's stored numbers some rows at a time, so that large slices are never held whole."""

import math
from collections.abc import Iterator

from super_resolution_gans.scan import Scan

_STRIP_BYTES = 1 << 22


def strips(scan: Scan, index: int) -> Iterator[bytes]:
    """The little-endian bytes of a slice, :func:`rows_in_a_strip` at a time."""
    step, kind = rows_in_a_strip(scan), scan.dtype.newbyteorder("<")
    for top in range(0, scan.height, step):
        yield scan.stored_slice(index, slice(top, top + step)).astype(kind, copy=False).tobytes()


def rows_in_a_strip(scan: Scan) -> int:
    """As many rows as 4 MiB hold, and at least one."""
    row_bytes = math.prod(scan.shape[2:]) * scan.dtype.itemsize
    return min(scan.height, max(1, _STRIP_BYTES // row_bytes))
