"""A truth that several methods are measured against, and measures beyond the usual."""

import csv
import io
import json

import numpy as np
import pytest

from super_resolution_gans.evaluation.compare import Comparison, compare
from super_resolution_gans.evaluation.measure import MEASURING, Truth
from super_resolution_gans.evaluation.measures import OCT
from super_resolution_gans.evaluation.pairs import EvaluationError, make_pair, quantised
from super_resolution_gans.evaluation.report import csv_text, json_text, plain_table, protocol_lines
from super_resolution_gans.evaluation.rows import Protocol, Row
from super_resolution_gans.metrics import contrast, ms_ssim, regions, ring_correlation
from super_resolution_gans.metrics.image import padding_mask


def eye(seed=0):
    """Dark above, two layers below."""
    image = np.full((200, 240), 0.1)
    image[80:], image[140:] = 0.6, 0.4
    return quantised(image + 0.05 * np.random.default_rng(seed).standard_normal(image.shape), 255)


def nearest(image):
    return np.repeat(np.repeat(image, 4, axis=0), 4, axis=1)


def half(image):
    return nearest(image) * 0.5


@pytest.fixture(scope="module")
def pair():
    return make_pair("a", eye())


@pytest.fixture(scope="module")
def measured(pair):
    return compare([pair], {"nearest": nearest, "half": half}, more=MEASURING)


def test_all_that_oct_asks_for_can_be_measured_without_a_file():
    assert tuple(MEASURING) == OCT


def test_the_numbers_are_those_of_the_measures(pair, measured):
    sr, mask = quantised(half(pair.lr), 255), padding_mask(pair.hr)
    more = measured.of("", "half")[0].more
    assert more["ms_ssim"] == ms_ssim.ms_ssim(sr, pair.hr, mask=mask)
    labels = regions.find_regions(pair.hr, mask=mask)
    for name, ours in (("cnr_ratio", contrast.cnr), ("enl_ratio", contrast.enl)):
        assert more[name] == ours(sr, labels) / ours(pair.hr, labels)
    louder = contrast.snr(sr, labels, mask=mask) - contrast.snr(pair.hr, labels, mask=mask)
    assert more["snr_difference"] == louder
    rings = ring_correlation.ring_correlation(sr, pair.hr, (4, 4), mask=mask)
    assert more["resolved"] == rings.median_resolved()
    assert more["contradicted"] == rings.contradicting()
    assert more["invented"] == rings.invented_share()
    edges = contrast.edge_preservation(sr, pair.hr, sigma=2, mask=mask)
    assert more["edge_preservation"] == edges


def test_a_truth_for_many_gives_the_numbers_of_one_for_each(pair, measured):
    for method, upscale in (("half", half), ("nearest", nearest)):
        alone = Truth(pair, Protocol(), more=MEASURING).row(
            quantised(upscale(pair.lr), 255), method
        )
        assert alone == measured.of("", method)[0]


def test_regions_may_be_drawn(pair):
    labels = np.zeros(pair.hr.shape, np.uint8)
    labels[:40], labels[90:130] = 1, 2
    seen = []
    result = compare(
        [pair],
        {"nearest": nearest},
        more={"cnr_ratio": MEASURING["cnr_ratio"]},
        regions=lambda of: seen.append(of.name) or labels,
    )
    sr = quantised(nearest(pair.lr), 255)
    expected = contrast.cnr(sr, labels) / contrast.cnr(pair.hr, labels)
    assert result.rows[0].more["cnr_ratio"] == expected
    assert seen == ["a"]
    assert "regions: drawn by hand" in protocol_lines(result)


def test_a_measure_without_a_value_is_none_and_the_others_stay():
    noise = quantised(np.random.default_rng(0).random((64, 72)), 255)
    (row,) = compare([make_pair("a", noise)], {"nearest": nearest}, more=MEASURING).rows
    assert row.more["ms_ssim"] is row.more["cnr_ratio"] is None  # too small; no vitreous
    assert row.more["resolved"] > 0


def test_an_unknown_measure_is_refused(pair):
    with pytest.raises(EvaluationError, match="'beauty' is no measure"):
        compare([pair], {"nearest": nearest}, more={"beauty": lambda _: 1.0})


def test_more_measures_have_a_table_of_their_own_and_their_words(measured):
    lines = plain_table(measured).splitlines()
    heads = [line for line in lines if line.startswith("  method")]
    assert len(heads) == 2
    assert "PSNR dB" in heads[0]
    assert "MS-SSIM" in heads[1]
    rows = [line for line in lines if line.startswith("  nearest")]
    assert f"{measured.of('', 'nearest')[0].more['ms_ssim']:.4f}" in rows[1]
    words = "\n".join(protocol_lines(measured))
    for part in ("MS-SSIM: five levels", "regions: found in HR", "Nyquist frequency of LR"):
        assert part in words


def row(image, more):
    return Row(
        "d", image, "p", "m", 20.0, 0.5, 0.6, 40.0, 8, 8, "grey", 255, True, 60, 4, more=more
    )


def test_images_without_a_number_are_left_out_of_the_mean_and_said():
    rows = (
        row("a", {"ms_ssim": 0.5, "niqe": None}),
        row("b", {"ms_ssim": 0.7, "niqe": None}),
        row("c", {"ms_ssim": None, "niqe": None}),
    )
    comparison = Comparison(Protocol(), rows)
    (mean,) = comparison.means("d")
    assert mean.more == {"ms_ssim": pytest.approx(0.6), "niqe": None}
    assert mean.without == {"ms_ssim": 1, "niqe": 3}
    (line,) = [line for line in plain_table(comparison).splitlines() if "0.6000  " in line][1:]
    assert line.endswith("(1 image without MS-SSIM; 3 images without NIQE)")
    lines = list(csv.DictReader(io.StringIO(csv_text(comparison))))
    assert [line["ms_ssim"] for line in lines] == ["0.500000", "0.700000", ""]
    written = json.loads(json_text(comparison))["datasets"]["d"]["means"]["m"]
    assert written["more"] == {"ms_ssim": 0.6, "niqe": None}
    assert written["without"] == {"ms_ssim": 1, "niqe": 3}


def test_without_more_measures_tables_and_files_are_as_they_were():
    comparison = Comparison(Protocol(), (row("a", {}),))
    assert csv_text(comparison).splitlines()[0].endswith(",histogram_distance,protocol")
    assert "more" not in json.loads(json_text(comparison))["datasets"]["d"]["means"]["m"]
    assert plain_table(comparison).count("method") == 1
