"""Discriminators: the paper's layer by layer, and the properties that training relies on."""

import pytest
import torch
from torch import nn

from super_resolution_gans import losses
from super_resolution_gans.models.discriminator import (
    Discriminator,
    MultiScaleDiscriminator,
    PatchDiscriminator,
    probability,
)


def small(kind: str, **arguments: object) -> nn.Module:
    makers = {
        "paper": lambda: Discriminator(size=32, width=2, dense=4, **arguments),
        "patch": lambda: PatchDiscriminator(width=2, layers=2, **arguments),
        "scales": lambda: MultiScaleDiscriminator(width=2, layers=1, scales=2, **arguments),
    }
    torch.manual_seed(0)
    return makers[kind]()


KINDS = ["paper", "patch", "scales"]


def flat(logits: torch.Tensor | list[torch.Tensor]) -> torch.Tensor:
    maps = [logits] if isinstance(logits, torch.Tensor) else logits
    return torch.cat([x.flatten() for x in maps])


def test_the_paper_s_discriminator_has_the_layers_of_figure_4() -> None:
    with torch.device("meta"):
        network = Discriminator(channels=3, size=96)
    modules = [m for m in network.modules() if not list(m.children())]
    convolutions = [m for m in modules if isinstance(m, nn.Conv2d)]
    assert [c.out_channels for c in convolutions] == [64, 64, 128, 128, 256, 256, 512, 512]
    assert [c.stride for c in convolutions] == [(1, 1), (2, 2)] * 4
    assert {c.kernel_size for c in convolutions} == {(3, 3)}
    names = "".join(type(m).__name__[0] for m in modules)  # Conv, LeakyReLU, BatchNorm, Flatten
    assert names == "CL" + 7 * "CBL" + "F" + "LLL"
    dense = [m for m in modules if isinstance(m, nn.Linear)]
    assert [(d.in_features, d.out_features) for d in dense] == [(512 * 6 * 6, 1024), (1024, 1)]
    assert {m.negative_slope for m in modules if isinstance(m, nn.LeakyReLU)} == {0.2}


@pytest.mark.parametrize("channels", [1, 3])
def test_the_paper_s_discriminator_has_as_many_parameters_as_a_count_by_hand(channels: int) -> None:
    with torch.device("meta"):
        network = Discriminator(channels=channels, size=96)
    pairs = [(64, 64), (64, 128), (128, 128), (128, 256), (256, 256), (256, 512), (512, 512)]
    convolutions = 9 * channels * 64 + 64 + sum(9 * i * o + 2 * o for i, o in pairs)
    dense = 512 * 36 * 1024 + 1024 + 1024 + 1
    assert sum(p.numel() for p in network.parameters()) == convolutions + dense


@pytest.mark.parametrize("size", [16, 31, 33, 40])
def test_crops_of_any_size_it_was_made_for_give_one_logit(size: int) -> None:
    network = Discriminator(channels=3, size=size, width=2, dense=4)
    logits = network(torch.rand(2, 3, size, size))
    assert logits.shape == (2, 1)
    inside = probability(logits)
    assert ((inside > 0) & (inside < 1)).all()


def test_a_crop_of_another_size_is_refused_by_both_sizes() -> None:
    with pytest.raises(ValueError, match="32 x 32 pixels, got 32 x 48"):
        small("paper")(torch.rand(1, 1, 32, 48))


@pytest.mark.parametrize("kind", KINDS)
def test_images_with_other_channels_are_refused(kind: str) -> None:
    with pytest.raises(ValueError, match="channels="):
        small(kind)(torch.rand(1, 3, 32, 32))


def test_probability_is_the_sigmoid_and_the_mean_of_each_map() -> None:
    logits = torch.tensor([[0.0], [2.0]])
    torch.testing.assert_close(
        probability(logits), torch.tensor([[0.5], [1 / (1 + torch.e**-2.0)]])
    )
    maps = [torch.zeros(2, 1, 3, 3), torch.tensor([1e3, -1e3]).expand(2, 1, 1, 2)]
    torch.testing.assert_close(probability(maps), torch.full((2, 2), 0.5))


def test_a_logit_of_the_patch_discriminator_sees_70_pixels() -> None:
    torch.manual_seed(0)
    network = PatchDiscriminator(width=2).eval()
    image = torch.rand(1, 1, 160, 160, requires_grad=True)
    logits = network(image)
    assert logits.shape == (1, 1, 18, 18)
    (gradient,) = torch.autograd.grad(logits[0, 0, 9, 9], image)
    rows = gradient[0, 0].abs().sum(dim=1).nonzero().flatten()
    assert rows.max() - rows.min() + 1 == 70


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_the_smallest_image_gives_one_logit_and_a_smaller_one_a_clear_error(layers: int) -> None:
    network = PatchDiscriminator(width=1, layers=layers).eval()
    side = network.smallest
    assert network(torch.rand(1, 1, side, side)).shape == (1, 1, 1, 1)
    with pytest.raises(ValueError, match=f"at least {side} pixels"):
        network(torch.rand(1, 1, side, side - 1))


def test_all_scales_of_the_usual_crop_have_logits() -> None:
    network = MultiScaleDiscriminator(width=1).eval()
    assert network.smallest == 96
    sides = [x.shape[-1] for x in network(torch.rand(2, 1, 96, 96))]
    assert sides == [10, 4, 1]
    with pytest.raises(ValueError, match="at least 96 pixels"):
        network(torch.rand(2, 1, 95, 96))


def test_each_scale_sees_the_image_averaged_by_another_factor_of_two() -> None:
    network = small("scales").eval()
    image = torch.rand(1, 1, 16, 20)
    halved = image.reshape(1, 1, 8, 2, 10, 2).mean(dim=(3, 5))
    fine, coarse = network(image)
    torch.testing.assert_close(fine, network.discriminators[0](image))
    torch.testing.assert_close(coarse, network.discriminators[1](halved))


@pytest.mark.parametrize("kind", KINDS)
def test_spectral_normalisation_bounds_every_layer_and_replaces_batch_normalisation(
    kind: str,
) -> None:
    network = small(kind, spectral=True)
    for _ in range(30):  # the power iteration of a training step each
        network(torch.rand(2, 1, 32, 32))
    network.eval()
    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert layers
    for layer in layers:
        largest = torch.linalg.matrix_norm(layer.weight.flatten(1), ord=2)
        assert largest.item() == pytest.approx(1, abs=0.02)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in network.modules())


@pytest.mark.parametrize("kind", KINDS)
def test_noise_is_drawn_from_the_generator_alone_and_in_training_alone(kind: str) -> None:
    network, image = small(kind, noise=0.1, spectral=True), torch.rand(2, 1, 32, 32)
    for module in network.modules():  # else every call moves the power iteration on
        if module is not network:
            module.eval()

    def answer(seed: int) -> torch.Tensor:
        return flat(network(image, torch.Generator().manual_seed(seed)))

    torch.manual_seed(1)
    first = answer(seed=5)
    torch.manual_seed(2)
    assert torch.equal(answer(seed=5), first)
    assert not torch.equal(answer(seed=6), first)
    with pytest.raises(ValueError, match=r"torch\.Generator"):
        network(image)
    network.eval()
    assert torch.equal(flat(network(image)), answer(seed=5))


def test_noise_has_the_deviation_asked_for() -> None:
    seen = []
    network = small("patch", noise=0.25)
    network.body = nn.Identity()
    for seed in range(4):
        out = network(torch.full((4, 1, 32, 32), 0.5), torch.Generator().manual_seed(seed))
        seen.append(out / 2)  # [0, 1] is stretched to [-1, 1]
    assert torch.cat(seen).std().item() == pytest.approx(0.25, rel=0.02)
    assert torch.cat(seen).mean().item() == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("kind", KINDS)
def test_a_few_steps_teach_it_to_tell_noise_from_flat_images(kind: str) -> None:
    network = small(kind, spectral=False)
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    random = torch.Generator().manual_seed(0)
    flat_images = torch.full((4, 1, 32, 32), 0.5)
    for _ in range(15):
        noisy = torch.rand(4, 1, 32, 32, generator=random)
        real, fake = flat(network(noisy)), flat(network(flat_images))
        loss = nn.functional.softplus(-real).mean() + nn.functional.softplus(fake).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert real.mean() > fake.mean() + 1


@pytest.mark.parametrize("spectral", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_the_r1_penalty_can_be_trained_away(kind: str, spectral: bool) -> None:
    network = small(kind, spectral=spectral)
    real = torch.rand(2, 1, 32, 32, requires_grad=True)
    penalty = losses.r1_penalty(network(real), real)
    assert penalty.item() > 0
    first = next(p for p in network.parameters() if p.ndim == 4)
    (gradient,) = torch.autograd.grad(penalty, first)
    assert gradient.isfinite().all()
    assert gradient.abs().max() > 0


def test_a_stored_spectral_discriminator_answers_alike_when_loaded() -> None:
    stored, loaded = small("scales", spectral=True), small("scales", spectral=True)
    image = torch.rand(2, 1, 32, 32)
    for _ in range(3):  # training moves the power iteration, which is state too
        stored(image)
    assert not torch.equal(flat(stored.eval()(image)), flat(loaded.eval()(image)))
    loaded.load_state_dict(stored.state_dict())
    assert torch.equal(flat(stored(image)), flat(loaded(image)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Discriminator(channels=2), "1 or 3 channels, got 2"),
        (lambda: Discriminator(size=15), "at least 16 pixels, got 15"),
        (lambda: PatchDiscriminator(layers=0), "layers is at least 1, got 0"),
        (lambda: PatchDiscriminator(noise=-0.1), "from 0 to 1, got -0.1"),
        (lambda: MultiScaleDiscriminator(scales=0), "scales is at least 1, got 0"),
    ],
)
def test_arguments_out_of_range_are_refused(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()  # type: ignore[operator]
