"""Figures as SVG, drawn to stand in a page and by themselves; the same input, the same bytes.

Colours are attributes, which any program understands; the page's own style goes over them, so that
figures are readable on a dark ground too. All are 340 units wide, a phone's width.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from super_resolution_gans.evaluation.page.markup import element, escaped, words
from super_resolution_gans.scan import printable

WIDTH = 340
_LEFT, _RIGHT = 1, 330
_ROW = 38
_LEGEND = 17
_INK, _SOFT, _RULE = "#24292f", "#59636e", "#d8dee4"
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#b0569b", "#b8860b", "#3f8fc0")
"""Told apart by colour-blind readers (after Okabe and Ito); darker where text needs it."""
FAINT = "#7d8590"


@dataclass(frozen=True)
class Series:
    """One method.

    Attributes:
        name: as it is written.
        colour: number of its colour; None: grey, an interpolation.
        values: {image: number}; finite.
    """

    name: str
    colour: int | None
    values: Mapping[str, float]


@dataclass(frozen=True)
class Axis:
    """Numbers along a line from ``start`` to ``end``."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Where a number lies."""
        span = self.high - self.low
        return self.start + (value - self.low) / span * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Three to six round numbers."""
        rough = (self.high - self.low) / 5
        unit = 10.0 ** math.floor(math.log10(rough))
        step = next(unit * times for times in (1, 2, 5, 10) if unit * times >= rough)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [number * step for number in range(first, last + 1)]


def strips(title: str, series: Sequence[Series], number: str) -> str:
    """How a measure is distributed: a point an image, a box of quartiles, a line at the median.

    Args:
        title: of the figure.
        series: those with values.
        number: format of numbers.
    """
    height = 30 + _ROW * len(series) + 24
    floor = height - 24
    axis = _axis([v for one in series for v in one.values.values()], _LEFT + 7, _RIGHT - 6)
    parts = [_heading(title), *_vertical_grid(axis, 28, floor)]
    medians = []
    for place, one in enumerate(series):
        top = 30 + _ROW * place
        values = np.array(list(one.values.values()), np.float64)
        low, middle, high = (float(q) for q in np.quantile(values, [0.25, 0.5, 0.75]))
        paint = _paint(one)
        medians.append(f"{printable(one.name)} {middle:{number}}")
        parts.append(words("text", _fitted(one.name, 44), x=_LEFT, y=top + 11, **paint))
        left, right = axis.at(low), axis.at(high)
        box = {"x": _px(left), "y": top + 17, "width": _px(max(right - left, 0.5)), "height": 14}
        parts.append(element("rect", rx=2, fill_opacity=0.16, **box, **paint))
        for index, (image, value) in enumerate(one.values.items()):
            # Golden steps spread neighbours apart, always alike.
            y = top + 19 + 10 * (index * 0.618034 % 1 if len(values) > 1 else 0.5)
            label = words("title", f"{image}: {value:{number}}")
            dot = {"cx": _px(axis.at(value)), "cy": _px(y), "r": 2.2}
            parts.append(element("circle", label, fill_opacity=0.7, **dot, **paint))
        line = {"x": _px(axis.at(middle) - 1), "y": top + 15, "width": 2, "height": 18}
        parts.append(element("rect", **line, **paint))
    label = f"{title}, by image. Medians: {'; '.join(medians)}."
    return _figure("".join(parts), height, label)


def plane(
    title: str,
    across: str,
    up: str,
    points: Mapping[str, tuple[float, float]],
    colours: Mapping[str, int | None],
    curve: Sequence[str] = (),
) -> str:
    """Methods by two numbers, less of both being better.

    Args:
        title: of the figure.
        across: what is measured to the right.
        up: what is measured upwards.
        points: {method: (across, up)}.
        colours: {method: number of its colour}; None: grey.
        curve: methods that are joined by a line, in this order.
    """
    top, floor = 32, 252
    height = floor + 44 + _LEGEND * len(points)
    x = _axis([at[0] for at in points.values()], 46, _RIGHT - 8)
    y = _axis([at[1] for at in points.values()], floor - 8, top + 8)
    parts = [_heading(title), *_vertical_grid(x, top, floor)]
    for tick in y.ticks():
        place = _px(y.at(tick))
        parts.append(_line(36, place, _RIGHT, place))
        style = {"text_anchor": "end", "fill": _SOFT, "class_": "tick"}
        parts.append(words("text", f"{tick:g}", x=31, y=place + 4, **style))
    style = {"text_anchor": "end", "fill": _SOFT, "class_": "tick"}
    parts.append(words("text", f"{across} →", x=_RIGHT, y=floor + 30, **style))
    parts.append(words("text", f"↑ {up}", x=_LEFT, y=floor + 30, fill=_SOFT, class_="tick"))
    joined = " ".join(f"{_px(x.at(points[m][0]))},{_px(y.at(points[m][1]))}" for m in curve)
    if joined:
        drawn = {"fill": "none", "stroke": COLOURS[0], "stroke_width": 1.5, "class_": "curve"}
        parts.append(element("polyline", points=joined, **drawn))
    for number, (method, at) in enumerate(points.items()):
        paint = _paint(Series(method, colours[method], {}))
        label = words("title", f"{method}: {at[0]:.4g}, {at[1]:.4g}")
        parts.append(_mark(number, x.at(at[0]), y.at(at[1]), label, paint))
        line = floor + 50 + _LEGEND * number
        parts.append(_mark(number, _LEFT + 6, line - 4, "", paint))
        parts.append(words("text", _fitted(method, 46), x=_LEFT + 18, y=line, **paint))
    said = "; ".join(f"{printable(m)} {at[0]:.4g}, {at[1]:.4g}" for m, at in points.items())
    return _figure("".join(parts), height, f"{title}. {across}, {up}: {said}.")


def standalone(figure: str) -> bytes:
    """A file of a figure, on white."""
    head, rest = figure.split(">", 1)
    ground = '<rect width="100%" height="100%" fill="#ffffff"/>'
    return f'{head} xmlns="http://www.w3.org/2000/svg">{ground}{rest}\n'.encode()


def _figure(content: str, height: int, label: str) -> str:
    box = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    # A style attribute would be refused by the page's policy, so the font is an attribute each.
    family = "font-family=\"system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif\""
    return (
        f'<svg class="chart" {box} {family} font-size="11" role="img" '
        f'aria-label="{escaped(label)}">{content}</svg>'
    )


def _heading(title: str) -> str:
    style = {"font_size": 12.5, "font_weight": 600, "fill": _INK, "class_": "ink"}
    return words("text", title, x=_LEFT, y=16, **style)


def _vertical_grid(axis: Axis, top: float, floor: float) -> list[str]:
    parts = []
    for tick in axis.ticks():
        place = _px(axis.at(tick))
        parts.append(_line(place, top, place, floor))
        style = {"text_anchor": "middle", "fill": _SOFT, "class_": "tick"}
        parts.append(words("text", f"{tick:g}", x=place, y=floor + 14, **style))
    return parts


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=_RULE, class_="rule")


def _axis(values: Sequence[float], start: float, end: float) -> Axis:
    low, high = min(values), max(values)
    margin = (high - low) * 0.04 or abs(high) * 0.1 or 1.0
    return Axis(low - margin, high + margin, start, end)


def _paint(one: Series) -> dict[str, object]:
    if one.colour is None:
        return {"fill": FAINT, "class_": "faint"}
    number = one.colour % len(COLOURS)
    return {"fill": COLOURS[number], "class_": f"m{number}"}


def _mark(number: int, x: float, y: float, label: str, paint: Mapping[str, object]) -> str:
    """A circle, square, diamond or triangle: methods of one colour differ by it."""
    if number % 4 == 0:
        return element("circle", label, cx=_px(x), cy=_px(y), r=4.5, **paint)
    corners = (
        ((-4, -4), (4, -4), (4, 4), (-4, 4)),
        ((0, -5.5), (5.5, 0), (0, 5.5), (-5.5, 0)),
        ((0, -5), (5, 4), (-5, 4)),
    )[number % 4 - 1]
    places = " ".join(f"{_px(x + right)},{_px(y + down)}" for right, down in corners)
    return element("polygon", label, points=places, **paint)


def _fitted(name: str, most: int) -> str:
    text = printable(name)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _px(value: float) -> float:
    return round(value, 2)
