"""Pixel sizes in files: dots per length, and when to believe them."""

import math

from super_resolution_gans.scan import Spacing

MM_PER_INCH = 25.4

# Programs write these when they know nothing of the object: screens, printers, paper scanners.
_PRINTING_DPI = (
    *(72, 75, 90, 96, 100, 110, 120, 144, 150, 160, 180, 192, 200, 220, 240),
    *(250, 266, 288, 300, 350, 360, 400, 480, 500, 600, 720, 800, 1000, 1200),
)


def from_dpi(columns: float, rows: float) -> Spacing:
    """Spacing from dots per inch along a row and down a column.

    Unknown where the number makes no sense or is one that is about paper or screens: a scan that
    went through an image program often says 72 or 300 dots per inch, and its pixels are not
    0.35 mm or 0.085 mm large.
    """
    if _about_printing(columns) and _about_printing(rows):
        return (None, None, None)
    return (None, _mm(rows), _mm(columns))


def _about_printing(dpi: float) -> bool:
    # JPEG and PNG round to whole dots per cm or m, so 72 comes back as 71.12 or 72.01.
    return any(abs(dpi - usual) <= 0.02 * usual for usual in _PRINTING_DPI if dpi < 150) or any(
        abs(dpi - usual) <= 0.001 * usual for usual in _PRINTING_DPI
    )


def _mm(dpi: float) -> float | None:
    if not math.isfinite(dpi) or dpi <= 1:
        return None
    return MM_PER_INCH / dpi
