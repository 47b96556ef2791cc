"""The perception-distortion plane as a picture."""

import io
import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
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
_MARKERS = ("s", "^", "D", "v", "P", "X", "h", "*")
_FAINT = "#777777"


def picture(
    planes: Sequence[Plane],
    fidelities: Mapping[str, float],
    title: str,
    suffix: str,
    *,
    name: str = "mixtures",
    faint: Collection[str] = (),
) -> bytes:
    """Draw the planes of one dataset side by side; the same input gives the same bytes.

    Args:
        planes: of one dataset, one for each measure of perception.
        fidelities: {method: its fidelity}, written beside the corners of the curve.
        title: what stands above.
        suffix: ``.png`` or ``.svg``.
        name: of the curve, in the legend.
        faint: methods that are drawn hollow, in grey.

    Returns:
        The file.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.6 * len(planes), 5.2), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    for axes, plane in zip(figure.subplots(1, len(planes), squeeze=False)[0], planes, strict=True):
        _draw(axes, plane, fidelities, name, faint)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False, fontsize=8.5)
    figure.suptitle(printable(title), fontsize=10.5, parse_math=False)
    buffer = io.BytesIO()
    with rc_context({"svg.hashsalt": "plane", "svg.fonttype": "none"}):
        figure.savefig(buffer, format=suffix[1:], dpi=100, metadata={FORMATS[suffix]: None})
    return buffer.getvalue()


def _draw(
    axes: "Axes",
    plane: Plane,
    fidelities: Mapping[str, float],
    name: str,
    faint: Collection[str],
) -> None:
    corners = list(plane.curve.values())
    label = f"{printable(name)}, fidelity beside it"
    axes.plot(
        *zip(*corners, strict=True), "o-", color=_CURVE, ms=4.5, lw=1.6, label=label, zorder=3
    )
    for method, corner in plane.curve.items():
        words = f"{fidelities[method]:g}"
        style: dict[str, Any] = {"fontsize": 8, "color": _CURVE, "ha": "right", "va": "top"}
        axes.annotate(words, corner, (-4, -1), textcoords="offset points", **style)
    styles = _styles(plane.others, faint)
    for method, at in plane.others.items():
        axes.plot(*at, ls="none", label=printable(method), zorder=2, **styles[method])
    axes.margins(0.1, 0.08)  # what the fidelities need, left of the curve
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    x = np.linspace(min(corner.distortion for corner in corners), right, 200)
    y = [min(least_perception(float(distortion), corners), top) for distortion in x]
    label = "dominated by the curve"
    axes.fill_between(x, y, top, color=_CURVE, alpha=0.08, lw=0, label=label, zorder=1)
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    axes.locator_params(nbins=7)
    axes.set_xlabel("RMSE, grey levels of 8 bit  (distortion)", fontsize=9)
    axes.set_ylabel(f"{plane.perception.name}  (unlikeness to a scan)", fontsize=9)
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.25)


def _styles(methods: Iterable[str], faint: Collection[str]) -> dict[str, dict[str, Any]]:
    """A marker and a colour for each; grey and hollow ones have markers of their own count."""
    styles: dict[str, dict[str, Any]] = {}
    bold, hollow = itertools.count(), itertools.count()
    for method in methods:
        place = next(hollow if method in faint else bold)
        marker = _MARKERS[place % len(_MARKERS)]
        colour = _FAINT if method in faint else _OTHERS[place % len(_OTHERS)]
        face = "none" if method in faint else colour
        styles[method] = {"marker": marker, "color": colour, "markerfacecolor": face, "ms": 6}
    return styles
