"""The perception-distortion plane as a picture."""

import io
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from super_resolution_gans.evaluation.plane import Plane, least_perception
from super_resolution_gans.scan import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMATS = {".png": "Software", ".svg": "Date"}
"""What pictures can be, and what of their metadata would change from day to day."""

_CURVE = "#0072b2"  # this and the others are told apart by colour-blind readers (Okabe and Ito)
_OTHERS = ("#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
_MARKERS = ("s", "D", "^", "v", "P", "X", "h", "*")
_FAINT, _FAINT_MARKERS = "#777777", ("x", "+", "1", "2")


def picture(
    planes: Sequence[Plane],
    fidelities: Mapping[str, float],
    title: str,
    suffix: str,
    *,
    faint: Collection[str] = (),
) -> bytes:
    """Draw the planes of one dataset side by side; the same input gives the same bytes.

    Args:
        planes: of one dataset, one for each measure of perception.
        fidelities: {method: its fidelity}, written beside the corners of the curve.
        title: what stands above.
        suffix: ``.png`` or ``.svg``.
        faint: methods that are drawn in grey.

    Returns:
        The file.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.6 * len(planes), 5.2), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    for axes, plane in zip(figure.subplots(1, len(planes), squeeze=False)[0], planes, strict=True):
        _draw(axes, plane, fidelities, faint)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False, fontsize=8.5)
    figure.suptitle(printable(title), fontsize=10.5, parse_math=False)
    buffer = io.BytesIO()
    with rc_context({"svg.hashsalt": "plane"}):
        figure.savefig(buffer, format=suffix[1:], dpi=100, metadata={FORMATS[suffix]: None})
    return buffer.getvalue()


def _draw(
    axes: "Axes", plane: Plane, fidelities: Mapping[str, float], faint: Collection[str]
) -> None:
    corners = list(plane.curve.values())
    axes.plot(
        *zip(*corners, strict=True),
        "o-",
        color=_CURVE,
        ms=5,
        lw=1.6,
        label="fidelity 0 to 1",
        zorder=3,
    )
    for method, corner in plane.curve.items():
        axes.annotate(
            f"{fidelities[method]:g}",
            corner,
            (5, 5),
            textcoords="offset points",
            fontsize=8,
            color=_CURVE,
            zorder=4,
        )
    bold = [method for method in plane.others if method not in faint]
    for method, at in plane.others.items():
        axes.plot(
            *at,
            linestyle="none",
            label=printable(method),
            zorder=2,
            **_style(method, bold, list(faint)),
        )
    axes.margins(0.08)
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    x = np.linspace(min(corner.distortion for corner in corners), right, 1000)
    y = [min(least_perception(float(distortion), corners), top) for distortion in x]
    axes.fill_between(x, y, top, color=_CURVE, alpha=0.08, lw=0, label="dominated by it", zorder=1)
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    axes.set_xlabel("RMSE, grey levels of 8 bit  (distortion)", fontsize=9)
    axes.set_ylabel(f"{plane.perception.name}  (unlikeness to a scan)", fontsize=9)
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.25)


def _style(method: str, bold: Sequence[str], faint: Sequence[str]) -> dict[str, Any]:
    if method in faint:
        place = faint.index(method)
        return {"marker": _FAINT_MARKERS[place % len(_FAINT_MARKERS)], "color": _FAINT, "ms": 7}
    place = bold.index(method)
    colour = _OTHERS[place % len(_OTHERS)]
    return {"marker": _MARKERS[place % len(_MARKERS)], "color": colour, "ms": 6.5}
