"""NIfTI-1 and NIfTI-2 in one file, .nii or .nii.gz."""

import gzip
import io
import math
import zlib
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.io.errors import ReadError
from super_resolution_gans.io.mapped import StoredArray
from super_resolution_gans.io.npy import is_numeric
from super_resolution_gans.io.stored import (
    Limits,
    Stored,
    check_memory,
    check_size,
    explain,
    scan_of,
)
from super_resolution_gans.scan import Range, Scan, Spacing

CURE = 'pip install "SuperResolution-GANs[volumes]"'

MADE_BY = "SuperResolution-GANs"
"""What the description of our own files begins with; unknown sizes may follow."""

_HEADER_BYTES = {348: (b"n+1\0", 344), 540: (b"n+2\0\r\n\x1a\n", 4)}  # magic and its place
_AXES = (b"x", b"y", b"z")
_LARGEST_OFFSET = 1 << 26
_STEP = 1 << 22
_MM = {"meter": 1000.0, "mm": 1.0, "micron": 1e-3}


def read_nifti(path: Path, source: str, limits: Limits) -> Scan:
    """Read a volume stored as (x, y, z): x becomes the column, y the row, z the slice.

    This is the order in which the numbers lie in the file, and that of ITK: nothing is turned or
    mirrored by the affine. Its columns' lengths are the spacing; without a named unit they are mm,
    as other programs take them, and three times exactly 1 is what a program writes that knows
    none. Scaled numbers (scl_slope, scl_inter) become float, float64 if they have 32 bits or more.
    cal_min and cal_max are the range if all numbers lie within. An uncompressed file is mapped; a
    compressed one must fit under ``max_memory`` as a whole.

    Raises:
        ReadError: if the file is damaged or truncated, has more than three axes, or nibabel is
            missing.
    """
    return _read(path, source, limits, path.open)


def read_gzip(path: Path, source: str, limits: Limits) -> Scan:
    """Read a compressed NIfTI file; no more is decompressed than its header announces.

    Raises:
        ReadError: as :func:`read_nifti`.
    """
    return _read(path, source, limits, lambda _mode: gzip.open(path), packed=True)


def is_packed(path: Path) -> bool:
    """Whether a gzip file holds NIfTI."""
    with suppress(OSError, EOFError, zlib.error), gzip.open(path) as file:
        return _size_of_header(file.read(max(_HEADER_BYTES))) is not None
    return False


@dataclass(frozen=True)
class _Header:
    """What matters of a header.

    Attributes:
        shape: (slices, height, width).
        dtype: of the stored numbers; three fields in colour.
        scaling: slope and intercept; None if numbers mean themselves.
    """

    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    offset: int
    scaling: tuple[float, float] | None
    spacing: Spacing
    told: Range | None
    assumed: bool


def _read(path: Path, source: str, limits: Limits, opened: Any, packed: bool = False) -> Scan:
    try:
        import nibabel  # noqa: F401
    except ImportError:
        raise ReadError(source, f"NIfTI needs nibabel: {CURE}") from None
    try:
        with opened("rb") as file:
            header = _header(file.read(max(_HEADER_BYTES)), source)
            channels = 3 if header.dtype.names else 1
            check_size(source, *header.shape[1:], channels, limits)
            if packed:
                size = math.prod(header.shape) * header.dtype.itemsize
                check_memory(source, size, limits, "; uncompressed it is read piece by piece")
                values = _unpacked(file, header)
            else:
                values = _mapped(path, header)
    except ReadError:
        raise
    except MemoryError:
        raise ReadError(source, "too large for the memory of this machine") from None
    except EOFError:
        raise ReadError(source, "truncated NIfTI (the compressed data break off)") from None
    except Exception as error:  # damaged headers and streams raise whatever comes
        raise ReadError(source, f"damaged or not supported ({explain(error)})") from None
    stored: Stored = StoredArray(_in_colour(values))
    if header.scaling is not None:
        stored = _Scaled(stored, *header.scaling)
    scan = scan_of(stored, source, limits=limits, spacing=header.spacing, told_range=header.told)
    note = {"pixel sizes": "without a unit in the file, taken as mm"} if header.assumed else {}
    return replace(scan, details=note)


def _size_of_header(head: bytes) -> int | None:
    for size, (magic, at) in _HEADER_BYTES.items():
        if head[at : at + len(magic)] == magic:
            return size
    return None


def _header(head: bytes, source: str) -> _Header:
    import nibabel

    kinds: dict[int, Any] = {348: nibabel.Nifti1Header, 540: nibabel.Nifti2Header}
    size = _size_of_header(head)
    if size is None or len(head) < size:
        raise ValueError("the header breaks off")
    header = kinds[size].from_fileobj(io.BytesIO(head), check=False)
    axes = [int(n) for n in header.get_data_shape()]
    if min(axes, default=0) < 0:
        raise ValueError(f"axes of {axes}")
    while len(axes) > 3 and axes[-1] == 1:
        axes.pop()
    if not 2 <= len(axes) <= 3:
        said = " x ".join(map(str, axes)) or "none"
        raise ReadError(source, f"axes of {said}; expected x, y and z of one volume")
    width, height, slices = (*axes, 1)[:3]
    dtype = header.get_data_dtype()
    if not (is_numeric(dtype) or dtype.names == ("R", "G", "B")):
        names = " ".join(dtype.names or ())
        raise ReadError(source, f"numbers of type {names or dtype} are not supported")
    offset = float(header.get_data_offset())
    if not size <= offset <= _LARGEST_OFFSET:
        raise ValueError(f"the numbers cannot begin at byte {offset:g}")
    slope, inter = header.get_slope_inter()
    scaled = slope is not None and (slope, inter) != (1, 0) and not dtype.names
    spacing, assumed = _spacing(header)
    return _Header(
        (slices, height, width),
        dtype,
        int(offset),
        (float(slope), float(inter)) if scaled else None,
        spacing,
        _told(header),
        assumed,
    )


def _spacing(header: Any) -> tuple[Spacing, bool]:
    """mm per slice, row and column, and whether that is a guess at the unit."""
    from nibabel import affines

    sizes_of: Any = affines.voxel_sizes
    try:
        unit = header.get_xyzt_units()[0]
    except KeyError:
        unit = "another"
    sizes = [float(n) for n in sizes_of(header.get_best_affine())]
    if header["pixdim"].dtype.itemsize == 4:
        sizes = [float(str(np.float32(n))) for n in sizes]  # 0.12, not 0.119999997
    if unit not in (*_MM, "unknown") or set(sizes) == {1.0}:
        return (None, None, None), False
    mm = [n * _MM.get(unit, 1.0) for n in sizes]
    if header["dim"][0] < 3:
        mm[2] = math.nan
    made_by, _, unknown = header["descrip"].item().partition(b"; unknown size:")
    if made_by == MADE_BY.encode():
        mm = [math.nan if axis in unknown.split() else n for axis, n in zip(_AXES, mm, strict=True)]
    columns, rows, slices = (n if math.isfinite(n) and n > 0 else None for n in mm)
    return (slices, rows, columns), unit == "unknown"


def _told(header: Any) -> Range | None:
    low, high = float(header["cal_min"]), float(header["cal_max"])
    return (low, high) if math.isfinite(low) and math.isfinite(high) and low < high else None


def _mapped(path: Path, header: _Header) -> NDArray[Any]:
    announced = header.offset + math.prod(header.shape) * header.dtype.itemsize
    if announced > path.stat().st_size:
        raise ValueError(f"truncated: {announced} bytes announced, {path.stat().st_size} found")
    return np.memmap(path, header.dtype, "r", header.offset, header.shape)


def _unpacked(file: IO[bytes], header: _Header) -> NDArray[Any]:
    flat = np.empty(math.prod(header.shape), header.dtype)
    target, done = flat.view(np.uint8).data, 0
    file.seek(header.offset)
    while done < len(target):
        piece = file.read(min(_STEP, len(target) - done))
        if not piece:
            raise EOFError
        target[done : done + len(piece)] = piece
        done += len(piece)
    file.read(1)  # at the end of the stream its checksum is compared
    return flat.reshape(header.shape)


def _in_colour(values: NDArray[Any]) -> NDArray[Any]:
    """RGB as a last axis of three; grey as it is."""
    return values.view(np.uint8).reshape(*values.shape, 3) if values.dtype.names else values


class _Scaled:
    """Numbers times a slope plus an intercept."""

    def __init__(self, stored: Stored, slope: float, inter: float) -> None:
        self._stored, self._slope, self._inter = stored, slope, inter
        self.shape = stored.shape
        wide = stored.dtype.itemsize > 2 and stored.dtype != np.float32
        self.dtype = np.dtype(np.float64 if wide else np.float32)

    def read(self, index: int, rows: slice, columns: slice) -> NDArray[Any]:
        """A window of slice ``index``: (h, w)."""
        raw = self._stored.read(index, rows, columns).astype(np.float64)
        return (raw * self._slope + self._inter).astype(self.dtype)
