"""A picture of one comparison: every method's image, a closer look, and its numbers."""

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from super_resolution_gans.evaluation.compare import Protocol, Row
from super_resolution_gans.evaluation.pairs import Image, Pair, text
from super_resolution_gans.evaluation.region import Region, eventful_region
from super_resolution_gans.scan import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DPI = 100
_COLUMN, _GAP, _MARGIN = 384, 16, 24  # pixels
_HEADER, _TITLE, _CAPTION, _FOOTER = 56, 30, 52, 40
_MARK = "#ffb000"  # visible on black, on white and to colour-blind readers
_EDGE, _FAINT = "#b0b0b0", "#444444"
_PER_BAND = 6


@dataclass(frozen=True)
class _Column:
    title: str
    whole: Image  # HR size, or LR size for LR itself
    closer: Image
    caption: Sequence[str]


def panel(
    pair: Pair,
    images: Mapping[str, Image],
    rows: Sequence[Row],
    protocol: Protocol,
    *,
    region: Region | None = None,
) -> bytes:
    """Draw LR, each method's SR and HR: whole with the region marked, and the region enlarged.

    Every enlargement repeats pixels a whole number of times; black is 0 and white is 1 everywhere.
    The same input gives the same bytes.

    Args:
        pair: LR and HR.
        images: {method: SR}, drawn in this order, clipped to [0, 1].
        rows: of the same image; PSNR and SSIM (Wang) under each method are theirs. LR, enlarged by
            repeating pixels, gets those of ``nearest`` if they are there.
        protocol: how the numbers were measured.
        region: where to look closely; by default :func:`eventful_region`. Cut along LR pixels.

    Returns:
        A PNG file.
    """
    region = region or eventful_region(pair)
    columns = _columns(pair, images, rows, region)
    figure = _draw(columns, region, _heading(pair, region), _footnote(pair, rows, protocol))
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    return buffer.getvalue()


def _columns(
    pair: Pair, images: Mapping[str, Image], rows: Sequence[Row], region: Region
) -> list[_Column]:
    numbers = {row.method: _numbers(row) for row in rows}
    vertical, lateral = pair.scale
    low = Region(
        region.top // vertical,
        region.left // lateral,
        region.height // vertical,
        region.width // lateral,
    )
    nearest = np.repeat(np.repeat(pair.lr, vertical, axis=0), lateral, axis=1)
    return [
        _Column(
            f"LR  {_size(pair.lr)}, nearest",
            nearest,
            np.repeat(np.repeat(low.cut(pair.lr), vertical, axis=0), lateral, axis=1),
            numbers.get("nearest", ("", "")),
        ),
        *(
            _Column(printable(method), image, region.cut(image), numbers.get(method, ("", "")))
            for method, image in images.items()
        ),
        _Column(f"HR  {_size(pair.hr)}", pair.hr, region.cut(pair.hr), ("original", "")),
    ]


def _draw(
    columns: Sequence[_Column], region: Region, heading: tuple[str, str], footnote: str
) -> "Figure":
    """Everything at exact pixels, counted from the upper left corner."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    whole_size, reduction = _fit(columns[0].whole)
    zoom = max(1, _COLUMN // max(region.height, region.width))
    wholes = [_resized(column.whole, whole_size) for column in columns]
    closers = [_repeated(column.closer, zoom) for column in columns]
    column_width = max(_COLUMN, closers[0].shape[1])
    bands = math.ceil(len(columns) / _PER_BAND)
    per_band = math.ceil(len(columns) / bands)
    band_height = _TITLE + wholes[0].shape[0] + _GAP + closers[0].shape[0] + _CAPTION
    width = 2 * _MARGIN + per_band * column_width + (per_band - 1) * _GAP
    height = _HEADER + bands * (band_height + _GAP) + _FOOTER

    figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI, facecolor="white")
    FigureCanvasAgg(figure)

    def write(x: float, y: float, words: str, **style: Any) -> None:
        figure.text(x / width, 1 - y / height, words, parse_math=False, **style)

    def place(image: Image, centre: int, top: int) -> tuple[int, int]:
        left = centre - image.shape[1] // 2
        levels = np.rint(image * 255).astype(np.uint8)  # matplotlib's grey map is a level off
        colours = np.stack([levels] * 3, axis=-1) if levels.ndim == 2 else levels
        figure.figimage(colours, left, height - top - len(levels), origin="upper")
        return left, top

    def frame(left: float, top: float, wide: float, high: float, colour: str) -> None:
        from matplotlib.patches import Rectangle
        from matplotlib.transforms import IdentityTransform

        corner = (left - 1, height - top - high - 1)
        outline = Rectangle(corner, wide + 2, high + 2, fill=False, edgecolor=colour)
        outline.set_linewidth(2 * 72 / _DPI)  # two pixels, all of them outside
        outline.set_transform(IdentityTransform())
        figure.add_artist(outline)

    chars = width // 9
    write(_MARGIN, 14, _fitted(heading[0], chars), size=12, weight="bold", va="top")
    write(_MARGIN, 34, _fitted(heading[1], chars), size=9, color=_FAINT, va="top")
    for number, (column, whole, closer) in enumerate(zip(columns, wholes, closers, strict=True)):
        band, place_in_band = divmod(number, per_band)
        top = _HEADER + band * (band_height + _GAP)
        centre = _MARGIN + place_in_band * (column_width + _GAP) + column_width // 2
        title = _fitted(column.title, column_width // 9)
        write(centre, top + _TITLE / 2, title, size=11, ha="center", va="center")
        left, upper = place(whole, centre, top + _TITLE)
        frame(left, upper, whole.shape[1], whole.shape[0], _EDGE)
        marked = (region.left, region.top, region.width, region.height)
        x, y, wide, high = (reduction * value for value in marked)
        frame(left + x, upper + y, wide, high, _MARK)
        upper = top + _TITLE + whole.shape[0] + _GAP
        left, _ = place(closer, centre, upper)
        frame(left, upper, closer.shape[1], closer.shape[0], _MARK)
        for line, words in enumerate(column.caption):
            baseline = upper + closer.shape[0] + 17 + 18 * line
            write(centre, baseline, words, size=10, ha="center", va="center")
    write(_MARGIN, height - _FOOTER / 2, footnote, size=8.5, color=_FAINT, va="center")
    return figure


def _fit(image: Image) -> tuple[tuple[int, int], float]:
    """(height, width) that fits into a column, and its ratio to the image; whole if it is > 1."""
    high, wide = image.shape[:2]
    ratio = _COLUMN / max(high, wide)
    ratio = math.floor(ratio) if ratio >= 1 else ratio
    return (max(1, round(high * ratio)), max(1, round(wide * ratio))), ratio


def _resized(image: Image, size: tuple[int, int]) -> Image:
    """Enlarged by repeating pixels, or shrunk by an antialiasing kernel."""
    from PIL import Image as Pillow

    if size[0] >= image.shape[0]:
        return _repeated(image, size[0] // image.shape[0])
    planes = image[..., None] if image.ndim == 2 else image
    shrunk = [
        np.asarray(
            Pillow.fromarray(np.ascontiguousarray(planes[..., channel])).resize(
                (size[1], size[0]), Pillow.Resampling.HAMMING
            )
        )
        for channel in range(planes.shape[2])
    ]
    stacked: Image = np.clip(np.stack(shrunk, axis=-1), 0, 1)
    return stacked[..., 0] if image.ndim == 2 else stacked


def _repeated(image: Image, times: int) -> Image:
    return np.repeat(np.repeat(image, times, axis=0), times, axis=1)


def _numbers(row: Row) -> tuple[str, str]:
    return f"PSNR {row.psnr:.2f} dB", f"SSIM {row.ssim_wang:.4f}"


def _size(image: Image) -> str:
    return f"{image.shape[1]} × {image.shape[0]}"


def _heading(pair: Pair, region: Region) -> tuple[str, str]:
    origin = [pair.dataset] if pair.dataset else []
    origin += [f"patient {pair.patient}"] if pair.patient else []
    where = (
        f"closer look: {region.width} × {region.height} pixels of HR from column {region.left}, "
        f"row {region.top}"
    )
    return printable(pair.name), printable("   ".join([*origin, where]))


def _footnote(pair: Pair, rows: Sequence[Row], protocol: Protocol) -> str:
    parts = [f"Protocol {protocol.name}"]
    parts += [f"numbers: whole image, SSIM by Wang, {protocol.border} px border cut"]
    if rows and rows[0].masked:
        share = 100 * rows[0].masked / (rows[0].masked + rows[0].counted)
        parts.append(f"{share:.1f} % of pixels masked (white in HR)")
    parts += [f"channel {row.channel}" for row in rows[:1] if row.channel != "grey"]
    origin = "bicubic-antialiased from HR" if pair.made_here else "as it came"
    parts.append(f"scale {text(protocol.scale)}, LR {origin}")
    return "; ".join(parts) + "."


def _fitted(words: str, most: int) -> str:
    """The text with its middle left out if it is longer than ``most`` characters."""
    if len(words) <= most:
        return words
    head = (most - 1) // 2
    return f"{words[:head]}…{words[len(words) - (most - 1 - head) :]}"
