"""What Pillow leaves undone for JPEG: a limit on scans."""

from pathlib import Path

from super_resolution_gans.io.errors import ReadError

# Encoders write up to about a dozen, and some cameras append pictures. Each scan is a pass over the
# whole image, which a scan of a few bytes can ask for.
_MOST_SCANS = 100
_START_OF_SCAN = b"\xff\xda"
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
