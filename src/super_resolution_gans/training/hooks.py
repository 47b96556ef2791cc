"""What happens between updates: rows, sentences, pictures, checkpoints."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from super_resolution_gans.training.checkpoint import TrainingError, load_state, save_state
from super_resolution_gans.training.health import Health
from super_resolution_gans.training.logbook import Logbook
from super_resolution_gans.training.steps import Step
from super_resolution_gans.training.validation import Validation


@dataclass(frozen=True)
class Report:
    """What a run tells while it goes.

    At log points ``values`` holds losses and signs of health (``split`` is ``train``), after
    validation what :class:`Validation` measures (``val``); a ``note`` is a sentence in ``text``.
    """

    done: int
    updates: int
    split: str
    values: dict[str, float]
    text: str = ""


class RunHooks:
    """Writes down what the loop reports; only the first process does."""

    def __init__(
        self,
        *,
        folder: Path,
        updates: int,
        panel_every: int,
        step: Step,
        validation: Validation,
        logbook: Logbook | None,
        precision: Any,
        barrier: Callable[[], None],
        on_report: Callable[[Report], None] | None,
        should_stop: Callable[[], bool],
    ) -> None:
        self._folder, self._updates, self._panel_every = folder, updates, panel_every
        self._step, self._validation, self._logbook = step, validation, logbook
        self._precision, self._barrier, self._on_report = precision, barrier, on_report
        self.should_stop = should_stop
        self._health = Health()

    def log(self, done: int, means: dict[str, float], span: int) -> None:
        self._report(done, "train", means)
        for sentence in self._health.observe(done, means, span):
            self.note(done, sentence)

    def note(self, done: int, sentence: str) -> None:
        """Say a sentence, and keep it."""
        if self._logbook is None:
            return
        self._logbook.note(done, sentence)
        if self._on_report is not None:
            self._on_report(Report(done, self._updates, "note", {}, sentence))

    def validate(self, done: int) -> None:
        if self._logbook is None:
            return
        values, sr = self._validation.measure(self._step)
        self._report(done, "val", values)
        for sentence in self._health.examine(values):
            self.note(done, sentence)
        if done % self._panel_every == 0 or done == self._updates:
            self._validation.draw(sr, self._folder / "panels" / f"{done:07d}.png")

    def checkpoint(self, done: int, attempt: int) -> None:
        if self._logbook is not None:
            state = {
                "done": done,
                "attempt": attempt,
                "step": self._step.state(),
                "precision": self._precision.state_dict(),
                "health": self._health.state(),
            }
            save_state(self._folder, state)
        self._barrier()

    def roll_back(self, broken: int, attempt: int) -> int:
        state = load_state(self._folder)
        if state is None:
            raise TrainingError(f"{self._folder}: its checkpoint is gone, nothing to return to")
        done = self.resume(state)
        if self._logbook is not None:
            self._logbook.rewind(done)
        self.note(
            done,
            f"updates up to {broken} were not finite again and again: back to the checkpoint after "
            f"update {done}, with other crops (return {attempt})",
        )
        self._barrier()
        return done

    def resume(self, state: dict[str, Any]) -> int:
        """Put step, precision and health where ``state`` was; returns its finished updates."""
        self._step.load_state(state["step"])
        self._precision.load_state_dict(state["precision"])
        self._health.load_state(state["health"])
        return int(state["done"])

    def close(self) -> None:
        if self._logbook is not None:
            self._logbook.close()

    def _report(self, done: int, split: str, values: dict[str, float]) -> None:
        if self._logbook is None:
            return
        self._logbook.write(done, split, values)
        if self._on_report is not None:
            self._on_report(Report(done, self._updates, split, values))
