"""A figure for a publication: images side by side, a closer look at each, and bars of scale."""

import io
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from super_resolution_gans.evaluation.pairs import EvaluationError, Image
from super_resolution_gans.evaluation.region import Region
from super_resolution_gans.scan import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMATS = {".png": "Software", ".svg": "Date", ".pdf": "CreationDate"}
"""What figures can be, and what of their metadata would change from day to day."""
INCHES = 1.75
"""Width of an image."""
_TITLE, _GAP, _MARGIN = 0.22, 0.06, 0.02  # inches
_MARK = "#ffb000"  # visible on black, on white and to colour-blind readers


def figure(
    images: Mapping[str, Image],
    region: Region,
    pixel_mm: tuple[float | None, float | None],
    suffix: str,
    *,
    dpi: int = 300,
    true_aspect: bool = False,
) -> bytes:
    """Draw images in a row, the region marked in each, and below them the region enlarged.

    Black is 0 and white is 1 everywhere. Bars are as long as the spacing says: one across, and one
    down if rows are drawn to another scale than columns; where a spacing is unknown there is none.
    The same input gives the same bytes.

    Args:
        images: {title: (height, width[, 3]) in [0, 1]}; smaller ones, by whole factors, are shown
            by repeating their pixels.
        region: to look at closely, in pixels of the largest image.
        pixel_mm: (vertical, lateral) spacing of the largest image's pixels in mm, or None.
        suffix: one of :data:`FORMATS`.
        dpi: pixels per inch.
        true_aspect: draw a mm down as long as a mm across.

    Returns:
        The file.

    Raises:
        EvaluationError: if there is no such format, the region does not lie within the images, or
            their true aspect is not known.
    """
    if suffix not in FORMATS:
        raise EvaluationError("figure", f"figures are {', '.join(FORMATS)}, not {suffix or 'that'}")
    height, width = max(image.shape[:2] for image in images.values())
    _check(region, height, width)
    aspect = _aspect(*pixel_mm) if true_aspect else 1.0
    mm = pixel_mm[0] if aspect == 1 and pixel_mm[0] != pixel_mm[1] else None

    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    heights = [INCHES * h * aspect / w for h, w in ((height, width), (region.height, region.width))]
    wide = 2 * _MARGIN + len(images) * (INCHES + _GAP) - _GAP
    high = 2 * _MARGIN + heights[1] + _GAP + heights[0] + _TITLE
    drawn = Figure(figsize=(wide, high), dpi=dpi, facecolor="white")
    FigureCanvasAgg(drawn)
    for number, (title, image) in enumerate(images.items()):
        left = (_MARGIN + number * (INCHES + _GAP)) / wide
        whole = np.repeat(np.repeat(image, height // len(image), 0), width // image.shape[1], 1)
        for row, part in enumerate((whole, region.cut(whole))):
            bottom = (_MARGIN + (0 if row else heights[1] + _GAP)) / high
            axes = drawn.add_axes((left, bottom, INCHES / wide, heights[row] / high))
            _show(axes, part, _MARK if row else None)
            if number == 0:
                _bar(axes, part.shape[1], pixel_mm[1], "across")
                _bar(axes, part.shape[0], mm, "down")
            if row == 0:
                _mark(axes, region)
                axes.set_title(printable(title), fontsize=7, pad=3, parse_math=False)
    buffer = io.BytesIO()
    with rc_context({"svg.hashsalt": "figure", "pdf.fonttype": 42}):
        drawn.savefig(buffer, format=suffix[1:], dpi=dpi, metadata={FORMATS[suffix]: None})
    return buffer.getvalue()


def bar_length(extent_um: float) -> float:
    """The longest of 1, 2, 5, 10, 20, ... µm that is at most a third of the extent, in µm."""
    power = 10.0 ** math.floor(math.log10(extent_um / 3))
    return max(step * power for step in (1, 2, 5) if step * power <= extent_um / 3)


def _check(region: Region, height: int, width: int) -> None:
    inside = region.top >= 0 and region.left >= 0 and min(region.height, region.width) > 0
    if not inside or region.top + region.height > height or region.left + region.width > width:
        raise EvaluationError("zoom", "does not lie within the image")


def _aspect(vertical: float | None, lateral: float | None) -> float:
    if not vertical or not lateral:
        raise EvaluationError("true aspect", "the spacing of rows or columns is not known")
    return vertical / lateral


def _show(axes: "Axes", image: Image, frame: str | None) -> None:
    levels = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
    colours = np.stack([levels] * 3, axis=-1) if levels.ndim == 2 else levels
    # Enlarged a few times pixels stay squares; shrunk they are averaged.
    axes.imshow(colours, aspect="auto", interpolation="antialiased")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(frame is not None)
        spine.set_edgecolor(frame or "none")


def _mark(axes: "Axes", region: Region) -> None:
    from matplotlib.patches import Rectangle

    corner = (region.left - 0.5, region.top - 0.5)
    outline = Rectangle(corner, region.width, region.height, fill=False, edgecolor=_MARK, lw=0.8)
    axes.add_patch(outline)


def _bar(axes: "Axes", pixels: int, mm: float | None, direction: str) -> None:
    """A bar in the lower left corner with its length beside it."""
    if not mm:
        return
    from matplotlib.patheffects import withStroke

    um = bar_length(pixels * mm * 1000)
    share = um / (pixels * mm * 1000)
    text = f"{um / 1000:g} mm" if um >= 1000 else f"{um:g} µm"
    x, y = (0.05, 0.05 + share) if direction == "down" else (0.05 + share, 0.05)
    for colour, width in (("black", 3.0), ("white", 1.6)):  # visible on white too
        axes.plot([0.05, x], [0.05, y], transform=axes.transAxes, color=colour, lw=width,
                  solid_capstyle="butt", scalex=False, scaley=False)  # fmt: skip
    place, angle = ((0.07, 0.1), 90) if direction == "down" else ((0.17, 0.07), 0)
    words = axes.text(
        *place, text, fontsize=5.5, rotation=angle, va="bottom", color="white",
        transform=axes.transAxes,
    )  # fmt: skip
    words.set_path_effects([withStroke(linewidth=1.2, foreground="black")])
