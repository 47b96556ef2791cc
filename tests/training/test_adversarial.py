"""The game of two networks: who moves when, on what, and what is left behind."""

from contextlib import nullcontext
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from super_resolution_gans import losses
from super_resolution_gans.models.discriminator import MultiScaleDiscriminator, PatchDiscriminator
from super_resolution_gans.models.generator import SRResNet
from super_resolution_gans.training.adversarial import AdversarialStep, Judge
from super_resolution_gans.training.content import ContentLoss
from super_resolution_gans.training.guard import Guard
from super_resolution_gans.training.parts import Part, split
from super_resolution_gans.training.sections import AdversarialSection, ContentSection
from super_resolution_gans.training.view import Draws

fabric_module = pytest.importorskip("lightning.fabric", reason="needs the extra [train]")


def make_step(
    adversarial: dict[str, Any] | None = None,
    content: dict[str, Any] | None = None,
    discriminator: nn.Module | None = None,
    **options: Any,
) -> AdversarialStep:
    fabric = fabric_module.Fabric(accelerator="cpu", devices=1)
    torch.manual_seed(0)
    generator = SRResNet(blocks=1, width=8)
    discriminator = discriminator or PatchDiscriminator(width=4, layers=2)
    first = torch.optim.Adam(generator.parameters(), lr=1e-3, fused=True)
    second = torch.optim.Adam(discriminator.parameters(), lr=1e-3, fused=True)
    wrapped, optimizer = fabric.setup(generator, first)
    judge, judge_optimizer = fabric.setup(Judge(discriminator), second)
    return AdversarialStep(
        wrapped,
        optimizer,
        fabric.backward,
        ContentLoss(ContentSection(**(content or {})), None, nullcontext, (4, 4)),
        0.9,
        generator,
        guard=Guard(fabric),
        draws=Draws(1),
        hold=fabric.no_backward_sync,
        judge=judge,
        discriminator=discriminator,
        discriminator_optimizer=judge_optimizer,
        section=AdversarialSection(**(adversarial or {})),
        autocast=nullcontext,
        **options,
    )


def batch(seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    high = torch.rand(4, 1, 48, 48, generator=generator)
    return torch.nn.functional.avg_pool2d(high, 4), high


def whole(low: Tensor, high: Tensor) -> Part:
    """A batch as its only part."""
    return split(low, high, 1)[0]


def weights(network: nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten().clone() for p in network.parameters()])


def test_an_update_moves_both_players_and_says_how_it_went() -> None:
    step = make_step()
    before = weights(step.plain), weights(step.discriminator)
    scalars = step.update(0, *batch(), 1e-3)
    assert not torch.equal(before[0], weights(step.plain))
    assert not torch.equal(before[1], weights(step.discriminator))
    assert set(scalars) == {
        *("loss", "gradient", "term_pixel", "term_adversarial", "skipped"),
        *("discriminator", "discriminator_gradient", "accuracy"),
        *("real_probability", "fake_probability"),
        *("sr_mean", "sr_deviation", "hr_mean", "hr_deviation"),
    }
    assert float(scalars["loss"]) == pytest.approx(
        float(scalars["term_pixel"] + scalars["term_adversarial"])
    )
    assert all(not value.requires_grad for value in scalars.values())


def test_no_gradient_is_left_anywhere_after_an_update() -> None:
    step = make_step({"r1": 1.0})
    step.update(0, *batch(), 1e-3)
    players = (*step.plain.parameters(), *step.discriminator.parameters())
    assert all(p.grad is None for p in players)


def test_the_discriminators_half_leaves_the_generator_alone() -> None:
    step = make_step()
    low, high = batch()
    sr = step.generate(0, whole(low, high))
    step.learn(0, [whole(low, high)], sr.detach(), 1e-3)
    assert all(p.grad is None for p in step.plain.parameters())


def test_the_generators_half_leaves_no_gradient_in_the_discriminator() -> None:
    step = make_step()
    low, high = batch()
    sr = step.generate(0, whole(low, high))
    step.learn(0, [whole(low, high)], sr.detach(), 1e-3)
    step.deceive(0, whole(low, high), sr, high).backward()
    assert all(p.grad is None for p in step.discriminator.parameters())
    assert all(p.grad is not None for p in step.plain.parameters())


def test_the_discriminator_is_handed_sr_without_its_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    step = make_step()
    handed: list[bool] = []
    original = step.learn

    def watch(number: int, parts: list[Part], shown: Tensor, rate: float) -> Any:
        handed.append(shown.requires_grad)
        return original(number, parts, shown, rate)

    monkeypatch.setattr(step, "learn", watch)
    step.update(0, *batch(), 1e-3)
    assert handed == [False]


def test_the_discriminator_learns_before_the_generator_is_judged() -> None:
    step = make_step()
    low, high = batch()
    sr = step.generate(0, whole(low, high))
    untaught = float(step.deceive(0, whole(low, high), sr, high).detach())
    for number in range(20):
        step.learn(number, [whole(low, high)], sr.detach(), 1e-2)
    assert float(step.deceive(0, whole(low, high), sr, high).detach()) > untaught


def test_the_adversarial_weight_rises_over_the_ramp() -> None:
    step = make_step({"weight": 0.5, "ramp": 4})
    found = []
    for number in range(6):
        low, high = batch()
        sr = step.generate(number, whole(low, high))
        raw = float(step.deceive(number, whole(low, high), sr, high).detach())
        fresh = make_step({"weight": 0.5, "ramp": 4})
        fresh.learn = lambda *_: (torch.tensor(True), {})  # type: ignore[method-assign]
        term = fresh.update(number, low, high, 0.0)["term_adversarial"]
        found.append(round(float(term) / raw, 3))
    assert found == [0.125, 0.25, 0.375, 0.5, 0.5, 0.5]


def test_the_discriminator_has_a_rate_of_its_own() -> None:
    step = make_step({"discriminator_rate": 3.0})
    step.update(0, *batch(), 1e-4)
    assert step.optimizer.param_groups[0]["lr"] == 1e-4
    assert step.discriminator_optimizer.param_groups[0]["lr"] == pytest.approx(3e-4)


@pytest.mark.parametrize("loss", sorted(losses.ADVERSARIAL))
@pytest.mark.parametrize("discriminator", [None, "multiscale"])
def test_every_game_is_played_with_every_kind(loss: str, discriminator: str | None) -> None:
    made = MultiScaleDiscriminator(scales=2, width=4, layers=1, spectral=True, noise=0.1)
    step = make_step({"loss": loss}, discriminator=made if discriminator else None)
    for number in range(3):
        scalars = step.update(number, *batch(number), 1e-3)
        assert all(torch.isfinite(value) for value in scalars.values())


def test_noise_is_a_function_of_the_update() -> None:
    noisy = {"discriminator": PatchDiscriminator(width=4, layers=2, noise=0.3)}
    first = make_step(discriminator=noisy["discriminator"])
    again = make_step(discriminator=PatchDiscriminator(width=4, layers=2, noise=0.3))
    again.discriminator.load_state_dict(first.discriminator.state_dict())
    one = first.update(7, *batch(), 1e-3)["discriminator"]
    assert float(again.update(7, *batch(), 1e-3)["discriminator"]) == float(one)
    third = make_step(discriminator=PatchDiscriminator(width=4, layers=2, noise=0.3))
    third.load_state(make_step(discriminator=first.discriminator).state())
    assert float(third.update(8, *batch(), 1e-3)["discriminator"]) != float(one)


def test_frozen_statistics_do_not_move_and_free_ones_do() -> None:
    for frozen in (True, False):
        step = make_step(freeze_batch_norm=frozen)
        before = step.plain.body[0].norm1.running_mean.clone()
        step.update(0, *batch(), 1e-3)
        assert torch.equal(before, step.plain.body[0].norm1.running_mean) is frozen


def test_jitter_shows_the_discriminator_a_part_of_the_crop() -> None:
    step = make_step(jitter=8)
    sizes: list[tuple[int, ...]] = []
    step.discriminator.register_forward_pre_hook(lambda _, args: sizes.append(args[0].shape[-2:]))
    step.update(0, *batch(), 1e-3)
    assert sizes == [(40, 40)] * 3


def test_state_and_load_state_continue_to_the_same_weights() -> None:
    through = make_step()
    for number in range(6):
        through.update(number, *batch(number), 1e-3)
    first, second = make_step(), make_step()
    for number in range(3):
        first.update(number, *batch(number), 1e-3)
    second.load_state(first.state())
    for number in range(3, 6):
        second.update(number, *batch(number), 1e-3)
    assert torch.equal(weights(through.plain), weights(second.plain))
    assert torch.equal(weights(through.discriminator), weights(second.discriminator))
    assert torch.equal(weights(through.average.module), weights(second.average.module))


def test_an_update_that_is_not_finite_moves_nobody_and_is_counted() -> None:
    step = make_step()
    step.update(0, *batch(), 1e-3)
    before = weights(step.plain), weights(step.discriminator)
    low, high = batch()
    scalars = step.update(1, low * float("nan"), high, 1e-3)
    assert float(scalars["skipped"]) == 1
    assert float(scalars["loss"]) == 0
    assert torch.equal(before[0], weights(step.plain))
    assert torch.equal(before[1], weights(step.discriminator))
    assert not step.collapsed()
    assert all(torch.isfinite(b).all() for b in step.plain.buffers())
    assert all(torch.isfinite(b).all() for b in step.average.module.buffers())
    assert all(torch.isfinite(b).all() for b in step.discriminator.buffers())


def test_three_in_a_row_are_a_collapse_and_two_are_not() -> None:
    step = make_step()
    low, high = batch()
    for number, bad in enumerate([True, True, False, True, True]):
        step.update(number, low * (float("nan") if bad else 1.0), high, 1e-3)
    assert not step.collapsed()
    step.update(5, low * float("nan"), high, 1e-3)
    assert step.collapsed()
