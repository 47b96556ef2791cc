"""Layers of other people's generators: each equals torch written plainly, and refuses nonsense."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from super_resolution_gans.models.layers import LAYERS, Flow, Layer, LayerError

WIDTH = 8


def built(operation: str, *flows: Flow, **options: Any) -> Layer:
    torch.manual_seed(0)
    return LAYERS[operation](options, flows or [Flow(WIDTH)])


def image(channels: int = WIDTH, height: int = 5, width: int = 7) -> Tensor:
    return torch.randn((2, channels, height, width), generator=torch.Generator().manual_seed(1))


def weight(layer: Layer, name: str = "weight") -> Tensor:
    return getattr(layer.module, name)


def shuffled_by_hand(x: Tensor, factor: int, block: bool) -> Tensor:
    n, channels, height, width = x.shape
    made = channels // factor**2
    out = x.new_empty(n, made, height * factor, width * factor)
    for c in range(made):
        for i in range(factor):
            for j in range(factor):
                phase = i * factor + j
                source = phase * made + c if block else c * factor**2 + phase
                out[:, c, i::factor, j::factor] = x[:, source]
    return out


def lively_norm(norm: nn.Module) -> Tensor:
    """Weight, bias, mean and variance that are not 1 and 0."""
    values = torch.rand((4, WIDTH), generator=torch.Generator().manual_seed(2)) + 0.5
    names = ("weight", "bias", "running_mean", "running_var")
    for name, value in zip(names, values, strict=True):
        if name in norm.state_dict():
            norm.state_dict()[name].copy_(value)
    norm.eval()
    return values.reshape(4, 1, WIDTH, 1, 1)


@pytest.mark.parametrize(
    "options",
    [{"out": 6, "kernel": 3}, {"out": 4, "kernel": 1, "bias": False},
     {"out": 8, "kernel": 9, "groups": 4}, {"out": 16, "kernel": 15, "groups": 8}],
)  # fmt: skip
def test_a_convolution_keeps_the_size(options: dict[str, Any]) -> None:
    layer, x = built("conv", **options), image()
    kernel, groups = options["kernel"], options.get("groups", 1)
    bias = weight(layer, "bias")
    assert (bias is None) == (options.get("bias") is False)
    padded = F.pad(x, [kernel // 2] * 4)
    assert torch.equal(layer.module(x), F.conv2d(padded, weight(layer), bias, groups=groups))
    assert layer.flow == Flow(options["out"], 1, Fraction(kernel // 2))


@pytest.mark.parametrize(
    ("operation", "options", "plainly"),
    [
        ("relu", {}, lambda x: x.clamp(min=0)),
        ("leaky_relu", {"slope": 0.2}, lambda x: torch.where(x > 0, x, 0.2 * x)),
        ("leaky_relu", {"slope": 0}, lambda x: x.clamp(min=0)),
        ("tanh", {}, torch.tanh),
        ("sigmoid", {}, lambda x: 1 / (1 + torch.exp(-x))),
        ("affine", {}, lambda x: x),
        ("affine", {"scale": 2, "shift": -1.0}, lambda x: 2 * x - 1),
        ("affine", {"scale": list(range(WIDTH)), "shift": (0.5,)},
         lambda x: x * torch.arange(WIDTH).reshape(1, -1, 1, 1) + 0.5),
    ],
)  # fmt: skip
def test_what_is_done_to_single_pixels(
    operation: str, options: dict[str, Any], plainly: Callable[[Tensor], Tensor]
) -> None:
    for flow in (Flow(WIDTH, 4, Fraction(5, 2)), Flow(WIDTH, 1, None, pooled=True)):
        layer = built(operation, flow, **options)
        torch.testing.assert_close(layer.module(image()), plainly(image()))
        assert layer.flow == flow
        assert not layer.module.state_dict()


@pytest.mark.parametrize("slopes", [1, WIDTH])
def test_prelu_has_one_slope_or_one_a_channel(slopes: int) -> None:
    layer, x = built("prelu", slopes=slopes), image()
    layer.module.load_state_dict({"weight": torch.linspace(-1, 1, slopes)})
    slope = weight(layer).reshape(1, -1, 1, 1)
    torch.testing.assert_close(layer.module(x), torch.where(x > 0, x, slope * x))
    assert built("prelu").module.weight.shape == (WIDTH,)


@pytest.mark.parametrize("eps", [1e-5, 1e-3])
def test_batch_norm_is_that_of_evaluation(eps: float) -> None:
    layer, x = built("batch_norm", eps=eps), image()
    gain, bias, mean, variance = lively_norm(layer.module)
    wanted = (x - mean) / (variance + eps) ** 0.5 * gain + bias
    torch.testing.assert_close(layer.module(x), wanted)
    assert layer.flow == Flow(WIDTH)


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("size", [(5, 7), (1, 2), (1, 1)])
def test_instance_norm_takes_every_image_also_one_pixel(
    affine: bool, size: tuple[int, int]
) -> None:
    layer, x = built("instance_norm", affine=affine), image(WIDTH, *size)
    wanted = x - x.mean((2, 3), keepdim=True)
    wanted = wanted / (x.var((2, 3), keepdim=True, correction=0) + 1e-5) ** 0.5
    assert len(layer.module.state_dict()) == (2 if affine else 0)
    if affine:
        gain, bias, *_ = lively_norm(layer.module)
        wanted = wanted * gain + bias
    torch.testing.assert_close(layer.module(x), wanted)
    assert layer.flow.radius is None
    assert not layer.flow.pooled


@pytest.mark.parametrize("factor", [1, 2, 3])
@pytest.mark.parametrize("order", ["channel", "block"])
def test_shuffles_put_subpixels_where_their_order_says(factor: int, order: str) -> None:
    flow = Flow(2 * factor**2, 2, Fraction(1))
    layer, x = built("shuffle", flow, factor=factor, order=order), image(2 * factor**2)
    assert torch.equal(layer.module(x), shuffled_by_hand(x, factor, order == "block"))
    assert layer.flow == Flow(2, 2 * factor, Fraction(1))


@pytest.mark.parametrize("factor", [2, 3])
def test_nearest_repeats_pixels(factor: int) -> None:
    layer, x = built("nearest", factor=factor), image()
    wanted = x.repeat_interleave(factor, 2).repeat_interleave(factor, 3)
    assert torch.equal(layer.module(x), wanted)
    assert layer.flow == Flow(WIDTH, factor)


@pytest.mark.parametrize("factor", [2, 4])
def test_bilinear_holds_the_edge_and_centres_of_pixels(factor: int) -> None:
    layer, x = built("bilinear", factor=factor), image()

    def along(x: Tensor) -> Tensor:
        """Of the last axis."""
        length = x.shape[-1]
        place = ((torch.arange(length * factor) + 0.5) / factor - 0.5).clamp(min=0)
        left = place.long()
        share = place - left
        right = (left + 1).clamp(max=length - 1)
        return x[..., left] * (1 - share) + x[..., right] * share

    torch.testing.assert_close(layer.module(x), along(along(x).mT).mT)
    assert layer.flow == Flow(WIDTH, factor, Fraction(1))


def test_results_meet() -> None:
    x, y, z = (torch.randn(2, WIDTH, 4, 4) for _ in range(3))
    near, far = Flow(WIDTH, 2, Fraction(1)), Flow(WIDTH, 2, Fraction(7, 2))
    everywhere = Flow(WIDTH, 2, None)
    assert torch.equal(built("add", near, far).module(x, y), x + y)
    torch.testing.assert_close(built("add", near, far, near).module(x, y, z), x + y + z)
    assert torch.equal(built("multiply", near, far).module(x, y), x * y)
    assert torch.equal(built("concat", near, far).module(x, y), torch.cat((x, y), 1))
    for operation, channels in (("add", 1), ("multiply", 1), ("concat", 2)):
        assert built(operation, near, far).flow == Flow(channels * WIDTH, 2, Fraction(7, 2))
        assert built(operation, everywhere, near).flow.radius is None
    assert torch.equal(built("take", near, first=3, last=5).module(x), x[:, 2:5])
    assert built("take", near, first=3, last=5).flow == Flow(3, 2, Fraction(1))


def test_one_pixel_for_all_of_an_image_weighs_its_channels() -> None:
    x = image()
    mean, deviation = built("image_mean"), built("image_deviation")
    torch.testing.assert_close(mean.module(x), x.mean((2, 3), keepdim=True))
    wanted = ((x - x.mean((2, 3), keepdim=True)) ** 2).mean((2, 3), keepdim=True) ** 0.5
    torch.testing.assert_close(deviation.module(x), wanted)
    assert mean.flow == deviation.flow == Flow(WIDTH, 1, None, pooled=True)
    assert bool((deviation.module(x[..., :1, :1]) == 0).all())
    weighed = built("multiply", Flow(WIDTH), mean.flow)
    torch.testing.assert_close(weighed.module(x, mean.module(x)), x * x.mean((2, 3), keepdim=True))
    assert weighed.flow == Flow(WIDTH, 1, None)
    assert built("add", mean.flow, deviation.flow).flow == mean.flow


POOLED = Flow(WIDTH, 1, None, pooled=True)


@pytest.mark.parametrize(
    ("operation", "flows", "options", "reason"),
    [
        ("conv", [Flow(8)], {"kernel": 3}, "out is None"),
        ("conv", [Flow(8)], {"out": 0, "kernel": 3}, "out is 0"),
        ("conv", [Flow(8)], {"out": 4097, "kernel": 3}, "out is 4097, not a whole number"),
        ("conv", [Flow(8)], {"out": 10**30, "kernel": 3}, "not a whole number"),
        ("conv", [Flow(8)], {"out": 8.0, "kernel": 3}, "out is 8.0"),
        ("conv", [Flow(8)], {"out": True, "kernel": 3}, "out is True"),
        ("conv", [Flow(8)], {"out": "8", "kernel": 3}, "out is '8'"),
        ("conv", [Flow(8)], {"out": 8, "kernel": 4}, "even ones have no middle"),
        ("conv", [Flow(8)], {"out": 8, "kernel": 17}, "kernel is 17"),
        ("conv", [Flow(8)], {"out": 8, "kernel": -3}, "kernel is -3"),
        ("conv", [Flow(8)], {"out": 8, "kernel": 3, "groups": 3}, "groups 3 do not divide 8 and 8"),
        ("conv", [Flow(8)], {"out": 9, "kernel": 3, "groups": 2}, "do not divide"),
        ("conv", [Flow(8)], {"out": 8, "kernel": 3, "bias": 1}, "bias is 1, not one of True"),
        ("conv", [Flow(8)], {"out": 8, "kernel": 3, "bias": [True]}, "bias is"),
        ("conv", [Flow(8), Flow(8)], {"out": 8, "kernel": 3}, "takes one input, not 2"),
        ("conv", [], {"out": 8, "kernel": 3}, "takes one input, not 0"),
        ("prelu", [Flow(8)], {"slopes": 4}, "slopes is 4, not one of 1, 8"),
        ("prelu", [Flow(8)], {"slopes": True}, "slopes is True"),
        ("prelu", [Flow(8)], {"slopes": 1.0}, "slopes is 1.0"),
        ("leaky_relu", [Flow(8)], {}, "slope is None"),
        ("leaky_relu", [Flow(8)], {"slope": float("nan")}, "slope is nan"),
        ("leaky_relu", [Flow(8)], {"slope": float("inf")}, "slope is inf"),
        ("leaky_relu", [Flow(8)], {"slope": False}, "slope is False"),
        ("leaky_relu", [Flow(8)], {"slope": 10**400}, "not a number"),
        ("batch_norm", [Flow(8)], {"eps": -1e-5}, "eps is -1e-05, not between 0 and 1"),
        ("batch_norm", [Flow(8)], {"eps": "x"}, "eps is 'x'"),
        ("instance_norm", [Flow(8)], {"eps": 0}, "eps is 0.0"),
        ("instance_norm", [Flow(8)], {"affine": 0}, "affine is 0"),
        ("instance_norm", [POOLED], {}, "takes an image, not one pixel"),
        ("shuffle", [Flow(8)], {"factor": 3}, "shuffles 8 channels by 3"),
        ("shuffle", [Flow(81)], {"factor": 9}, "factor is 9"),
        ("shuffle", [Flow(8)], {"factor": 2, "order": "row"}, "order is 'row'"),
        ("shuffle", [Flow(8)], {"factor": 2, "order": ["block"]}, "order is"),
        ("shuffle", [POOLED], {"factor": 2}, "takes an image"),
        ("nearest", [Flow(8)], {"factor": 10**9}, "factor is 1000000000"),
        ("nearest", [POOLED], {"factor": 2}, "takes an image"),
        ("bilinear", [Flow(8)], {"factor": 2.0}, "factor is 2.0"),
        ("add", [Flow(8)], {}, "takes two or more inputs"),
        ("add", [Flow(8), Flow(4)], {}, "adds 8 and 4 channels"),
        ("add", [Flow(8), Flow(8, 2)], {}, "inputs of one size"),
        ("add", [Flow(8), POOLED], {}, "inputs of one size"),
        ("multiply", [Flow(8), Flow(4)], {}, "multiplies two inputs of as many channels"),
        ("multiply", [Flow(8), Flow(8, 2)], {}, "and one size"),
        ("multiply", [Flow(8)], {}, "multiplies two inputs"),
        ("multiply", [Flow(8)] * 3, {}, "multiplies two inputs"),
        ("concat", [Flow(4096), Flow(1)], {}, "joins 4097 channels; 4096 at most"),
        ("concat", [Flow(8), POOLED], {}, "inputs of one size"),
        ("concat", [Flow(8)], {}, "takes two or more inputs"),
        ("take", [Flow(8)], {"first": 0, "last": 3}, "first is 0"),
        ("take", [Flow(8)], {"first": 1, "last": 9}, "last is 9"),
        ("take", [Flow(8)], {"first": 5, "last": 4}, "takes channels 5 to 4"),
        ("affine", [Flow(8)], {"scale": [1.0] * 7}, "scale has 7 numbers for 8 channels"),
        ("affine", [Flow(8)], {"shift": []}, "shift has 0 numbers"),
        ("affine", [Flow(8)], {"shift": [float("nan")]}, "shift is nan"),
        ("affine", [Flow(8)], {"scale": "2"}, "scale is '2'"),
        ("affine", [Flow(8)], {"scale": {"a": 1}}, "scale is"),
        ("image_mean", [POOLED], {}, "takes an image"),
    ],
)  # fmt: skip
def test_options_that_make_no_sense_are_refused_in_words(
    operation: str, flows: Sequence[Flow], options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(LayerError) as caught:
        LAYERS[operation](options, flows)
    assert reason in str(caught.value)
    assert len(str(caught.value)) < 500


def test_every_operation_is_tested_above() -> None:
    tested = {
        "conv", "prelu", "relu", "leaky_relu", "tanh", "sigmoid", "batch_norm", "instance_norm",
        "shuffle", "nearest", "bilinear", "add", "multiply", "concat", "take", "affine",
        "image_mean", "image_deviation",
    }  # fmt: skip
    assert tested <= set(LAYERS)
