"""The loop counts, calls and stops; it is handed everything else."""

from typing import Any

import pytest
import torch
from torch import Tensor

from super_resolution_gans.training.checkpoint import TrainingError
from super_resolution_gans.training.loop import Rhythm, constant_rate, cosine_rate, fit


class Recorder:
    """A step and hooks that write down what they are asked."""

    def __init__(self, losses: dict[int, float] | None = None, stop_after: int = 10**9) -> None:
        self.losses, self.stop_after = losses or {}, stop_after
        self.rates: list[float] = []
        self.events: list[tuple[str, int]] = []
        self.means: list[dict[str, float]] = []

    def update(self, low: Tensor, high: Tensor, learning_rate: float) -> dict[str, Tensor]:
        del high
        self.rates.append(learning_rate)
        return {"loss": torch.tensor(self.losses.get(int(low), float(low)))}

    def evaluate(self, low: Tensor) -> Tensor:
        return low

    def state(self) -> dict[str, Any]:
        return {}

    def load_state(self, state: dict[str, Any]) -> None:
        del state

    def log(self, done: int, means: dict[str, float]) -> None:
        self.events.append(("log", done))
        self.means.append(means)

    def validate(self, done: int) -> None:
        self.events.append(("validate", done))

    def checkpoint(self, done: int) -> None:
        self.events.append(("checkpoint", done))

    def should_stop(self) -> bool:
        return len(self.rates) >= self.stop_after


def run(recorder: Recorder, start: int = 0, updates: int = 10) -> int:
    def batch(update: int) -> tuple[Tensor, Tensor]:
        return torch.tensor(float(update)), torch.tensor(0.0)

    return fit(
        recorder,
        batch,
        start=start,
        updates=updates,
        learning_rate=constant_rate(1.0, 0),
        rhythm=Rhythm(log=4, validate=5, checkpoint=6),
        hooks=recorder,
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


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_stops_before_it_is_saved(bad: float) -> None:
    recorder = Recorder(losses={5: bad})
    with pytest.raises(TrainingError, match=r"update 6: loss = (nan|inf)"):
        run(recorder)
    assert ("checkpoint", 6) not in recorder.events


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
