"""Two methods compared by people: what is paired, what is left out, what is claimed."""

import math

import numpy as np
import pytest
from scipy import stats

from super_resolution_gans.evaluation.findings import findings_table
from super_resolution_gans.evaluation.measures import KNOWN, MORE, USUAL, named
from super_resolution_gans.evaluation.pairs import EvaluationError
from super_resolution_gans.evaluation.people import compare_people
from super_resolution_gans.evaluation.results import Result

SETTINGS = {"level": 0.95, "resamples": 999, "seed": 0}


def results(method, values, *, dataset="d", measure="psnr", measured="grey"):
    """{(person, image): value} -> one result each."""
    return [
        Result(dataset, image, person, method, {measure: value}, measured)
        for (person, image), value in values.items()
    ]


def of_people(count, offset=0.0, images=2, noise=0.3, seed=0):
    random = np.random.default_rng(seed)
    return {
        (f"p{person}", f"{person}-{image}.png"): 25
        + person
        + offset
        + noise * float(random.standard_normal())
        for person in range(count)
        for image in range(images)
    }


def compared(first, second, measure="psnr"):
    (finding,) = compare_people(first, second, [("a", "b")], [measure], **SETTINGS)
    return finding


def test_numbers_are_those_of_each_persons_mean():
    one, other = of_people(9, 0.5, images=3), of_people(9, 0.0, images=3, seed=1)
    finding = compared(results("a", one), results("b", other))
    means = [
        [np.mean([v for (p, _), v in values.items() if p == f"p{k}"]) for k in range(9)]
        for values in (one, other)
    ]
    differences = np.subtract(*means)
    assert (finding.people, finding.images, finding.left_out) == (9, 27, 0)
    assert (finding.mean, finding.mean_against) == pytest.approx(tuple(np.mean(means, axis=1)))
    assert finding.difference == pytest.approx(differences.mean())
    assert finding.p == finding.p_holm == pytest.approx(stats.wilcoxon(differences).pvalue)
    assert finding.dz == pytest.approx(differences.mean() / differences.std(ddof=1))
    assert finding.interval[0] < finding.difference < finding.interval[1]
    assert finding.better == "a"


def test_more_slices_of_the_same_people_are_not_more_evidence():
    few = compared(results("a", of_people(7, 0.1, 1, 0)), results("b", of_people(7, 0, 1, 0)))
    many = compared(results("a", of_people(7, 0.1, 50, 0)), results("b", of_people(7, 0, 50, 0)))
    assert (few.people, few.p) == (many.people, many.p) == (7, pytest.approx(2 / 2**7))
    three = compared(results("a", of_people(3, 9, 100)), results("b", of_people(3, 0, 100)))
    assert three.why_not == "too few people: 3; nothing is claimed"
    assert three.p is three.p_holm is three.interval is three.effect is three.dz is None
    assert three.better is None
    assert three.difference > 8


def test_images_are_paired_by_name_whatever_their_order_and_others_left_out():
    one, other = of_people(6, 1.0, noise=0), of_people(6, noise=0)
    other = dict(reversed(other.items()))
    other["p9", "only there.png"] = 3.0
    one["p0", "infinite.png"], other["p0", "infinite.png"] = math.inf, 1.0
    one["p0", "none.png"], other["p0", "none.png"] = None, 1.0
    finding = compared(results("a", one), results("b", other))
    assert (finding.people, finding.images, finding.left_out) == (6, 12, 3)
    assert finding.difference == pytest.approx(1.0)


def test_images_of_unknown_people_are_left_out_and_counted():
    one, other = of_people(6, 1.0), of_people(6)
    one[None, "x.png"], other[None, "x.png"] = 1.0, 2.0
    finding = compared(results("a", one), results("b", other))
    assert (finding.people, finding.unknown, finding.left_out) == (6, 1, 0)
    strangers = ({(None, "x.png"): value} for value in (1.0, 2.0))
    with pytest.raises(EvaluationError, match="known person"):
        compared(*(results(name, of) for name, of in zip("ab", strangers, strict=True)))


def test_a_measure_with_a_target_is_compared_by_its_distance_and_less_is_better():
    one = dict.fromkeys(of_people(6), 0.5)
    other = dict.fromkeys(of_people(6), 1.5)  # nearer to 1 as a ratio
    finding = compared(
        results("a", one, measure="grain_ratio"),
        results("b", other, measure="grain_ratio"),
        "grain_ratio",
    )
    assert finding.mean == pytest.approx(math.log(2))
    assert finding.mean_against == pytest.approx(math.log(1.5))
    assert finding.better == "b"
    grids = (dict.fromkeys(of_people(6), value) for value in (-0.25, 0.5))
    first, second = (results(n, g, measure="grid_excess") for n, g in zip("ab", grids, strict=True))
    assert compared(first, second, "grid_excess").better == "a"


def test_all_tests_of_a_call_are_corrected_together():
    methods = {
        name: of_people(8, offset, seed=k)
        for k, (name, offset) in enumerate({"a": 0.4, "b": 0.0, "c": 0.3}.items())
    }
    everything = [result for name, values in methods.items() for result in results(name, values)]
    pairs = [("a", "b"), ("a", "c")]
    findings = compare_people(everything, everything, pairs, ["psnr"], **SETTINGS)
    p = sorted(finding.p for finding in findings)
    corrected = sorted(finding.p_holm for finding in findings)
    assert corrected == pytest.approx([min(1, 2 * p[0]), max(min(1, 2 * p[0]), p[1])])


def test_datasets_are_compared_by_themselves():
    first = results("a", of_people(6, 1.0)) + results("a", of_people(2), dataset="e")
    second = results("b", of_people(6)) + results("b", of_people(2), dataset="e")
    found = compare_people(first, second, [("a", "b")], ["psnr"], **SETTINGS)
    assert [(f.dataset, f.people, f.why_not is None) for f in found] == [
        ("d", 6, True), ("e", 2, False),
    ]  # fmt: skip


def test_two_evaluations_that_measured_differently_are_not_compared():
    first = results("a", of_people(6), measured="grey, counted 90")
    with pytest.raises(EvaluationError, match=r"0-0.png: was not measured alike \(grey, counted"):
        compared(first, results("b", of_people(6), measured="grey, counted 91"))
    swapped = {(f"q{person}", image): value for (person, image), value in of_people(6).items()}
    with pytest.raises(EvaluationError, match="patient"):
        compared(first, results("b", swapped, measured="grey, counted 90"))


def test_the_table_says_what_is_better_by_how_much_and_how_it_was_found():
    findings = compare_people(
        results("a", of_people(8, 1.0)), results("b", of_people(8, seed=1)), [("a", "b")],
        ["psnr"], **SETTINGS,
    )  # fmt: skip
    text = findings_table(findings, **SETTINGS)
    lines = text.splitlines()
    assert lines[0] == "d: a against b; 8 people, 16 images"
    assert lines[2].split()[:2] == ["PSNR", "dB"]
    assert lines[2].split()[-1] == "a"
    assert f"{findings[0].difference:+.2f}" in lines[2]
    assert "95 %" in text
    assert "999 resamples, seed 0" in text
    assert "corrected as Holm has it for 1 test" in text


def test_the_table_of_too_few_people_claims_nothing_and_says_so_once():
    findings = compare_people(
        results("a", of_people(3, 5.0)), results("b", of_people(3)), [("a", "b")], ["psnr"],
        **SETTINGS,
    )  # fmt: skip
    text = findings_table(findings, **SETTINGS)
    assert text.count("too few people: 3; nothing is claimed") == 1
    row = text.splitlines()[3]
    assert row.split()[-5:] == ["-"] * 5


def test_a_difference_that_is_not_shown_is_said_to_be_not_shown():
    values = of_people(8, noise=0)
    other = {key: value + (1 if n % 4 < 2 else -1) for n, (key, value) in enumerate(values.items())}
    findings = compare_people(
        results("a", values), results("b", other), [("a", "b")], ["psnr"], **SETTINGS
    )
    assert "not shown" in findings_table(findings, **SETTINGS).splitlines()[2]


def test_measures_know_which_way_is_better():
    assert KNOWN["psnr"].badness(30) < KNOWN["psnr"].badness(29)
    assert KNOWN["lpips"].badness(0.1) < KNOWN["lpips"].badness(0.2)
    assert KNOWN["grid_excess"].badness(-0.3) == KNOWN["grid_excess"].badness(0.3)
    ratio = KNOWN["cnr_ratio"]
    assert ratio.badness(2) == pytest.approx(ratio.badness(0.5))
    assert ratio.badness(0) == math.inf
    assert len(KNOWN) == len(USUAL) + len(MORE)


def test_measures_are_named_in_the_order_of_the_table_and_oct_stands_for_many():
    assert named(["invented", "ms_ssim", "psnr", "ms_ssim"]) == ["ms_ssim", "invented"]
    assert named(["oct", "niqe"])[-1] == "niqe"
    assert "dists" not in named(["oct"])
    with pytest.raises(ValueError, match="'ssim' is no measure; known are oct, ms_ssim"):
        named(["ssim"])
