"""The one training loop. It counts updates and calls what it is handed; it knows no phase."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from super_resolution_gans.training.checkpoint import TrainingError
from super_resolution_gans.training.steps import Step

Batches = Callable[[int], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Rhythm:
    """After how many updates something happens."""

    log: int
    validate: int
    checkpoint: int


class Hooks(Protocol):
    """What happens between updates; ``done`` counts finished updates."""

    def log(self, done: int, means: dict[str, float]) -> None:
        """Means of the logged scalars since the last call."""

    def validate(self, done: int) -> None:
        """Measure, draw."""

    def checkpoint(self, done: int) -> None:
        """Write the state."""

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
) -> int:
    """Train from update ``start`` to ``updates``; returns the number of finished updates.

    The host waits for the device only where something is logged or written.

    Raises:
        TrainingError: as soon as a log point or checkpoint sees a loss that is not finite; the last
            checkpoint is from before.
    """
    sums: dict[str, Tensor] = {}
    counted = 0
    for update in range(start, updates):
        low, high = batches(update)
        scalars = step.update(low, high, learning_rate(update))
        for name, value in scalars.items():
            sums[name] = sums[name] + value if name in sums else value
        counted += 1
        done = update + 1
        last = done == updates or hooks.should_stop()
        if last or done % rhythm.log == 0 or done % rhythm.checkpoint == 0:
            means = {name: float(value) / counted for name, value in sums.items()}
            _require_finite(means, done)
            if last or done % rhythm.log == 0:
                hooks.log(done, means)
                sums, counted = {}, 0
        if done == updates or done % rhythm.validate == 0:
            hooks.validate(done)
        if last or done % rhythm.checkpoint == 0:
            hooks.checkpoint(done)
        if last:
            return done
    return start


def _require_finite(means: dict[str, float], done: int) -> None:
    broken = [f"{name} = {value}" for name, value in means.items() if not math.isfinite(value)]
    if broken:
        raise TrainingError(
            f"stopped at update {done}: {', '.join(broken)}. Checkpoints, if any, are from before; "
            "try a lower learning rate or precision 32-true"
        )


def cosine_rate(peak: float, updates: int, warmup: int) -> Callable[[int], float]:
    """Linear rise over ``warmup`` updates, then half a cosine from ``peak`` to a hundredth."""

    def rate(update: int) -> float:
        if update < warmup:
            return peak * (update + 1) / warmup
        share = (update - warmup) / max(1, updates - warmup)
        return peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * share)))

    return rate


def constant_rate(peak: float, warmup: int) -> Callable[[int], float]:
    """Linear rise over ``warmup`` updates, then ``peak`` for ever."""
    return lambda update: peak * min(1.0, (update + 1) / warmup) if warmup else peak
