"""``srgan compare`` as a person runs it, on what ``srgan evaluate`` writes."""

import json

import numpy as np
import pytest

from super_resolution_gans.evaluation.compare import Comparison, Protocol, Row
from super_resolution_gans.evaluation.report import csv_text


def write(folder, methods, people=9, patient="p{}"):
    random = np.random.default_rng(0)
    rows = [
        Row(
            dataset="eyes", image=f"{person}-{number}.png",
            patient=patient and patient.format(person),
            method=method, psnr=25 + person + gain + 0.01 * float(random.random()), ssim_wang=0.5,
            ssim_daala=0.6, lr_consistency=40.0, height=8, width=8, channel="grey", levels=255,
            lr_made_here=True, counted=64, masked=0,
        )
        for person in range(people)
        for number in range(2)
        for method, gain in methods.items()
    ]  # fmt: skip
    folder.mkdir(exist_ok=True)
    (folder / "per_image.csv").write_text(csv_text(Comparison(Protocol(), tuple(rows))))
    return folder


@pytest.fixture
def one(tmp_path):
    return write(
        tmp_path / "one", {"nearest": 0, "bicubic": 1, "net": 2, "net, no consistency": 1.9}
    )


def test_the_model_is_compared_with_all_others_of_one_evaluation(srgan, one):
    result = srgan("compare", one, "--metrics", "psnr")
    assert result.exit_code == 0, result.output
    for other in ("nearest", "bicubic", "net, no consistency"):
        assert f"eyes: net against {other}; 9 people, 18 images" in result.stdout
    assert "for 3 tests" in result.stdout
    rows = [line for line in result.stdout.splitlines() if line.startswith("  PSNR dB")]
    assert [row.split()[-1] for row in rows] == ["net"] * 3


def test_two_evaluations_are_compared_by_their_models(srgan, one, tmp_path):
    two = write(tmp_path / "two", {"bicubic": 1, "other": 3})
    result = srgan("compare", one, two, "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    (finding,) = [f for f in document["findings"] if f["measure"] == "psnr"]
    assert (finding["method"], finding["against"], finding["better"]) == ("net", "other", "other")
    assert finding["difference"] == pytest.approx(-1, abs=0.01)
    assert document["results"] == {"method": str(one), "against": str(two)}
    text = srgan("compare", one, two).stdout
    assert f"method: of {one}; against: of {two}" in text


def test_methods_of_one_name_in_two_evaluations_can_be_compared(srgan, one, tmp_path):
    two = write(tmp_path / "two", {"net": 2.5})
    result = srgan("compare", one, two, "--method", "net", "--against", "net", "--json")
    findings = json.loads(result.stdout)["findings"]
    assert findings[0]["difference"] == pytest.approx(-0.5, abs=0.01)


def test_too_few_people_claim_nothing(srgan, tmp_path):
    few = write(tmp_path / "few", {"bicubic": 0, "net": 9}, people=3)
    result = srgan("compare", few)
    assert result.exit_code == 0
    assert "too few people: 3; nothing is claimed" in result.stdout
    psnr = next(f for f in json.loads(srgan("compare", few, "--json").stdout)["findings"])
    assert psnr["p"] is psnr["interval"] is psnr["better"] is None


def test_the_same_seed_gives_the_same_text(srgan, one):
    first, second = (srgan("compare", one, "--seed", 3).stdout for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("--method", "nobody"), 1, "nobody: no such method; there is nearest, bicubic, net"),
        (("--against", "nobody"), 1, "no such method"),
        (("--method", "net", "--against", "net"), 2, "with itself"),
        (("--metrics", "lpips2"), 1, "was not measured; there is psnr"),
        (("--dataset", "ears"), 1, "no image is of it; there is eyes"),
        (("--level", "95"), 1, "between 0 and 1"),
        (("--resamples", "3"), 1, "too few"),
    ],
)
def test_what_is_not_there_is_one_line(srgan, error, one, arguments, status, words):
    result = srgan("compare", one, *arguments)
    assert result.exit_code == status
    assert words in error(result)
    assert result.stdout == ""


def test_missing_results_unknown_people_and_a_lonely_method_are_one_line(srgan, error, tmp_path):
    assert "srgan evaluate --out writes it" in error(srgan("compare", tmp_path / "none"))
    strangers = write(tmp_path / "strangers", {"a": 0, "b": 1}, patient=None)
    assert "known person" in error(srgan("compare", strangers))
    lonely = write(tmp_path / "lonely", {"a": 0})
    assert "only method" in error(srgan("compare", lonely))


def test_three_results_are_wrong_usage(srgan, one):
    assert srgan("compare", one, one, one).exit_code == 2
