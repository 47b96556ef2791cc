"""Networks between two networks."""

import copy
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from super_resolution_gans.models.generator import SRResNet
from super_resolution_gans.models.graph import LayerGraph, Nodes
from super_resolution_gans.models.interpolate import MixtureError, between


def network(seed=0, **numbers):
    """Weights and statistics of BatchNorm away from where they start."""
    torch.manual_seed(seed)
    made = SRResNet(**{"blocks": 2, "width": 8, "scale": (2, 2), **numbers})
    made.train()
    for _ in range(3):
        made(torch.rand(2, made.channels, 12, 12), torch.Generator().manual_seed(seed))
    return made.eval().requires_grad_(False)


def trained_on(start, seed=1, by=0.02):
    """The network after some random steps, as one that was trained from ``start``."""
    made, random = copy.deepcopy(start), torch.Generator().manual_seed(seed)
    for name, tensor in made.state_dict().items():
        if tensor.is_floating_point():
            step = by * torch.randn(tensor.shape, generator=random)
            tensor += step.abs() if name.endswith("running_var") else step
    return made


@pytest.fixture(scope="module")
def faithful():
    return network()


@pytest.fixture(scope="module")
def inventive(faithful):
    return trained_on(faithful)


@pytest.mark.parametrize(("fidelity", "which"), [(0, 0), (0.0, 0), (1, 1), (1.0, 1)])
def test_the_ends_are_the_networks_themselves(faithful, inventive, fidelity, which):
    assert between(faithful, inventive, fidelity) is (inventive, faithful)[which]


def test_weights_and_running_statistics_are_mixed_and_neither_network_is_changed(
    faithful, inventive
):
    before = [copy.deepcopy(one.state_dict()) for one in (faithful, inventive)]
    mixture = between(faithful, inventive, 0.25)
    after = [one.state_dict() for one in (faithful, inventive)]
    assert all(torch.equal(b[k], a[k]) for b, a in zip(before, after, strict=True) for k in b)
    state = mixture.state_dict()
    assert {"body.0.norm1.running_var", "head_act.weight", "tail.bias"} <= state.keys()
    for name, tensor in state.items():
        if tensor.is_floating_point():
            assert not torch.equal(after[0][name], after[1][name]), name
            expected = after[0][name] * 0.25 + after[1][name] * 0.75
            torch.testing.assert_close(tensor, expected, rtol=1e-6, atol=1e-7)
    assert not mixture.training


def test_where_only_the_last_bias_differs_the_image_moves_evenly(faithful):
    brighter = copy.deepcopy(faithful)
    brighter.tail.bias += 0.5
    image = torch.rand(1, 1, 9, 7, generator=torch.Generator().manual_seed(3))
    dark = faithful(image)
    for fidelity in (0.1, 0.5, 0.8):
        moved = between(faithful, brighter, fidelity)(image) - dark
        torch.testing.assert_close(moved, torch.full_like(dark, 0.25 * (1 - fidelity)))


@given(st.floats(0, 1))
@settings(max_examples=25)
def test_a_network_mixed_with_itself_is_itself_to_the_last_bit(fidelity):
    one = network(blocks=1, width=4)
    mixture = between(one, copy.deepcopy(one), fidelity).state_dict()
    assert all(torch.equal(tensor, mixture[name]) for name, tensor in one.state_dict().items())


@pytest.mark.parametrize("noisy_one", ["inventive", "faithful", "both"])
def test_noise_that_one_has_not_learned_counts_as_none(noisy_one):
    plain = network()
    with_noise = trained_on(network(noise=True))
    without = copy.deepcopy(plain)
    without.load_state_dict(
        {k: v for k, v in with_noise.state_dict().items() if "_noise." not in k}
    )
    noisy_plain = network(noise=True)
    noisy_plain.load_noiseless(plain.state_dict())
    pair = {
        "inventive": (plain, with_noise),
        "faithful": (with_noise, plain),
        "both": (noisy_plain, with_noise),
    }[noisy_one]
    fidelity = 0.75 if noisy_one == "faithful" else 0.25  # a quarter of what has no noise
    mixture = between(*pair, fidelity)
    image = torch.rand(1, 1, 9, 7, generator=torch.Generator().manual_seed(3))
    assert torch.equal(mixture(image), between(plain, without, 0.25)(image))
    amount, learned = (n.body_noise[0].amount for n in (mixture, with_noise))
    torch.testing.assert_close(amount, 0.75 * learned)
    assert learned.abs().max() > 0


def test_networks_of_others_are_mixed_too():
    def shuffled(family):
        nodes = Nodes()
        features = nodes("conv", 0, out=12, kernel=3)
        nodes("shuffle", features, factor=2)
        return LayerGraph(nodes.nodes, 3, family)

    torch.manual_seed(0)
    one = shuffled("theirs").requires_grad_(False)
    other = trained_on(one)
    image = torch.rand(1, 3, 5, 6)
    # One convolution: the image is linear in the weights.
    expected = 0.5 * (one(image) + other(image))
    torch.testing.assert_close(between(one, other, 0.5)(image), expected)


@pytest.mark.parametrize("fidelity", [-0.01, 1.01, 2, math.nan, math.inf, -math.inf])
def test_a_fidelity_outside_its_range_is_refused(faithful, inventive, fidelity):
    with pytest.raises(MixtureError, match=r"fidelity .* is not a number from 0 .* to 1"):
        between(faithful, inventive, fidelity)


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"scale": (4, 4)}, "the faithful one upscales 4x4, the inventive 2x2"),
        ({"channels": 3}, "the faithful one has 3 channels, the inventive 1 channel"),
        ({"blocks": 1}, "not of one architecture: .* SRResNet of 1 blocks, .* of 2 blocks"),
        ({"width": 4}, "not of one architecture: .* 4 features, .* 8 features"),
        ({"norm": "none"}, "not of one architecture: .* features without BatchNorm, .* features$"),
        ({"seed": 5}, "nothing in common"),
    ],
)
@pytest.mark.parametrize("fidelity", [0, 0.5])
def test_networks_that_do_not_belong_together_are_refused(inventive, other, reason, fidelity):
    with pytest.raises(MixtureError, match=reason):
        between(network(**other), inventive, fidelity)


@pytest.mark.parametrize("which", ["faithful", "inventive"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_weights_that_are_not_finite_are_refused(faithful, which, value):
    pair = {"faithful": faithful, "inventive": trained_on(faithful)}
    pair[which] = copy.deepcopy(pair[which])
    pair[which].body_norm.running_mean[2] = value
    with pytest.raises(MixtureError, match=f"body_norm.running_mean of the {which} one holds NaN"):
        between(**pair, fidelity=0.5)
