"""Steps that are not finite do not happen, whichever optimizer takes them."""

import math

import pytest
import torch
from torch import nn

from super_resolution_gans.training.guard import COLLAPSE, Guard, Mender

fabric_module = pytest.importorskip("lightning.fabric", reason="needs the extra [train]")


def guard(scaled: bool = False) -> Guard:
    return Guard(fabric_module.Fabric(accelerator="cpu", devices=1), scaled)


def descend(found: Guard, optimizer: torch.optim.Optimizer, layer: nn.Linear, x: float) -> bool:
    loss = layer(torch.full((1, 2), x)).sum()
    optimizer.zero_grad()
    loss.backward()
    return bool(found.step(optimizer, loss, found.norm(layer.parameters())))


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_bad_step_leaves_weights_and_optimizer_as_they_were(fused: bool, bad: float) -> None:
    torch.manual_seed(0)
    layer, twin = nn.Linear(2, 1), nn.Linear(2, 1)
    twin.load_state_dict(layer.state_dict())
    first = torch.optim.Adam(layer.parameters(), lr=0.1, fused=fused)
    second = torch.optim.Adam(twin.parameters(), lr=0.1, fused=fused)
    found = guard()
    for x in (1.0, bad, 2.0):
        assert descend(found, first, layer, x) is math.isfinite(x)
    for x in (1.0, 2.0):
        descend(found, second, twin, x)
    assert torch.equal(layer.weight, twin.weight)
    assert torch.equal(layer.bias, twin.bias)


def test_a_finite_loss_with_a_gradient_that_is_not_is_skipped_too() -> None:
    layer = nn.Linear(2, 1)
    before = layer.weight.clone()
    optimizer = torch.optim.Adam(layer.parameters(), fused=True)
    layer(torch.ones(1, 2)).sum().backward()
    assert layer.weight.grad is not None
    layer.weight.grad[0, 0] = float("nan")
    found = guard()
    assert not found.step(optimizer, torch.tensor(1.0), found.norm(layer.parameters()))
    assert torch.equal(layer.weight, before)


def test_the_next_step_is_not_held_back() -> None:
    layer = nn.Linear(2, 1)
    optimizer = torch.optim.Adam(layer.parameters(), fused=True)
    found = guard()
    descend(found, optimizer, layer, float("nan"))
    before = layer.weight.clone()
    descend(found, optimizer, layer, 1.0)
    assert not torch.equal(layer.weight, before)


def test_with_a_gradient_scaler_only_the_loss_is_judged() -> None:
    layer = nn.Linear(2, 1)
    optimizer = torch.optim.Adam(layer.parameters())
    layer(torch.ones(1, 2)).sum().backward()
    assert guard(scaled=True).step(optimizer, torch.tensor(1.0), torch.tensor(float("inf")))


def test_a_collapse_is_a_streak_and_is_told_once() -> None:
    found = guard()
    yes, no = torch.tensor(True), torch.tensor(False)
    for finite in [no, no, yes, no, no]:
        found.count(finite)
    assert not found.collapsed()
    assert [float(found.count(no)) for _ in range(COLLAPSE)] == [1.0] * COLLAPSE
    found.count(yes)
    assert found.collapsed(), "a streak that has ended since counts too"
    assert not found.collapsed()


def test_a_streak_goes_on_over_a_look_at_it() -> None:
    found = guard()
    no = torch.tensor(False)
    for _ in range(COLLAPSE - 1):
        found.count(no)
    assert not found.collapsed()
    found.count(no)
    assert found.collapsed()


def test_reset_forgets() -> None:
    found = guard()
    for _ in range(COLLAPSE):
        found.count(torch.tensor(False))
    found.reset()
    assert not found.collapsed()


def test_statistics_spoilt_by_a_bad_batch_are_mended_and_good_ones_kept() -> None:
    norm = nn.BatchNorm1d(2)
    mender = Mender(norm)
    norm(torch.tensor([[0.0, 1.0], [2.0, 5.0]]))
    mender.mend()
    good = norm.running_mean.clone()
    assert float(good[1]) != 0
    norm(torch.tensor([[float("nan"), 1.0], [2.0, 5.0]]))
    assert not torch.isfinite(norm.running_mean[0])
    mender.mend()
    assert float(norm.running_mean[0]) == float(good[0])
    assert float(norm.running_mean[1]) != float(good[1])
    assert bool(torch.isfinite(norm.running_var).all())
