"""Whether the pages of a TIFF are the slices of one scan, as OME-XML and ImageJ describe them."""

import re
from typing import Any

from super_resolution_gans.io.errors import ReadError
from super_resolution_gans.scan import Spacing


def spacing_of_pages(
    spacing: Spacing, description: str, imagej: dict[str, Any] | None, samples: int, source: str
) -> Spacing:
    """The spacing that is left if pages are something else than slices in depth.

    Pages that are channels or time points only are read as slices, as ImageJ often calls them, but
    the distance in depth is not theirs.

    Args:
        samples: numbers of a pixel in a page.

    Raises:
        ReadError: if pages are of more than one kind, such as slices in two channels.
    """
    counts = _counts(description, imagej, samples)
    several = {name: count for name, count in counts.items() if count > 1}
    if len(several) > 1:
        said = " x ".join(f"{count} {name}" for name, count in several.items())
        raise ReadError(source, f"its pages are {said}; expected the slices of one scan")
    if several and "slices" not in several:
        return (None, *spacing[1:])
    return spacing


def _counts(description: str, imagej: dict[str, Any] | None, samples: int) -> dict[str, int]:
    if imagej is not None:
        return {name: _number(imagej.get(name)) for name in ("slices", "channels", "frames")}
    found = re.search(r"<(?:\w+:)?Pixels\b[^>]*>", description)
    if found is None:
        return {}
    size = {
        axis: _number(told.group(1))
        for axis in "ZCT"
        if (told := re.search(rf'\bSize{axis}="(\d+)"', found.group()))
    }
    channels = size.get("C", 1) // max(1, samples)
    return {"slices": size.get("Z", 1), "channels": channels, "time points": size.get("T", 1)}


def _number(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        return 1
