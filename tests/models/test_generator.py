"""SRResNet against figure 4 of the paper, written out again plainly."""

import re

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from super_resolution_gans.models.generator import SRResNet, upsampling_stages

SCALES = [(4, 4), (2, 2), (8, 8), (1, 4), (3, 3), (2, 6), (4, 1)]


def lively(network: SRResNet, dtype: torch.dtype = torch.float32) -> SRResNet:
    """All parameters and statistics away from their starting values."""
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if name.endswith("running_var") or ("norm" in name and name.endswith("weight")):
                tensor.uniform_(0.5, 1.5, generator=generator)
            elif tensor.is_floating_point() and tensor.dim() == 1:
                tensor.uniform_(-0.3, 0.3, generator=generator)
    return network.to(dtype).eval()


def plain_shuffle(x: Tensor, v: int, h: int) -> Tensor:
    n, c, height, width = x.shape
    out = x.new_zeros(n, c // (v * h), height * v, width * h)
    for a in range(v):
        for b in range(h):
            out[:, :, a::v, b::h] = x[:, a * h + b :: v * h]
    return out


def plain_forward(network: SRResNet, image: Tensor) -> Tensor:
    """Figure 4 in its own order: shuffle, then PReLU, then the 9x9 convolution at full size."""
    w = network.state_dict()

    def convolved(x: Tensor, name: str) -> Tensor:
        return F.conv2d(x, w[f"{name}.weight"], w.get(f"{name}.bias"), padding=1)

    def norm(x: Tensor, name: str) -> Tensor:
        if network.norm == "none":
            return x
        mean, var = w[f"{name}.running_mean"], w[f"{name}.running_var"]
        return F.batch_norm(x, mean, var, w[f"{name}.weight"], w[f"{name}.bias"], eps=1e-5)

    first = F.prelu(
        F.conv2d(image, w["head.weight"], w["head.bias"], padding=4), w["head_act.weight"]
    )
    x = first
    for i in range(network.blocks):
        y = norm(convolved(x, f"body.{i}.conv1"), f"body.{i}.norm1")
        y = F.prelu(y, w[f"body.{i}.act.weight"])
        x = x + norm(convolved(y, f"body.{i}.conv2"), f"body.{i}.norm2")
    x = first + norm(convolved(x, "body_conv"), "body_norm")
    for i, (v, h) in enumerate(upsampling_stages(network.scale)):
        stage = f"upsampler.{i}"
        x = F.conv2d(x, w[f"{stage}.conv.weight"], w[f"{stage}.conv.bias"], padding=1)
        x = F.prelu(plain_shuffle(x, v, h), w[f"{stage}.act.weight"])
    return (F.conv2d(x, w["tail.weight"], w["tail.bias"], padding=4) + 1) / 2


def test_the_default_is_the_network_of_figure_4() -> None:
    network = SRResNet()
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    shapes = [tuple(conv.weight.shape) for conv in convolutions]
    block = (64, 64, 3, 3)
    assert shapes == [(64, 1, 9, 9), *[block] * 33, *[(256, 64, 3, 3)] * 2, (1, 64, 9, 9)]
    assert all(conv.stride == (1, 1) for conv in convolutions)
    assert sum(isinstance(m, nn.BatchNorm2d) for m in network.modules()) == 33
    assert sum(isinstance(m, nn.PReLU) for m in network.modules()) == 1 + 16 + 2
    head = 9 * 9 * 1 * 64 + 64 + 64
    blocks = 16 * (2 * (64 * 64 * 9 + 2 * 64) + 64)
    after = 64 * 64 * 9 + 2 * 64
    upsampling = 2 * (64 * 256 * 9 + 256 + 64)
    tail = 9 * 9 * 64 * 1 + 1
    assert sum(p.numel() for p in network.parameters()) == head + blocks + after + upsampling + tail
    assert head + blocks + after + upsampling + tail == 1_527_809


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("channels", [1, 3, 5])
def test_output_has_the_scaled_size_and_the_channels_of_the_input(
    scale: tuple[int, int], channels: int
) -> None:
    network = SRResNet(channels, scale, blocks=1, width=3).eval()
    out = network(torch.rand(2, channels, 5, 4))
    assert out.shape == (2, channels, 5 * scale[0], 4 * scale[1])


@pytest.mark.parametrize(
    ("scale", "stages"),
    [
        ((4, 4), [(2, 2), (2, 2)]),
        ((8, 8), [(2, 2)] * 3),
        ((1, 4), [(1, 2), (1, 2)]),
        ((3, 3), [(3, 3)]),
        ((2, 6), [(2, 2), (1, 3)]),
        ((7, 1), [(7, 1)]),
    ],
)
def test_scales_are_split_into_their_prime_factors(
    scale: tuple[int, int], stages: list[tuple[int, int]]
) -> None:
    assert upsampling_stages(scale) == stages


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-10)])
@pytest.mark.parametrize("norm", ["batch", "none"])
def test_forward_equals_the_figure_written_plainly(
    scale: tuple[int, int], dtype: torch.dtype, tolerance: float, norm: str
) -> None:
    torch.manual_seed(1)
    network = lively(SRResNet(2, scale, blocks=2, width=8, norm=norm), dtype)
    image = torch.rand(2, 2, 7, 6, dtype=dtype)
    with torch.no_grad():
        torch.testing.assert_close(
            network(image), plain_forward(network, image), atol=tolerance, rtol=0
        )


def test_the_whole_network_of_the_paper_equals_the_figure_written_plainly() -> None:
    torch.manual_seed(2)
    network = lively(SRResNet())
    image = torch.rand(1, 1, 12, 12)
    with torch.no_grad():
        torch.testing.assert_close(network(image), plain_forward(network, image), atol=1e-5, rtol=0)


def test_minus_one_to_one_inside_is_zero_to_one_outside() -> None:
    network = SRResNet(1, (2, 2), blocks=1, width=2).eval()
    nn.init.zeros_(network.tail.weight)
    assert network.tail.bias is not None
    for inside, outside in [(-1.0, 0.0), (0.0, 0.5), (1.0, 1.0), (3.0, 2.0)]:
        nn.init.constant_(network.tail.bias, inside)
        assert torch.equal(network(torch.rand(1, 1, 3, 3)), torch.full((1, 1, 6, 6), outside))


@pytest.mark.parametrize("scale", [(2, 2), (3, 3), (1, 4)])
def test_all_sub_pixels_of_a_stage_start_equal(scale: tuple[int, int]) -> None:
    network = SRResNet(1, scale, blocks=1, width=4)
    stage = network.upsampler[0]
    v, h = upsampling_stages(scale)[0]
    shuffled = plain_shuffle(stage(torch.rand(1, 4, 5, 5)), v, h)
    cells = shuffled[:, :, ::v, ::h].repeat_interleave(v, 2).repeat_interleave(h, 3)
    assert torch.equal(shuffled, cells)
    assert shuffled.std() > 0


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("blocks", [1, 16])
def test_receptive_radius_is_how_far_gradients_reach(scale: tuple[int, int], blocks: int) -> None:
    network = SRResNet(1, scale, blocks=blocks, width=2).double().eval()
    with torch.no_grad():
        for parameter in network.parameters():  # nothing cancels
            parameter.uniform_(0.1, 0.2, generator=torch.Generator().manual_seed(3))
    radius = network.receptive_radius()
    centre = (radius[0] + 2, radius[1] + 2)
    image = torch.ones(1, 1, 2 * centre[0] + 1, 2 * centre[1] + 1, dtype=torch.float64)
    image.requires_grad_()
    (v, h), (y, x) = scale, centre
    cell = network(image)[..., v * y : v * y + v, h * x : h * x + h]
    (gradient,) = torch.autograd.grad(cell.sum(), image)
    rows, columns = torch.nonzero(gradient[0, 0], as_tuple=True)
    measured = (int((rows - y).abs().max()), int((columns - x).abs().max()))
    assert measured == radius


def test_the_radius_of_the_paper_s_network_is_about_forty_pixels() -> None:
    # 4 + 32 * 1 + 1 before upsampling, then 1 + 1/2 + 4/4 in LR pixels.
    assert SRResNet().receptive_radius() == (40, 40)


@pytest.mark.parametrize(
    "arguments",
    [
        {"channels": 0},
        {"blocks": 0},
        {"width": -1},
        {"scale": (1, 1)},
        {"scale": (0, 4)},
        {"scale": (2.5, 2)},
        {"scale": (4.0, 4.0)},
        {"scale": (2, 2, 2)},
        {"width": 6.5},
        {"channels": "1"},
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments: dict[str, object]) -> None:
    name = re.escape(next(iter(arguments)))
    with pytest.raises(ValueError, match=f"whole numbers.*{name}"):
        SRResNet(**arguments)  # type: ignore[arg-type]


def test_state_names_are_those_that_files_are_made_of() -> None:
    names = set(SRResNet(1, (2, 2), blocks=1, width=2).state_dict())
    norm = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    block = ["conv1.weight", "act.weight", "conv2.weight"]
    block += [f"norm{i}.{part}" for i in (1, 2) for part in norm]
    expected = {"head.weight", "head.bias", "head_act.weight", "tail.weight", "tail.bias"}
    expected |= {f"body.0.{name}" for name in block}
    expected |= {"body_conv.weight"} | {f"body_norm.{part}" for part in norm}
    expected |= {f"upsampler.0.{name}" for name in ("conv.weight", "conv.bias", "act.weight")}
    assert names == expected


def test_without_batch_norm_a_bias_is_where_beta_was_and_nothing_else_changes() -> None:
    with_norm, without = (SRResNet(1, (2, 2), 1, 2, norm=norm) for norm in ("batch", "none"))
    before, after = (dict(network.named_parameters()) for network in (with_norm, without))
    betas = {"body.0.norm1.bias", "body.0.norm2.bias", "body_norm.bias"}
    gains = {name.replace("bias", "weight") for name in betas}
    biases = {"body.0.conv1.bias", "body.0.conv2.bias", "body_conv.bias"}
    assert set(after) == set(before) - betas - gains | biases
    assert not list(without.buffers())
    assert without.receptive_radius() == with_norm.receptive_radius()
    assert without.title() == "SRResNet of 1 blocks, 2 features without BatchNorm"
    both = SRResNet(1, (2, 2), 1, 2, noise=True, norm="none")
    assert both.title() == "SRResNet of 1 blocks, 2 features without BatchNorm with noise"


@pytest.mark.parametrize("norm", ["instance", "", None, 3, True, ["none"]])
def test_a_norm_that_is_not_known_is_refused(norm: object) -> None:
    with pytest.raises(ValueError, match=re.escape(f"norm is batch or none, not {norm!r}")):
        SRResNet(norm=norm)  # type: ignore[arg-type]


def noisy() -> SRResNet:
    torch.manual_seed(0)
    network = SRResNet(1, (2, 4), blocks=2, width=4, noise=True)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if "_noise." in name:
                parameter.fill_(0.3)
    return network.eval()


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_noise_starts_at_nothing_and_learns_its_amounts() -> None:
    network = SRResNet(1, (2, 4), blocks=2, width=4, noise=True).eval()
    image = torch.rand(2, 1, 6, 5)
    with_noise = network(image, seeded(1))
    torch.testing.assert_close(with_noise, network(image))
    with_noise.square().mean().backward()
    amounts = [p for name, p in network.named_parameters() if "_noise." in name]
    assert len(amounts) == 2 + 2  # blocks and stages
    assert all(p.grad is not None and bool(p.grad.ne(0).any()) for p in amounts)


def test_noise_is_a_function_of_the_generator_and_absent_without_one() -> None:
    network, image = noisy(), torch.rand(1, 1, 6, 5)
    assert torch.equal(network(image, seeded(1)), network(image, seeded(1)))
    assert not torch.allclose(network(image, seeded(1)), network(image, seeded(2)))
    assert torch.equal(network(image), network(image))
    plain = SRResNet(1, (2, 4), blocks=2, width=4).eval()
    plain.load_state_dict({k: v for k, v in network.state_dict().items() if "_noise." not in k})
    assert torch.equal(network(image), plain(image))


def test_noise_falls_on_each_sub_pixel_by_itself() -> None:
    network, image = noisy(), torch.full((1, 1, 16, 16), 0.5)
    with torch.no_grad():
        for noise in network.body_noise:
            noise.amount.zero_()
        for noise in list(network.stage_noise)[:-1]:
            noise.amount.zero_()
        change = network.features(image, seeded(1)) - network.features(image)
    last = 1 * 2  # (2, 4) -> stages of (2, 2) and (1, 2)
    sub_pixels = change.view(1, 4, last, 32, 32)
    torch.testing.assert_close(sub_pixels[:, 0], sub_pixels[:, 1])  # one map for all channels
    maps = sub_pixels[0, 0].flatten(1)
    assert abs(float(torch.corrcoef(maps)[0, 1])) < 0.1
    assert float(maps.std()) == pytest.approx(0.3, rel=0.1)


def test_training_with_noise_needs_something_to_draw_from() -> None:
    network = noisy().train()
    with pytest.raises(ValueError, match=r"noise in training.*torch\.Generator"):
        network(torch.rand(1, 1, 6, 5))
    network(torch.rand(1, 1, 6, 5), seeded(0))


def test_a_generator_with_noise_starts_from_one_without() -> None:
    network = noisy()
    amounts = network.body_noise[0].amount.clone()
    source = lively(SRResNet(1, (2, 4), blocks=2, width=4))
    network.load_noiseless(source.state_dict())
    image = torch.rand(1, 1, 6, 5)
    assert torch.equal(network(image), source(image))
    assert torch.equal(network.body_noise[0].amount, amounts)
    with pytest.raises(RuntimeError, match="size mismatch"):
        network.load_noiseless(SRResNet(1, (2, 4), blocks=2, width=8).state_dict())
