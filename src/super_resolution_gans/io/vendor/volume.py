"""What a vendor's file comes to: pixels, spacing, and words about them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from super_resolution_gans.io.errors import ReadError
from super_resolution_gans.io.stored import Limits, check_size
from super_resolution_gans.scan import Spacing

MOST_BYTES = 2 << 30
"""Most bytes of pixels in one volume."""

UNVERIFIED = "not verified on a real file"
EYES = {"OD": "right (OD)", "OS": "left (OS)", "R": "right (OD)", "L": "left (OS)"}

_LEAST_MM, _MOST_MM = 1e-5, 10.0


@dataclass(frozen=True, eq=False)
class Volume:
    """One volume.

    Attributes:
        pixels: (slices, height, width), uint8 or uint16 as stored, or float32 in [0, 1].
        spacing: mm per (slice, row, column); None where the file does not say.
        details: words for people; never what identifies a person.
    """

    pixels: NDArray[Any]
    spacing: Spacing
    details: Mapping[str, str]


def check_volume(source: str, shape: tuple[int, int, int], itemsize: int, limits: Limits) -> None:
    """Refuse a volume without slices, or one too large, before anything of it is allocated.

    Raises:
        ReadError: naming the limit.
    """
    slices, height, width = shape
    if slices < 1:
        raise ReadError(source, "a volume without B-scans")
    check_size(source, height, width, 1, limits)
    if math.prod(shape) * itemsize > MOST_BYTES:
        said = f"{slices} B-scans of {width} x {height} pixels"
        raise ReadError(source, f"{said} are over the limit of {MOST_BYTES >> 30} GiB a volume")


def millimetres(length: float) -> float | None:
    """A distance as a file states it, or None if no distance of an OCT scan can be that."""
    return float(length) if _LEAST_MM <= length <= _MOST_MM else None


def words(raw: bytes, encoding: str = "ascii") -> str | None:
    """Text that ends at the first zero, if it is short and printable; otherwise None."""
    text = raw.decode(encoding, "replace").partition("\0")[0].strip()
    return text if text.isprintable() and "\ufffd" not in text and 0 < len(text) <= 60 else None


def known(**details: str | None) -> dict[str, str]:
    """The details that are known, with spaces for underscores in their names."""
    return {name.replace("_", " "): text for name, text in details.items() if text is not None}
