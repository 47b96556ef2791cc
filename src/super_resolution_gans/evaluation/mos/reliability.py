"""How far raters agree with each other: intraclass correlation, Krippendorff's alpha, kappa."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.evaluation.counted import plural
from super_resolution_gans.evaluation.intervals import Interval
from super_resolution_gans.evaluation.mos.scores import LEVEL, RESAMPLES, SEED
from super_resolution_gans.evaluation.statistics import LEAST, StatisticsError

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Agreement:
    """ICC of one rater and of the mean of all."""

    single: Interval
    average: Interval


def icc(table: Values) -> Agreement | str:
    """ICC(2,1) and ICC(2,k): two-way random effects, absolute agreement.

    Of Shrout and Fleiss (1979, Psychol. Bull. 86, 420), with their limits, which take targets for
    independent of each other.

    Args:
        table: (targets, raters), without gaps.

    Returns:
        Both, or the sentence that says why there are none.

    Raises:
        StatisticsError: if SciPy is missing.
    """
    targets, raters = table.shape
    if targets < 2 or raters < 2:
        return f"{targets} targets and {raters} raters: both must be two at least"
    mean, of_targets, of_raters = table.mean(), table.mean(axis=1), table.mean(axis=0)
    between = raters * float(np.square(of_targets - mean).sum()) / (targets - 1)
    judges = targets * float(np.square(of_raters - mean).sum()) / (raters - 1)
    rest = table - of_targets[:, None] - of_raters[None] + mean
    error = float(np.square(rest).sum()) / ((targets - 1) * (raters - 1))
    if between < 1e-12:
        return "all targets have one mean: there is nothing to agree about"
    lift = raters * (judges - error) / targets
    single = (between - error) / (between + (raters - 1) * error + lift)
    if error < 1e-12:
        return _without_limits(single, raters, "raters differ by constants only: no limits")
    low, high = _icc_limits(targets, raters, between, judges, error, single)
    if not low <= single <= high:  # not a number among them
        return _without_limits(single, raters, "too few scores to approximate limits")
    return Agreement(
        Interval(single, low, high, "F distribution"),
        Interval(
            _of_mean(single, raters),
            _of_mean(low, raters),
            _of_mean(high, raters),
            "F distribution",
        ),
    )


def _without_limits(single: float, raters: int, note: str) -> Agreement:
    return Agreement(
        Interval(single, None, None, note), Interval(_of_mean(single, raters), None, None, note)
    )


def alpha(counts: Values, metric: Literal["nominal", "ordinal"] = "ordinal") -> float | None:
    """Krippendorff's alpha of the counts of scores; None where it has no value.

    By coincidences, as Krippendorff has it (2011, Computing Krippendorff's alpha-reliability).

    Args:
        counts: (targets, scores): how many raters gave each score.
        metric: how far two scores are from each other.
    """
    return _alpha(_coincidences(counts).sum(axis=0), metric)


def alpha_interval(counts: Values, units: Sequence[str], unit: str) -> Interval | str:
    """Ordinal alpha, with limits from drawing units anew.

    Args:
        counts: (targets, scores).
        units: whose each target is.
        unit: what they are: ``person`` or ``image``.

    Returns:
        The estimate, or the sentence that says why there is none.
    """
    pairs = _coincidences(counts)
    estimate = _alpha(pairs.sum(axis=0), "ordinal")
    if estimate is None:
        return "all scores are alike, or no image has two: alpha is not defined"
    paired = counts.sum(axis=1) > 1
    pairs, units = pairs[paired], [one for one, two in zip(units, paired, strict=True) if two]
    names = list(dict.fromkeys(units))
    if len(names) < LEAST:
        few = f"{plural(len(names), unit)}: too few, {LEAST} are needed"
        return Interval(estimate, None, None, few)
    of_units = np.stack(
        [pairs[[unit == name for unit in units]].sum(axis=0) for name in names]
    ).reshape(len(names), -1)
    rng = np.random.default_rng(SEED)
    draws = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), RESAMPLES)
    drawn = [
        found
        for table in (draws @ of_units).reshape(-1, *pairs.shape[1:])
        if (found := _alpha(table, "ordinal")) is not None
    ]
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    note = f"bootstrap over {plural(2, unit)[2:]}"
    return Interval(estimate, float(low), float(high), note)


def weighted_kappa(first: Sequence[int], second: Sequence[int], scores: int = 5) -> float | None:
    """Cohen's kappa with quadratic weights (1968, Psychol. Bull. 70, 213).

    Args:
        first: scores from 1.
        second: of the same targets.
        scores: how many there are.

    Returns:
        None where all scores are alike, so that chance alone explains all.
    """
    table = np.zeros((scores, scores))
    np.add.at(table, (np.asarray(first) - 1, np.asarray(second) - 1), 1)
    table /= max(len(first), 1)
    grid = np.arange(scores)
    weight = np.square(grid[:, None] - grid[None])
    expected = float((weight * np.outer(table.sum(axis=1), table.sum(axis=0))).sum())
    return None if expected < 1e-12 else 1 - float((weight * table).sum()) / expected


def _icc_limits(
    targets: int, raters: int, between: float, judges: float, error: float, single: float
) -> tuple[float, float]:
    try:
        from scipy.stats import f
    except ImportError:
        raise StatisticsError(
            'intraclass correlation needs scipy (pip install "SuperResolution-GANs[eval]")'
        ) from None
    ratio = judges / error
    rest = targets * (1 + (raters - 1) * single) - raters * single
    freedom = (
        (raters - 1)
        * (targets - 1)
        * (raters * single * ratio + rest) ** 2
        / ((targets - 1) * (raters * single * ratio) ** 2 + rest**2)
    )
    share = (1 + LEVEL) / 2
    upper = float(f.ppf(share, targets - 1, freedom))
    lower = float(f.ppf(share, freedom, targets - 1))
    common = raters * judges + (raters * targets - raters - targets) * error
    low = targets * (between - upper * error) / (upper * common + targets * between)
    high = targets * (lower * between - error) / (common + targets * lower * between)
    return low, high


def _of_mean(single: float, raters: int) -> float:
    """Spearman and Brown: from one rater to the mean of several; not below -1, where it has a pole.

    An ICC below 0 means no agreement, however far below.
    """
    spread = 1 + (raters - 1) * single
    return max(-1.0, raters * single / spread) if spread > 1e-9 else -1.0


def _coincidences(counts: Values) -> Values:
    """(targets, scores, scores): the pairs of scores in each target that has two or more."""
    number = counts.sum(axis=1)
    pairs = counts[:, :, None] * counts[:, None, :]
    pairs -= np.eye(counts.shape[1]) * counts[:, :, None]
    found: Values = np.where(number > 1, 1 / np.maximum(number - 1, 1), 0)[:, None, None] * pairs
    return found


def _alpha(pairs: Values, metric: str) -> float | None:
    each = pairs.sum(axis=0)
    total = float(each.sum())
    if metric == "nominal":
        apart = 1.0 - np.eye(len(each))
    else:
        # Scores between two, and half of each of the two.
        middle = np.cumsum(each) - each / 2
        apart = np.square(middle[:, None] - middle[None])
    expected = float((np.outer(each, each) * apart).sum())
    if total < 2 or expected < 1e-12 or math.isnan(expected):
        return None
    return 1 - (total - 1) * float((pairs * apart).sum()) / expected
