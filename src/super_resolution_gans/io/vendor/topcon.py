"""Topcon's .fda and .fds: named chunks, one of which holds the B-scans.

Layout: uocte's wiki, "Topcon File Format"; retimat, ``read_fda.m``; OCT-Converter,
``binary_structs/fda_binary.py`` and ``fds_binary.py``. An .fda holds B-scans as JPEG 2000 in 8
bits, an .fds as plain numbers in 16. The chunk about a person is never opened.
"""

import io
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from construct import Bytes, Float64l, Int8ul, Int32ul, Padding, Struct
from numpy.typing import NDArray

from super_resolution_gans.io.errors import ReadError
from super_resolution_gans.io.quiet import quiet
from super_resolution_gans.io.stored import Limits
from super_resolution_gans.io.vendor.source import Source
from super_resolution_gans.io.vendor.volume import Volume, check_volume, known, millimetres, words
from super_resolution_gans.scan import Spacing

_HEADER = Struct("magic" / Bytes(4), "kind" / Bytes(3), Padding(8))
_SIZE = Struct("bytes" / Int32ul)
_PACKED = Struct(
    "pattern" / Int8ul, Padding(8), "width" / Int32ul, "height" / Int32ul, "slices" / Int32ul,
    Padding(4),
)  # fmt: skip
_PLAIN = Struct(
    "pattern" / Int8ul, "width" / Int32ul, "height" / Int32ul, "bits" / Int32ul,
    "slices" / Int32ul, Padding(1), "bytes" / Int32ul,
)  # fmt: skip
_EXTENT = Struct(Padding(12), "columns_mm" / Float64l, "slices_mm" / Float64l, "row_um" / Float64l)
_CAPTURE = Struct("eye" / Int8ul)
_MACHINE = Struct("model" / Bytes(16))

_RASTER = 2
_PATTERNS = {
    0: "line", _RASTER: "raster", 3: "radial", 6: "vertical raster", 7: "7 lines",
    11: "two bundles of 5 lines",
}  # fmt: skip
_EYES = {0: "right (OD)", 1: "left (OS)"}
_FORMATS = {b"FDA": "Topcon .fda", b"FAA": "Topcon .fda", b"FDS": "Topcon .fds"}
_MOST_CHUNKS = 1 << 16
_JPEG_2000 = (b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  \r\n\x87\n")


@dataclass(frozen=True)
class _Chunk:
    at: int
    size: int


_Chunks = Mapping[bytes, Sequence[_Chunk]]


def read_topcon(source: Source, limits: Limits) -> Volume:
    """The volume with the most pixels, of several equal ones the first; uint8 or uint16 as stored.

    Rows and columns are in the order of the file, which is upright.

    Raises:
        ReadError: if the file is damaged, truncated or too large, or holds no B-scans.
    """
    chunks = _chunks(source)
    packed = b"@IMG_JPEG" in chunks
    layout = _PACKED if packed else _PLAIN
    found = chunks.get(b"@IMG_JPEG") or chunks.get(b"@IMG_SCAN_03") or ()
    if not found:
        raise source.refusal("no B-scans in this file (neither @IMG_JPEG nor @IMG_SCAN_03)")
    heads = [source.record(layout, chunk.at, "the header of the B-scans") for chunk in found]
    sizes = [head.width * head.height * head.slices for head in heads]
    place = sizes.index(max(sizes))
    head, chunk = heads[place], found[place]
    check_volume(source.name, (head.slices, head.height, head.width), 1 if packed else 2, limits)
    pixels = (_unpacked if packed else _as_stored)(source, chunk, head)
    details = known(
        format=_FORMATS.get(source.record(_HEADER, 0, "the header").kind, "Topcon"),
        device=_device(source, chunks),
        eye=_eye(source, chunks),
        scan_pattern=_PATTERNS.get(head.pattern),
        volume=f"{place + 1} of {len(found)} (the largest)" if len(found) > 1 else None,
        verified="on one B-scan of a 3D OCT-1000" if packed else "on a real file cut to 24 pixels",
    )
    return Volume(pixels, _spacing(source, chunks, head), details)


def _chunks(source: Source) -> _Chunks:
    """Where the chunks of each name are.

    The list has to end as it should, with an empty name: otherwise the file was cut.
    """
    chunks: dict[bytes, list[_Chunk]] = defaultdict(list)
    at = _HEADER.sizeof()
    for _ in range(_MOST_CHUNKS):
        length = source.read(at, 1, "the list of chunks")[0]
        if length == 0:
            return dict(chunks)
        name = source.read(at + 1, length, "the name of a chunk")
        if not name.startswith(b"@"):
            raise source.refusal("damaged: no chunk where there should be one")
        size = source.record(_SIZE, at + 1 + length, "the size of a chunk").bytes
        at += 1 + length + _SIZE.sizeof()
        if at + size > source.size:
            raise source.refusal("truncated or damaged: a chunk would end behind the file")
        chunks[name].append(_Chunk(at, size))
        at += size
    raise source.refusal(f"holds more than {_MOST_CHUNKS} chunks")


def _unpacked(source: Source, chunk: _Chunk, head: Any) -> NDArray[Any]:
    """JPEG 2000 images, each after its size in bytes; together they fill the chunk."""
    at, end = chunk.at + _PACKED.sizeof(), chunk.at + chunk.size
    images: list[bytes] = []
    while at < end and len(images) < head.slices:
        what = f"B-scan {len(images) + 1} of {head.slices}"
        size = source.record(_SIZE, at, what).bytes
        at += _SIZE.sizeof()
        if at + size > end:
            raise source.refusal(f"damaged: {what} does not fit into its chunk")
        images.append(source.read(at, size, what))
        at += size
    if len(images) != head.slices or at != end:
        raise source.refusal(f"damaged: its chunk does not hold {head.slices} B-scans")
    first = _decoded(source, images[0], head, "B-scan 1")
    pixels = np.empty((head.slices, *first.shape), first.dtype)
    pixels[0] = first
    for index in range(1, head.slices):
        image = _decoded(source, images[index], head, f"B-scan {index + 1}")
        if image.dtype != first.dtype:
            raise source.refusal(f"damaged: B-scan {index + 1} has another depth than the first")
        pixels[index] = image
    return pixels


def _decoded(source: Source, data: bytes, head: Any, what: str) -> NDArray[Any]:
    """One image, uint8 or uint16 (height, width), of the size that was announced."""
    from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile

    if not data.startswith(_JPEG_2000):
        raise source.refusal(f"damaged or not supported: {what} is no JPEG 2000")
    try:
        with quiet(), Jpeg2KImageFile(io.BytesIO(data)) as image:
            if image.size != (head.width, head.height) or image.mode not in ("L", "I;16"):
                said = f"{image.width} x {image.height} pixels, {image.mode}"
                expected = f"{head.width} x {head.height} grey ones"
                raise source.refusal(f"damaged: {what} has {said}; announced are {expected}")
            image.load()
            values = np.asarray(image)
    except (ReadError, MemoryError):
        raise
    except Exception:  # a decoder of damaged data raises whatever comes
        raise source.refusal(f"damaged: {what} cannot be decoded") from None
    return values if values.dtype == np.uint8 else values.astype(np.uint16)


def _as_stored(source: Source, chunk: _Chunk, head: Any) -> NDArray[Any]:
    count = head.slices * head.height * head.width
    fits = head.bytes == 2 * count and chunk.size == _PLAIN.sizeof() + head.bytes
    if head.bits != 16 or not fits:
        announced = f"{head.slices} B-scans of {head.width} x {head.height} pixels"
        raise source.refusal(
            f"damaged or not supported: {announced} of {head.bits} bits in {head.bytes} bytes"
        )
    values = source.numbers(chunk.at + _PLAIN.sizeof(), "<u2", count, "the B-scans")
    return values.reshape(head.slices, head.height, head.width)


def _spacing(source: Source, chunks: _Chunks, head: Any) -> Spacing:
    """Extents divided by what lies along them; between slices only where they are a raster."""
    scans = chunks.get(b"@PARAM_SCAN_04", ())
    if len(scans) != 1 or scans[0].size < _EXTENT.sizeof():
        return (None, None, None)
    extent = source.record(_EXTENT, scans[0].at, "the extent of the scan")
    raster = head.pattern == _RASTER and head.slices > 1
    return (
        millimetres(extent.slices_mm / head.slices) if raster else None,
        millimetres(extent.row_um / 1000),
        millimetres(extent.columns_mm / head.width),
    )


def _eye(source: Source, chunks: _Chunks) -> str | None:
    for chunk in (*chunks.get(b"@CAPTURE_INFO_02", ()), *chunks.get(b"@CAPTURE_INFO", ())):
        return _EYES.get(source.record(_CAPTURE, chunk.at, "the side of the eye").eye)
    return None


def _device(source: Source, chunks: _Chunks) -> str | None:
    for name in (b"@HW_INFO_03", b"@HW_INFO_02", b"@HW_INFO_01"):
        for chunk in chunks.get(name, ()):
            if chunk.size >= _MACHINE.sizeof():
                model = words(source.record(_MACHINE, chunk.at, "the device").model)
                return f"Topcon {model}" if model else None
    return None
