"""Strips and tiles of TIFF: lossless compression, differencing and packed bits, undone.

Done here, because tifffile needs a large extra package for LZW and decompresses without a limit,
and Pillow cuts 16-bit colour to 8 bits.
"""

import ctypes
import io
import lzma
import math
import struct
import zlib
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

NONE, LZW, ADOBE_DEFLATE, PACKBITS, DEFLATE, LZMA, ZSTD = 1, 5, 8, 32773, 32946, 34925, 50000
_BITS_AT_ONCE = 1 << 22
_LZMA_BYTES = 1 << 28  # a dictionary of 64 MiB is what the strongest setting takes
LOSSLESS = frozenset((NONE, LZW, ADOBE_DEFLATE, PACKBITS, DEFLATE, LZMA, ZSTD))


def decompress(data: bytes, compression: int, rows: int, row_bytes: int) -> bytes:
    """At most ``rows * row_bytes`` bytes, the first that ``data`` holds.

    Raises:
        ValueError: if it holds fewer.
        Exception: whatever the decoder raises for damaged data.
    """
    expected = rows * row_bytes
    if compression in (ADOBE_DEFLATE, DEFLATE):
        raw = zlib.decompressobj().decompress(data, expected)
    elif compression == LZMA:
        raw = lzma.LZMADecompressor(memlimit=_LZMA_BYTES).decompress(data, expected)
    else:
        raw = _by_libtiff(data, compression, rows, row_bytes)
    if len(raw) < expected:
        raise ValueError("a strip or tile breaks off")
    return raw


def undo_prediction(pixels: NDArray[Any], predictor: int) -> NDArray[Any]:
    """Sum up the differences along each row of (rows, columns, samples); native byte order.

    ``predictor`` as in tag 317: 1 none, 2 differences of numbers (of any type, as integers),
    3 differences of the bytes of floating-point numbers, most significant bytes first
    (Adobe Photoshop TIFF Technical Note 3).
    """
    dtype = pixels.dtype.newbyteorder("=")
    if predictor == 1:
        return pixels
    if predictor == 2:
        whole = pixels.astype(dtype).view(f"u{dtype.itemsize}")
        return np.cumsum(whole, axis=1, dtype=whole.dtype).view(dtype)
    if predictor == 3 and dtype.kind == "f":
        rows, columns, samples = pixels.shape
        steps = pixels.view(np.uint8).reshape(rows, columns * dtype.itemsize, samples)
        planes = np.cumsum(steps, axis=1, dtype=np.uint8)
        planes = planes.reshape(rows, dtype.itemsize, columns * samples)
        numbers = np.ascontiguousarray(planes.swapaxes(1, 2)).view(dtype.newbyteorder(">"))
        return numbers.reshape(rows, columns, samples).astype(dtype)
    raise ValueError(f"predictor {predictor} is not supported")


def unpack_bits(raw: NDArray[np.uint8], columns: int, bits: int) -> NDArray[Any]:
    """(rows, bytes) of numbers of 1 to 15 bits, rows padded to bytes -> (rows, columns)."""
    kind = np.uint8 if bits <= 8 else np.uint16
    weights: NDArray[Any] = (1 << np.arange(bits - 1, -1, -1)).astype(kind)
    out = np.empty((len(raw), columns), kind)
    # Neither all at once, which takes bits times the memory, nor row by row, which takes for ever
    # where rows are short.
    step = max(1, _BITS_AT_ONCE // (columns * bits))
    for top in range(0, len(raw), step):
        spread = np.unpackbits(raw[top : top + step], axis=1, count=columns * bits)
        spread = spread.reshape(-1, columns, bits)
        out[top : top + step] = (spread * weights).sum(axis=2, dtype=kind)
    return out


def bytes_in(columns: int, bits: int) -> int:
    """Bytes of a row of ``columns`` numbers."""
    return math.ceil(columns * bits / 8)


@cache
def silence_libtiff() -> None:
    """Stop Pillow's libtiff from printing to stderr; its errors still arrive as exceptions.

    Where the library is not found (on Windows it is part of Pillow itself) it goes on printing.
    """
    import PIL

    package = Path(PIL.__file__).parent
    bundled = (package.parent / "pillow.libs", package / ".dylibs")
    for path in (found for folder in bundled for found in folder.glob("libtiff*")):
        with suppress(OSError, AttributeError):
            library = ctypes.CDLL(str(path))
            for name in ("TIFFSetErrorHandler", "TIFFSetWarningHandler"):
                function = getattr(library, name)
                function.argtypes, function.restype = [ctypes.c_void_p], ctypes.c_void_p
                function(None)


def _by_libtiff(data: bytes, compression: int, rows: int, row_bytes: int) -> bytes:
    """Decompress through Pillow's libtiff, told that the bytes are 8-bit grey pixels."""
    from PIL.TiffImagePlugin import TiffImageFile

    silence_libtiff()
    entries = (
        *((256, row_bytes), (257, rows), (258, 8), (259, compression), (262, 1)),
        *((273, 8 + 2 + 9 * 12 + 4), (277, 1), (278, rows), (279, len(data))),
    )
    header = struct.pack("<2sHIH", b"II", 42, 8, len(entries))
    directory = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries)
    with TiffImageFile(io.BytesIO(header + directory + bytes(4) + data)) as image:
        return image.tobytes()
