"""Pixel sizes and value ranges in the tags of TIFF files: our own note, OME, ImageJ, resolution."""

import html
import math
import re
from typing import Any

from super_resolution_gans.io.note import KEY, Note, plausible, read_note
from super_resolution_gans.io.spacing import MM_PER_INCH, from_dpi
from super_resolution_gans.scan import Spacing

_MM = {
    **dict.fromkeys(("m",), 1000.0),
    **dict.fromkeys(("cm", "centimeter"), 10.0),
    **dict.fromkeys(("mm", "millimeter"), 1.0),
    **dict.fromkeys(("\u00b5m", "\u03bcm", "um", "micron", "microns", "\\u00b5m"), 1e-3),
    **dict.fromkeys(("nm", "nanometer"), 1e-6),
    **dict.fromkeys(("inch", "in", '"'), MM_PER_INCH),
}
_X, _Y, _UNIT = 282, 283, 296
_INCH, _CENTIMETRE = 2, 3

# A screen's dots per inch, with the wrong unit.
_SCREEN_PER_CM = {72.0, 96.0}


def note_of(description: str) -> Note | None:
    """Our note in the image description of a TIFF, or among the annotations of its OME-XML."""
    found = re.search(rf'<M K="{KEY}">([^<]*)</M>', description)
    return read_note(html.unescape(found.group(1)) if found else description)


def spacing_of(page: Any, imagej: dict[str, Any] | None) -> Spacing:
    """mm per slice, row and column of a page as tifffile knows it; None where unknown.

    Args:
        page: tifffile's first page.
        imagej: tifffile's ImageJ metadata, if it is such a file.
    """
    description = str(page.description or "")
    told = note_of(description)
    if pixels := re.search(r"<(?:\w+:)?Pixels\b[^>]*>", description):
        ome = _ome(html.unescape(pixels.group()))
        if told is not None and _alike(told.spacing, ome):
            return told.spacing  # the same without the rounding of another unit
        if any(ome):
            return ome
    if told is not None:
        return told.spacing
    across, down = _per_unit(page, _X), _per_unit(page, _Y)
    if imagej is not None:
        mm = _MM.get(str(imagej.get("unit", "")).strip().lower())
        if mm is None:
            return (None, None, None)
        return (
            plausible(float(imagej.get("spacing", 0)) * mm),
            plausible(mm / down if down else None),
            plausible(mm / across if across else None),
        )
    unit = page.tags.valueof(_UNIT, _INCH)
    if across is None or down is None or unit not in (_INCH, _CENTIMETRE):
        return (None, None, None)
    if unit == _CENTIMETRE and {across, down} <= _SCREEN_PER_CM:
        return (None, None, None)
    inches = 1.0 if unit == _INCH else MM_PER_INCH / 10
    return (None, *from_dpi(across * inches, down * inches))


def _alike(one: Spacing, other: Spacing) -> bool:
    return all(
        a == b or (a is not None and b is not None and math.isclose(a, b, rel_tol=1e-9))
        for a, b in zip(one, other, strict=True)
    )


def _ome(pixels: str) -> Spacing:
    z, y, x = (_ome_size(pixels, axis) for axis in "ZYX")
    return (z, y, x)


def _ome_size(pixels: str, axis: str) -> float | None:
    size = re.search(rf'\bPhysicalSize{axis}="([^"]+)"', pixels)
    unit = re.search(rf'\bPhysicalSize{axis}Unit="([^"]+)"', pixels)
    mm = _MM.get(unit.group(1).lower() if unit else "um")
    if size is None or mm is None:
        return None
    length = plausible(size.group(1))
    return None if length is None else plausible(length * mm)


def _per_unit(page: Any, tag: int) -> float | None:
    try:
        over, under = page.tags.valueof(tag)
        value = over / under
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return value if math.isfinite(value) and value > 0 else None
