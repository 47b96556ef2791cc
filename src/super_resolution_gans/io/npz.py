"""NPZ: the one array of an archive that is a scan; never unpickled."""

import math
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.io.errors import ReadError
from super_resolution_gans.io.mapped import StoredArray
from super_resolution_gans.io.npy import is_numeric, slices_in
from super_resolution_gans.io.stored import Limits, check_memory, check_size, explain, scan_of
from super_resolution_gans.scan import Range, Scan, Spacing, printable

_PREFERRED = ("pixels", "volume", "image", "arr_0")
_MOST_MEMBERS = 1000
_SMALL = 1 << 16
_LOCAL_HEADER = 30
_STEP = 1 << 22

SPACING, RANGE, ABOUT = "spacing_mm", "value_range", "about"
"""Arrays beside the pixels that :mod:`io.encode_npz` writes; believed where they make sense."""


@dataclass(frozen=True)
class Member:
    """An array of an archive, as its header announces it.

    Attributes:
        offset: of its first number within the member.
    """

    name: str
    info: zipfile.ZipInfo
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool
    offset: int

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def may_be_a_scan(self) -> bool:
        return is_numeric(self.dtype) and 2 <= len(self.shape) <= 4


def read_npz(path: Path, source: str, limits: Limits) -> Scan:
    """Read the one array of two to four axes, or the one called like a scan's pixels.

    Of several such arrays the one named ``pixels``, ``volume``, ``image`` or ``arr_0`` is taken,
    in this order. An array ``spacing_mm`` of three numbers is the spacing (NaN where unknown), one
    ``value_range`` of two the range. What is not compressed is mapped; what is must fit under
    ``max_memory`` as a whole, which is known before anything is decompressed.

    Raises:
        ReadError: if no array or none of several is the scan (their names are told), sizes do not
            fit what the archive announces, or the file is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = members_of(archive, source)
            chosen = _chosen(members, source)
            values = _values(archive, path, chosen, source, limits)
            spacing, told = _beside(archive, members)
    except ReadError:
        raise
    except MemoryError:
        raise ReadError(source, "too large for the memory of this machine") from None
    except Exception as error:  # damaged archives raise whatever comes
        raise ReadError(source, f"damaged or not supported ({explain(error)})") from None
    scan = scan_of(StoredArray(values), source, limits=limits, spacing=spacing, told_range=told)
    return replace(scan, details={"array": chosen.name}) if len(members) > 1 else scan


def members_of(archive: zipfile.ZipFile, source: str) -> dict[str, Member]:
    """The arrays of an archive by their names, without any of their numbers.

    Raises:
        ReadError: if a header is damaged, or announces another size than the archive does.
    """
    infos = [info for info in archive.infolist() if info.filename.endswith(".npy")]
    if len(infos) > _MOST_MEMBERS:
        raise ReadError(source, f"{len(infos)} arrays are more than {_MOST_MEMBERS}")
    members = {}
    for info in infos:
        if info.flag_bits & 1:
            raise ReadError(source, f"{printable(info.filename)} is encrypted")
        with archive.open(info) as file:
            shape, fortran, dtype = _header(file)
            member = Member(
                info.filename.removesuffix(".npy"), info, shape, dtype, fortran, file.tell()
            )
        # Pickled objects have no size that could be known.
        if not dtype.hasobject and member.offset + member.nbytes != info.file_size:
            raise ReadError(
                source,
                f"damaged NPZ ({printable(info.filename)} announces {member.nbytes} bytes of "
                f"numbers, the archive {info.file_size - member.offset})",
            )
        members[member.name] = member
    return members


def text_of(archive: zipfile.ZipFile, member: Member) -> str:
    """The text that an array of no axes holds; "" if it is anything else."""
    if member.shape or member.dtype.kind != "U" or member.nbytes > 64 * _SMALL:
        return ""
    with archive.open(member.info) as file:
        return str(np.lib.format.read_array(file, allow_pickle=False))


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(file)
    if version == (2, 0):
        return np.lib.format.read_array_header_2_0(file)
    raise ValueError(f"NPY of version {version[0]}.{version[1]}")


def _chosen(members: dict[str, Member], source: str) -> Member:
    scans = {name: member for name, member in members.items() if member.may_be_a_scan}
    named = [name for name in _PREFERRED if name in scans]
    if len(scans) == 1 or named:
        return scans[named[0]] if named else next(iter(scans.values()))
    if not members:
        raise ReadError(source, "there are no arrays in this archive")
    said = ", ".join(f"{name} {m.dtype} {m.shape}" for name, m in list(members.items())[:8])
    more = f" and {len(members) - 8} more" if len(members) > 8 else ""
    what = "several arrays may be the scan" if scans else "no array of numbers is a scan"
    cure = f"; call it one of {', '.join(_PREFERRED)}" if scans else ""
    raise ReadError(source, f"{what}: {printable(said)}{more}{cure}")


def _values(
    archive: zipfile.ZipFile, path: Path, member: Member, source: str, limits: Limits
) -> NDArray[Any]:
    """(slices, height, width[, 3]), checked before anything is decompressed."""
    order: Any = "F" if member.fortran else "C"
    # An array that takes no memory has the shape to be checked.
    shape = slices_in(np.broadcast_to(np.zeros((), member.dtype), member.shape), source).shape
    check_size(source, shape[1], shape[2], math.prod(shape[3:]), limits)
    plain = member.info.compress_type == zipfile.ZIP_STORED
    if plain and 4 * math.prod(shape) > limits.lazy_above:
        values: NDArray[Any] = np.memmap(
            path, member.dtype, "r", _start(path, member), member.shape, order
        )
        return slices_in(values, source)
    size = math.prod(shape) * member.dtype.itemsize
    check_memory(source, size, limits, "; uncompressed it is read piece by piece")
    flat = np.empty(math.prod(shape), member.dtype)
    with archive.open(member.info) as file:
        file.read(member.offset)
        _fill(flat.view(np.uint8).data, file)
    return slices_in(flat.reshape(member.shape, order=order), source)


def _fill(target: memoryview, file: IO[bytes]) -> None:
    """Read all of the rest of a member, so that its checksum is compared."""
    done = 0
    while piece := file.read(_STEP):
        target[done : done + len(piece)] = piece
        done += len(piece)
    if done != len(target):
        raise ValueError(f"{len(target)} bytes of numbers expected, {done} found")


def _start(path: Path, member: Member) -> int:
    """Where the numbers of a member that is not compressed lie in the archive."""
    with path.open("rb") as file:
        file.seek(member.info.header_offset)
        head = file.read(_LOCAL_HEADER)
    names = int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
    start = member.info.header_offset + _LOCAL_HEADER + names + member.offset
    if start + member.nbytes > path.stat().st_size:
        raise ValueError("the numbers lie beyond the end of the file")
    return start


def _beside(archive: zipfile.ZipFile, members: dict[str, Member]) -> tuple[Spacing, Range | None]:
    """Spacing and range, if arrays of the right size are called so."""
    spacing: Spacing = (None, None, None)
    told: Range | None = None
    if len(mm := _few(archive, members.get(SPACING))) == 3:
        slices, rows, columns = (n if math.isfinite(n) and n > 0 else None for n in mm)
        spacing = (slices, rows, columns)
    if len(ends := _few(archive, members.get(RANGE))) == 2 and all(map(math.isfinite, ends)):
        told = (ends[0], ends[1]) if ends[0] <= ends[1] else None
    return spacing, told


def _few(archive: zipfile.ZipFile, member: Member | None) -> list[float]:
    if member is None or not is_numeric(member.dtype) or member.shape not in ((2,), (3,)):
        return []
    with archive.open(member.info) as file:
        return [float(n) for n in np.lib.format.read_array(file, allow_pickle=False)]
