"""Rows that are kept, and images measured by several threads: nothing changes but the time."""

import json
import math
import threading

import numpy as np
import pytest

from super_resolution_gans.evaluation.ahead import in_order
from super_resolution_gans.evaluation.compare import compare
from super_resolution_gans.evaluation.kept import Kept, pair_digest
from super_resolution_gans.evaluation.pairs import EvaluationError, make_pair, quantised


def pairs(count=4, side=32):
    random = np.random.default_rng(0)
    return [
        make_pair(f"{n}.png", random.random((side, side)).astype(np.float32), patient=f"p{n}")
        for n in range(count)
    ]


def nearest(lr):
    return np.repeat(np.repeat(lr, 4, axis=0), 4, axis=1)


def dark(lr):
    return nearest(lr) * 0.5


METHODS = {"nearest": {"weights": "a"}, "dark": {"weights": "b"}}
HOW = {"border": 4}


class Counting:
    """A method that knows how often it was asked."""

    def __init__(self, upscale):
        self.upscale, self.calls = upscale, 0

    def __call__(self, lr):
        self.calls += 1
        return self.upscale(lr)


def evaluated(path, given, how=HOW, methods=METHODS, **options):
    upscalers = {"nearest": Counting(nearest), "dark": Counting(dark)}
    chosen = {name: upscalers[name] for name in methods}
    kept = Kept(path, methods, how)
    comparison = compare(given, chosen, kept=kept, **options)
    return comparison, sum(upscaler.calls for upscaler in upscalers.values())


def test_only_what_is_missing_is_computed_and_the_rows_are_the_same(tmp_path):
    path = tmp_path / "rows.jsonl"
    plain = compare(pairs(), {"nearest": nearest, "dark": dark})
    _, first = evaluated(path, pairs()[:2])
    part = path.read_bytes()
    whole, rest = evaluated(path, pairs())
    assert (first, rest) == (4, 4)
    assert whole == plain
    assert path.read_bytes().startswith(part)
    again, none = evaluated(path, pairs())
    assert (again, none) == (plain, 0)


def test_a_line_that_was_cut_off_is_measured_again(tmp_path):
    path = tmp_path / "rows.jsonl"
    evaluated(path, pairs())
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3]) + lines[3][:40])
    comparison, calls = evaluated(path, pairs())
    assert calls == 5  # one of the second image, and the two images after it
    assert comparison == compare(pairs(), {"nearest": nearest, "dark": dark})
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    ("how", "methods"),
    [
        ({"border": 5}, METHODS),
        (HOW, {"nearest": {"weights": "c"}, "dark": {"weights": "d"}}),
    ],
)
def test_another_protocol_or_other_weights_are_measured_anew(tmp_path, how, methods):
    path = tmp_path / "rows.jsonl"
    evaluated(path, pairs())
    assert evaluated(path, pairs(), how, methods)[1] == 8


def test_a_further_method_costs_only_itself(tmp_path):
    path = tmp_path / "rows.jsonl"
    evaluated(path, pairs(), methods={"nearest": METHODS["nearest"]})
    assert evaluated(path, pairs())[1] == 4


def test_other_pixels_names_people_and_depths_are_other_images():
    hr = np.random.default_rng(1).random((8, 8)).astype(np.float32)
    alike = make_pair("a", hr), make_pair("a", hr.copy())
    assert pair_digest(alike[0]) == pair_digest(alike[1])
    others = [
        make_pair("a", 1 - hr),
        make_pair("b", hr),
        make_pair("a", hr, patient="p"),
        make_pair("a", hr, dataset="d"),
        make_pair("a", hr, levels=65535),
    ]
    assert len({pair_digest(pair) for pair in (alike[0], *others)}) == 6


def test_infinite_and_missing_numbers_come_back(tmp_path):
    path = tmp_path / "rows.jsonl"
    pair = make_pair("a", quantised(pairs(1)[0].hr, 255))
    kept = Kept(path, {"HR": {}}, HOW)
    comparison = compare([pair], {"HR": lambda _: pair.hr}, kept=kept)
    assert math.isinf(comparison.rows[0].psnr)
    assert comparison.rows[0].lpips is None
    for line in path.read_text().splitlines():
        json.loads(line, parse_constant=pytest.fail)  # no NaN, no Infinity
    assert Kept(path, {"HR": {}}, HOW).of(pair) == {"HR": comparison.rows[0]}


@pytest.mark.parametrize("line", ["{}", "[]", "7", "nonsense", '{"key": "a", "more": {}}'])
def test_a_file_of_something_else_is_named_with_the_line(tmp_path, line):
    path = tmp_path / "rows.jsonl"
    path.write_text(f"{line}\n")
    with pytest.raises(EvaluationError, match=r"rows\.jsonl: line 1 is no row.*--fresh"):
        Kept(path, METHODS, HOW)


def test_only_wanted_pairs_are_upscaled_again_for_their_pictures(tmp_path):
    path = tmp_path / "rows.jsonl"
    evaluated(path, pairs())
    seen = []
    _, calls = evaluated(
        path,
        pairs(),
        wanted=lambda pair: pair.name == "1.png",
        on_images=lambda pair, images, rows: seen.append((pair.name, list(images), len(rows))),
    )
    assert calls == 2
    names = [(f"{n}.png", ["nearest", "dark"] if n == 1 else [], 2) for n in range(4)]
    assert seen == names


@pytest.mark.parametrize("workers", [2, 5])
def test_threads_give_the_same_rows_failures_and_order(workers):
    given = [*pairs(6)]
    given[2] = make_pair("odd", np.zeros((40, 40), np.float32), (2, 2))  # of another scale

    def failing(lr):
        if np.array_equal(lr, given[4].lr):
            raise EvaluationError("4.png", "too dark")
        return nearest(lr)

    def run(count):
        failures, order = [], []
        comparison = compare(
            given,
            {"nearest": nearest, "failing": failing},
            on_error=failures.append,
            on_images=lambda pair, *_: order.append(pair.name),
            workers=count,
        )
        return comparison, failures, order

    assert run(workers) == run(1)
    assert len(run(workers)[1]) == 2


def test_jobs_run_at_once_while_the_next_is_made_and_come_in_order():
    meeting = threading.Barrier(2, timeout=30)

    def job(number):
        if number < 2:
            meeting.wait()  # neither ends before the other has begun
        return number, threading.current_thread() is threading.main_thread()

    found = list(in_order((lambda n=n: job(n) for n in range(5)), workers=2))
    assert found == [(n, False) for n in range(5)]


def test_a_job_that_raises_does_so_in_its_turn():
    def raising():
        raise ValueError("no")

    found = in_order(iter([lambda: 1, raising, lambda: 3]), workers=3)
    assert next(found) == 1
    with pytest.raises(ValueError, match="no"):
        next(found)
