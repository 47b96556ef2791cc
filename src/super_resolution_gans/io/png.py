"""What Pillow leaves undone for PNG: checksums, and sixteen bits in colour."""

import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.io.errors import ReadError

if TYPE_CHECKING:
    from PIL.PngImagePlugin import PngImageFile

_SIGNATURE_BYTES = 8
_SIZE_AT = 16
_CRITICAL = (b"IHDR", b"PLTE", b"IDAT")
_STEP = 1 << 20


def check_chunks(path: Path, source: str) -> None:
    """Refuse a PNG that breaks off, or whose critical chunks fail their checksum.

    Raises:
        ReadError: naming the chunk.
    """
    with path.open("rb") as file:
        file.seek(_SIGNATURE_BYTES)
        while True:
            head = file.read(8)
            if len(head) < 8:
                raise ReadError(source, "truncated PNG (no end)")
            left, kind = int.from_bytes(head[:4], "big"), head[4:]
            if kind == b"IEND":
                return
            if kind not in _CRITICAL:
                file.seek(left + 4, 1)
                continue
            checksum = zlib.crc32(kind)
            while left:
                piece = file.read(min(left, _STEP))
                if not piece:
                    raise ReadError(source, "truncated PNG")
                checksum = zlib.crc32(piece, checksum)
                left -= len(piece)
            stored = file.read(4)
            if len(stored) < 4:
                raise ReadError(source, "truncated PNG")
            if int.from_bytes(stored, "big") != checksum:
                raise ReadError(
                    source, f"damaged PNG (checksum of {kind.decode('ascii')} does not match)"
                )


def announced_size(path: Path, source: str) -> tuple[int, int]:
    """Height and width by the first chunk, which has to be IHDR.

    Raises:
        ReadError: if it is not, or not there.
    """
    with path.open("rb") as file:
        head = file.read(_SIZE_AT + 8)
    if len(head) < _SIZE_AT + 8:
        raise ReadError(source, "truncated PNG")
    if head[_SIZE_AT - 4 : _SIZE_AT] != b"IHDR":
        raise ReadError(source, "damaged PNG (it does not begin with its size)")
    width, height = struct.unpack_from(">II", head, _SIZE_AT)
    return height, width


def is_deep_colour(image: "PngImageFile") -> bool:
    """Whether this is 16-bit grey with alpha, RGB, or RGB with alpha, which Pillow cuts to 8."""
    return bool(image.tile) and image.tile[0][3] in ("LA;16B", "RGB;16B", "RGBA;16B")


def decode_deep_colour(path: Path) -> NDArray[np.uint16]:
    """uint16 (h, w, 2), (h, w, 3) or (h, w, 4) of a file that :func:`is_deep_colour`."""
    # Pillow keeps one byte of each two. Told that the bytes are the other way round, it keeps the
    # other one; grey with alpha has as many bytes a pixel as 8-bit RGBA.
    raw_mode = _open(path).tile[0][3]
    if raw_mode == "LA;16B":
        four = _decode_as(path, "RGBA").astype(np.uint16)
        return four[..., 0::2] << np.uint16(8) | four[..., 1::2]
    high = _decode_as(path, raw_mode).astype(np.uint16)
    high <<= np.uint16(8)
    high |= _decode_as(path, str(raw_mode).replace("16B", "16L"))
    return high


def _open(path: Path) -> "PngImageFile":
    from PIL.PngImagePlugin import PngImageFile

    return PngImageFile(path)


def _decode_as(path: Path, raw_mode: Any) -> NDArray[np.uint8]:
    with _open(path) as image:
        image.tile = [image.tile[0]._replace(args=raw_mode)]
        return np.array(image)
