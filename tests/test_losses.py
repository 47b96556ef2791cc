"""Losses against numbers worked out by hand and by numpy."""

import numpy as np
import pytest
import torch

from super_resolution_gans import losses

SR = torch.tensor([[[[0.0, 0.5], [1.0, 0.25]]]])
HR = torch.tensor([[[[0.0, 0.0], [0.5, 0.75]]]])


def test_mean_squared_and_absolute_errors_are_those_of_a_calculation_by_hand() -> None:
    assert losses.mse(SR, HR).item() == pytest.approx((0 + 0.25 + 0.25 + 0.25) / 4)
    assert losses.l1(SR, HR).item() == pytest.approx((0 + 0.5 + 0.5 + 0.5) / 4)


def test_charbonnier_is_that_of_numpy_and_lies_just_above_l1() -> None:
    sr, hr = torch.rand(2, 1, 6, 5), torch.rand(2, 1, 6, 5)
    expected = np.sqrt((sr - hr).numpy().astype(np.float64) ** 2 + 0.01**2).mean()
    assert losses.charbonnier(sr, hr, epsilon=0.01).item() == pytest.approx(expected, rel=1e-6)
    excess = losses.charbonnier(sr, hr) - losses.l1(sr, hr)
    assert 0 < excess.item() < 1e-3


def test_a_mean_squared_error_of_a_thousandth_is_thirty_decibels() -> None:
    error = torch.full((1, 1, 4, 4), 10**-1.5)
    assert -10 * torch.log10(losses.mse(error, torch.zeros_like(error))).item() == pytest.approx(30)


@pytest.mark.parametrize("name", ["mse", "l1", "charbonnier"])
def test_gradients_are_finite_even_where_images_agree(name: str) -> None:
    sr = torch.rand(1, 1, 4, 4, requires_grad=True)
    getattr(losses, name)(sr, sr.detach().clone()).backward()
    assert sr.grad is not None
    assert torch.equal(sr.grad, torch.zeros_like(sr.grad))


@pytest.mark.parametrize(("name", "factor"), [("mse", 4.0), ("l1", 2.0)])
def test_the_stated_factor_leads_to_the_range_from_minus_one_to_one(
    name: str, factor: float
) -> None:
    loss = getattr(losses, name)
    wide = loss(2 * SR - 1, 2 * HR - 1)
    assert wide.item() == pytest.approx(factor * loss(SR, HR).item())
