"""Pixel sizes in files: dots per length, and when to believe them."""

import math

MM_PER_INCH = 25.4

# Programs write these when they know nothing of the object: screens, printers, paper scanners.
_PRINTING_DPI = (
    *(72, 75, 90, 96, 100, 110, 120, 144, 150, 160, 180, 192, 200, 220, 240),
    *(250, 300, 350, 360, 400, 480, 500, 600, 720, 800, 1000, 1200, 1440, 2400),
)
# 72 dots per inch are 28 per cm in whole numbers: 71.1.
_ROUNDING = 0.015
_LARGEST_MM = 1.0


def from_dpi(columns: float, rows: float) -> tuple[float | None, float | None]:
    """mm per row and per column, from dots per inch along a row and down a column.

    Unknown where both numbers are about paper or screens: a scan that went through an image
    program often says 72 or 300 dots per inch, and its pixels are not 0.35 mm or 0.085 mm large.
    Unknown as well above 1 mm.
    """
    if about_printing(columns) and about_printing(rows):
        return None, None
    return _mm(rows), _mm(columns)


def about_printing(dpi: float) -> bool:
    """Whether a resolution is one that programs write by default."""
    tolerances = ((usual, _ROUNDING if usual < 130 else 0.0005) for usual in _PRINTING_DPI)
    return any(abs(dpi - usual) <= share * usual for usual, share in tolerances)


def _mm(dpi: float) -> float | None:
    if not math.isfinite(dpi) or dpi * _LARGEST_MM < MM_PER_INCH:
        return None
    return MM_PER_INCH / dpi
