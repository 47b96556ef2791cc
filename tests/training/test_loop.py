"""The loop counts, calls and stops; it is handed everything else."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from super_resolution_gans.training.loop import (
    ROLL_BACKS,
    DivergedError,
    Rhythm,
    constant_rate,
    cosine_rate,
    fit,
    halving_rate,
)


class Recorder:
    """A step and hooks that write down what they are asked.

    ``broken`` holds (update, attempt) whose loss is not finite; three in a row are a collapse.
    """

    def __init__(
        self, broken: Callable[[int, int], bool] | None = None, stop_after: int = 10**9
    ) -> None:
        self.broken, self.stop_after = broken or (lambda *_: False), stop_after
        self.rates: list[float] = []
        self.events: list[tuple[str, int]] = []
        self.means: list[dict[str, float]] = []
        self.attempts: list[int] = []
        self.saved, self.streak, self.worst = 0, 0, 0

    def update(
        self, number: int, low: Tensor, high: Tensor, learning_rate: float
    ) -> dict[str, Tensor]:
        assert int(low) == number
        self.rates.append(learning_rate)
        bad = self.broken(number, int(high))
        self.streak = self.streak + 1 if bad else 0
        self.worst = max(self.worst, self.streak)
        loss = torch.tensor(0.0 if bad else float(low))
        return {"loss": loss, "skipped": torch.tensor(float(bad))}

    def collapsed(self) -> bool:
        worst, self.worst = self.worst, self.streak
        return worst >= 3

    def evaluate(self, low: Tensor) -> Tensor:
        return low

    def state(self) -> dict[str, Any]:
        return {}

    def load_state(self, state: dict[str, Any]) -> None:
        del state

    def log(self, done: int, means: dict[str, float], span: int) -> None:
        self.events.append(("log", done))
        self.means.append({**means, "span": span})

    def validate(self, done: int) -> None:
        self.events.append(("validate", done))

    def checkpoint(self, done: int, attempt: int) -> None:
        self.events.append(("checkpoint", done))
        self.saved = done
        self.attempts.append(attempt)

    def roll_back(self, broken: int, attempt: int) -> int:
        self.events.append(("roll back", broken))
        self.attempts.append(attempt)
        self.streak = self.worst = 0
        return self.saved

    def should_stop(self) -> bool:
        return len(self.rates) >= self.stop_after


def run(recorder: Recorder, start: int = 0, updates: int = 10, attempt: int = 0) -> int:
    def batch(update: int, attempt: int) -> tuple[Tensor, Tensor]:
        return torch.tensor(float(update)), torch.tensor(float(attempt))

    return fit(
        recorder,
        batch,
        start=start,
        updates=updates,
        learning_rate=constant_rate(1.0, 0),
        rhythm=Rhythm(log=4, validate=5, checkpoint=6),
        hooks=recorder,
        attempt=attempt,
    )


def test_events_come_in_their_rhythm_and_at_the_end() -> None:
    recorder = Recorder()
    assert run(recorder) == 10
    assert recorder.events == [
        ("log", 4),
        ("validate", 5),
        ("checkpoint", 6),
        ("log", 8),
        ("log", 10),
        ("validate", 10),
        ("checkpoint", 10),
    ]


def test_logged_values_are_means_since_the_last_log() -> None:
    recorder = Recorder()
    run(recorder)
    assert [m["loss"] for m in recorder.means] == [1.5, 5.5, 8.5]


def test_a_resumed_loop_sees_only_the_updates_that_are_left() -> None:
    recorder = Recorder()
    run(recorder, start=7)
    assert len(recorder.rates) == 3
    assert recorder.events[0] == ("log", 8)


def test_a_finished_run_does_nothing_more() -> None:
    recorder = Recorder()
    assert run(recorder, start=10) == 10
    assert recorder.events == []


def test_stopping_writes_a_checkpoint_first() -> None:
    recorder = Recorder(stop_after=3)
    assert run(recorder) == 3
    assert recorder.events == [("log", 3), ("checkpoint", 3)]


def test_skipped_updates_are_left_out_of_the_means() -> None:
    recorder = Recorder(broken=lambda number, _: number in {1, 2})
    run(recorder, updates=4)
    assert recorder.means == [{"loss": 1.5, "skipped": 0.5, "span": 4}]


def test_where_all_updates_were_skipped_only_that_is_said() -> None:
    recorder = Recorder(broken=lambda number, _: number >= 8)
    run(recorder)
    assert recorder.means[-1] == {"skipped": 1.0, "span": 2}


def test_three_in_a_row_take_the_run_back_to_its_checkpoint_and_to_other_crops() -> None:
    recorder = Recorder(broken=lambda number, attempt: attempt == 0 and number >= 7)
    assert run(recorder) == 10
    assert recorder.events[2:] == [
        ("checkpoint", 6),
        ("log", 8),
        ("roll back", 10),
        ("log", 8),
        ("log", 10),
        ("validate", 10),
        ("checkpoint", 10),
    ]
    assert recorder.means[-2] == {"loss": 6.5, "skipped": 0.0, "span": 2}


def test_nothing_is_logged_or_saved_of_a_collapse() -> None:
    recorder = Recorder(broken=lambda *_: True)
    with pytest.raises(DivergedError, match="learning rate"):
        run(recorder)
    assert recorder.events == [("roll back", 4)] * ROLL_BACKS


def test_a_resumed_run_remembers_how_often_it_was_taken_back() -> None:
    recorder = Recorder(broken=lambda *_: True)
    with pytest.raises(DivergedError):
        run(recorder, attempt=ROLL_BACKS - 1)
    assert recorder.events == [("roll back", 4)]


def test_the_papers_rate_is_a_tenth_from_half_of_the_run_on() -> None:
    rate = halving_rate(1e-4, updates=200, warmup=10)
    assert rate(4) == pytest.approx(5e-5)
    assert [rate(i) for i in (9, 99)] == pytest.approx([1e-4, 1e-4])
    assert [rate(i) for i in (100, 199)] == pytest.approx([1e-5, 1e-5])


def test_the_cosine_rises_falls_and_ends_at_a_hundredth() -> None:
    rate = cosine_rate(2.0, updates=110, warmup=10)
    assert rate(0) == pytest.approx(0.2)
    assert rate(9) == pytest.approx(2.0)
    assert rate(10) == pytest.approx(2.0)
    assert rate(60) == pytest.approx(2.0 * (0.01 + 0.99 / 2))
    assert rate(110) == pytest.approx(0.02)


def test_the_constant_rate_only_warms_up() -> None:
    rate = constant_rate(3.0, warmup=3)
    assert [rate(i) for i in (0, 1, 2, 3, 1000)] == pytest.approx([1, 2, 3, 3, 3])
