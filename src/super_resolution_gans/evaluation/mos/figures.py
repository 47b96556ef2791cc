"""Figures of a study: how scores are distributed, and each image's scores."""

from collections.abc import Mapping, Sequence

import numpy as np

from super_resolution_gans.evaluation.counted import plural
from super_resolution_gans.evaluation.mos.analysis import Analysis, Opinion
from super_resolution_gans.evaluation.mos.scores import Scores
from super_resolution_gans.evaluation.mos.study import HIGH, LEAST, LOW, MOST
from super_resolution_gans.evaluation.page.charts import strips
from super_resolution_gans.evaluation.page.drawing import (
    INK,
    LEFT,
    LEGEND,
    RIGHT,
    ROW,
    SOFT,
    Axis,
    Series,
    figure_of,
    fitted,
    heading,
    mark,
    paint_of,
    px,
    rule,
    vertical_grid,
)
from super_resolution_gans.evaluation.page.markup import element, words
from super_resolution_gans.scan import printable

_IMAGES_AT_MOST = 100  # in one figure
_IMAGE_ROW = 30


def figures_of(analysis: Analysis) -> dict[str, str]:
    """{name: SVG} of all figures."""
    scores = analysis.scores
    series = _series(scores)
    found = {"distribution": distribution(analysis.opinions, colours(scores.methods))}
    if series:
        found["by-method"] = strips("MOS of each image", series, ".2f")
        found["by-image"] = by_image(scores, series)
    return found


def colours(methods: Sequence[str]) -> dict[str, int | None]:
    """{method: number of its colour}; anchors are grey."""
    judged = [name for name in methods if name not in (LOW, HIGH)]
    return {name: judged.index(name) if name in judged else None for name in methods}


def distribution(opinions: Sequence[Opinion], painted: Mapping[str, int | None]) -> str:
    """Each method's scores as five cells, the darker the oftener, and its mean with limits.

    The paper's figure 5 is such a one, turned by a right angle.
    """
    top = 46
    height = top + (ROW + 4) * len(opinions) + 4
    axis = Axis(LEAST - 0.5, MOST + 0.5, LEFT, RIGHT)
    parts = [heading("Distribution of scores")]
    for score in range(LEAST, MOST + 1):
        style = {"text_anchor": "middle", "fill": SOFT, "class_": "tick"}
        parts.append(words("text", score, x=px(axis.at(score)), y=top - 10, **style))
    told = []
    for place, one in enumerate(opinions):
        y = top + (ROW + 4) * place
        paint = paint_of(Series(one.method, painted[one.method], {}))
        total = sum(one.counts)
        mean = "not rated" if one.mos is None else f"MOS {one.mos.estimate:.2f}"
        parts.append(words("text", _named(one.method, mean), x=LEFT, y=y + 9, **paint))
        told.append(f"{printable(one.method)} {mean}")
        for score, count in enumerate(one.counts, LEAST):
            share = count / total if total else 0
            left, right = axis.at(score - 0.5), axis.at(score + 0.5)
            label = words("title", f"{one.method}: {score} in {share:.0%} of {total}")
            cell = {"x": px(left + 1), "y": y + 14, "width": px(right - left - 2), "height": 20}
            parts.append(
                element("rect", label, rx=2, fill_opacity=round(0.06 + 0.7 * share, 3),
                        **cell, **paint)
            )  # fmt: skip
            style = {"text_anchor": "middle", "fill": INK, "class_": "ink", "font_size": "10"}
            at = {"x": px(axis.at(score)), "y": y + 28}
            parts.append(words("text", f"{share:.0%}", **at, **style) if count else "")
        if one.mos is not None:
            parts += _mean(axis, one, y + 36)
    return figure_of("".join(parts), height, f"Distribution of scores. {'; '.join(told)}.")


def by_image(scores: Scores, series: Sequence[Series]) -> str:
    """A line an image, a mark for each method at its mean over raters."""
    images = [image for image in scores.images if any(image in one.values for one in series)]
    shown = images[:_IMAGES_AT_MOST]
    top = 30 + LEGEND * ((len(series) + 1) // 2)
    floor = top + _IMAGE_ROW * len(shown)
    axis = Axis(LEAST - 0.15, MOST + 0.15, LEFT, RIGHT)
    more = f", the first {len(shown)} of {len(images)}" if len(shown) < len(images) else ""
    parts = [heading(f"MOS by image{more}"), *vertical_grid(axis, top, floor)]
    marks = _marks(series)
    for number, one in enumerate(series):
        x, y = LEFT + 6 + 165 * (number % 2), 34 + LEGEND * (number // 2)
        parts.append(mark(marks[one.name], x, y - 4, "", paint_of(one)))
        parts.append(words("text", fitted(one.name, 24), x=x + 10, y=y, **paint_of(one)))
    for place, image in enumerate(shown):
        y = top + _IMAGE_ROW * place
        style = {"fill": SOFT, "class_": "tick", "font_size": 9.5}
        parts.append(words("text", fitted(image, 60), x=LEFT, y=y + 11, **style))
        parts.append(rule(LEFT, y + 21, RIGHT, y + 21))
        for one in series:
            if image in one.values:
                label = words("title", f"{image}, {one.name}: {one.values[image]:.2f}")
                at = axis.at(one.values[image])
                parts.append(mark(marks[one.name], at, y + 21, label, paint_of(one)))
    about = f"{plural(len(images), 'image')}, mean scores from {LEAST} to {MOST}"
    return figure_of("".join(parts), floor + 24, f"MOS by image: {about}.")


def image_means(scores: Scores) -> dict[tuple[str, str], tuple[float, int]]:
    """{(image, method): mean over raters, how many rated}, where somebody did."""
    given = np.isfinite(scores.first)
    counts = given.sum(axis=0)
    sums = np.where(given, scores.first, 0).sum(axis=0)
    return {
        (image, method): (float(sums[row, column] / counts[row, column]), int(counts[row, column]))
        for row, image in enumerate(scores.images)
        for column, method in enumerate(scores.methods)
        if counts[row, column]
    }


def _series(scores: Scores) -> list[Series]:
    means, painted = image_means(scores), colours(scores.methods)
    found = []
    for method in scores.methods:
        values = {image: mean for (image, name), (mean, _) in means.items() if name == method}
        if values:
            found.append(Series(method, painted[method], values))
    return found


def _marks(series: Sequence[Series]) -> dict[str, int]:
    """{method: number of its mark}; anchors, which share a colour, have different ones."""
    grey = [one.name for one in series if one.colour is None]
    return {one.name: grey.index(one.name) if one.colour is None else one.colour for one in series}


def _mean(axis: Axis, one: Opinion, y: float) -> list[str]:
    """A mark at the mean, a line from limit to limit."""
    assert one.mos is not None
    parts = []
    if one.mos.low is not None and one.mos.high is not None:
        left, right = axis.at(one.mos.low), axis.at(one.mos.high)
        line = {"x": px(left), "y": y - 1, "width": px(max(right - left, 0.5)), "height": 2}
        parts.append(element("rect", fill=INK, class_="ink", **line))
    at = axis.at(one.mos.estimate)
    corners = f"{px(at - 4)},{y} {px(at)},{y - 5} {px(at + 4)},{y} {px(at)},{y + 5}"
    label = words("title", f"{one.method}: MOS {one.mos.estimate:.2f}")
    parts.append(element("polygon", label, points=corners, fill=INK, class_="ink"))
    return parts


def _named(method: str, said: str) -> str:
    return f"{fitted(method, 36)}: {said}"
