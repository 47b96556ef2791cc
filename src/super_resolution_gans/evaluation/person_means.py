"""Means over people with their intervals, for each method and measure of an evaluation."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from super_resolution_gans.evaluation.results import Result
from super_resolution_gans.evaluation.statistics import (
    Interval,
    by_person,
    mean_interval,
    too_few,
)


@dataclass(frozen=True)
class PersonMean:
    """One measure of one method, averaged over each person first.

    Attributes:
        people: with a finite value.
        mean: over them.
        interval: of that mean; None where there are too few people.
    """

    people: int
    mean: float
    interval: Interval | None


def person_means(
    results: Sequence[Result],
    measures: Sequence[str],
    *,
    level: float = 0.95,
    resamples: int = 9999,
    seed: int = 0,
) -> dict[tuple[str, str], PersonMean]:
    """{(method, measure): its mean over people}, of those that a known person has a value of.

    Args:
        results: of one dataset.
        measures: names.
        level: of the intervals, see :func:`~.statistics.mean_interval`.
        resamples: of the bootstrap.
        seed: of the bootstrap.

    Raises:
        StatisticsError: if scipy is missing, or a setting makes no sense.
    """
    found = {}
    for method in dict.fromkeys(result.method for result in results):
        of_it = [result for result in results if result.method == method]
        for name in measures:
            values = [(result.patient, result.values.get(name)) for result in of_it]
            usable = [
                (person, value)
                for person, value in values
                if person is not None and value is not None and math.isfinite(value)
            ]
            if not usable:
                continue
            means = list(by_person(usable).values())
            interval = None
            if too_few(len(means)) is None:
                interval = mean_interval(means, level=level, resamples=resamples, seed=seed)
            found[method, name] = PersonMean(len(means), math.fsum(means) / len(means), interval)
    return found
