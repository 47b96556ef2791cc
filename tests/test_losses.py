"""Losses against numbers worked out by hand and by numpy."""

import math
from functools import partial

import numpy as np
import pytest
import torch

from super_resolution_gans import losses

LN2 = math.log(2)
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


# Losses in features


def test_consistency_is_the_mean_difference_of_what_was_measured_in_grey_levels() -> None:
    hr = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    texture = torch.tensor([[3.0, -3], [-3, 3]]).repeat(4, 4) / 255
    pool = partial(torch.nn.functional.avg_pool2d, kernel_size=2)
    assert float(losses.consistency(hr + texture, hr, pool)) == pytest.approx(0, abs=1e-4)
    assert float(losses.consistency(hr + 5 / 255, hr, pool)) == pytest.approx(5, rel=1e-4)


def test_the_perceptual_loss_of_a_difference_of_12_75_is_one() -> None:
    hr = {"a": torch.rand(1, 2, 3, 3)}
    sr = {"a": hr["a"] + 12.75}
    assert losses.perceptual(sr, hr).item() == pytest.approx(1, rel=1e-5)
    assert losses.perceptual(sr, hr, scale=1).item() == pytest.approx(12.75**2, rel=1e-5)
    by_l1 = losses.perceptual(sr, hr, scale=1, distance=losses.l1)
    assert by_l1.item() == pytest.approx(12.75, rel=1e-5)
    # "equivalent to multiplying Eqn. 5 with a rescaling factor of 0.006"
    assert pytest.approx(0.006, abs=5e-4) == losses.LEDIG_SCALE**2


def test_layers_are_summed_by_their_weights_whatever_their_sizes() -> None:
    hr = {"a": torch.zeros(2, 4, 6, 6), "b": torch.zeros(2, 8, 3, 3)}
    sr = {"a": torch.full((2, 4, 6, 6), 2.0), "b": torch.full((2, 8, 3, 3), 3.0)}
    loss = losses.perceptual(sr, hr, weights={"a": 0.5, "b": 10}, scale=1)
    assert loss.item() == pytest.approx(0.5 * 4 + 10 * 9)


def test_half_precision_features_of_caffe_size_do_not_overflow() -> None:
    sr = {"a": torch.full((1, 1, 2, 2), 3e4, dtype=torch.float16)}
    hr = {"a": torch.zeros(1, 1, 2, 2, dtype=torch.float16)}
    loss = losses.perceptual(sr, hr, scale=1)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(9e8, rel=1e-3)


@pytest.mark.parametrize(
    ("sr", "hr", "weights"),
    [("a", "b", None), ("a", "a", {"b": 1.0}), ("ab", "a", None), ("", "", None)],
)
def test_features_of_other_layers_are_not_compared(
    sr: str, hr: str, weights: dict[str, float] | None
) -> None:
    some = torch.rand(1, 1, 2, 2)
    with pytest.raises(ValueError, match="same layers"):
        losses.perceptual(dict.fromkeys(sr, some), dict.fromkeys(hr, some), weights=weights)


def test_the_refusal_names_all_layers() -> None:
    some = torch.rand(1, 1, 2, 2)
    with pytest.raises(ValueError, match=r".") as caught:
        losses.perceptual({"b": some, "a": some}, {"a": some}, weights={"c": 1.0})
    assert str(caught.value) == (
        "perceptual: SR, HR and weights must name the same layers, at least one; "
        "got ['a', 'b'], ['a'] and ['c']"
    )


def test_total_variation_is_the_mean_length_of_the_gradient() -> None:
    image = torch.tensor([[[[0.0, 0.3], [0.4, 0.4]]]])
    # Upper left: (0.4, 0.3), length 0.5. Upper right: down 0.1. Lower left: right 0. Corner: 0.
    assert losses.total_variation(image).item() == pytest.approx((0.5 + 0.1) / 4, abs=2e-6)
    wide = losses.total_variation(2 * image - 1)
    assert wide.item() == pytest.approx(2 * losses.total_variation(image).item(), abs=2e-6)


def test_total_variation_compares_neighbours_only() -> None:
    ramp = torch.tensor([[[[0.0, 0.1, 0.2, 0.3]] * 3]])
    # Steps of 0.1 to the right of three columns of four, none down.
    assert losses.total_variation(ramp).item() == pytest.approx(0.1 * 3 / 4, abs=2e-6)
    assert losses.total_variation(ramp.mT).item() == pytest.approx(0.1 * 3 / 4, abs=2e-6)


def test_total_variation_of_a_flat_image_is_the_epsilon() -> None:
    flat = torch.full((1, 1, 3, 3), 0.5)
    assert losses.total_variation(flat, epsilon=0.25).item() == pytest.approx(0.25)


def test_total_variation_of_a_flat_image_is_nothing_and_its_gradient_finite() -> None:
    flat = torch.full((1, 3, 4, 5), 0.5, requires_grad=True)
    value = losses.total_variation(flat)
    value.backward()
    assert value.item() == pytest.approx(0, abs=2e-6)
    assert flat.grad is not None
    assert torch.equal(flat.grad, torch.zeros_like(flat))


# Adversarial losses

REAL, FAKE = torch.tensor([[2.0], [0.0]]), torch.tensor([[-1.0], [1.0]])


def _log_sigmoid(x: float) -> float:
    return math.log(1 / (1 + math.exp(-x)))


def test_adversarial_losses_are_those_of_a_calculation_by_hand() -> None:
    vanilla_d = -(_log_sigmoid(2) + _log_sigmoid(0)) / 2 - (_log_sigmoid(1) + _log_sigmoid(-1)) / 2
    vanilla_g = -(_log_sigmoid(-1) + _log_sigmoid(1)) / 2
    # E real = 1, E fake = 0.
    relative_d = -(_log_sigmoid(2) + _log_sigmoid(0)) / 2 - (_log_sigmoid(2) - LN2) / 2
    relative_g = -(_log_sigmoid(-2) - LN2) / 2 - (_log_sigmoid(-2) - LN2) / 2
    expected = {
        "vanilla": (vanilla_d, vanilla_g),
        "least_squares": ((1 + 1) / 4 + (1 + 1) / 4, (4 + 0) / 4),
        "hinge": ((0 + 1) / 2 + (0 + 2) / 2, 0),
        "relativistic": (relative_d, relative_g),
    }
    assert expected.keys() == losses.ADVERSARIAL.keys()
    for name, (discriminator, generator) in expected.items():
        pair = losses.ADVERSARIAL[name]
        assert pair.discriminator(REAL, FAKE).item() == pytest.approx(discriminator, rel=1e-6)
        assert _generator_loss(pair, FAKE, REAL).item() == pytest.approx(generator, rel=1e-6)


def _generator_loss(
    pair: losses.AdversarialPair, fake: losses.Logits, real: losses.Logits
) -> torch.Tensor:
    return pair.generator(fake, real) if pair.relativistic else pair.generator(fake)


def test_vanilla_is_binary_cross_entropy_with_the_labels_one_and_zero() -> None:
    real, fake = torch.randn(7, 1), torch.randn(7, 1)
    bce = torch.nn.functional.binary_cross_entropy
    ones = torch.ones_like(real)
    expected = bce(real.sigmoid(), ones) + bce(fake.sigmoid(), 0 * ones)
    torch.testing.assert_close(losses.vanilla_discriminator(real, fake), expected)
    torch.testing.assert_close(losses.vanilla_generator(fake), bce(fake.sigmoid(), ones))


def test_at_chance_the_vanilla_losses_are_known_logarithms() -> None:
    zero = torch.zeros(4, 1)
    assert losses.vanilla_discriminator(zero, zero).item() == pytest.approx(2 * LN2)
    assert losses.relativistic_discriminator(zero, zero).item() == pytest.approx(2 * LN2)
    assert losses.vanilla_generator(zero).item() == pytest.approx(LN2)


@pytest.mark.parametrize("name", losses.ADVERSARIAL)
def test_the_two_players_pull_the_logits_of_fakes_in_opposite_directions(name: str) -> None:
    pair = losses.ADVERSARIAL[name]
    real = torch.tensor([[0.3], [-0.2]], requires_grad=True)
    fake = torch.tensor([[0.4], [0.1]], requires_grad=True)
    by_real, by_fake = torch.autograd.grad(pair.discriminator(real, fake), (real, fake))
    assert (by_real < 0).all()
    assert (by_fake > 0).all()
    (by_fake,) = torch.autograd.grad(_generator_loss(pair, fake, real.detach()), fake)
    assert (by_fake < 0).all()


@pytest.mark.parametrize("name", ["vanilla", "relativistic", "hinge"])
def test_a_generator_that_is_seen_through_still_has_a_full_gradient(name: str) -> None:
    fake = torch.tensor([[-30.0]], requires_grad=True)
    real = torch.tensor([[30.0]])
    loss = _generator_loss(losses.ADVERSARIAL[name], fake, real)
    (gradient,) = torch.autograd.grad(loss, fake)
    assert gradient.item() <= -0.99


@pytest.mark.parametrize("name", losses.ADVERSARIAL)
@pytest.mark.parametrize("size", [1e4, -1e4])
def test_extreme_logits_give_finite_losses_and_gradients(name: str, size: float) -> None:
    pair = losses.ADVERSARIAL[name]
    real = torch.full((2, 1), size, dtype=torch.float16, requires_grad=True)
    fake = torch.full((2, 1), -size, dtype=torch.float16, requires_grad=True)
    for loss in (pair.discriminator(real, fake), _generator_loss(pair, fake, real)):
        assert loss.isfinite()
        assert loss.dtype == torch.float32
        for gradient in torch.autograd.grad(loss, (real, fake), allow_unused=True):
            assert gradient is None or gradient.isfinite().all()


@pytest.mark.parametrize("name", losses.ADVERSARIAL)
def test_of_several_discriminators_each_counts_alike_whatever_the_size_of_its_map(
    name: str,
) -> None:
    pair = losses.ADVERSARIAL[name]
    real = [torch.randn(2, 1, 5, 5), torch.randn(2, 1, 1, 1)]
    fake = [torch.randn(2, 1, 5, 5), torch.randn(2, 1, 1, 1)]
    alone = [pair.discriminator(r, f) for r, f in zip(real, fake, strict=True)]
    torch.testing.assert_close(pair.discriminator(real, fake), torch.stack(alone).mean())
    alone = [_generator_loss(pair, f, r) for r, f in zip(real, fake, strict=True)]
    torch.testing.assert_close(_generator_loss(pair, fake, real), torch.stack(alone).mean())


def test_r1_of_a_linear_discriminator_is_the_squared_length_of_its_weights() -> None:
    weight = torch.randn(12, requires_grad=True)
    real = torch.rand(5, 3, 2, 2, requires_grad=True)
    penalty = losses.r1_penalty(real.flatten(1) @ weight[:, None] + 3, real)
    torch.testing.assert_close(penalty, (weight**2).sum())
    (gradient,) = torch.autograd.grad(penalty, weight)
    torch.testing.assert_close(gradient, 2 * weight)


def test_r1_takes_the_mean_logit_of_maps_and_of_several_discriminators() -> None:
    real = torch.rand(2, 1, 4, 4, requires_grad=True)
    maps = [3 * real, 5 * real[..., :2, :2]]
    # The mean logit of an image changes by 3/16 with each pixel, the other's by 5/4 with four.
    expected = 12 * (3 / 32) ** 2 + 4 * (3 / 32 + 5 / 8) ** 2
    assert losses.r1_penalty(maps, real).item() == pytest.approx(expected, rel=1e-5)


def test_as_many_maps_of_fakes_as_of_real_images_are_compared() -> None:
    with pytest.raises(ValueError, match="zip"):
        losses.relativistic_discriminator([torch.zeros(1, 1)] * 2, [torch.zeros(1, 1)])


def test_r1_says_what_is_missing_when_images_ask_for_no_gradient() -> None:
    real = torch.rand(2, 1, 4, 4)
    with pytest.raises(ValueError, match=r".") as caught:
        losses.r1_penalty(real, real)
    assert str(caught.value) == (
        "r1_penalty: call real.requires_grad_() before the discriminator sees it"
    )
