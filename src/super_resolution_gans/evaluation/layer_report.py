"""Errors of retinal boundaries as text, as CSV (every slice), and as a picture of one slice."""

import csv
import io
from collections.abc import Mapping, Sequence

import numpy as np

from super_resolution_gans.evaluation.layers import (
    HR,
    MEASURED,
    NEIGHBOUR,
    RESPECKLED,
    Difference,
    LayerComparison,
)
from super_resolution_gans.evaluation.pairs import Image
from super_resolution_gans.metrics.layers import Layers
from super_resolution_gans.scan import printable

_NAMES = {
    "ilm": "ILM",
    "ez": "EZ",
    "bm": "RPE/BM",
    "thickness": "thickness",
}
_COLOURS = {"ilm": "#ff5050", "ez": "#50e050", "bm": "#50a0ff"}
_DPI, _ZOOM = 100, 2
_CLOSE, _CLOSER = 96, 3  # columns of the closer look, and its zoom


def layer_table(comparison: LayerComparison) -> str:
    """One line for each boundary and method, in pixels and, where their height is known, in µm."""
    width = max(map(len, comparison.methods))
    units = [("px", 1.0, 2)]
    if comparison.axial_um:
        units.append(("µm", comparison.axial_um, 1))
    heading = f"{'':9}  {'':{width}}  A-scans  missing" + "".join(
        f"  {'|error|':>7} {'bias':>6} {'95 % of errors':>16} {unit}" for unit, _, _ in units
    )
    lines = [heading]
    for measured in MEASURED:
        for method in comparison.methods:
            found = comparison.of(method, measured)
            start = f"{_NAMES[measured]:9}  {printable(method):{width}}"
            lines.append(f"{start}  {_numbers(found, units)}")
        lines.append("")
    return "\n".join(lines[:-1]) + "\n"


def _numbers(found: Difference | None, units: Sequence[tuple[str, float, int]]) -> str:
    if found is None:
        return f"{0:7}        -"
    text = f"{found.compared:7}  {found.missing:7}"
    for _, size, digits in units:
        mean, bias, low, high = (
            value * size for value in (found.mean_absolute, found.bias, found.low, found.high)
        )
        limits = f"{low:+.{digits}f} to {high:+.{digits}f}"
        text += f"  {mean:7.{digits}f} {bias:+6.{digits}f} {limits:>16}   "
    return text.rstrip()


def layer_notes(comparison: LayerComparison) -> list[str]:
    """What the numbers are, each sentence short enough for a terminal."""
    spacing = (
        f"pixels are {comparison.axial_um:g} µm high"
        if comparison.axial_um
        else "height of pixels unknown: no µm, the search takes them for a Spectralis's"
    )
    return [
        f"{len(comparison.slices)} slices; {spacing}",
        "error: row in SR minus row in HR, + is deeper or thicker; both are found by the same",
        "search, nobody drew them; missing: found in HR only",
        f"{RESPECKLED}: the search's own error when speckle like HR's own is added to HR",
        f"{NEIGHBOUR}: how far boundaries are from one slice to the next",
        "A-scans of a scan are not independent: these numbers describe it, they test nothing",
    ]


def layer_csv(comparison: LayerComparison) -> str:
    """A row for each slice, method and boundary, in pixels; empty where there is none."""
    columns = ("compared", "missing", "mean_absolute", "bias", "low", "high")
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["slice", "method", "boundary", *columns])
    for index, name in enumerate(comparison.slices):
        for method in comparison.methods:
            for measured in MEASURED:
                found = comparison.of(method, measured, index)
                values = ["" if found is None else _cell(getattr(found, c)) for c in columns]
                writer.writerow([name, method, measured, *values])
    return buffer.getvalue()


def _cell(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.6f}"


def layer_picture(
    name: str, hr: Image, images: Mapping[str, Image], found: Mapping[str, Layers]
) -> bytes:
    """HR and every SR with their boundaries, and a closer look with HR's beside them.

    The closer look is where the methods' boundaries are farthest from HR's, pixels three times as
    large; HR's boundaries are dotted white there. The same input gives the same bytes.

    Args:
        name: of the slice.
        hr: (H, W) in [0, 1].
        images: {method: SR}, of HR's size.
        found: {method: boundaries}, those of HR under ``HR``.

    Returns:
        A PNG file.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = {HR: hr, **images}
    top, bottom = _rows_around(found[HR], hr.shape[0])
    left = _worst_column(found, list(images), hr.shape[1])
    right = min(hr.shape[1], left + _CLOSE)
    wide, close = hr.shape[1] * _ZOOM, (right - left) * _CLOSER
    high = (bottom - top) * _ZOOM
    gap, title = 12, 26
    size = (wide + close + 3 * gap, len(shown) * (high + title) + gap)
    figure = Figure(figsize=(size[0] / _DPI, size[1] / _DPI), dpi=_DPI, facecolor="white")
    FigureCanvasAgg(figure)
    for number, (method, image) in enumerate(shown.items()):
        upper = number * (high + title) + title
        words = f"{method}: {name}" if method == HR else method
        figure.text(
            gap / size[0], 1 - (upper - 8) / size[1], printable(words), size=10, parse_math=False
        )
        for x, span, columns, rows in (
            (gap, wide, (0, hr.shape[1]), (top, bottom)),
            (
                wide + 2 * gap,
                close,
                (left, right),
                _closer_rows(found[HR], left, right, top, bottom),
            ),
        ):
            axes = figure.add_axes(
                (x / size[0], 1 - (upper + high) / size[1], span / size[0], high / size[1])
            )
            axes.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest", aspect="auto")
            for boundary, colour in _COLOURS.items():
                axes.plot(getattr(found[method], boundary), color=colour, linewidth=0.8)
                if method != HR and span == close:
                    axes.plot(getattr(found[HR], boundary), ":", color="white", linewidth=0.9)
            axes.set_xlim(columns[0] - 0.5, columns[1] - 0.5)
            axes.set_ylim(rows[1] - 0.5, rows[0] - 0.5)
            axes.set_axis_off()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    return buffer.getvalue()


def _rows_around(layers: Layers, height: int) -> tuple[int, int]:
    known = np.concatenate([layers.ilm, layers.bm])
    known = known[np.isfinite(known)]
    if not known.size:
        return 0, height
    return max(0, int(known.min()) - 20), min(height, int(known.max()) + 40)


def _closer_rows(layers: Layers, left: int, right: int, top: int, bottom: int) -> tuple[int, int]:
    """As many rows as fit, around the retina there."""
    known = np.concatenate([layers.ilm[left:right], layers.bm[left:right]])
    known = known[np.isfinite(known)]
    half = (bottom - top) * _ZOOM // (2 * _CLOSER)
    middle = int(known.mean()) if known.size else (top + bottom) // 2
    return middle - half, middle + half


def _worst_column(found: Mapping[str, Layers], methods: Sequence[str], width: int) -> int:
    """Where the closer look begins."""
    errors = np.zeros(width)
    for method in methods:
        for boundary in _COLOURS:
            error = np.abs(getattr(found[method], boundary) - getattr(found[HR], boundary))
            errors += np.nan_to_num(error)
    sums = np.convolve(errors, np.ones(min(_CLOSE, width)), mode="valid")
    return int(sums.argmax())
