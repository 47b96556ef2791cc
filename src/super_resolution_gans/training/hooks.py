"""What happens between updates: rows, pictures, checkpoints."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from super_resolution_gans.training.checkpoint import save_state
from super_resolution_gans.training.logbook import Logbook
from super_resolution_gans.training.steps import Step
from super_resolution_gans.training.validation import Validation


@dataclass(frozen=True)
class Report:
    """What a run tells while it goes: at log points ``values`` holds the loss (``split`` is
    ``train``), after validation PSNR in dB and SSIM (``val``)."""

    done: int
    updates: int
    split: str
    values: dict[str, float]


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
        precision_state: Callable[[], dict[str, Any]],
        on_report: Callable[[Report], None] | None,
        stop: threading.Event,
    ) -> None:
        self._folder, self._updates, self._panel_every = folder, updates, panel_every
        self._step, self._validation, self._logbook = step, validation, logbook
        self._precision_state, self._on_report, self._stop = precision_state, on_report, stop

    def log(self, done: int, means: dict[str, float]) -> None:
        self._report(done, "train", means)

    def validate(self, done: int) -> None:
        if self._logbook is None:
            return
        values, sr = self._validation.measure(self._step)
        self._report(done, "val", values)
        if done % self._panel_every == 0 or done == self._updates:
            self._validation.draw(sr, self._folder / "panels" / f"{done:07d}.png")

    def checkpoint(self, done: int) -> None:
        if self._logbook is not None:
            state = {
                "done": done,
                "step": self._step.state(),
                "precision": self._precision_state(),
            }
            save_state(self._folder, state)

    def should_stop(self) -> bool:
        return self._stop.is_set()

    def close(self) -> None:
        if self._logbook is not None:
            self._logbook.close()

    def _report(self, done: int, split: str, values: dict[str, float]) -> None:
        if self._logbook is None:
            return
        self._logbook.write(done, split, values)
        if self._on_report is not None:
            self._on_report(Report(done, self._updates, split, values))
