"""What ratings say: opinions of methods, their differences, answers, and how far raters agree."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from super_resolution_gans.evaluation.counted import plural
from super_resolution_gans.evaluation.intervals import Interval, share
from super_resolution_gans.evaluation.mos.raters import Conduct, conduct
from super_resolution_gans.evaluation.mos.rating import Rating
from super_resolution_gans.evaluation.mos.reliability import (
    Agreement,
    alpha_interval,
    icc,
    weighted_kappa,
)
from super_resolution_gans.evaluation.mos.scores import (
    Resampled,
    Scores,
    Values,
    resampled,
    scores_of,
)
from super_resolution_gans.evaluation.mos.study import HIGH, LOW, MOST, Question, Study
from super_resolution_gans.evaluation.people import ALPHA
from super_resolution_gans.evaluation.statistics import (
    LEAST,
    cohen_dz,
    holm,
    rank_biserial,
    wilcoxon,
)


@dataclass(frozen=True)
class Opinion:
    """One method: its mean opinion score.

    Attributes:
        method: its name.
        mos: mean with 95 % limits; None if nobody rated it.
        counts: how often each score was given, from 1.
        measures: {name: mean over images} of what was kept; empty for HR.
    """

    method: str
    mos: Interval | None
    counts: tuple[int, ...]
    measures: dict[str, float]


@dataclass(frozen=True)
class Difference:
    """Two methods; numbers are of people (or images), each a mean over raters.

    Attributes:
        method: the one.
        against: the other.
        units: how many people or images are compared.
        difference: the first's MOS less the second's; None if one of them was not rated.
        p: two-sided, of Wilcoxon's signed-rank test; None where nothing is claimed.
        p_holm: corrected for all pairs of methods.
        effect: rank-biserial correlation.
        dz: Cohen's.
        why_not: the sentence where nothing is claimed.
    """

    method: str
    against: str
    units: int
    difference: Interval | None
    p: float | None = None
    p_holm: float | None = None
    effect: float | None = None
    dz: float | None = None
    why_not: str | None = None

    @property
    def better(self) -> str | None:
        """The method rated higher, corrected p below 0.05; None if that is not shown."""
        if self.p_holm is None or self.p_holm >= ALPHA or self.difference is None:
            return None
        return self.method if self.difference.estimate > 0 else self.against


@dataclass(frozen=True)
class Retest:
    """What was shown twice.

    Attributes:
        pairs: how many pairs of scores.
        raters: of how many raters.
        distance: mean absolute difference.
        same: share of pairs with the same score.
        kappa: quadratic weights; None if all scores are alike.
        shift: mean of the second less the first, in the order in which they were shown.
        p: of Wilcoxon's test of that shift, by raters; None if they are too few.
    """

    pairs: int
    raters: int
    distance: float
    same: float
    kappa: float | None
    shift: float
    p: float | None


@dataclass(frozen=True)
class Answers:
    """How often one choice was made of one method.

    Attributes:
        question: which.
        choice: of it.
        method: of whose images.
        number: of answers.
        share: of them that are this choice.
        beyond: the mean of it over images less HR's; None of HR itself, or if HR has no answer.
    """

    question: Question
    choice: str
    method: str
    number: int
    share: Interval
    beyond: Interval | None


@dataclass(frozen=True)
class Analysis:
    """All that is said of some raters' ratings.

    Attributes:
        scores: the ratings.
        opinions: of each method.
        differences: of each pair, the later column first.
        agreement: ICC of complete raters, or why there is none.
        judged: the same without the anchors, which are far apart.
        alpha: Krippendorff's, ordinal, or why there is none.
        retest: what was shown twice, or why nothing is said.
        answers: to questions.
        raters: what each did.
    """

    scores: Scores
    opinions: tuple[Opinion, ...]
    differences: tuple[Difference, ...]
    agreement: Agreement | str
    judged: Agreement | str
    alpha: Interval | str
    retest: Retest | str
    answers: tuple[Answers, ...]
    raters: tuple[Conduct, ...]

    @property
    def flagged(self) -> tuple[int, ...]:
        """Numbers of raters with a flag."""
        return tuple(one.rater for one in self.raters if one.flags)


def analyse(study: Study, ratings: Sequence[Rating]) -> Analysis:
    """Everything that follows from ratings of a study.

    Raises:
        StudyError: if there are none, or they are not of the study.
        StatisticsError: if SciPy is missing.
    """
    return analyse_scores(study, scores_of(study, ratings))


def analyse_scores(study: Study, scores: Scores) -> Analysis:
    """The same of scores, such as those of some raters only."""
    drawn = resampled(scores.first, scores.units, scores.unit)
    anchors = [scores.methods.index(name) for name in (LOW, HIGH)]
    complete = scores.first[list(scores.complete)]
    return Analysis(
        scores=scores,
        opinions=tuple(_opinion(study, scores, drawn, place) for place in _places(scores)),
        differences=_differences(scores, drawn),
        agreement=_icc(complete),
        judged=_icc(np.delete(complete, anchors, axis=2)),
        alpha=_alpha(scores),
        retest=_retest(study, scores),
        answers=tuple(one for asked in study.questions for one in _answers(study, scores, asked)),
        raters=tuple(conduct(scores)),
    )


def _places(scores: Scores) -> range:
    return range(len(scores.methods))


def _opinion(study: Study, scores: Scores, drawn: Resampled, place: int) -> Opinion:
    name = scores.methods[place]
    given = scores.first[:, :, place]
    counts = tuple(int((given == score).sum()) for score in range(1, MOST + 1))
    measures: dict[str, list[float]] = {}
    for item in study.rated:
        if item.method == name and item.role != "repeat":
            for measure, value in item.measures.items():
                measures.setdefault(measure, []).append(value)
    means = {measure: math.fsum(of) / len(of) for measure, of in measures.items()}
    return Opinion(name, drawn.of(place), counts, means)


def _differences(scores: Scores, drawn: Resampled) -> tuple[Difference, ...]:
    found = []
    for against, method in combinations(_places(scores), 2):
        both = scores.unit_means[:, [method, against]]
        both = both[np.isfinite(both).all(axis=1)]
        # What two means of halves differ by is not exactly 0 where it should be.
        differences = [round(float(x - y), 12) for x, y in both]
        one = Difference(
            scores.methods[method],
            scores.methods[against],
            len(both),
            drawn.of(method, against),
        )
        if len(both) < LEAST:
            few = f"{plural(len(both), scores.unit)}: too few, {LEAST} are needed"
            found.append(replace(one, why_not=few))
            continue
        found.append(
            replace(
                one,
                p=wilcoxon(differences),
                effect=rank_biserial(differences),
                dz=cohen_dz(differences),
            )
        )
    tested = [place for place, one in enumerate(found) if one.p is not None]
    corrected = holm([found[place].p or 0.0 for place in tested])
    for place, p_holm in zip(tested, corrected, strict=True):
        found[place] = replace(found[place], p_holm=p_holm)
    return tuple(found)


def _icc(complete: Values) -> Agreement | str:
    raters = len(complete)
    if raters < 2:
        return f"{plural(raters, 'rater')} rated everything: two are needed"
    return icc(complete.reshape(raters, -1).T)


def _alpha(scores: Scores) -> Interval | str:
    raters, images, methods = scores.first.shape
    flat = scores.first.reshape(raters, images * methods)
    counts = np.stack([(flat == score).sum(axis=0) for score in range(1, MOST + 1)], axis=1)
    units = [unit for unit in scores.units for _ in range(methods)]
    return alpha_interval(counts.astype(float), units, scores.unit)


def _retest(study: Study, scores: Scores) -> Retest | str:
    where = {(one.rater, one.item): one for one in scores.ratings}
    pairs: list[tuple[int, int, int]] = []
    for (rater, item), second in where.items():
        first = where.get((rater, study.by_id[item].repeat_of or ""))
        if first is not None:
            earlier, later = sorted((first, second), key=lambda one: one.position)
            pairs.append((rater, earlier.value, later.value))
    if not pairs:
        return "nothing was rated twice"
    shifts = [later - earlier for _, earlier, later in pairs]
    by_rater = [
        math.fsum(s for (who, _, _), s in zip(pairs, shifts, strict=True) if who == rater)
        for rater in dict.fromkeys(who for who, _, _ in pairs)
    ]
    return Retest(
        pairs=len(pairs),
        raters=len(by_rater),
        distance=math.fsum(map(abs, shifts)) / len(pairs),
        same=sum(not shift for shift in shifts) / len(pairs),
        kappa=weighted_kappa([one for _, one, _ in pairs], [two for _, _, two in pairs]),
        shift=math.fsum(shifts) / len(pairs),
        p=wilcoxon(by_rater) if len(by_rater) >= LEAST else None,
    )


def _answers(study: Study, scores: Scores, question: Question) -> list[Answers]:
    """Every choice of every method, of first showings."""
    place = {name: number for number, name in enumerate(scores.methods)}
    row = {name: number for number, name in enumerate(scores.images)}
    given = [
        (one, study.by_id[one.item])
        for one in scores.ratings
        if question.key in one.answers and study.by_id[one.item].role != "repeat"
    ]
    found = []
    for choice in question.choices:
        chosen = np.full(scores.first.shape, np.nan)
        for one, item in given:
            at = scores.raters.index(one.rater), row[item.image], place[item.method]
            chosen[at] = float(one.answers[question.key] == choice)
        drawn = resampled(chosen, scores.units, scores.unit)
        for method, number in place.items():
            flat = chosen[:, :, number]
            who, _ = np.nonzero(np.isfinite(flat))
            if not len(who):
                continue
            right = [bool(value) for value in flat[np.isfinite(flat)]]
            of_it = share(right, [str(one) for one in who])
            beyond = None if method == HIGH else drawn.of(number, place[HIGH])
            found.append(Answers(question, choice, method, len(right), of_it, beyond))
    return found
