"""The one training loop. It counts updates and calls what it is handed; it knows no phase."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from super_resolution_gans.training.checkpoint import TrainingError
from super_resolution_gans.training.sections import Schedule
from super_resolution_gans.training.steps import Step

Batches = Callable[[int, int], tuple[Tensor, Tensor]]
ROLL_BACKS = 3


class DivergedError(TrainingError):
    """The run was taken back to its last checkpoint as often as is sensible, and diverged again."""

    def __init__(self, update: int) -> None:
        super().__init__(
            f"stopped at update {update}: losses or gradients are not finite, again after "
            f"{ROLL_BACKS} returns to the last checkpoint, which is kept; try a lower "
            "learning rate or precision 32-true"
        )


@dataclass(frozen=True)
class Rhythm:
    """After how many updates something happens."""

    log: int
    validate: int
    checkpoint: int


class Hooks(Protocol):
    """What happens between updates; ``done`` counts finished updates."""

    def log(self, done: int, means: dict[str, float], span: int) -> None:
        """Means of the logged scalars over the last ``span`` updates, without skipped ones."""

    def validate(self, done: int) -> None:
        """Measure, draw."""

    def checkpoint(self, done: int, attempt: int) -> None:
        """Write the state."""

    def roll_back(self, broken: int, attempt: int) -> int:
        """Return to the last checkpoint from ``broken`` updates; returns where that was."""

    def should_stop(self) -> bool:
        """Whether to write the state and return early."""


def fit(
    step: Step,
    batches: Batches,
    *,
    start: int,
    updates: int,
    learning_rate: Callable[[int], float],
    rhythm: Rhythm,
    hooks: Hooks,
    attempt: int = 0,
) -> int:
    """Train from update ``start`` to ``updates``; returns the number of finished updates.

    The host waits for the device only where something is logged or written. There it sees whether
    updates were skipped too often in a row: then the run returns to its last checkpoint and goes on
    with other crops, since the same ones would end the same way.

    Args:
        step: the phase.
        batches: (LR, HR) of an update in an attempt; each attempt has crops of its own.
        start: finished updates.
        updates: of the whole run.
        learning_rate: of an update.
        rhythm: when hooks are called.
        hooks: what they do.
        attempt: how often the run was taken back so far.

    Raises:
        DivergedError: if it has to be taken back once more after ``ROLL_BACKS`` times.
    """
    sums: dict[str, Tensor] = {}
    done = logged = start
    while done < updates:
        low, high = batches(done, attempt)
        scalars = step.update(done, low, high, learning_rate(done))
        for name, value in scalars.items():
            sums[name] = sums[name] + value if name in sums else value
        done += 1
        last = done == updates or hooks.should_stop()
        logs = last or done % rhythm.log == 0
        writes = last or done % rhythm.checkpoint == 0
        validates = done == updates or done % rhythm.validate == 0
        if (logs or writes or validates) and step.collapsed():
            attempt += 1
            if attempt > ROLL_BACKS:
                raise DivergedError(done)
            done = logged = hooks.roll_back(done, attempt)
            sums = {}
            continue
        if logs:
            hooks.log(done, _means(sums, done - logged), done - logged)
            sums, logged = {}, done
        if validates:
            hooks.validate(done)
        if writes:
            hooks.checkpoint(done, attempt)
        if last:
            break
    return done


def _means(sums: dict[str, Tensor], span: int) -> dict[str, float]:
    """Means over the updates that were not skipped; without any, only that they were."""
    totals = {name: float(value) for name, value in sums.items()}
    skipped = totals.pop("skipped", 0.0)
    kept = span - skipped
    means = {name: value / kept for name, value in totals.items()} if kept else {}
    return {**means, "skipped": skipped / span}


def learning_rate(schedule: Schedule) -> Callable[[int], float]:
    """Update number -> learning rate, as the schedule has it."""
    peak, updates, warmup = schedule.learning_rate, schedule.updates, schedule.warmup
    if schedule.decay == "cosine":
        return cosine_rate(peak, updates, warmup)
    if schedule.decay == "half":
        return halving_rate(peak, updates, warmup)
    return constant_rate(peak, warmup)


def cosine_rate(peak: float, updates: int, warmup: int) -> Callable[[int], float]:
    """Linear rise over ``warmup`` updates, then half a cosine from ``peak`` to a hundredth."""

    def rate(update: int) -> float:
        if update < warmup:
            return peak * (update + 1) / warmup
        share = (update - warmup) / max(1, updates - warmup)
        return peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * share)))

    return rate


def halving_rate(peak: float, updates: int, warmup: int) -> Callable[[int], float]:
    """Linear rise over ``warmup`` updates, then ``peak``, from half of the run on a tenth of it.

    Ledig et al. 2017, section 3.2: 1e5 updates at 1e-4, 1e5 at 1e-5.
    """
    before = constant_rate(peak, warmup)
    return lambda update: before(update) * (0.1 if 2 * update >= updates else 1.0)


def constant_rate(peak: float, warmup: int) -> Callable[[int], float]:
    """Linear rise over ``warmup`` updates, then ``peak`` for ever."""
    return lambda update: peak * min(1.0, (update + 1) / warmup) if warmup else peak
