"""Heidelberg's raw export, .vol.

The layout is that of Heidelberg's "Special Function: Exporting raw data", as eyepy 0.21
(``io/he/vol_reader.py``) and ayl/heyexReader have it: a header of 2048 bytes, an image of the
fundus, then each B-scan with a header of its own. What a person is identified by lies in bytes
that are skipped here.
"""

import numpy as np
from construct import Bytes, Float64l, Int32sl, Int32ul, Padding, Struct

from super_resolution_gans.io.stored import Limits
from super_resolution_gans.io.vendor import heidelberg
from super_resolution_gans.io.vendor.source import Source
from super_resolution_gans.io.vendor.volume import (
    EYES,
    Volume,
    check_volume,
    known,
    millimetres,
    words,
)

_HEADER = Struct(
    "version" / Bytes(12),
    "width" / Int32ul,
    "slices" / Int32ul,
    "height" / Int32ul,
    "column_mm" / Float64l,
    "slice_mm" / Float64l,
    "row_mm" / Float64l,
    "fundus_width" / Int32ul,
    "fundus_height" / Int32ul,
    Padding(28),  # pixel size and field of the fundus image, focus
    "eye" / Bytes(4),
    Padding(8),  # time
    "pattern" / Int32sl,
    Padding(1948),  # size of the B-scans' headers, the person, the visit, thickness grids
)
_BSCAN_HEADER = Struct("version" / Bytes(12), "size" / Int32ul, Padding(240))

_PATTERNS = {
    1: "single line", 2: "circle", 3: "volume (ART)", 4: "volume (fast)", 5: "radial (star)",
}  # fmt: skip
_UNEVEN = (2, 5)  # where there is no distance between neighbours


def read_vol(source: Source, limits: Limits) -> Volume:
    """All B-scans in the order of the file; float32 as HEYEX shows them (``heidelberg.py``).

    The size of a B-scan's header is taken from that header, as eyepy does: files that eyepy has
    written state another one in front.

    Raises:
        ReadError: if the file is damaged, truncated or too large.
    """
    header = source.record(_HEADER, 0, "the header")
    shape = slices, height, width = header.slices, header.height, header.width
    check_volume(source.name, shape, 4, limits)
    first = _HEADER.sizeof() + header.fundus_width * header.fundus_height
    needed = first + slices * (_BSCAN_HEADER.sizeof() + 4 * height * width)
    if needed > source.size:
        announced = f"{slices} B-scans of {width} x {height} pixels"
        raise source.refusal(f"truncated: {announced} need {needed} bytes, it has {source.size}")
    pixels = np.empty(shape, np.float32)
    at, expected = first, source.record(_BSCAN_HEADER, first, "a B-scan")
    for index in range(slices):
        own = source.record(_BSCAN_HEADER, at, f"B-scan {index + 1} of {slices}")
        alike = own.version == expected.version and own.size == expected.size
        if not alike or own.size < _BSCAN_HEADER.sizeof():
            raise source.refusal(f"damaged: no header in front of B-scan {index + 1} of {slices}")
        values = source.numbers(
            at + own.size, "<f4", height * width, f"B-scan {index + 1} of {slices}"
        )
        pixels[index] = heidelberg.displayed(values, source.name).reshape(height, width)
        at += own.size + 4 * height * width
    even = slices > 1 and header.pattern not in _UNEVEN
    spacing = (
        millimetres(header.slice_mm) if even else None,
        millimetres(header.row_mm),
        millimetres(header.column_mm),
    )
    details = known(
        format="Heidelberg .vol",
        version=words(header.version),
        eye=EYES.get(words(header.eye) or ""),
        scan_pattern=_PATTERNS.get(header.pattern),
        intensities=heidelberg.WORDS,
        verified="on a file that eyepy wrote, not on one from a device",
    )
    return Volume(pixels, spacing, details)
