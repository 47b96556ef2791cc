"""Ratings as numbers by rater, image and method, their means, and how sure those are.

A mean opinion score is a mean over raters for each image, then over each person's images, then over
people; where it is not known whose an image is, each image stands for itself. Limits come from
drawing raters and people (or images) anew at once, each with all that belongs to it (Owen 2007,
Ann. Appl. Stat. 1, 386): they are about other raters and other scans, not about these. How often
they hold the truth: ``benchmarks/mos_coverage.py``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.evaluation.counted import plural
from super_resolution_gans.evaluation.intervals import Interval
from super_resolution_gans.evaluation.mos.rating import Rating
from super_resolution_gans.evaluation.mos.study import LEAST as WORST
from super_resolution_gans.evaluation.mos.study import MOST as BEST
from super_resolution_gans.evaluation.mos.study import Study, StudyError
from super_resolution_gans.evaluation.statistics import LEAST

LEVEL, RESAMPLES, SEED = 0.95, 9999, 0
_AT_ONCE = 200  # resamples

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Scores:
    """What was rated, without calibration.

    Attributes:
        raters: their numbers.
        images: names.
        units: whose each image is, or its own name.
        unit: ``person`` or ``image``: what ``units`` are.
        methods: from ``nearest`` to ``HR``.
        first: (raters, images, methods) scores when first shown; NaN: not rated.
        again: the same of repeats.
        ratings: all of them.
    """

    raters: tuple[int, ...]
    images: tuple[str, ...]
    units: tuple[str, ...]
    unit: str
    methods: tuple[str, ...]
    first: Values
    again: Values
    ratings: tuple[Rating, ...]

    @cached_property
    def complete(self) -> tuple[int, ...]:
        """Places of the raters who rated every image of every method."""
        whole = np.isfinite(self.first).all(axis=(1, 2))
        return tuple(int(place) for place in np.flatnonzero(whole))

    @cached_property
    def unit_means(self) -> Values:
        """(units, methods): means over raters, then over a unit's images; NaN: nobody rated."""
        everybody = np.ones((1, len(self.raters)))
        found: Values = _unit_means(self.first, _incidence(self.units), everybody)[0]
        return found

    def only(self, raters: Sequence[int]) -> "Scores":
        """The same of some raters, by their numbers."""
        kept = [place for place, rater in enumerate(self.raters) if rater in raters]
        return Scores(
            tuple(self.raters[place] for place in kept),
            self.images,
            self.units,
            self.unit,
            self.methods,
            self.first[kept],
            self.again[kept],
            tuple(rating for rating in self.ratings if rating.rater in raters),
        )


def scores_of(study: Study, ratings: Sequence[Rating]) -> Scores:
    """Put ratings in their places.

    Raises:
        StudyError: if there are none, or they are not of this study.
    """
    if not ratings:
        raise StudyError(study.title, "nobody has rated anything yet")
    raters = sorted({rating.rater for rating in ratings})
    images = list(dict.fromkeys(item.image for item in study.rated))
    methods = [method.name for method in study.methods]
    patients = {item.image: item.patient for item in study.rated}
    known = all(patients.values())
    shape = (len(raters), len(images), len(methods))
    first, again = np.full(shape, np.nan), np.full(shape, np.nan)
    for rating in ratings:
        item = study.by_id.get(rating.item)
        if item is None or item.role == "calibration":
            raise StudyError(study.title, f"has no item {rating.item} that is rated")
        if not WORST <= rating.value <= BEST:
            raise StudyError(study.title, f"rater {rating.rater} gave {rating.value}")
        target = again if item.role == "repeat" else first
        place = (
            raters.index(rating.rater),
            images.index(item.image),
            methods.index(item.method),
        )
        if np.isfinite(target[place]):
            raise StudyError(study.title, f"rater {rating.rater} rated {rating.item} twice")
        target[place] = rating.value
    return Scores(
        raters=tuple(raters),
        images=tuple(images),
        units=tuple(patients[image] or "" if known else image for image in images),
        unit="person" if known else "image",
        methods=tuple(methods),
        first=first,
        again=again,
        ratings=tuple(ratings),
    )


@dataclass(frozen=True, eq=False)
class Resampled:
    """Means of each method, and of resamples; from them any difference has its limits.

    Attributes:
        means: (methods,).
        drawn: (resamples, methods).
        note: how they were drawn.
        few: why a method has no limits, for each; None where it has.
    """

    means: Values
    drawn: Values
    note: str
    few: tuple[str | None, ...]

    def of(self, method: int, against: int | None = None) -> Interval | None:
        """The mean of a method, or by how much it is larger than another's, with 95 % limits.

        None where nobody rated one of them.
        """
        estimate, drawn = self.means[method], self.drawn[:, method]
        if against is not None:
            estimate, drawn = estimate - self.means[against], drawn - self.drawn[:, against]
        if not np.isfinite(estimate):
            return None
        few = self.few[method] or (None if against is None else self.few[against])
        if few:
            return Interval(float(estimate), None, None, few)
        drawn = drawn[np.isfinite(drawn)]
        if not len(drawn) or np.ptp(drawn) < 1e-12:
            note = "all are alike: resampling has no spread"
            return Interval(float(estimate), None, None, note)
        low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return Interval(float(estimate), float(low), float(high), self.note)


def resampled(
    values: Values, units: Sequence[str], unit: str, resamples: int = RESAMPLES
) -> Resampled:
    """Means of methods with raters and units drawn anew, always with the same seed.

    Args:
        values: (raters, images, methods); NaN: not rated.
        units: of each image.
        unit: what they are, in one word.
        resamples: how often they are drawn.
    """
    raters, people = len(values), len(set(units))
    incidence = _incidence(units)
    means = _means(values, incidence, np.ones((1, raters)), np.ones((1, people)))[0]
    few = _few_for(values, incidence, unit)
    if all(few):
        return Resampled(means, np.empty((0, values.shape[2])), "", few)
    rng = np.random.default_rng(SEED)
    parts = []
    for start in range(0, resamples, _AT_ONCE):
        count = min(_AT_ONCE, resamples - start)
        by_rater, by_unit = (
            rng.multinomial(many, np.full(many, 1 / many), count).astype(float)
            for many in (raters, people)
        )
        parts.append(_means(values, incidence, by_rater, by_unit))
    note = f"bootstrap over raters and {plural(2, unit)[2:]}"
    return Resampled(means, np.concatenate(parts), note, few)


def too_few(raters: int, units: int, unit: str) -> str | None:
    """The sentence for a study that is too small for limits; None if it is large enough."""
    small = [
        plural(count, word) for count, word in ((raters, "rater"), (units, unit)) if count < LEAST
    ]
    return f"{' and '.join(small)}: too few, {LEAST} are needed" if small else None


def _few_for(values: Values, incidence: Values, unit: str) -> tuple[str | None, ...]:
    """For each method: whether those who rated it, and what they rated of it, are too few."""
    given = np.isfinite(values)
    raters = given.any(axis=1).sum(axis=0)
    units = (incidence @ given.any(axis=0) > 0).sum(axis=0)
    return tuple(too_few(int(r), int(u), unit) for r, u in zip(raters, units, strict=True))


def _incidence(units: Sequence[str]) -> Values:
    """(units, images): 1 where an image is of a unit."""
    names = list(dict.fromkeys(units))
    return np.array([[float(unit == name) for unit in units] for name in names])


def _unit_means(values: Values, incidence: Values, by_rater: Values) -> Values:
    """(resamples, units, methods), NaN where nobody of a resample rated."""
    given = np.isfinite(values)
    images, methods = values.shape[1:]
    flat = (len(values), images * methods)
    sums = by_rater @ np.where(given, values, 0).reshape(flat)
    counts = by_rater @ given.astype(float).reshape(flat)
    there = (counts > 0).astype(float)
    means = sums / np.maximum(counts, 1)
    shape = (len(by_rater), images, methods)
    totals = incidence @ (means * there).reshape(shape)
    numbers = incidence @ there.reshape(shape)
    return np.where(numbers > 0, totals / np.maximum(numbers, 1), np.nan)


def _means(values: Values, incidence: Values, by_rater: Values, by_unit: Values) -> Values:
    """(resamples, methods)."""
    of_units = _unit_means(values, incidence, by_rater)
    weights = by_unit[:, :, None] * np.isfinite(of_units)
    total = weights.sum(axis=1)
    found = (weights * np.nan_to_num(of_units)).sum(axis=1) / np.maximum(total, 1e-300)
    means: Values = np.where(total > 0, found, np.nan)
    return means
