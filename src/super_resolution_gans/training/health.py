"""Whether a training is healthy, in sentences."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

Means = Mapping[str, float]
_REMEMBERED = 200  # gradient norms, for their median
_AGAIN = 10  # a condition that lasts is said again when it has lasted ten times as long


@dataclass(frozen=True)
class Condition:
    """Something that is wrong once it has held for ``after`` updates.

    ``holds(means, history)`` sees the means of one log point and the gradient norms of earlier
    ones; ``sentence`` may name any of the means in braces, and ``held``.
    """

    name: str
    after: int
    holds: Callable[[Means, list[float]], bool]
    sentence: str
    over: str


def _content(means: Means) -> float:
    """All weighted terms but the adversarial one."""
    return sum(v for k, v in means.items() if k.startswith("term_") and k != "term_adversarial")


def _shares(means: Means) -> float | None:
    """The adversarial term over all others; None where there is no game."""
    content = _content(means)
    return means["term_adversarial"] / content if "term_adversarial" in means and content else None


def _between(value: float | None, low: float, high: float) -> bool:
    return value is not None and low <= value <= high


CONDITIONS = (
    # One side that is always right teaches the other nothing: its gradient saturates.
    Condition(
        "won",
        500,
        lambda m, _: m.get("accuracy", 0.0) >= 0.99,
        "the discriminator has won: accuracy {accuracy:.2f} for {held} updates; a smaller "
        "adversarial.discriminator_rate, noise on its input or spectral normalisation holds it "
        "back",
        "the discriminator no longer wins everything",
    ),
    # At its best a game ends here too, so it is only wrong while SR is visibly smoother than HR.
    Condition(
        "blind",
        1000,
        lambda m, _: (
            _between(m.get("accuracy"), 0.0, 0.52)
            and m.get("sr_deviation", 0.0) < 0.9 * m.get("hr_deviation", 0.0)
        ),
        "the discriminator cannot tell HR from SR (accuracy {accuracy:.2f} for {held} updates) "
        "although SR is smoother; a larger adversarial.discriminator_rate or another "
        "discriminator may see more",
        "the discriminator tells HR from SR again",
    ),
    # With VGG54 scaled by 1/12.75 content came out 5.55 times too small, and the run lost 2-4 dB.
    Condition(
        "dominated",
        200,
        lambda m, _: (_shares(m) or 0.0) > 1.0,
        "the adversarial term ({term_adversarial:.3g}) is larger than all content terms together "
        "for {held} updates; content.weighing: measured makes weights comparable",
        "content outweighs the adversarial term again",
    ),
    Condition(
        "idle",
        500,
        lambda m, _: _between(_shares(m), 0.0, 1e-4),
        "the adversarial term ({term_adversarial:.3g}) is under a ten-thousandth of the content "
        "terms for {held} updates: the game has no effect; content.weighing: measured makes "
        "weights comparable",
        "the adversarial term counts again",
    ),
    Condition(
        "flat",
        200,
        lambda m, _: m.get("sr_deviation", 1.0) < 0.5 * m.get("hr_deviation", 0.0),
        "SR has less than half the contrast of HR ({sr_deviation:.3f} against "
        "{hr_deviation:.3f}) for {held} updates: the generator is collapsing",
        "SR has the contrast of HR again",
    ),
    # Five grey levels of 255, averaged over a hundred crops: no chance of the draw.
    Condition(
        "shifted",
        200,
        lambda m, _: abs(m.get("sr_mean", 0.0) - m.get("hr_mean", 0.0)) > 0.02,
        "SR is darker or brighter than HR (mean {sr_mean:.3f} against {hr_mean:.3f}) for {held} "
        "updates",
        "SR is as bright as HR again",
    ),
    Condition(
        "exploding",
        1,
        lambda m, history: (
            len(history) >= 10 and m.get("gradient", 0.0) > 20 * max(median(history), 1e-12)
        ),
        "the generator's gradient ({gradient:.3g}) is over twenty times its median so far; a lower "
        "learning rate may help",
        "the generator's gradient is back to normal",
    ),
    Condition(
        "vanishing",
        200,
        lambda m, _: m.get("gradient", 1.0) < 1e-8,
        "the generator's gradient is nothing ({gradient:.3g}) for {held} updates: it is not "
        "learning",
        "the generator's gradient is back",
    ),
    Condition(
        "skipping",
        1,
        lambda m, _: m.get("skipped", 0.0) > 0,
        "{skipped:.1%} of the last updates were skipped: a loss or gradient was not finite",
        "no update is skipped any more",
    ),
)


VALIDATED = (
    # A grid buys LPIPS, and no training loss but those made for it sees one.
    Condition(
        "gridded",
        1,
        lambda m, _: m.get("grid_excess", 0.0) > 1.0,
        "SR of the validation split shows a grid that HR has not (grid excess {grid_excess:+.1f} "
        "decades); content.grid, content.subpixel_bias, jitter and larger crops hold it back",
        "the grid on the validation split has faded",
    ),
)


class Health:
    """Watches means of log points and validations, and says once each what is wrong or over."""

    def __init__(self) -> None:
        self._held: dict[str, int] = {}
        self._due: dict[str, int] = {}
        self._gradients: list[float] = []

    def observe(self, done: int, means: Means, span: int) -> list[str]:
        """Sentences about the ``span`` updates that ended with ``done``; mostly none.

        Args:
            done: finished updates; unused but for the reader of a trace.
            means: of the logged scalars, see ``steps`` and ``adversarial``; any may be missing.
            span: how many updates they are means of.
        """
        del done
        said = self._said(CONDITIONS, means, span)
        if means.get("gradient"):
            self._gradients = [*self._gradients, means["gradient"]][-_REMEMBERED:]
        return said

    def examine(self, values: Means) -> list[str]:
        """Sentences about what a validation measured."""
        return self._said(VALIDATED, values, 1)

    def _said(self, conditions: Iterable[Condition], means: Means, span: int) -> list[str]:
        return [s for c in conditions if (s := self._judge(c, means, span))]

    def _judge(self, condition: Condition, means: Means, span: int) -> str | None:
        name = condition.name
        if not condition.holds(means, self._gradients):
            was_said = name in self._due
            self._held.pop(name, None)
            self._due.pop(name, None)
            return condition.over if was_said else None
        self._held[name] = held = self._held.get(name, 0) + span
        if held < self._due.get(name, condition.after):
            return None
        self._due[name] = _AGAIN * max(held, condition.after)
        return condition.sentence.format(**means, held=held)

    def state(self) -> dict[str, Any]:
        """Plain numbers, so that a resumed run says what an uninterrupted one would."""
        return {
            "held": dict(self._held),
            "due": dict(self._due),
            "gradients": list(self._gradients),
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._held, self._due = dict(state["held"]), dict(state["due"])
        self._gradients = list(state["gradients"])
