"""The layers that other people's generators are made of, each with what it does to an image.

A layer says how it changes channels and size and how far it looks; :mod:`models.graph` strings
layers together by that. Options come from model files, so every number is checked and bounded.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import reduce
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_MOST_CHANNELS = 4096
_LARGEST_KERNEL = 15
_LARGEST_FACTOR = 8


class LayerError(ValueError):
    """A layer cannot be built; the message says which option is wrong."""


@dataclass(frozen=True)
class Flow:
    """What runs through a connection: channels, how large, and what a pixel of it depends on.

    ``factor`` is the size in units of the image's, ``radius`` in pixels of the image; None looks
    everywhere. ``pooled``: there is one pixel, whatever the size of the image.
    """

    channels: int
    factor: int = 1
    radius: Fraction | float | None = Fraction(0)  # a fraction, so that three thirds are one
    pooled: bool = False


@dataclass(frozen=True)
class Layer:
    """A module, and what comes out of it."""

    module: nn.Module
    flow: Flow


Options = Mapping[str, Any]
Build = Callable[[Options, Sequence[Flow]], Layer]


class Call(nn.Module):
    """A function without weights as a module."""

    def __init__(self, function: Callable[..., Tensor]) -> None:
        super().__init__()
        self._function = function

    def forward(self, *inputs: Tensor) -> Tensor:
        """Whatever the function takes."""
        return self._function(*inputs)


class Affine(nn.Module):
    """x * scale + shift, per channel: value ranges. In the type of x, and not among the weights."""

    def __init__(self, scale: Sequence[float], shift: Sequence[float]) -> None:
        super().__init__()
        self._scale, self._shift = tuple(scale), tuple(shift)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same shape."""
        scale, shift = (x.new_tensor(v).reshape(1, -1, 1, 1) for v in (self._scale, self._shift))
        return x * scale + shift


class InstanceNorm(nn.InstanceNorm2d):
    """Normalises by the image, also one of a single pixel, which has no deviation (PyTorch fails).

    Names of weights are those of ``nn.InstanceNorm2d``.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same shape."""
        if x.shape[2] * x.shape[3] > 1:
            return super().forward(x)
        flat = torch.zeros_like(x)
        return flat + self.bias.reshape(1, -1, 1, 1) if self.affine else flat


def integer(options: Options, key: str, most: int, default: int | None = None) -> int:
    """A whole number from 1 to ``most``.

    Raises:
        LayerError: if it is none, or missing without a default.
    """
    value = options.get(key, default)
    if type(value) is not int or not 1 <= value <= most:
        raise LayerError(f"{key} is {value!r}, not a whole number from 1 to {most}")
    return value


def number(options: Options, key: str, default: float | None = None) -> float:
    """A finite number.

    Raises:
        LayerError: if it is none, or missing without a default.
    """
    value = options.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e6:
        raise LayerError(f"{key} is {value!r}, not a number")
    return float(value)


def _choice(options: Options, key: str, known: Sequence[Any], default: Any) -> Any:
    value = options.get(key, default)
    if not any(type(value) is type(one) and value == one for one in known):  # True is not 1
        raise LayerError(f"{key} is {value!r}, not one of {', '.join(map(str, known))}")
    return value


def _one(flows: Sequence[Flow]) -> Flow:
    if len(flows) != 1:
        raise LayerError(f"takes one input, not {len(flows)}")
    return flows[0]


def _pixels(flows: Sequence[Flow]) -> Flow:
    """One input, that has as many pixels as the image or more."""
    flow = _one(flows)
    if flow.pooled:
        raise LayerError("takes an image, not one pixel for all of it")
    return flow


def _farthest(flows: Sequence[Flow]) -> Fraction | float | None:
    radii = [flow.radius for flow in flows if flow.radius is not None]
    return max(radii) if len(radii) == len(flows) else None


def _meeting(flows: Sequence[Flow]) -> Flow:
    """Of several inputs of one size: the first's channels, and the farthest look."""
    if len(flows) < 2 or len({(flow.factor, flow.pooled) for flow in flows}) > 1:
        raise LayerError("takes two or more inputs of one size")
    return replace(flows[0], radius=_farthest(flows))


def _wider(flow: Flow, pixels: int, *, channels: int | None = None) -> Flow:
    radius = None if flow.radius is None else flow.radius + Fraction(pixels, flow.factor)
    return replace(flow, channels=channels or flow.channels, radius=radius)


def _eps(options: Options, default: float) -> float:
    eps = number(options, "eps", default)
    if not 0 < eps < 1:
        raise LayerError(f"eps is {eps}, not between 0 and 1")
    return eps


def _conv(options: Options, flows: Sequence[Flow]) -> Layer:
    flow = _one(flows)
    out = integer(options, "out", _MOST_CHANNELS)
    kernel = integer(options, "kernel", _LARGEST_KERNEL)
    groups = integer(options, "groups", _MOST_CHANNELS, 1)
    bias = _choice(options, "bias", (True, False), True)
    if kernel % 2 == 0:
        raise LayerError(f"kernel is {kernel}; even ones have no middle")
    if flow.channels % groups or out % groups:
        raise LayerError(f"groups {groups} do not divide {flow.channels} and {out} channels")
    module = nn.Conv2d(
        flow.channels, out, kernel, padding=kernel // 2, groups=groups, bias=bool(bias)
    )
    return Layer(module, _wider(flow, kernel // 2, channels=out))


def _prelu(options: Options, flows: Sequence[Flow]) -> Layer:
    flow = _one(flows)
    slopes = _choice(options, "slopes", (1, flow.channels), flow.channels)
    return Layer(nn.PReLU(slopes), flow)


def _leaky_relu(options: Options, flows: Sequence[Flow]) -> Layer:
    return Layer(nn.LeakyReLU(number(options, "slope")), _one(flows))


def _pointwise(function: Callable[[Tensor], Tensor]) -> Build:
    return lambda _, flows: Layer(Call(function), _one(flows))


def _batch_norm(options: Options, flows: Sequence[Flow]) -> Layer:
    flow = _one(flows)
    return Layer(nn.BatchNorm2d(flow.channels, eps=_eps(options, 1e-5)), flow)


def _instance_norm(options: Options, flows: Sequence[Flow]) -> Layer:
    flow = _pixels(flows)
    affine = bool(_choice(options, "affine", (True, False), False))
    module = InstanceNorm(flow.channels, eps=_eps(options, 1e-5), affine=affine)
    return Layer(module, replace(flow, radius=None))


def _shuffle(options: Options, flows: Sequence[Flow]) -> Layer:
    """``order``: whose sub-pixels are neighbours; ``channel`` is PyTorch's, ``block`` TensorFlow's.

    PyTorch takes v*h successive channels for one channel's sub-pixels, TensorFlow's depth_to_space
    takes every C-th channel.
    """
    flow, factor = _pixels(flows), integer(options, "factor", _LARGEST_FACTOR)
    order = _choice(options, "order", ("channel", "block"), "channel")
    channels, rest = divmod(flow.channels, factor**2)
    if rest:
        raise LayerError(f"shuffles {flow.channels} channels by {factor}")

    def shuffle(x: Tensor) -> Tensor:
        if order == "block":
            n, _, height, width = x.shape
            x = x.reshape(n, factor**2, channels, height, width).transpose(1, 2)
            x = x.reshape(n, channels * factor**2, height, width)
        return F.pixel_shuffle(x, factor)

    return Layer(Call(shuffle), Flow(channels, flow.factor * factor, flow.radius))


def _resize(mode: str) -> Build:
    def build(options: Options, flows: Sequence[Flow]) -> Layer:
        flow, factor = _pixels(flows), integer(options, "factor", _LARGEST_FACTOR)
        extra: dict[str, Any] = {} if mode == "nearest" else {"align_corners": False}

        def resize(x: Tensor) -> Tensor:
            return F.interpolate(x, scale_factor=factor, mode=mode, **extra)

        wider = _wider(flow, 0 if mode == "nearest" else 1)
        return Layer(Call(resize), Flow(flow.channels, flow.factor * factor, wider.radius))

    return build


def _add(_: Options, flows: Sequence[Flow]) -> Layer:
    if len({flow.channels for flow in flows}) > 1:
        raise LayerError(f"adds {' and '.join(str(flow.channels) for flow in flows)} channels")
    return Layer(Call(lambda *xs: reduce(torch.add, xs)), _meeting(flows))


def _multiply(_: Options, flows: Sequence[Flow]) -> Layer:
    """An image by weights of its channels, or by another image."""
    if len({(flow.channels, flow.factor) for flow in flows}) > 1 or len(flows) != 2:
        raise LayerError("multiplies two inputs of as many channels and one size")
    pooled = all(flow.pooled for flow in flows)
    return Layer(Call(torch.mul), replace(flows[0], radius=_farthest(flows), pooled=pooled))


def _concat(_: Options, flows: Sequence[Flow]) -> Layer:
    meeting = _meeting(flows)
    channels = sum(flow.channels for flow in flows)
    if channels > _MOST_CHANNELS:
        raise LayerError(f"joins {channels} channels; {_MOST_CHANNELS} at most")
    return Layer(Call(lambda *xs: torch.cat(xs, dim=1)), replace(meeting, channels=channels))


def _take(options: Options, flows: Sequence[Flow]) -> Layer:
    """Channels ``first`` (counted from 1) to ``last``."""
    flow = _one(flows)
    first, last = (integer(options, key, flow.channels) for key in ("first", "last"))
    if first > last:
        raise LayerError(f"takes channels {first} to {last}")
    return Layer(Call(lambda x: x[:, first - 1 : last]), replace(flow, channels=last - first + 1))


def _affine(options: Options, flows: Sequence[Flow]) -> Layer:
    flow = _one(flows)
    values = []
    for key, default in (("scale", 1.0), ("shift", 0.0)):
        given = options.get(key, default)
        listed = given if isinstance(given, list | tuple) else [given]
        if len(listed) not in (1, flow.channels):
            raise LayerError(f"{key} has {len(listed)} numbers for {flow.channels} channels")
        values.append([number({key: value}, key) for value in listed])
    return Layer(Affine(*values), flow)


def _over_image(function: Callable[[Tensor], Tensor]) -> Build:
    """(N, C, H, W) -> (N, C, 1, 1): depends on every pixel."""

    def build(_: Options, flows: Sequence[Flow]) -> Layer:
        flow = _pixels(flows)
        return Layer(Call(function), replace(flow, radius=None, pooled=True))

    return build


LAYERS: Mapping[str, Build] = {
    "conv": _conv,
    "prelu": _prelu,
    "relu": _pointwise(F.relu),
    "leaky_relu": _leaky_relu,
    "tanh": _pointwise(torch.tanh),
    "sigmoid": _pointwise(torch.sigmoid),
    "batch_norm": _batch_norm,
    "instance_norm": _instance_norm,
    "shuffle": _shuffle,
    "nearest": _resize("nearest"),
    "bilinear": _resize("bilinear"),
    "add": _add,
    "multiply": _multiply,
    "concat": _concat,
    "take": _take,
    "affine": _affine,
    "image_mean": _over_image(lambda x: x.mean(dim=(2, 3), keepdim=True)),
    "image_deviation": _over_image(lambda x: x.std(dim=(2, 3), keepdim=True, correction=0)),
}
