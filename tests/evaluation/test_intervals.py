"""Limits and tests against scipy, published examples, and coverage in simulated data."""

import builtins
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from super_resolution_gans.evaluation.intervals import (
    FEWEST_PEOPLE,
    FEWEST_RESAMPLED,
    clustered_wilson,
    mcnemar,
    mean_by_person,
    newcombe,
    one_each,
    share,
    share_difference,
    wilson,
)
from super_resolution_gans.evaluation.pairs import EvaluationError


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_scipy_s(counts):
    successes, number = counts
    expected = binomtest(successes, number).proportion_ci(0.95, method="wilson")
    assert wilson(successes / number, number) == pytest.approx(tuple(expected), abs=1e-12)


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_scipy_s_binomial_test(first, second):
    expected = binomtest(first, first + second).pvalue if first + second else 1.0
    assert mcnemar(first, second) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("cells", "limits"),
    [
        # Newcombe 1998, Stat. Med. 17, 2635: 36 both, 12 and 2 one alone, none neither.
        ((36, 12, 2, 0), (0.0569, 0.3404)),
        # Bentur et al. 2009, as in Fagerland, Lydersen, Laake 2014, Stat. Med. 33, 2850.
        ((1, 1, 7, 12), (-0.507, -0.026)),
    ],
)
def test_newcombe_s_limits_as_published(cells, limits):
    assert newcombe(*cells) == pytest.approx(limits, abs=5e-4)


@given(*[st.integers(0, 40)] * 4)
def test_newcombe_s_limits_hold_the_difference_and_change_sign_with_the_order(a, b, c, d):
    if not a + b + c + d:
        return
    low, high = newcombe(a, b, c, d)
    assert low - 1e-12 <= (b - c) / (a + b + c + d) <= high + 1e-12
    assert newcombe(a, c, b, d) == pytest.approx((-high, -low), abs=1e-12)


def test_newcombe_covers_the_difference_of_paired_shares():
    cells, number = np.array([0.62, 0.18, 0.06, 0.14]), 40
    drawn = np.random.default_rng(0).multinomial(number, cells, size=2000)
    limits = np.array([newcombe(*map(int, row)) for row in drawn])
    covered = (limits[:, 0] <= 0.12) & (limits[:, 1] >= 0.12)
    assert 0.93 < covered.mean() < 0.985


def clustered(people, mean, seed):
    """Images of people who differ: 1 to 5 images each, intraclass correlation 1/4."""
    random = np.random.default_rng(seed)
    numbers = random.integers(1, 6, people)
    shares = random.beta(3 * mean, 3 * (1 - mean), people)
    right = np.concatenate([random.random(n) < p for n, p in zip(numbers, shares, strict=True)])
    return right.tolist(), np.repeat(np.arange(people), numbers).astype(str).tolist()


@pytest.mark.parametrize("mean", [0.7, 0.95])
def test_clustered_limits_cover_a_share_though_images_of_a_person_are_alike(mean):
    found = [share(*clustered(15, mean, seed)) for seed in range(500)]
    covered = np.mean([interval.low <= mean <= interval.high for interval in found])
    assert 0.92 < covered < 0.995
    too_narrow = [wilson(interval.estimate, 45) for interval in found]
    assert np.mean([low <= mean <= high for low, high in too_narrow]) < covered


def test_one_image_a_person_is_wilson_s_own_interval():
    right = [True] * 18 + [False] * 7
    people = [str(n) for n in range(25)]
    assert one_each(people)
    interval = share(right, people)
    assert (interval.low, interval.high) == wilson(18 / 25, 25)
    assert interval.note == "Wilson"


def test_the_same_image_twice_is_worth_one():
    right = [True] * 18 + [False] * 7
    people = [str(n) for n in range(25)]
    twice = clustered_wilson(right * 2, people * 2)
    assert twice.estimate == 18 / 25
    assert "24.0 effective images" in twice.note  # of 25, by the P - 1 of a variance


def test_people_who_are_all_right_count_as_one_trial_each():
    interval = clustered_wilson([True] * 30, [str(n // 2) for n in range(30)])
    assert interval.high == 1.0
    assert interval.low < wilson(1.0, 15)[0]
    assert "15.0 effective" in interval.note


def test_too_few_people_get_no_limits():
    people = [str(n % (FEWEST_PEOPLE - 1)) for n in range(40)]
    interval = share([True, False] * 20, people)
    assert (interval.estimate, interval.low, interval.high) == (0.5, None, None)
    assert "9 people are too few" in interval.note
    people = [str(n % (FEWEST_RESAMPLED - 1)) for n in range(40)]
    assert mean_by_person([1.0, 2.0] * 20, people).low is None


def test_a_mean_by_person_counts_people_and_not_images():
    values = [0.0] * 30 + [1.0] * 30
    people = ["one"] * 30 + [str(n) for n in range(30)]
    interval = mean_by_person(values, people)
    assert interval.estimate == pytest.approx(30 / 31)
    assert interval.low < interval.estimate < interval.high
    assert interval.note == "bootstrap by person"


def test_limits_of_a_mean_of_many_people_are_those_of_the_normal_distribution():
    values = np.random.default_rng(0).standard_normal(300)
    interval = mean_by_person(values.tolist(), [str(n) for n in range(300)])
    error = values.std() / math.sqrt(300)
    assert interval.low == pytest.approx(values.mean() - 1.96 * error, abs=0.1 * error)
    assert interval.high == pytest.approx(values.mean() + 1.96 * error, abs=0.1 * error)


def test_people_who_are_all_alike_cannot_be_resampled():
    assert "no spread" in mean_by_person([0.5] * 50, [str(n // 2) for n in range(50)]).note


def test_a_difference_with_several_images_a_person_needs_discordant_images():
    people = [str(n // 2) for n in range(60)]
    first, second = [True] * 60, [False] * 9 + [True] * 51
    few = share_difference(first, second, people)
    assert (few.estimate, few.low) == (9 / 60, None)
    assert "9 discordant images are too few" in few.note
    more = share_difference(first, [False] * 12 + [True] * 48, people)
    assert 0 < more.low < 12 / 60 < more.high


def test_a_difference_with_one_image_a_person_is_newcombe_s():
    people = [str(n) for n in range(50)]
    first = [True] * 36 + [True] * 12 + [False] * 2
    second = [True] * 36 + [False] * 12 + [True] * 2
    interval = share_difference(first, second, people)
    assert (interval.low, interval.high) == newcombe(36, 12, 2, 0)
    assert interval.estimate == pytest.approx(0.2)


def test_a_missing_scipy_is_named_with_its_cure(monkeypatch):
    honest = builtins.__import__

    def without(module, *arguments, **options):
        if module.partition(".")[0] == "scipy":
            raise ImportError(module)
        return honest(module, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(EvaluationError, match=r"need SciPy: pip install .*\[eval\]"):
        share([True] * 40, [str(n // 2) for n in range(40)])
