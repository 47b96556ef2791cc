"""Printed rows beside measured ones: where they stand, what marks them, and where they do not."""

import csv
import io
import json
import re

import numpy as np
import pytest
from rich.console import Console

from super_resolution_gans.evaluation.compare import Comparison, Protocol, Row, measure
from super_resolution_gans.evaluation.pairs import Pair
from super_resolution_gans.evaluation.published import published
from super_resolution_gans.evaluation.report import (
    csv_text,
    json_text,
    plain_table,
    protocol_lines,
    screen_table,
)
from super_resolution_gans.evaluation.rows import PAPER


def comparison(protocol=PAPER, dataset="Set5", images=5):
    rows = [
        Row(dataset, f"{index}.png", None, method, psnr, psnr / 100, psnr / 90, 40.0,
            64, 64, "y-studio", 255, True, 3136, 0)
        for index in range(images)
        for method, psnr in (("bicubic", 28.0), ("mine", 30.0))
    ]  # fmt: skip
    return Comparison(protocol, tuple(rows))


def test_they_stand_under_the_measured_rows_and_say_that_nobody_measured_them():
    lines = plain_table(comparison()).splitlines()
    methods = [line[:22].strip() for line in lines[2:8]]
    assert methods == ["bicubic", "mine", "nearest (published)", "bicubic (published)",
                       "SRResNet (published)", "SRGAN (published)"]  # fmt: skip
    for line in lines[4:8]:
        assert "not measured here" in line
    assert lines[6].split()[2:6] == ["32.05", "-", "0.9019", "-"]
    assert "rows (published): Ledig et al. 2017, table 2" in "\n".join(lines)


@pytest.mark.parametrize(
    ("protocol", "dataset", "images"),
    [
        (Protocol(), "Set5", 5),
        (Protocol((2, 2), mask_padding=False, as_stored=True), "Set5", 5),
        (PAPER, "Set5", 4),
        (PAPER, "Set6", 5),
        (PAPER, "", 5),
    ],
)
def test_nothing_is_printed_beside_what_it_cannot_be_compared_with(protocol, dataset, images):
    assert published(protocol, dataset, images) == []
    assert "(published)" not in plain_table(comparison(protocol, dataset, images))


def test_the_best_number_is_a_measured_one():
    console = Console(file=io.StringIO(), force_terminal=True, width=200, color_system="standard")
    console.print(screen_table(comparison()))
    shown = console.file.getvalue()
    assert "SRResNet (published)" in shown
    assert "30.00" in re.findall(r"\x1b\[1m *([\d.]+)", shown)
    assert "32.05" not in re.findall(r"\x1b\[1m *([\d.]+)", shown)


def test_files_name_the_protocol_and_keep_printed_rows_apart():
    found = comparison()
    lines = list(csv.DictReader(io.StringIO(csv_text(found))))
    assert {line["protocol"] for line in lines} == {PAPER.in_short}
    assert {line["method"] for line in lines} == {"bicubic", "mine"}
    document = json.loads(json_text(found))
    assert document["protocol"]["in_short"] == PAPER.in_short
    assert list(document["datasets"]["Set5"]["means"]) == ["bicubic", "mine"]
    apart = document["datasets"]["Set5"]["not_measured_here"]
    assert apart["rows"]["SRGAN (published)"] == {"psnr": 29.4, "ssim_daala": 0.8472, "mos": 3.58}
    assert "not_measured_here" not in json_text(comparison(Protocol()))


def test_a_protocol_is_named_after_what_it_does():
    assert Protocol().name == Protocol((1, 4)).name == "oct"
    assert PAPER.name == "paper"
    assert Protocol(border=0).name == "own"
    assert protocol_lines(comparison())[0] == (
        "protocol paper: scale 4 x 4, y-studio, equal channels colour, border 4, white counted"
    )


@pytest.mark.parametrize(
    ("stored_in_colour", "gain"), [(True, 20 * np.log10(255 / 219)), (False, 0)]
)
def test_equal_channels_are_measured_as_they_are_stored(stored_in_colour, gain):
    random = np.random.default_rng(0)
    hr = random.random((64, 64), np.float32)
    sr = random.random((64, 64), np.float32)
    pair = Pair("a", hr, hr[::4, ::4], stored_in_colour=stored_in_colour)
    as_it_is = measure(pair, sr, "m", Protocol(mask_padding=False))
    by_paper = measure(pair, sr, "m", PAPER)
    assert as_it_is.channel == "grey"
    assert by_paper.channel == ("y-studio" if stored_in_colour else "grey")
    assert by_paper.psnr - as_it_is.psnr == pytest.approx(gain, abs=1e-6)
