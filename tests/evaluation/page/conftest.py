"""An evaluation made of numbers, with names that would be markup if they were not escaped."""

from functools import partial

import numpy as np
import pytest

from super_resolution_gans.evaluation.compare import compare
from super_resolution_gans.evaluation.page.content import Card, Content, case, picks, statistics_of
from super_resolution_gans.evaluation.pairs import make_pair, quantised
from super_resolution_gans.evaluation.report import csv_text
from super_resolution_gans.evaluation.results import read_results

EVIL = "<script>alert(1)</script>"
QUOTES = "\"'><img src=x onerror=alert(1)>"
DATASET = f"eyes & {EVIL}"
MODEL = f"model_{QUOTES}"


def nearest(lr):
    return np.repeat(np.repeat(lr, 4, axis=0), 4, axis=1)


def made(tmp_path, people=8, dataset=DATASET, methods=("bicubic", MODEL)):
    """A content of so many people with two images each, the second method a little better."""
    generator = np.random.default_rng(0)
    pairs = [
        make_pair(
            f"{EVIL}{QUOTES}-{person}-{image}.png",
            quantised(generator.random((32, 40)).astype(np.float32), 255),
            dataset=dataset,
            patient=f"p{person}",
        )
        for person in range(people)
        for image in range(2)
    ]
    upscalers = {methods[0]: lambda lr: nearest(lr) * 0.8, methods[1]: nearest}
    comparison = compare(pairs, upscalers)
    (tmp_path / "per_image.csv").write_text(csv_text(comparison), "utf-8")
    shown = []
    for pick in picks(comparison, [methods[1]]):
        (pair,) = [pair for pair in pairs if pair.name == pick.image]
        images = {name: upscale(pair.lr) for name, upscale in upscalers.items()}
        rows = [row for row in comparison.rows if row.image == pair.name]
        shown.append(case(pick, pair, images, rows))
    return Content(
        comparison,
        statistics_of(comparison, read_results(tmp_path), [methods[1]], methods[0]),
        {methods[0]: None, methods[1]: 0},
        cases=shown,
        cards=[Card(methods[1], [("trained", QUOTES)], f"# card\n{EVIL}\n")],
        environment=[("Python", "3")],
        failures=[f"{EVIL}.png: broken"],
    )


@pytest.fixture
def contents(tmp_path):
    """Contents of other people and methods."""
    return partial(made, tmp_path)


@pytest.fixture
def content(tmp_path):
    return made(tmp_path)


@pytest.fixture
def few(tmp_path):
    return made(tmp_path, people=3)
