"""The rearranged generator is the same function."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from super_resolution_gans.models.bands import upscale_in_bands
from super_resolution_gans.models.deploy import Deployed, Tail, deploy, shuffle_blocks
from super_resolution_gans.models.generator import SRResNet
from super_resolution_gans.models.load import load_model
from super_resolution_gans.prediction.catalogue import SHIPPED, find_weights

SCALES = ((4, 4), (2, 2), (3, 3), (8, 8), (1, 4), (4, 1), (6, 2), (5, 3))


@torch.no_grad()
def trained(seed, **options):
    """A generator with statistics, slopes and biases as training might leave them."""
    torch.manual_seed(seed)
    network = SRResNet(**{"width": 8, "blocks": 2, **options}).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.3, 3)
            module.weight.uniform_(0.3, 1.5)
            module.bias.normal_(0, 0.3)
        elif isinstance(module, nn.PReLU):
            module.weight.uniform_(-0.3, 1.2)
    for stage in network.upsampler:  # otherwise all sub-pixels start alike
        stage.conv.weight.add_(torch.randn_like(stage.conv.weight) * 0.05)
        stage.conv.bias.normal_(0, 0.3)
    return network


def agreement(expected, found):
    """Largest difference, in units of what there is to differ."""
    assert found.shape == expected.shape
    return float((found - expected).abs().max() / max(1.0, float(expected.abs().max())))


@pytest.fixture(scope="module", autouse=True)
def no_gradients():
    with torch.inference_mode():
        yield


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    scale=st.sampled_from(SCALES),
    channels=st.sampled_from((1, 3)),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    rows=st.integers(1, 45),
    fine_rows=st.integers(1, 12),
    norm=st.sampled_from(("batch", "none")),
)
def test_rearranged_whole_and_in_bands_it_gives_the_same(
    seed, scale, channels, size, rows, fine_rows, norm
):
    network = trained(seed, scale=scale, channels=channels, norm=norm)
    image = torch.rand(2, channels, *size)
    expected, rearranged = network(image), deploy(network)
    assert agreement(expected, rearranged(image)) < 1e-5
    assert agreement(expected, upscale_in_bands(rearranged, image, rows, fine_rows)) < 1e-5


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_generators_give_the_same(name):
    network = load_model(find_weights(name)).network
    image = torch.rand(1, 1, 61, 83, generator=torch.Generator().manual_seed(0))
    expected, rearranged = network(image), deploy(network)
    assert agreement(expected, rearranged(image)) < 1e-5
    assert agreement(expected, upscale_in_bands(rearranged, image, 7, 3)) < 1e-5


def test_what_is_rearranged_is_gone():
    rearranged = deploy(trained(0))
    assert not any(isinstance(module, nn.BatchNorm2d) for module in rearranged.modules())
    # Two stages: the size before the last is even, so 4 x 4 phases come at a time.
    assert rearranged.tail.phases == (4, 4)
    assert tuple(rearranged.tail.weight.shape) == (16, 32, 6, 6)
    assert deploy(trained(0, scale=(2, 2))).tail.phases == (2, 2)


def test_the_original_is_neither_changed_nor_shared():
    network = trained(1)
    image = torch.rand(1, 1, 9, 9)
    before = network(image)
    rearranged = deploy(network)
    rearranged.shorten(torch.bfloat16)
    for tensor in itertools.chain(rearranged.parameters(), rearranged.buffers()):
        tensor.zero_()
    assert torch.equal(network(image), before)


def test_noise_is_left_out():
    network = trained(2, noise=True)
    for name, parameter in network.named_parameters():
        if name.endswith("amount"):
            parameter.fill_(10)
    image = torch.rand(1, 1, 12, 12)
    assert agreement(network(image), deploy(network)(image)) < 1e-5


def test_it_says_what_the_original_says():
    network = trained(3)
    rearranged = deploy(network)
    for question in ("architecture", "title", "receptive_radius"):
        assert getattr(rearranged, question)() == getattr(network, question)()
    assert (rearranged.channels, rearranged.scale) == (network.channels, network.scale)


def test_other_networks_stay_as_they_are():
    class Other(Deployed):
        def __init__(self):
            nn.Module.__init__(self)

    other = Other()
    assert deploy(other) is other


def test_blocks_are_pixel_shuffle_in_another_order_of_channels():
    x = torch.randn(2, 24, 3, 5)
    in_blocks = x.reshape(2, 6, 4, 3, 5).transpose(1, 2).reshape(x.shape)
    assert torch.equal(shuffle_blocks(in_blocks, (2, 2)), nn.functional.pixel_shuffle(x, 2))


@pytest.mark.parametrize("scale", [(4, 4), (1, 4), (3, 3)])
@pytest.mark.parametrize("channels", [1, 3])
def test_in_a_short_type_the_result_has_no_steps_of_it(scale, channels):
    network = trained(4, scale=scale, channels=channels)
    image = torch.linspace(0.3, 0.9, 31 * 29).reshape(1, 1, 31, 29).repeat(1, channels, 1, 1)
    rearranged = deploy(network).shorten(torch.bfloat16)
    for found in (rearranged(image), upscale_in_bands(rearranged, image, 9, 2)):
        assert found.dtype is torch.float32
        assert 0 < agreement(network(image), found) < 0.02
        # Rounded to bfloat16 nearly every value would be its own rounding.
        assert (found == found.to(torch.bfloat16).float()).float().mean() < 0.75


def test_the_last_sum_is_more_exact_than_its_type():
    """The image is subtracted within the sum: what is rounded is small."""
    weight = torch.zeros(4, 16, 5, 5)
    weight[:, 0, 2, 2] = 1  # the result is the first feature
    feature = torch.linspace(0.5, 1.0, 400).bfloat16().float().reshape(1, 1, 20, 20)
    features = torch.cat([feature, torch.zeros(1, 15, 20, 20)], dim=1).bfloat16()
    tail = Tail(weight, torch.zeros(4) + 1e-3, (1, 1), (2, 2))
    tail.shorten(torch.bfloat16)
    found = tail(tail.join(features, feature - 0.003))
    rounded = (feature + 1e-3).bfloat16().float()
    exact = feature + 1e-3
    assert (rounded - exact).abs().max() > 5e-4
    assert (found - exact).abs().max() < 2e-5


def test_rounding_the_last_bias_shifts_no_pixel():
    """In bfloat16 a bias of 0.5007 is 0.5, which would be 0.18 grey levels of 8 bits everywhere."""
    tail = Tail(torch.zeros(4, 16, 5, 5), torch.full((4,), 0.5007), (1, 1), (2, 2))
    tail.shorten(torch.bfloat16)
    image = torch.full((1, 1, 20, 20), 0.5)
    found = tail(tail.join(torch.zeros(1, 16, 20, 20).bfloat16(), image))
    assert (found - 0.5007).abs().max() < 1e-6
