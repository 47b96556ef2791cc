"""The two containers torch.save writes, checked before torch reads them.

Since PyTorch 1.6 a file is a zip archive: ``NAME/data.pkl``, the instructions, and one stored
member ``NAME/data/KEY`` for each storage. Before, it was five pickles and then the storages.
"""

import io
import tarfile
import zipfile
from pathlib import Path

from super_resolution_gans.models.pth_scan import LONGEST, ScanError, scan, scan_bytes

_LARGEST_FILE = 1 << 30
_LARGEST_DIRECTORY = 2 << 20  # of the archive: some twenty thousand members
_MAGIC = 0x1950A86A20F9469CFC6C  # these two open every file of the older container
_PROTOCOL = 1001
_FEW, _KEYS = 100, 50_000  # instructions of the small pickles around the weights
_TAIL = (1 << 16) + 22


class ContainerError(ValueError):
    """The file is no container of weights that is read here; the message says why."""


def check_container(path: Path) -> bool:
    """Whether the file is an archive (True) or of the older kind (False), and safe to load.

    Nothing is built and nothing executed; no more than the size of the file is read.

    Raises:
        ContainerError: if it is neither, is damaged, or holds more than a state dict.
        OSError: if it cannot be read.
    """
    size = path.stat().st_size
    if size > _LARGEST_FILE:
        raise ContainerError(f"is {size >> 20} MiB large; {_LARGEST_FILE >> 20} are read at most")
    with path.open("rb") as file:
        archive = file.read(4) == b"PK\x03\x04"
    try:
        if archive:
            _check_archive(path, size)
        else:
            _check_older(path, size)
    except ScanError as error:
        raise ContainerError(str(error)) from error
    except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError) as error:
        if isinstance(error, ContainerError):
            raise
        raise ContainerError(f"damaged archive ({error})") from error
    return archive


def _check_archive(path: Path, size: int) -> None:
    if _directory_size(path, size) > _LARGEST_DIRECTORY:
        raise ContainerError("is an archive of too many members")
    with zipfile.ZipFile(path) as archive:
        members = {member.filename: member for member in archive.infolist()}
        root = next(iter(members), "").partition("/")[0]
        if f"{root}/constants.pkl" in members or any("/code/" in name for name in members):
            raise ContainerError(
                "is a TorchScript archive, which is a program; save its state_dict() instead"
            )
        _check_members(list(members.values()), len(archive.infolist()), size)
        structure = members.get(f"{root}/data.pkl")
        if structure is None:
            raise ContainerError("is an archive without weights (data.pkl)")
        if structure.file_size > LONGEST:
            raise ContainerError("has more instructions than a state dict")
        storages = scan_bytes(archive.read(structure)).storages
        for key, declared in storages.items():
            member = members.get(f"{root}/data/{key}")
            if member is None or member.file_size != declared:
                held = "nothing" if member is None else f"{member.file_size} bytes"
                raise ContainerError(f"storage {key!r} declares {declared} bytes and has {held}")
            _check_sum(archive, member)


def _directory_size(path: Path, size: int) -> int:
    """Bytes of the archive's directory, by its own account: all of it would be read at once."""
    with path.open("rb") as file:
        file.seek(max(0, size - _TAIL))
        tail = file.read()
    end = tail.rfind(b"PK\x05\x06")
    if end < 0:
        raise ContainerError("is an archive that ends early")
    length = int.from_bytes(tail[end + 12 : end + 16], "little")
    if length == 0xFFFFFFFF:
        wide = tail.rfind(b"PK\x06\x06", 0, end)
        if wide < 0:
            raise ContainerError("is an archive that ends early")
        length = int.from_bytes(tail[wide + 40 : wide + 48], "little")
    return length


def _check_members(members: list[zipfile.ZipInfo], count: int, size: int) -> None:
    if not members or len(members) != count:
        raise ContainerError("is an archive that names a member twice, or none")
    root = members[0].filename.partition("/")[0]
    for member in members:
        parts = member.filename.split("/")
        if parts[0] != root or len(parts) < 2 or {"", ".", ".."} & set(parts):
            raise ContainerError(f"is an archive with a member {member.filename!r}")
        if not member.filename.isprintable() or "\\" in member.filename:
            raise ContainerError(f"is an archive with a member {member.filename!r}")
        stored = member.compress_type == zipfile.ZIP_STORED and not member.flag_bits & 1
        if not stored or member.compress_size != member.file_size:
            raise ContainerError("is a compressed archive, which torch.save does not write")
    if sum(member.file_size for member in members) > size:
        raise ContainerError("is an archive that claims to be larger than it is")


def _check_sum(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """By reading to the end, where zipfile compares."""
    with archive.open(member) as stream:
        while stream.read(1 << 20):
            pass


def _check_older(path: Path, size: int) -> None:
    with path.open("rb") as file:
        head = io.BytesIO(file.read(LONGEST))
    if head.getvalue()[:2] != b"\x80\x02" and not tarfile.is_tarfile(path):
        raise ContainerError("is no file of weights that PyTorch wrote")
    # A file can be both, and torch tries tar first.
    if tarfile.is_tarfile(path):
        raise ContainerError("is a tar file of PyTorch before 0.2, which is not read")
    if scan(head, _FEW).value != _MAGIC or scan(head, _FEW).value != _PROTOCOL:
        raise ContainerError("is a pickle, but not one that torch.save wrote")
    scan(head, _FEW)  # what machine wrote it
    declared = scan(head).storages
    scan(head, _KEYS)  # the order of the storages
    held = size - head.tell()
    if sum(8 + length for length in declared.values()) != held:
        raise ContainerError(
            f"declares {sum(declared.values())} bytes of weights and has {held} for them"
        )
