"""Intervals and tests for shares and means of people's images.

Units are people. Where some have several images, shares get Wilson's limits with as many images as
they are worth, and other means are means over people. Limits are None, with a reason, where the
data are too few to say anything.

Why shares are not resampled: ``benchmarks/interval_coverage.py``.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.evaluation.pairs import EvaluationError
from super_resolution_gans.evaluation.statistics import by_person, mean_interval

LEVEL = 0.95
FEWEST_PEOPLE = 10
FEWEST_RESAMPLED = 20  # people: with fewer, resampled limits are too narrow
FEWEST_DISCORDANT = 10  # pairs

_Values = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """An estimate and its 95 % limits; limits None: ``note`` says why, else ``note`` says how."""

    estimate: float
    low: float | None
    high: float | None
    note: str


def wilson(share: float, number: float, z: float | None = None) -> tuple[float, float]:
    """95 % limits of a share (Wilson 1927, the score interval without continuity correction).

    Args:
        share: of successes, from 0 to 1.
        number: of independent trials; need not be whole.
        z: quantile to use instead of the normal distribution's, 1.96.
    """
    z = NormalDist().inv_cdf((1 + LEVEL) / 2) if z is None else z
    z2 = z * z / number
    middle = (share + z2 / 2) / (1 + z2)
    half = math.sqrt(share * (1 - share) * z2 + z2 * z2 / 4) / (1 + z2)
    return max(0.0, middle - half), min(1.0, middle + half)


def clustered_wilson(right: Sequence[bool], people: Sequence[str]) -> Interval:
    """A share of images, of which people have several.

    Wilson's limits with the effective number of images n_e and the quantile of Student's t of one
    less than there are people. n_e is p (1 - p) / v, at most the number of images n; v is the
    variance of a ratio between clusters, sum over people of (s - p m)^2 / n^2 times P / (P - 1), s
    of a person's m images being right (Korn and Graubard 1998, Survey Methodology 24, 193, for the
    effective number). Where v is 0, n_e is the number of people.

    Args:
        right: of each image.
        people: whose image it is.

    Raises:
        EvaluationError: if SciPy is missing.
    """
    try:
        from scipy.stats import t
    except ImportError as error:
        cure = 'pip install "SuperResolution-GANs[eval]"'
        raise EvaluationError("limits", f"need SciPy: {cure}") from error
    values = np.asarray(right, np.float64)
    sums, numbers = _sums(values, people)
    count, estimate = len(sums), float(values.mean())
    if count < FEWEST_PEOPLE:
        return Interval(estimate, None, None, f"{count} people are too few ({FEWEST_PEOPLE})")
    residues = np.square(sums - estimate * numbers).sum()
    variance = count / (count - 1) * residues / len(values) ** 2
    effective = float(count)
    if variance > 1e-12:
        effective = min(float(len(values)), estimate * (1 - estimate) / variance)
    limits = wilson(estimate, effective, float(t.ppf((1 + LEVEL) / 2, count - 1)))
    return Interval(estimate, *limits, f"Wilson, {effective:.1f} effective images")


def newcombe(both: int, first: int, second: int, neither: int) -> tuple[float, float]:
    """95 % limits of the difference of two paired shares (Newcombe 1998, method 10).

    Stat. Med. 17, 2635: the Wilson limits of both shares, put together with their correlation.

    Args:
        both: pairs in which both succeed.
        first: in which the first alone does.
        second: in which the second alone does.
        neither: in which none does.
    """
    number = both + first + second + neither
    shares = [(both + only) / number for only in (first, second)]
    (low1, high1), (low2, high2) = (wilson(value, number) for value in shares)
    margins = (both + first) * (second + neither) * (both + second) * (first + neither)
    cross = float(both * neither - first * second)
    cross = max(cross - number / 2, 0.0) if cross > 0 else cross  # his continuity correction
    phi = cross / math.sqrt(margins) if margins else 0.0
    down, up = shares[0] - low1, high1 - shares[0]
    down2, up2 = shares[1] - low2, high2 - shares[1]
    below = math.sqrt(max(0.0, down * down - 2 * phi * down * up2 + up2 * up2))
    above = math.sqrt(max(0.0, up * up - 2 * phi * up * down2 + down2 * down2))
    difference = shares[0] - shares[1]
    return difference - below, difference + above


def mcnemar(first: int, second: int) -> float:
    """Two-sided p of McNemar's exact test: the binomial test of ``first`` in both against 1/2.

    Args:
        first: pairs in which the first alone succeeds.
        second: in which the second alone does.
    """
    number = first + second
    tail = sum(math.comb(number, k) for k in range(min(first, second) + 1))
    return min(1.0, float(2 * tail / 2**number))


def mean_by_person(values: Sequence[float], people: Sequence[str]) -> Interval:
    """The mean over people of each person's mean, with the limits of ``statistics.mean_interval``.

    Args:
        values: one for each image.
        people: whose image it is.

    Raises:
        StatisticsError: if SciPy is missing.
    """
    means = list(by_person(zip(people, values, strict=True)).values())
    count, estimate = len(means), math.fsum(means) / len(means)
    if count < FEWEST_RESAMPLED:
        words = f"{count} people are too few to resample ({FEWEST_RESAMPLED})"
        return Interval(estimate, None, None, words)
    if max(means) - min(means) < 1e-12:
        return Interval(estimate, None, None, "all people are alike: resampling has no spread")
    return Interval(estimate, *mean_interval(means, level=LEVEL), "bootstrap by person")


def share(right: Sequence[bool], people: Sequence[str]) -> Interval:
    """How many images are right: Wilson's limits, see :func:`clustered_wilson`."""
    if not one_each(people):
        return clustered_wilson(right, people)
    estimate = sum(right) / len(right)
    return Interval(estimate, *wilson(estimate, len(right)), "Wilson")


def share_difference(
    first: Sequence[bool], second: Sequence[bool], people: Sequence[str]
) -> Interval:
    """How much larger the first share is.

    Newcombe's limits if each person has one image; otherwise the mean over people, if at least ten
    images are right in one and wrong in the other.
    """
    cells = [
        sum(1 for pair in zip(first, second, strict=True) if pair == cell)
        for cell in ((True, True), (True, False), (False, True), (False, False))
    ]
    discordant = cells[1] + cells[2]
    if one_each(people):
        low, high = newcombe(cells[0], cells[1], cells[2], cells[3])
        return Interval((cells[1] - cells[2]) / len(first), low, high, "Newcombe")
    found = mean_by_person([x - y for x, y in zip(first, second, strict=True)], people)
    if discordant < FEWEST_DISCORDANT:
        return Interval(found.estimate, None, None, too_few_discordant(discordant))
    return found


def too_few_discordant(number: int) -> str:
    """Why nothing is tested on so few images that one method has right and the other wrong."""
    return f"{number} discordant images are too few ({FEWEST_DISCORDANT})"


def one_each(people: Sequence[str]) -> bool:
    """Whether no person has more than one image."""
    return len(set(people)) == len(people)


def _sums(values: _Values, people: Sequence[str]) -> tuple[_Values, _Values]:
    """Sum and number of each person's values."""
    _, codes = np.unique(np.asarray(people, dtype=np.str_), return_inverse=True)
    return np.bincount(codes, weights=values).astype(float), np.bincount(codes).astype(float)
