"""Phase 2: generator and discriminator against each other (Ledig et al. 2017, section 2.1)."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn

from super_resolution_gans.losses import ADVERSARIAL, Logits, r1_penalty
from super_resolution_gans.training.guard import Mender
from super_resolution_gans.training.parts import Part, mean, split, unnoticed
from super_resolution_gans.training.sections import AdversarialSection
from super_resolution_gans.training.steps import PretrainStep, moments, set_rate
from super_resolution_gans.training.view import seen


class Judge(nn.Module):
    """A discriminator as it is trained: HR and SR in one call, each a batch of its own.

    One call, because processes that share a batch synchronise at a call; two batches, because
    BatchNorm statistics over HR and SR together would tell the one by the other.
    """

    def __init__(self, discriminator: nn.Module) -> None:
        super().__init__()
        self.discriminator = discriminator

    def forward(
        self, real: Tensor, fake: Tensor, generator: torch.Generator | None = None
    ) -> tuple[Logits, Logits]:
        """Logits of HR and of SR; ``generator`` draws the noise the discriminator may add."""
        return self.discriminator(real, generator), self.discriminator(fake, generator)


class AdversarialStep(PretrainStep):
    """The discriminator learns first, on SR cut from its graph; then the generator, against it.

    The generator's terms are those of the content loss and the adversarial loss, whose weight rises
    over the first updates. Everything else is as in :class:`PretrainStep`.

    Args:
        judge: the discriminator as set up by Fabric.
        discriminator: the bare one inside it.
        discriminator_optimizer: as set up by Fabric.
        section: of the recipe.
        autocast: Fabric's context for the discriminator's forward in the generator's half.
    """

    def __init__(
        self,
        *args: Any,
        judge: nn.Module,
        discriminator: nn.Module,
        discriminator_optimizer: torch.optim.Optimizer,
        section: AdversarialSection,
        autocast: Callable[[], AbstractContextManager[object]],
        **keywords: Any,
    ) -> None:
        super().__init__(*args, **keywords)
        self.judge, self.discriminator = judge, discriminator
        self.discriminator_optimizer = discriminator_optimizer
        self._section, self._autocast = section, autocast
        self._pair = ADVERSARIAL[section.loss]
        self._judge_mender = Mender(discriminator)

    def update(
        self, number: int, low: Tensor, high: Tensor, learning_rate: float
    ) -> dict[str, Tensor]:
        """One update of both players on a batch; see :class:`Step`."""
        parts = split(low, high, self.accumulate)
        kept = self.generate(number, parts[0]) if len(parts) == 1 else None
        shown = None if kept is None else kept.detach()
        learned, judged = self.learn(number, parts, shown, learning_rate)
        weight, found = self._weight(number), []
        for part in parts:
            with self.hold(self.generator, not part.last):
                sr = self.generate(number, part) if kept is None else kept
                view = seen((sr, part.high), self.jitter, number, self.draws)
                terms = self.content.terms((sr, part.high), view)
                if weight:
                    terms["adversarial"] = weight * self.deceive(number, part, *view)
                found.append({**self.weigh(terms), **moments(sr, part.high)})
        moved, scalars = self.descend(mean(found), learning_rate)
        return self.report(learned & moved, {**scalars, **judged})

    def learn(
        self, number: int, parts: list[Part], shown: Tensor | None, learning_rate: float
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Step the discriminator; whether it did, and what to log.

        ``shown`` is SR of the only part. Of several none is kept, as their graphs would need the
        memory that parts are there to save: it is made here, and once more for the generator.
        """
        rate = learning_rate * self._section.discriminator_rate
        set_rate(self.discriminator_optimizer, rate)
        self.discriminator.train().requires_grad_(True)
        found = []
        for part in parts:
            sr = shown
            if sr is None:
                with torch.no_grad(), unnoticed(self.plain):
                    sr = self.generate(number, part)
            fake, real = seen((sr, part.high), self.jitter, number, self.draws)
            with self.hold(self.judge, not part.last):
                found.append(self._lesson(number, part, real, fake))
        scalars = mean(found)
        norm = self.guard.norm(self.discriminator.parameters())
        finite = self.guard.step(self.discriminator_optimizer, scalars["discriminator"], norm)
        self.discriminator_optimizer.zero_grad()
        return finite, {**scalars, "discriminator_gradient": norm}

    def _lesson(self, number: int, part: Part, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        """Add the discriminator's gradient for one part; what to log."""
        r1 = self._section.r1
        if r1:
            real = real.detach().clone().requires_grad_(True)
        noise = self.draws.generator(number, 1, part.number)
        logits_real, logits_fake = self.judge(real, fake, noise)
        loss = self._pair.discriminator(logits_real, logits_fake)
        if r1:
            loss = loss + r1 * r1_penalty(logits_real, real)
        self.backward(loss / self.accumulate)
        return {"discriminator": loss.detach(), **_judgement(logits_real, logits_fake)}

    def deceive(self, number: int, part: Part, fake: Tensor, real: Tensor) -> Tensor:
        """The generator's adversarial loss; no gradient is left in the discriminator."""
        self.discriminator.requires_grad_(False)
        noise = self.draws.generator(number, 2, part.number)
        with self._autocast():
            answers = [self.discriminator(fake, noise)]
            if self._pair.relativistic:
                with torch.no_grad():
                    answers.append(self.discriminator(real, noise))
        return self._pair.generator(*answers)

    def collapsed(self) -> bool:
        """See :class:`Step`."""
        self._judge_mender.mend()
        return super().collapsed()

    def state(self) -> dict[str, Any]:
        """That of the generator, the discriminator, and its optimizer."""
        return {
            **super().state(),
            "discriminator": self.discriminator.state_dict(),
            "discriminator_optimizer": self.discriminator_optimizer.state_dict(),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from :meth:`state`."""
        super().load_state(state)
        self.discriminator.load_state_dict(state["discriminator"])
        self.discriminator_optimizer.load_state_dict(state["discriminator_optimizer"])
        self._judge_mender = Mender(self.discriminator)

    def _weight(self, number: int) -> float:
        ramp = self._section.ramp
        return self._section.weight * (min(1.0, (number + 1) / ramp) if ramp else 1.0)


@torch.no_grad()
def _judgement(real: Logits, fake: Logits) -> dict[str, Tensor]:
    """What the discriminator believes: mean probabilities, and the share it is right about."""
    hr, sr = _flat(real), _flat(fake)
    right = (hr > 0).float().mean() + (sr < 0).float().mean()
    return {
        "real_probability": torch.sigmoid(hr).mean(),
        "fake_probability": torch.sigmoid(sr).mean(),
        "accuracy": right / 2,
    }


def _flat(logits: Logits) -> Tensor:
    maps = [logits] if isinstance(logits, Tensor) else logits
    return torch.cat([x.detach().float().flatten() for x in maps])
