"""The numbers others got by the same protocol: shared OCT rows, and Ledig et al. 2017, table 2."""

import math

import pytest

from super_resolution_gans.data.inventory import find_entries
from super_resolution_gans.data.pairs import read_pairs, select
from super_resolution_gans.evaluation.compare import Protocol, compare
from super_resolution_gans.evaluation.pairs import quantised
from super_resolution_gans.evaluation.protocol import published_rows
from super_resolution_gans.evaluation.rows import PAPER
from super_resolution_gans.metrics.perceptual import load_lpips
from super_resolution_gans.metrics.spectrum import grid_excess, spectrum_distance
from super_resolution_gans.prediction import load_upscaler

LONG = [pytest.mark.slow, pytest.mark.long]

# PSNR (rounded) / SSIM by Wang (cut) / LR consistency (rounded), as the shared README prints them.
OCT_ROWS = {
    ("kermany_oct2017", "test", "bscan", 20): {
        "nearest": (26.49, 0.608, 41),
        "bicubic": (27.46, 0.631, 39),
    },
    ("duke_chiu2015_dme", "test", "bscan", 11): {
        "nearest": (27.44, 0.622, 41),
        "bicubic": (28.52, 0.649, 40),
    },
    ("duke_sbsdi_bioptigen", "test", "averaged_clean", 4): {
        "nearest": (32.13, 0.718, 49),
        "bicubic": (33.12, 0.737, 47),
    },
    ("octid_nr206", "ood", "bscan_icon", 3): {
        "nearest": (23.11, 0.434, 41),
        "bicubic": (23.52, 0.440, 39),
    },
}


def upscalers():
    return {name: load_upscaler(name, scale=4) for name in ("nearest", "bicubic")}


@pytest.mark.parametrize("selection", OCT_ROWS, ids=lambda selection: selection[0])
def test_the_printed_rows_of_the_oct_scans_come_out(shared, selection):
    dataset, split, role, images = selection
    entries = select(
        find_entries(shared / "data" / "oct"), splits=[split], datasets=[dataset], roles=[role]
    )
    comparison = compare(read_pairs(entries), upscalers())
    for mean in comparison.means(dataset):
        expected = OCT_ROWS[selection][mean.method]
        assert mean.images == images
        measured = (
            round(mean.psnr, 2),
            math.floor(mean.ssim_wang * 1000) / 1000,
            round(mean.lr_consistency),
        )
        assert measured == expected, mean


# LPIPS with AlexNet / spectrum distance / grid excess of nearest, bilinear, bicubic, all cut, as
# the shared README prints them. Some means are at the edge of a digit (0.526997 for 0.527).
DISTANCES = {
    ("octid_nr206", "ood", "bscan_icon"): (
        (0.644, 1.52, 1.1),
        (0.727, 2.83, 0.0),
        (0.716, 2.91, -0.3),
    ),
    ("duke_sbsdi_bioptigen", "test", "averaged_clean"): (
        (0.527, 1.88, 2.0),
        (0.639, 2.26, 0.3),
        (0.642, 2.28, 0.1),
    ),
    ("kermany_oct2017", "test", "bscan"): (
        (0.481, 1.06, 1.0),
        (0.528, 2.18, -0.1),
        (0.512, 2.23, 0.0),
    ),
    ("duke_chiu2015_dme", "test", "bscan"): (
        (0.499, 1.17, 1.5),
        (0.527, 2.24, 0.3),
        (0.509, 2.28, 0.7),
    ),
}


def cut(value, digits):
    """What may be printed for it, cut: one number, two if it is within 0.0001 of both."""
    return {math.trunc((value + edge) * 10**digits) / 10**digits for edge in (-1e-4, 0, 1e-4)}


@pytest.mark.parametrize(
    "selection",
    [
        pytest.param(key, id=key[0], marks=[] if index < 2 else pytest.mark.slow)
        for index, key in enumerate(DISTANCES)
    ],
)
def test_the_printed_distances_of_the_oct_scans_come_out(shared, selection):
    dataset, split, role = selection
    entries = select(
        find_entries(shared / "data" / "oct"), splits=[split], datasets=[dataset], roles=[role]
    )
    pairs = list(read_pairs(entries))
    lpips = load_lpips()
    for method, printed in zip(
        ("nearest", "bilinear", "bicubic"), DISTANCES[selection], strict=True
    ):
        upscale = load_upscaler(method, scale=4)
        rows = []
        for pair in pairs:
            sr = quantised(upscale(pair.lr), pair.levels)
            rows.append(
                [measure(sr, pair.hr) for measure in (lpips, spectrum_distance, grid_excess)]
            )
        means = [math.fsum(column) / len(rows) for column in zip(*rows, strict=True)]
        for mean, number, digits in zip(means, printed, (3, 2, 1), strict=True):
            assert number in cut(mean, digits), (method, means)


# PSNR and daala SSIM as printed in the paper, and ours. docs/results.md says what is left.
NATURAL_ROWS = {
    "Set5": {
        "nearest": ((26.26, 0.7552), (26.26, 0.7547)),
        "bicubic": ((28.43, 0.8211), (28.43, 0.8212)),
    },
    "Set14": {
        "nearest": ((24.64, 0.7100), (24.65, 0.7098)),
        "bicubic": ((25.99, 0.7486), (26.00, 0.7488)),
    },
    "BSD100": {
        "nearest": ((25.02, 0.6606), (25.04, 0.6607)),
        "bicubic": ((25.94, 0.6935), (25.96, 0.6943)),
    },
}


@pytest.mark.parametrize(
    "name",
    ["Set5", pytest.param("Set14", marks=pytest.mark.slow), pytest.param("BSD100", marks=LONG)],
)
def test_the_rows_of_the_paper_come_out_by_its_protocol(shared, name):
    """Ledig et al. 2017 (arXiv 1609.04802v5), table 2: the paper's rows to 0.025 dB and 0.001."""
    entries = find_entries(shared / "data" / "natural" / name)
    comparison = compare(read_pairs(entries, dataset=name), upscalers(), PAPER)
    beside = {row.method: row for row in published_rows(comparison, name)}
    for mean in comparison.means(name):
        printed, ours = NATURAL_ROWS[name][mean.method]
        assert (round(mean.psnr, 2), round(mean.ssim_daala, 4)) == ours
        row = beside[f"{mean.method} (published)"]
        assert (row.psnr, row.ssim_daala) == printed
        assert mean.psnr == pytest.approx(printed[0], abs=0.025)
        assert mean.ssim_daala == pytest.approx(printed[1], abs=0.001)


def test_set5_under_wang_is_a_hundredth_lower(shared):
    entries = find_entries(shared / "data" / "natural" / "Set5")
    comparison = compare(read_pairs(entries), upscalers(), Protocol(mask_padding=False))
    bicubic = comparison.means("")[1]
    assert bicubic.ssim_wang == pytest.approx(0.8112, abs=5e-5)
