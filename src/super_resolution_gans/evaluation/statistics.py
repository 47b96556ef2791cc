"""What a difference between two methods is worth: by people, never by images or patches.

Scans of one person, and slices of one volume, are alike. A test that takes each of them for an
observation of its own finds any difference significant if there are enough slices. So values are
first averaged over each person, and one number a person is all that is looked at.

- The interval of a mean difference is a bootstrap over people: bias-corrected and accelerated
  (Efron 1987), seeded.
- The test is Wilcoxon's signed-rank test for pairs (1945), two-sided, people without a difference
  left out; exact up to 50 people (13 if differences tie), else by the normal approximation.
- Several tests are corrected together as Holm (1979) has it.
- Effect sizes: the rank-biserial correlation of matched pairs (Kerby 2014) and Cohen's dz.

Below six people the exact test cannot fall under 0.05 (its smallest value is 2 / 2^n), whatever
the differences are; then nothing is claimed.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from types import ModuleType

import numpy as np

LEAST = 6  # people

Interval = tuple[float, float]


class StatisticsError(ValueError):
    """Numbers cannot be compared; the message says why, in one line."""


def by_person(values: Iterable[tuple[str, float]]) -> dict[str, float]:
    """The mean over each person's values: (person, value) -> {person: mean}, in order of people.

    Raises:
        StatisticsError: if a value is not finite.
    """
    collected: dict[str, list[float]] = defaultdict(list)
    for person, value in values:
        if not math.isfinite(value):
            raise StatisticsError(f"a value of {person} is not finite")
        collected[person].append(value)
    return {person: math.fsum(of) / len(of) for person, of in collected.items()}


def too_few(people: int) -> str | None:
    """The sentence for a number of people that nothing follows from; None if there are enough."""
    if people >= LEAST:
        return None
    return f"too few people: {people}; nothing is claimed"


def mean_interval(
    values: Sequence[float], *, level: float = 0.95, resamples: int = 9999, seed: int = 0
) -> Interval:
    """A bootstrap interval (BCa) of the mean.

    Args:
        values: one a person.
        level: share of such intervals that hold the true mean.
        resamples: how often people are drawn anew.
        seed: the same seed gives the same interval.

    Raises:
        StatisticsError: if there are fewer than two values, or level or resamples make no sense, or
            scipy is missing.
    """
    if len(values) < 2:
        raise StatisticsError(f"an interval needs two people, there are {len(values)}")
    if not 0 < level < 1:
        raise StatisticsError(f"a level lies between 0 and 1, not at {level}")
    if resamples < 100:
        raise StatisticsError(f"{resamples} resamples are too few for an interval")
    if max(values) == min(values):
        return values[0], values[0]
    found = (
        _scipy_stats()
        .bootstrap(
            (np.asarray(values, np.float64),),
            np.mean,
            confidence_level=level,
            n_resamples=resamples,
            method="BCa",
            rng=np.random.default_rng(seed),
        )
        .confidence_interval
    )
    return float(found.low), float(found.high)


def wilcoxon(differences: Sequence[float]) -> float:
    """The two-sided p value of Wilcoxon's signed-rank test; 1 if nobody differs.

    Args:
        differences: one a person.

    Raises:
        StatisticsError: if there is none, or scipy is missing.
    """
    if not len(differences):
        raise StatisticsError("nobody to compare")
    differing = [difference for difference in differences if difference]
    return float(_scipy_stats().wilcoxon(differing).pvalue) if differing else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """The p values, corrected for their number; in the same order, each at most 1.

    The smallest is multiplied by how many there are, the next by one less, and so on, and none is
    smaller than the one before it.
    """
    corrected, least = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        least = max(least, min(1.0, p_values[index] * (len(p_values) - rank)))
        corrected[index] = least
    return corrected


def rank_biserial(differences: Sequence[float]) -> float:
    """The rank-biserial correlation of matched pairs, -1 to 1.

    The sum of ranks of positive differences less that of negative ones, over both; ranks are of
    magnitudes, ties share theirs, and zeros are left out. 1: everybody's difference is positive.
    0 if nobody differs.
    """
    differing = np.array([difference for difference in differences if difference], np.float64)
    if not differing.size:
        return 0.0
    magnitudes = np.abs(differing)
    ranks = np.array(
        [(magnitudes < one).sum() + ((magnitudes == one).sum() + 1) / 2 for one in magnitudes]
    )
    return float((ranks * np.sign(differing)).sum() / ranks.sum())


def cohen_dz(differences: Sequence[float]) -> float:
    """Cohen's d of pairs: the mean difference over the standard deviation (n - 1) of differences.

    Infinite if everybody differs by the same, 0 if nobody does.

    Raises:
        StatisticsError: if there are fewer than two differences.
    """
    if len(differences) < 2:
        raise StatisticsError(f"a standard deviation needs two people, not {len(differences)}")
    mean = float(np.mean(differences))
    spread = float(np.std(differences, ddof=1))
    if spread <= 1e-12 * abs(mean):
        return math.copysign(math.inf, mean) if mean else 0.0
    return mean / spread


def _scipy_stats() -> ModuleType:
    try:
        from scipy import stats
    except ImportError:
        raise StatisticsError(
            "statistics need scipy, which is not installed "
            '(pip install "SuperResolution-GANs[eval]")'
        ) from None
    return stats  # type: ignore[no-any-return]
