"""The header of a DICOM file: everything before the pixels, and where those lie."""

import io
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from super_resolution_gans.io.dicom_codecs import CURE, SYNTAXES
from super_resolution_gans.io.errors import ReadError

if TYPE_CHECKING:
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import UID

_PREAMBLE = 128
_DIRECTORY = "1.2.840.10008.1.3.10"
_PIXELS = {
    0x7FE00008: "FloatPixelData",
    0x7FE00009: "DoubleFloatPixelData",
    0x7FE00010: "PixelData",
}
_UNDEFINED = 0xFFFFFFFF

# What a hostile header may cost: bytes, calls that read an element or item, items of sequences.
_HEADER_BYTES = 64 << 20
_HEADER_READS = 150_000
_HEADER_ITEMS = 40_000
_ITEM = (b"\xfe\xff\x00\xe0", b"\xff\xfe\xe0\x00")  # little and big endian
_INFLATED_BYTES = 256 << 20

# Representations that may start the first element of a data set in explicit encoding.
_FIRST_VR = frozenset((b"UL", b"CS", b"UI", b"SH", b"LO", b"DA", b"OB"))


@dataclass(frozen=True)
class Opened:
    """A DICOM file, its pixels not yet read.

    Attributes:
        header: the data set before the pixels, with ``file_meta``.
        syntax: how it is encoded and the pixels compressed.
        keyword: ``PixelData``, ``FloatPixelData`` or ``DoubleFloatPixelData``.
        vr: how the pixels say they are stored, if they do.
        start, length: of the pixels, in bytes; no length for what is wrapped in items.
        present: bytes of the file from ``start`` on.
    """

    header: "Dataset"
    syntax: "UID"
    keyword: str
    vr: str
    start: int
    length: int | None
    present: int
    _path: Path
    _inflated: bytes | None

    def stream(self) -> BinaryIO:
        """The encoded data set's bytes, in which ``start`` counts; to be closed."""
        if self._inflated is not None:
            return io.BytesIO(self._inflated)
        return self._path.open("rb")


def looks_like_dicom(head: bytes) -> bool:
    """Whether a file without preamble begins as a data set does: group 2 or 8, a known type.

    In implicit encoding there is no type; a length that is short and even stands for it.
    """
    group = int.from_bytes(head[:2], "little")
    if len(head) < 8 or group not in (2, 8, 0x0800):
        return False
    if head[4:6] in _FIRST_VR:
        return True
    length = int.from_bytes(head[4:8], "little")
    return group == 8 and head[3] == 0 and length <= 256 and length % 2 == 0


def open_dicom(path: Path, source: str) -> Opened:
    """Read the header of a DICOM file, with or without preamble.

    Raises:
        ReadError: if it is damaged, too large, or has no pixels: the index of a disc, a report.
    """
    from pydicom.filereader import read_dataset
    from pydicom.uid import DeflatedExplicitVRLittleEndian

    inflated = None
    with path.open("rb") as raw:
        file, size = _Metered(raw, source), path.stat().st_size
        meta, syntax = _read_meta(file, source)
        if syntax == DeflatedExplicitVRLittleEndian:
            inflated = _inflate(raw, source)
            file, size = _Metered(io.BytesIO(inflated), source), len(inflated)
        begin, found = file.tell(), _Found(file)
        little = syntax.is_little_endian
        header = read_dataset(file, syntax.is_implicit_VR, little, stop_when=found)  # type: ignore[arg-type]
        if meta.get("MediaStorageSOPClassUID") == _DIRECTORY or "DirectoryRecordSequence" in header:
            raise ReadError(source, "a DICOMDIR, the index of other files; name one of those")
        if found.tag is None:
            raise ReadError(source, f"{_kind_of(header)} without pixels, or truncated before them")
        file.check_items(begin, found.start, little)
    header.file_meta = meta
    return Opened(
        header=header,
        syntax=syntax,
        keyword=_PIXELS[found.tag],
        vr=found.vr,
        start=found.start,
        length=None if found.length == _UNDEFINED else found.length,
        present=max(0, size - found.start),
        _path=path,
        _inflated=inflated,
    )


def _read_meta(file: "_Metered", source: str) -> "tuple[FileMetaDataset, UID]":
    """The group of elements that says how the others are encoded; a guess if there is none."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.filereader import read_dataset
    from pydicom.uid import UID

    if file.read(_PREAMBLE + 4)[_PREAMBLE:] != b"DICM":
        file.seek(0)
    elements = read_dataset(file, False, True, stop_when=lambda tag, *_: tag >> 16 != 2)  # type: ignore[arg-type]
    meta = FileMetaDataset(elements)
    syntax = UID(meta.get("TransferSyntaxUID") or _guess(file))
    if syntax not in SYNTAXES:
        name = f"{syntax.name} ({syntax})" if syntax.name != syntax else str(syntax)[:64]
        raise ReadError(source, f"pixels encoded as {name} are not read; {CURE}")
    return meta, syntax


def _guess(file: "_Metered") -> str:
    """The encoding of a data set that does not say it: only the three plain ones are possible."""
    here = file.tell()
    head = file.read(6)
    file.seek(here)
    if not (head[4:6].isalpha() and head[4:6].isupper()):
        return "1.2.840.10008.1.2"
    return "1.2.840.10008.1.2.2" if head[:2] == b"\0\x08" else "1.2.840.10008.1.2.1"


def _inflate(raw: BinaryIO, source: str) -> bytes:
    packed, inflater = raw.read(), zlib.decompressobj(-zlib.MAX_WBITS)
    inflated = inflater.decompress(packed, _INFLATED_BYTES)
    if inflater.unconsumed_tail:
        raise ReadError(source, f"inflates to more than {_INFLATED_BYTES >> 20} MiB")
    return inflated


def _kind_of(header: "Dataset") -> str:
    """The kind of object by the dictionary's name; an unknown identifier is not quoted."""
    name = class_name(header)
    return f"a DICOM file ({name})" if name else "a DICOM file"


def class_name(header: "Dataset") -> str:
    """What the standard calls this kind of object; empty if it is none of the standard's."""
    from pydicom.uid import UID

    uid = UID(str(header.get("SOPClassUID") or ""))
    return uid.name if uid.name != uid else ""


class _Found:
    """Stops pydicom at the pixels, and remembers where that was."""

    def __init__(self, file: "_Metered") -> None:
        self._file = file
        self.tag: int | None = None
        self.vr, self.length, self.start = "", 0, 0

    def __call__(self, tag: int, vr: str | None, length: int) -> bool:
        if int(tag) not in _PIXELS:
            return False
        self.tag, self.vr, self.length = int(tag), vr or "", length
        self.start = self._file.tell()
        return True


class _Metered:
    """A file that can be read only so much, for pydicom believes what a header announces."""

    def __init__(self, file: BinaryIO, source: str) -> None:
        self._file, self._source = file, source
        self._reads, self._bytes, self._items = _HEADER_READS, _HEADER_BYTES, _HEADER_ITEMS
        self.seek, self.tell = file.seek, file.tell

    def read(self, count: int) -> bytes:
        data = self._file.read(min(count, self._bytes + 1))
        self._reads, self._bytes = self._reads - 1, self._bytes - len(data)
        self._items -= data[:4] in _ITEM
        if min(self._reads, self._bytes, self._items) < 0:
            raise ReadError(self._source, "too much before the pixels: no image's header")
        return data

    def check_items(self, begin: int, end: int, little: bool) -> None:
        """Refuse (ReadError) sequences that would take minutes once somebody looks into them."""
        self._file.seek(begin)
        if self._file.read(end - begin).count(_ITEM[0 if little else 1]) > _HEADER_ITEMS:
            raise ReadError(self._source, "too many items before the pixels: no image's header")
