"""Tables, CSV and JSON."""

import csv
import io
import json
import math
import re

import pytest
from rich.console import Console

from super_resolution_gans.evaluation.compare import Comparison, Protocol, Row
from super_resolution_gans.evaluation.report import (
    csv_text,
    json_text,
    plain_table,
    protocol_lines,
    screen_table,
)


def row(image, method, psnr, *, dataset="scans", patient="p1", **changes):
    values = {
        "ssim_wang": psnr / 100,
        "ssim_daala": psnr / 90,
        "lr_consistency": psnr + 10,
        "height": 16,
        "width": 20,
        "channel": "grey",
        "levels": 255,
        "lr_made_here": True,
        "counted": 90,
        "masked": 6,
    }
    return Row(dataset, image, patient, method, psnr, **{**values, **changes})


@pytest.fixture
def comparison():
    rows = (
        row("a.png", "bicubic", 27.0),
        row("a.png", "oct-srresnet-x4", 29.25),
        row("b.png", "bicubic", 28.0, patient="p2", masked=0, counted=96),
        row("b.png", "oct-srresnet-x4", math.inf, patient="p2", masked=0, counted=96),
        row("c,1\n.png", "bicubic", 20.0, dataset="other", patient=None, lr_made_here=False),
        row("c,1\n.png", "oct-srresnet-x4", 21.0, dataset="other", patient=None, levels=65535),
    )
    return Comparison(Protocol(), rows)


@pytest.fixture
def distances():
    """Three methods of which the last has the best numbers; one image is too small for spectra."""
    methods = {"smooth": (0.5, 2.0, -0.25), "gridded": (0.25, 1.0, 1.5), "good": (0.125, 0.5, 0.0)}
    rows = [
        row("a.png", method, 27.0, lpips=lpips, spectrum_distance=distance, grid_excess=excess)
        for method, (lpips, distance, excess) in methods.items()
    ]
    rows += [row("b.png", method, 27.0, lpips=0.0) for method in methods]
    rows += [row("c.png", method, 27.0, dataset="small") for method in methods]
    return Comparison(Protocol(), tuple(rows))


def test_distances_have_aligned_columns_and_grid_excess_its_sign(distances):
    lines = plain_table(distances).splitlines()
    assert " ".join(lines[1].split()).endswith(
        "LR consistency dB LPIPS alex spectrum distance grid excess"
    )
    assert lines[2].split()[5:8] == ["0.2500", "2.00", "-0.25"]
    assert lines[3].split()[5:8] == ["0.1250", "1.00", "+1.50"]
    end = len(lines[1])
    assert [line[:end].split()[-1] for line in lines[2:5]] == ["-0.25", "+1.50", "+0.00"]
    assert "(1 image too small for the spectrum left out of its mean)" in lines[2]
    assert lines[8].split()[5:] == ["-", "-", "-"]


def test_columns_that_no_image_has_a_number_for_are_not_shown(comparison):
    text = plain_table(comparison)
    assert "LPIPS alex" not in text
    assert "LPIPS: not measured" in text
    assert "spectrum distance, grid excess: not measured" in text


def test_the_protocol_says_what_the_distances_are(distances):
    words = "\n".join(protocol_lines(distances))
    assert "LPIPS: 0.1 with AlexNet" in words
    assert "64 x 64 patches every 32 px" in words
    assert "1/4 cycle" in words
    assert "not measured" not in words


def test_least_lpips_and_distance_and_the_excess_nearest_0_are_the_best(distances):
    console = Console(file=io.StringIO(), force_terminal=True, width=160, color_system="standard")
    console.print(screen_table(distances))
    bold = re.findall(r"\x1b\[1m *([-+\d.]+)", console.file.getvalue())
    assert [cell for cell in bold if cell in ("0.2500", "0.1250", "0.0625")] == ["0.0625"]
    assert [cell for cell in bold if cell in ("2.00", "1.00", "0.50")] == ["0.50"]
    assert [cell for cell in bold if cell[0] in "+-"] == ["+0.00"]


def test_a_narrow_screen_wraps_headings_and_cuts_no_number(distances):
    console = Console(file=io.StringIO(), width=100)
    console.print(screen_table(distances))
    shown = console.file.getvalue()
    for number in ("27.00", "0.2700", "0.3000", "37.00", "0.0625", "2.00", "-0.25", "+1.50"):
        assert number in shown


def test_missing_distances_are_empty_in_csv_and_null_in_json(distances):
    lines = list(csv.DictReader(io.StringIO(csv_text(distances))))
    assert (lines[0]["lpips"], lines[0]["grid_excess"]) == ("0.500000", "-0.250000")
    assert (lines[-1]["lpips"], lines[-1]["spectrum_distance"]) == ("", "")
    datasets = json.loads(json_text(distances))["datasets"]
    assert datasets["scans"]["means"]["gridded"]["lpips"] == 0.125
    assert datasets["scans"]["means"]["gridded"]["without_spectrum"] == 1
    assert datasets["small"]["means"]["good"]["grid_excess"] is None


def test_the_plain_table_gives_means_of_each_dataset(comparison):
    lines = plain_table(comparison).splitlines()
    assert lines[0].startswith("scans: 2 images, 2 patients; masked: 6 of 192 pixels (3.12 %)")
    assert " ".join(lines[1].split()) == "method PSNR dB SSIM Wang SSIM daala LR consistency dB"
    assert lines[2].split() == ["bicubic", "27.50", "0.2750", "0.3056", "37.50"]
    assert lines[3].split()[:2] == ["oct-srresnet-x4", "29.25"]
    assert lines[5].startswith("other: 1 image, patients unknown")
    assert len({line.index(".") for line in lines[2:4]}) == 1


def test_what_a_mean_leaves_out_is_said_beside_it(comparison):
    lines = plain_table(comparison).splitlines()
    assert "1 image of infinite PSNR left out" in lines[3]
    assert "left out" not in lines[2]


def test_the_protocol_names_everything_that_changes_numbers(comparison):
    words = "\n".join(protocol_lines(comparison))
    for part in (
        "4 x 4",
        "bicubic-antialiased (a = -0.5)",
        "as it came with HR",
        "8 bit, 16 bit",
        "channel: grey",
        "4 px",
        "254",
        "11 x 11",
        "1.5 * height / 256",
        "whole image",
        "means: over images",
    ):
        assert part in words


def test_unmasked_measuring_is_said(comparison):
    words = protocol_lines(Comparison(Protocol(mask_padding=False), comparison.rows))
    assert any("white padding: not masked" in line for line in words)


def test_the_screen_shows_the_same_numbers_and_marks_the_best(comparison):
    console = Console(file=io.StringIO(), force_terminal=True, width=120, color_system="standard")
    console.print(screen_table(comparison))
    shown = console.file.getvalue()
    bold = re.findall(r"\x1b\[1m *([\d.]+)", shown)
    assert bold[:4] == ["29.25", "0.2925", "0.3250", "39.25"]
    assert "0.2750" in shown
    assert "2 patients" in shown


def test_csv_has_a_line_for_each_image_and_method(comparison):
    lines = list(csv.DictReader(io.StringIO(csv_text(comparison))))
    assert len(lines) == 6
    assert lines[1]["image"] == "a.png"
    assert lines[1]["psnr"] == "29.250000"
    assert lines[3]["psnr"] == "inf"
    assert lines[4]["image"] == "c,1\n.png"
    assert lines[4]["patient"] == ""
    assert lines[0]["masked"] == "6"


def test_json_has_means_protocol_and_versions_and_is_strict_json(comparison):
    document = json.loads(
        json_text(comparison, {"failures": ["x: broken"]}), parse_constant=pytest.fail
    )
    means = document["datasets"]["scans"]["means"]
    assert means["bicubic"]["psnr"] == 27.5
    assert means["oct-srresnet-x4"]["psnr"] == 29.25
    assert means["oct-srresnet-x4"]["identical"] == 1
    assert document["datasets"]["scans"]["patients"] == 2
    assert document["datasets"]["other"]["images_without_patient"] == 1
    assert document["protocol"]["border"] == 4
    assert document["versions"]["numpy"][0].isdigit()
    assert document["failures"] == ["x: broken"]


def test_an_infinite_mean_is_the_string_inf():
    document = json.loads(json_text(Comparison(Protocol(), (row("a", "m", math.inf),))))
    assert document["datasets"]["scans"]["means"]["m"]["psnr"] == "inf"


def test_reports_are_the_same_twice(comparison):
    assert json_text(comparison) == json_text(comparison)
    assert csv_text(comparison) == csv_text(comparison)
