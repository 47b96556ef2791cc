"""The eight orientations of EXIF and TIFF (tag 274), undone."""

from typing import Any

from numpy.typing import NDArray

TAG = 274
_TRANSPOSED, _MIRRORED, _FLIPPED = (5, 6, 7, 8), (2, 3, 6, 7), (3, 4, 7, 8)


def swaps_axes(orientation: int) -> bool:
    """Whether stored rows are upright columns."""
    return orientation in _TRANSPOSED


def upright(values: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Stored pixels (h, w[, c]) as they are meant to be seen; 1 or nonsense changes nothing."""
    if orientation in _TRANSPOSED:
        values = values.swapaxes(0, 1)
    if orientation in _MIRRORED:
        values = values[:, ::-1]
    if orientation in _FLIPPED:
        values = values[::-1]
    return values


def stored_window(
    rows: slice, columns: slice, height: int, width: int, orientation: int
) -> tuple[slice, slice]:
    """Where a window of an upright (height, width) image lies in the stored one."""
    if orientation in _MIRRORED:
        columns = slice(width - columns.stop, width - columns.start)
    if orientation in _FLIPPED:
        rows = slice(height - rows.stop, height - rows.start)
    return (columns, rows) if orientation in _TRANSPOSED else (rows, columns)
