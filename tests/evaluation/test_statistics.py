"""Statistics against enumeration, against formulas written out, and against scipy."""

import itertools
import math
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from super_resolution_gans.evaluation.statistics import (
    LEAST,
    StatisticsError,
    by_person,
    cohen_dz,
    holm,
    mean_interval,
    rank_biserial,
    too_few,
    wilcoxon,
)

SAMPLE = [0.31, -0.12, 0.55, 0.08, 0.74, -0.26, 0.43, 0.19, 0.62]


def test_values_are_averaged_over_each_person_first():
    values = [("a", 1.0), ("b", 5.0), ("a", 3.0), ("a", 2.0)]
    assert by_person(values) == {"a": 2.0, "b": 5.0}
    with pytest.raises(StatisticsError, match="of a is not finite"):
        by_person([("a", math.inf)])


def test_many_slices_of_a_person_weigh_no_more_than_one():
    few = by_person([("a", 1.0), ("b", 2.0)])
    many = by_person([("a", 1.0)] * 500 + [("b", 2.0)])
    assert few == many


def test_fewer_people_than_can_reach_005_claim_nothing():
    assert 2 / 2 ** (LEAST - 1) > 0.05 > 2 / 2**LEAST
    assert too_few(3) == "too few people: 3; nothing is claimed"
    assert too_few(LEAST) is None
    assert wilcoxon(range(1, LEAST)) > 0.05 > wilcoxon(range(1, LEAST + 1))


def enumerated(differences):
    """The share of all sign patterns that are as lopsided as what was seen."""
    differences = [d for d in differences if d]
    ranks = stats.rankdata(np.abs(differences))
    seen = abs(sum(r if d > 0 else -r for r, d in zip(ranks, differences, strict=True)))
    patterns = itertools.product((1, -1), repeat=len(ranks))
    sums = [abs(sum(r * s for r, s in zip(ranks, signs, strict=True))) for signs in patterns]
    return sum(total >= seen - 1e-9 for total in sums) / len(sums)


@given(st.lists(st.integers(-40, 40), min_size=1, max_size=8))
@settings(max_examples=12)  # each is a permutation test
def test_the_p_value_is_that_of_all_sign_patterns_ties_and_zeros_included(differences):
    expected = enumerated(differences) if any(differences) else 1.0
    assert wilcoxon(differences) == pytest.approx(expected)


def test_the_p_value_is_the_same_both_ways_round():
    assert wilcoxon(SAMPLE) == pytest.approx(wilcoxon([-d for d in SAMPLE]))
    assert wilcoxon(SAMPLE) == stats.wilcoxon(SAMPLE).pvalue
    assert wilcoxon([0.0, 0.0]) == 1
    with pytest.raises(StatisticsError, match="nobody"):
        wilcoxon([])


def stepwise(p_values):
    """Holm's procedure from the side of decisions: the level at which each falls."""
    count = len(p_values)
    order = sorted(p_values)
    return [
        min(1.0, max((count - j) * order[j] for j in range(count) if order[j] <= p))
        for p in p_values
    ]


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_agrees_with_its_definition_and_never_lowers(p_values):
    corrected = holm(p_values)
    assert corrected == pytest.approx(stepwise(p_values))
    assert all(a >= b for a, b in zip(corrected, p_values, strict=True))


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.9]) == [1.0, 1.0]


def bca(values, level, means):
    """Efron's interval from given resampled means."""
    normal = stats.norm
    values = np.asarray(values)
    mean = values.mean()
    share = (np.sum(means < mean) + np.sum(means <= mean)) / (2 * len(means))
    bias = normal.ppf(share)
    left_out = np.array([np.delete(values, i).mean() for i in range(len(values))])
    pulls = left_out.mean() - left_out
    acceleration = (pulls**3).sum() / (6 * (pulls**2).sum() ** 1.5)
    ends = []
    for tail in ((1 - level) / 2, (1 + level) / 2):
        z = bias + normal.ppf(tail)
        ends.append(np.quantile(means, normal.cdf(bias + z / (1 - acceleration * z))))
    return ends


def test_the_interval_is_efrons():
    draws = np.random.default_rng(5).integers(0, len(SAMPLE), (200_000, len(SAMPLE)))
    expected = bca(SAMPLE, 0.9, np.asarray(SAMPLE)[draws].mean(axis=1))
    found = mean_interval(SAMPLE, level=0.9, resamples=200_000)
    assert found == pytest.approx(expected, abs=2e-3)


def test_the_interval_is_that_of_scipy_with_the_seed():
    expected = stats.bootstrap((SAMPLE,), np.mean, method="BCa", rng=np.random.default_rng(7))
    found = mean_interval(SAMPLE, seed=7)
    assert found == pytest.approx(tuple(expected.confidence_interval))
    assert found == mean_interval(SAMPLE, seed=7) != mean_interval(SAMPLE, seed=8)


def test_a_higher_level_is_wider_and_people_who_agree_leave_no_width():
    narrow, wide = mean_interval(SAMPLE, level=0.5), mean_interval(SAMPLE, level=0.99)
    assert wide[0] < narrow[0] < np.mean(SAMPLE) < narrow[1] < wide[1]
    assert mean_interval([0.25] * 7) == (0.25, 0.25)


@pytest.mark.parametrize(
    ("values", "options", "words"),
    [
        ([1.0], {}, "two people"),
        (SAMPLE, {"level": 1.0}, "between 0 and 1"),
        (SAMPLE, {"resamples": 10}, "too few"),
    ],
)
def test_an_interval_of_nothing_is_refused(values, options, words):
    with pytest.raises(StatisticsError, match=words):
        mean_interval(values, **options)


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=12))
def test_the_rank_biserial_correlation_is_the_difference_of_rank_sums(differences):
    nonzero = np.array([d for d in differences if d])
    ranks = stats.rankdata(np.abs(nonzero))
    above, below = ranks[nonzero > 0].sum(), ranks[nonzero < 0].sum()
    expected = (above - below) / (above + below) if len(nonzero) else 0.0
    assert rank_biserial(differences) == pytest.approx(expected)


def test_effect_sizes_by_hand():
    assert rank_biserial([1, 2, 3]) == 1
    assert rank_biserial([1, -2]) == pytest.approx(-1 / 3)
    assert cohen_dz([1, 2, 3]) == pytest.approx(2)
    assert cohen_dz([-0.5, -0.5]) == -math.inf
    assert cohen_dz([0.0, 0.0]) == 0
    with pytest.raises(StatisticsError, match="two people"):
        cohen_dz([1.0])


def test_the_cure_is_named_if_scipy_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(StatisticsError, match=r"SuperResolution-GANs\[eval\]"):
        wilcoxon(SAMPLE)
