"""Pixel sizes and value ranges in the tags of TIFF files: our own note, OME, ImageJ, resolution."""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from super_resolution_gans.io.spacing import MM_PER_INCH, from_dpi
from super_resolution_gans.scan import Range, Spacing

_KEY = "srgan"
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


def note(spacing: Spacing, value_range: Range, about: Mapping[str, Any] | None = None) -> str:
    """What the other tags cannot hold, as the image description that :func:`read_note` reads.

    Args:
        about: how the pixels came to be, which nobody but people reads.
    """
    told: dict[str, Any] = {"spacing_mm": spacing, "value_range": value_range}
    if about:
        told["about"] = about
    return json.dumps({_KEY: told}, sort_keys=True)


def read_note(description: str) -> tuple[Spacing, Range] | None:
    """Spacing and value range from :func:`note`; None if it is something else."""
    if not description.startswith('{"' + _KEY + '"'):
        return None
    try:
        told = json.loads(description)[_KEY]
        low, high = (float(end) for end in told["value_range"])
        slices, rows, columns = (_plausible(mm) for mm in told["spacing_mm"])
    except (ValueError, TypeError, KeyError):
        return None
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        return None
    return (slices, rows, columns), (low, high)


def spacing_of(page: Any, imagej: dict[str, Any] | None) -> Spacing:
    """mm per slice, row and column of a page as tifffile knows it; None where unknown.

    Args:
        page: tifffile's first page.
        imagej: tifffile's ImageJ metadata, if it is such a file.
    """
    description = str(page.description or "")
    if told := read_note(description):
        return told[0]
    if pixels := re.search(r"<(?:\w+:)?Pixels\b[^>]*>", description):
        ome = _ome(pixels.group())
        if any(ome):
            return ome
    across, down = _per_unit(page, _X), _per_unit(page, _Y)
    if imagej is not None:
        mm = _MM.get(str(imagej.get("unit", "")).strip().lower())
        if mm is None:
            return (None, None, None)
        return (
            _plausible(float(imagej.get("spacing", 0)) * mm),
            _plausible(mm / down if down else None),
            _plausible(mm / across if across else None),
        )
    unit = page.tags.valueof(_UNIT, _INCH)
    if across is None or down is None or unit not in (_INCH, _CENTIMETRE):
        return (None, None, None)
    if unit == _CENTIMETRE and {across, down} <= _SCREEN_PER_CM:
        return (None, None, None)
    inches = 1.0 if unit == _INCH else MM_PER_INCH / 10
    return (None, *from_dpi(across * inches, down * inches))


def _ome(pixels: str) -> Spacing:
    z, y, x = (_ome_size(pixels, axis) for axis in "ZYX")
    return (z, y, x)


def _ome_size(pixels: str, axis: str) -> float | None:
    size = re.search(rf'\bPhysicalSize{axis}="([^"]+)"', pixels)
    unit = re.search(rf'\bPhysicalSize{axis}Unit="([^"]+)"', pixels)
    mm = _MM.get(unit.group(1).lower() if unit else "um")
    if size is None or mm is None:
        return None
    try:
        return _plausible(float(size.group(1)) * mm)
    except ValueError:
        return None


def _per_unit(page: Any, tag: int) -> float | None:
    try:
        over, under = page.tags.valueof(tag)
        value = over / under
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return value if math.isfinite(value) and value > 0 else None


def _plausible(mm: Any) -> float | None:
    if mm is None or not math.isfinite(float(mm)) or float(mm) <= 0:
        return None
    return float(mm)
