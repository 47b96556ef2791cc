"""Our own note in files: what a container has no other place for, as one JSON object.

``{"srgan": {"spacing_mm": [...], "value_range": [...], "about": {...}}}``. It is the image
description of a TIFF, an annotation of an OME-TIFF, an attribute of a zarr group and the file
beside a series of PNGs.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from super_resolution_gans.scan import Range, Scan, Spacing

KEY = "srgan"

About = Callable[[], Mapping[str, Any]]
"""Tells how the pixels came to be, once all of them have been read."""


@dataclass(frozen=True)
class Note:
    """What a note says; believed only where it makes sense.

    Attributes:
        value_range: None if there is none, or none that makes sense.
        about: how the pixels came to be; empty if it is not told.
    """

    spacing: Spacing = (None, None, None)
    value_range: Range | None = None
    about: Mapping[str, Any] = field(default_factory=dict)


def told_of(scan: Scan, about: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What stands in a note under its key."""
    told: dict[str, Any] = {"spacing_mm": scan.spacing, "value_range": scan.value_range}
    if about:
        told["about"] = dict(about)
    return told


def note(scan: Scan, about: Mapping[str, Any] | None = None) -> str:
    """The note as text, which :func:`read_note` understands."""
    return json.dumps({KEY: told_of(scan, about)}, sort_keys=True)


def read_note(text: str) -> Note | None:
    """A note from text; None if the text is something else."""
    if KEY not in text[:100]:
        return None
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return note_in(document)


def note_in(document: Any) -> Note | None:
    """A note from attributes; None if there is none among them."""
    told = document.get(KEY) if isinstance(document, Mapping) else None
    if not isinstance(told, Mapping):
        return None
    about = told.get("about")
    return Note(
        _spacing(told.get("spacing_mm")),
        _range(told.get("value_range")),
        about if isinstance(about, Mapping) else {},
    )


def plausible(mm: Any) -> float | None:
    """A size in mm, if it is one."""
    try:
        size = float(mm)
    except (TypeError, ValueError):
        return None
    return size if math.isfinite(size) and size > 0 else None


def _spacing(given: Any) -> Spacing:
    if not isinstance(given, list | tuple) or len(given) != 3:
        return (None, None, None)
    slices, rows, columns = map(plausible, given)
    return slices, rows, columns


def _range(given: Any) -> Range | None:
    try:
        low, high = map(float, given)
    except (TypeError, ValueError):
        return None
    return (low, high) if math.isfinite(low) and math.isfinite(high) and low <= high else None
