"""Agreement of predictions, by hand."""

import numpy as np
import pytest

from super_resolution_gans.evaluation.agreement import (
    Predictions,
    agreements,
    cohens_kappa,
    comparisons,
    non_inferiority,
)
from super_resolution_gans.evaluation.agreement_report import (
    agreement_table,
    comparison_lines,
    non_inferiority_lines,
    overlap_table,
)
from super_resolution_gans.evaluation.intervals import mcnemar, newcombe, wilson
from super_resolution_gans.evaluation.overlap import dice, jaccard, overlaps
from super_resolution_gans.evaluation.pairs import EvaluationError


def predictions(per_person=1, **said):
    """Labels as strings of letters, one for each image."""
    number = len(next(iter(said.values())))
    images = [f"image {n}" for n in range(number)]
    return Predictions(images, [f"p{n // per_person}" for n in range(number)], said)


def test_rows_are_gathered_by_image_in_any_order():
    rows = [
        ("b", "2", "HR", "x"),
        ("a", "1", "SR", "y"),
        ("a", "1", "HR", "x"),
        ("b", "2", "SR", "x"),
    ]
    found = Predictions.gathered(rows, "table.csv")
    assert found.images == ["b", "a"]
    assert found.people == ["2", "1"]
    assert found.said == {"HR": ["x", "x"], "SR": ["x", "y"]}


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "holds no predictions"),
        ([("a", "", "HR", "x")], "row 1 has no person"),
        ([("a", "1", "HR", "x"), ("a", "1", "HR", "")], "row 2 has no prediction"),
        ([("a", "1", "HR", "x"), ("a", "1", "HR", "x")], "HR says two things of a"),
        ([("a", "1", "HR", "x"), ("a", "2", "SR", "x")], "a is of 1 and of 2"),
        ([("a", "1", "HR", "x"), ("b", "2", "SR", "x")], "HR says nothing of b"),
    ],
)
def test_predictions_that_do_not_fit_together_are_refused(rows, words):
    with pytest.raises(EvaluationError, match=r"table\.csv: ") as caught:
        Predictions.gathered(rows, "table.csv")
    assert words in str(caught.value)


def test_agreement_by_hand():
    (found,) = agreements(predictions(HR="AABBB", SR="AABBA"), "HR")
    assert (found.method, found.agree, found.images) == ("SR", 4, 5)
    assert (found.share.low, found.share.high) == wilson(4 / 5, 5)
    # observed .8; by chance .4 * .6 + .6 * .4 = .48
    assert found.kappa == pytest.approx((0.8 - 0.48) / (1 - 0.48))


def test_kappa_is_nothing_beyond_chance_and_unknown_where_chance_is_certain():
    assert cohens_kappa("AABB", "ABAB") == pytest.approx(0)
    assert cohens_kappa("AABB", "AABB") == 1
    assert cohens_kappa("AABB", "BBAA") == -1
    assert cohens_kappa("AAAA", "AAAA") is None
    (found,) = agreements(predictions(HR="AAAA", SR="AAAA"), "HR")
    assert found.kappa is None
    assert " -" in agreement_table([found])


def test_mcnemar_compares_two_methods_where_they_differ():
    said = {
        "HR": "A" * 40,
        "one": "A" * 38 + "B" * 2,
        "two": "B" * 12 + "A" * 26 + "A" * 2,
    }
    (found,) = comparisons(predictions(**said), "HR")
    assert (found.only_first, found.only_second) == (12, 2)
    assert found.p == mcnemar(12, 2)
    assert (found.difference.low, found.difference.high) == newcombe(26, 12, 2, 0)
    (line,) = comparison_lines([found])
    assert "images that agree in the first alone 12, in the second alone 2" in line
    assert "p = 0.0129 (two-sided, Holm for 1)" in line


def test_p_is_corrected_for_as_many_tests_as_there_are():
    said = {
        "HR": "A" * 40,
        "one": "A" * 40,
        "two": "B" * 12 + "A" * 28,
        "three": "A" * 28 + "B" * 12,
    }
    found = comparisons(predictions(**said), "HR")
    assert [row.p for row in found] == [3 * mcnemar(12, 0), 3 * mcnemar(12, 0), 1.0]


def test_too_few_discordant_images_are_not_tested():
    said = {"HR": "A" * 40, "one": "A" * 40, "two": "B" * 9 + "A" * 31}
    (found,) = comparisons(predictions(**said), "HR")
    assert found.p is None
    assert comparison_lines([found])[1] == "no test: 9 discordant images are too few (10)"


def test_reasons_for_no_test_are_said_once_if_they_are_the_same():
    said = {"HR": "A" * 40, "one": "A" * 40, "two": "A" * 40, "three": "B" * 12 + "A" * 28}
    mixed = comparison_lines(comparisons(predictions(**said), "HR"))
    assert ["no test" in line for line in mixed] == [True, False, False]
    assert "Holm for 2" in mixed[1]
    alike = comparison_lines(comparisons(predictions(per_person=2, **said), "HR"))
    assert ["no test" in line for line in alike] == [False, False, False, True]


def test_several_images_a_person_are_not_tested_as_if_they_were_independent():
    said = {"HR": "A" * 60, "one": "A" * 60, "two": "B" * 20 + "A" * 40}
    (found,) = comparisons(predictions(per_person=2, **said), "HR")
    assert found.p is None
    assert "not independent" in found.why_no_test
    assert found.difference.low > 0


def test_non_inferiority_is_shown_only_if_the_lower_limit_is_above_the_margin():
    said = {"truth": "A" * 100, "HR": "A" * 90 + "B" * 10, "SR": "A" * 88 + "B" * 12}
    (found,) = non_inferiority(predictions(**said), "truth", "HR", 0.10)
    assert found.difference.estimate == pytest.approx(-0.02)
    low, _ = newcombe(88, 0, 2, 10)
    assert found.difference.low == low
    assert -0.10 < low < -0.05
    assert found.shown
    (strict,) = non_inferiority(predictions(**said), "truth", "HR", 0.05)
    assert not strict.shown
    assert "shown; difference -0.020" in non_inferiority_lines([found])[0]
    assert "not shown, which does not mean inferior" in non_inferiority_lines([strict])[0]


def test_without_limits_non_inferiority_is_not_shown():
    said = {"HR": "AABB" * 3, "one": "AABB" * 3, "two": "AABB" * 3}
    (found,) = non_inferiority(predictions(per_person=4, **said), "HR", "one", 0.5)
    assert not found.shown
    assert "0 discordant images are too few" in non_inferiority_lines([found])[0]


@pytest.mark.parametrize(
    ("reference", "against", "margin", "words"),
    [
        ("LR", "SR", 0.1, "LR: no such method; there is HR, SR, bicubic"),
        ("HR", "LR", 0.1, "LR: no such method to compare with"),
        ("HR", "HR", 0.1, "HR: no such method to compare with"),
        ("HR", "SR", 0.0, "margin: 0 is not between 0 and 1"),
        ("HR", "SR", float("nan"), "margin: nan is not between 0 and 1"),
    ],
)
def test_what_makes_no_sense_is_refused(reference, against, margin, words):
    with pytest.raises(EvaluationError) as caught:
        non_inferiority(predictions(HR="AB", SR="AB", bicubic="AA"), reference, against, margin)
    assert words in str(caught.value)
    with pytest.raises(EvaluationError, match="is the only method"):
        agreements(predictions(HR="AB"), "HR")
    with pytest.raises(EvaluationError, match="no method to compare it with"):
        non_inferiority(predictions(HR="AB", SR="AB"), "HR", "SR", 0.1)


def test_dice_and_iou_by_hand():
    first = np.array([[1, 1, 1], [0, 0, 0]], bool)
    second = np.array([[0, 1, 1], [1, 0, 0]], bool)
    assert dice(first, second) == pytest.approx(2 * 2 / 6)
    assert jaccard(first, second) == pytest.approx(2 / 4)
    assert dice(first, ~first) == 0
    assert jaccard(first, first) == 1
    empty = np.zeros((2, 3), bool)
    assert dice(empty, first) == 0
    assert dice(empty, empty) is None
    assert jaccard(empty, empty) is None


def test_overlaps_are_means_of_images_that_have_the_label():
    masks = {
        "h0": np.array([[0, 1, 1, 2]]),
        "s0": np.array([[0, 1, 0, 2]]),
        "h1": np.array([[0, 0, 1, 1]]),
        "s1": np.array([[0, 0, 1, 1]]),
        "h2": np.array([[0, 0, 0, 0]]),
        "s2": np.array([[2, 0, 0, 0]]),
    }
    found = overlaps(
        Predictions(
            ["0", "1", "2"], ["p", "q", "r"], {"HR": ["h0", "h1", "h2"], "SR": ["s0", "s1", "s2"]}
        ),
        "HR",
        masks.__getitem__,
    )
    one, two = found
    assert (one.label, one.images, one.empty) == (1, 2, 1)
    assert one.dice.estimate == pytest.approx((2 / 3 + 1) / 2)
    assert one.jaccard.estimate == pytest.approx((1 / 2 + 1) / 2)
    assert (two.label, two.images, two.empty) == (2, 2, 1)
    assert two.dice.estimate == pytest.approx((1 + 0) / 2)
    assert "people are too few to resample" in overlap_table(found)


def test_limits_of_dice_are_those_of_people():
    random = np.random.default_rng(0)
    masks = {f"h{n}": np.ones((1, 20), int) for n in range(50)}
    masks |= {f"s{n}": (random.random((1, 20)) < 0.8).astype(int) for n in range(50)}
    said = {"HR": [f"h{n}" for n in range(50)], "SR": [f"s{n}" for n in range(50)]}
    people = [f"p{n // 2}" for n in range(50)]
    (found,) = overlaps(Predictions(said["SR"], people, said), "HR", masks.__getitem__)
    assert found.dice.low < found.dice.estimate < found.dice.high
    assert found.dice.note == "bootstrap by person"


def test_masks_of_different_sizes_are_refused():
    masks = {"h": np.ones((2, 2), int), "s": np.ones((2, 3), int)}
    with pytest.raises(EvaluationError, match=r"a: mask of SR has shape \(2, 3\)"):
        overlaps(Predictions(["a"], ["p"], {"HR": ["h"], "SR": ["s"]}), "HR", masks.__getitem__)
