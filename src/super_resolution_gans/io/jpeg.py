"""What Pillow and libtiff leave undone for JPEG: a limit on scans, and strips that break off."""

from pathlib import Path

from super_resolution_gans.io.errors import ReadError

# Encoders write up to about a dozen, and some cameras append pictures. Each scan is a pass over the
# whole image, which a scan of a few bytes can ask for.
_MOST_SCANS = 100
_START_OF_SCAN, _END_OF_IMAGE = b"\xff\xda", b"\xff\xd9"
# Markers that are followed by a height and a width: all of C0 to CF but the tables and JPG.
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_STEP = 1 << 20


def check_scans(path: Path, source: str) -> None:
    """Refuse a JPEG of more than a hundred scans.

    Raises:
        ReadError: if there are more.
    """
    scans, end = 0, b""
    with path.open("rb") as file:
        while piece := file.read(_STEP):
            # Within compressed data a 0 follows each byte of 255.
            scans += (end + piece).count(_START_OF_SCAN)
            if scans > _MOST_SCANS:
                raise ReadError(source, f"a JPEG of more than {_MOST_SCANS} scans")
            end = piece[-1:] if piece.endswith(_START_OF_SCAN[:1]) else b""


def strip_problem(strip: bytes, rows: int, columns: int) -> str | None:
    """Why a JPEG stream cannot be a strip or tile of a TIFF of this size, or None.

    libtiff returns grey or black where such a stream ends early or is too small.
    """
    at = 2
    while at + 9 <= len(strip) and strip[at] == 0xFF and strip[at + 1] not in _START_OF_FRAME:
        at += 2 + int.from_bytes(strip[at + 2 : at + 4], "big")
    if at + 9 > len(strip) or strip[at] != 0xFF:
        return "damaged TIFF (a JPEG strip or tile does not say its size)"
    height, width = (int.from_bytes(strip[n : n + 2], "big") for n in (at + 5, at + 7))
    if 0 < height < rows or width < columns:
        return f"damaged TIFF ({columns} x {rows} pixels in a JPEG of {width} x {height})"
    if strip.rfind(_END_OF_IMAGE) < strip.rfind(_START_OF_SCAN):
        return "truncated TIFF (a JPEG strip or tile breaks off)"
    return None
