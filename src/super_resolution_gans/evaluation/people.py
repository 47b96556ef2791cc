"""Two methods on the same images, compared person by person, with what that is worth."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from super_resolution_gans.evaluation.measures import KNOWN, Measure
from super_resolution_gans.evaluation.pairs import EvaluationError
from super_resolution_gans.evaluation.results import Result
from super_resolution_gans.evaluation.statistics import (
    Interval,
    by_person,
    cohen_dz,
    holm,
    mean_interval,
    rank_biserial,
    too_few,
    wilcoxon,
)

ALPHA = 0.05


@dataclass(frozen=True)
class Finding:
    """One measure of two methods on one dataset; numbers are means over people.

    A measure that has a target (grid excess 0, grain width 1) is compared by how far it is from
    it: ``abs(x)``, or ``abs(log(x))`` of a ratio; less is better.

    Attributes:
        dataset: on which.
        measure: what was measured.
        method: the one that is compared.
        against: the other.
        people: how many were compared.
        images: how many of theirs.
        left_out: images that a method has no finite value for, or that one of them lacks.
        unknown: images of unknown people, which are left out as well.
        mean: of the method.
        mean_against: of the other.
        difference: the first less the second.
        interval: of the difference; None where nothing is claimed.
        p: of the test; None where nothing is claimed.
        p_holm: corrected for all tests of one call.
        effect: rank-biserial correlation of the differences; None where nothing is claimed.
        dz: Cohen's dz of the differences; None where nothing is claimed.
        why_not: the sentence where nothing is claimed.
    """

    dataset: str
    measure: Measure
    method: str
    against: str
    people: int
    images: int
    left_out: int
    unknown: int
    mean: float
    mean_against: float
    difference: float
    interval: Interval | None = None
    p: float | None = None
    p_holm: float | None = None
    effect: float | None = None
    dz: float | None = None
    why_not: str | None = None

    @property
    def better(self) -> str | None:
        """The method that is better, corrected p below 0.05; None if that is not shown."""
        if self.p_holm is None or self.p_holm >= ALPHA or not self.difference:
            return None
        more_is_better = self.measure.better == "higher"
        return self.method if (self.difference > 0) == more_is_better else self.against


def compare_people(
    results: Sequence[Result],
    others: Sequence[Result],
    pairs: Iterable[tuple[str, str]],
    measures: Sequence[str],
    *,
    level: float = 0.95,
    resamples: int = 9999,
    seed: int = 0,
) -> list[Finding]:
    """Compare methods by every measure on every dataset, each person one observation.

    Args:
        results: of the methods.
        others: of those they are compared with; may be the same.
        pairs: (method, against).
        measures: names.
        level: of the intervals.
        resamples: of the bootstrap.
        seed: of the bootstrap.

    Returns:
        One for each dataset, pair and measure that some person has a number for.

    Raises:
        EvaluationError: if two evaluations measured an image differently, or nothing is in common.
        StatisticsError: if scipy is missing, or a setting makes no sense.
    """
    findings: list[Finding] = []
    chosen = list(pairs)
    for dataset in dict.fromkeys(result.dataset for result in results):
        for method, against in chosen:
            first, second = _of(results, dataset, method), _of(others, dataset, against)
            _check_measured_alike(first, second)
            for name in measures:
                finding = _compared(first, second, KNOWN[name], level, resamples, seed)
                if finding is not None:
                    named = replace(finding, dataset=dataset, method=method, against=against)
                    findings.append(named)
    if not findings:
        raise EvaluationError(
            "comparison", "no image of a known person has numbers of both methods"
        )
    tested = [index for index, finding in enumerate(findings) if finding.p is not None]
    corrected = holm([findings[index].p or 0.0 for index in tested])
    for index, p_holm in zip(tested, corrected, strict=True):
        findings[index] = replace(findings[index], p_holm=p_holm)
    return findings


def _of(results: Sequence[Result], dataset: str, method: str) -> dict[str, Result]:
    return {
        result.image: result
        for result in results
        if (result.dataset, result.method) == (dataset, method)
    }


def _check_measured_alike(first: Mapping[str, Result], second: Mapping[str, Result]) -> None:
    for image, one in first.items():
        other = second.get(image)
        if other is None:
            continue
        if one.measured != other.measured or one.patient != other.patient:
            raise EvaluationError(
                image,
                f"was not measured alike ({one.measured or 'nothing said'} against "
                f"{other.measured or 'nothing said'}, patient {one.patient} and {other.patient})",
            )


def _compared(
    first: Mapping[str, Result],
    second: Mapping[str, Result],
    measure: Measure,
    level: float,
    resamples: int,
    seed: int,
) -> Finding | None:
    both = [(one, second[image]) for image, one in first.items() if image in second]
    usable, unknown = [], 0
    for one, other in both:
        values = _value(one, measure), _value(other, measure)
        if values[0] is None or values[1] is None:
            continue
        if one.patient is None:
            unknown += 1
        else:
            usable.append((one.patient, values[0], values[1]))
    if not usable:
        return None
    means = by_person((person, value) for person, value, _ in usable)
    means_against = by_person((person, value) for person, _, value in usable)
    differences = [means[person] - means_against[person] for person in means]
    images = len(set(first) | set(second))
    finding = Finding(
        dataset="",
        measure=measure,
        method="",
        against="",
        people=len(means),
        images=len(usable),
        left_out=images - len(usable) - unknown,
        unknown=unknown,
        mean=math.fsum(means.values()) / len(means),
        mean_against=math.fsum(means_against.values()) / len(means),
        difference=math.fsum(differences) / len(means),
        why_not=too_few(len(means)),
    )
    if finding.why_not:
        return finding
    return replace(
        finding,
        interval=mean_interval(differences, level=level, resamples=resamples, seed=seed),
        p=wilcoxon(differences),
        effect=rank_biserial(differences),
        dz=cohen_dz(differences),
    )


def _value(result: Result, measure: Measure) -> float | None:
    """What is compared: the value, or how far it is from its target; None unless finite."""
    value = result.values.get(measure.name)
    if value is None:
        return None
    compared = measure.badness(value) if measure.has_target else value
    return compared if math.isfinite(compared) else None
