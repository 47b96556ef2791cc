"""The trained generator rearranged to run fast: the same function, fewer and better-shaped steps.

BatchNorm, if any, is folded into the convolution before it, PReLU stands before the pixel shuffle
with its slopes repeated, the last convolution works in phase space with the change of range folded
in. None of it approximates: results differ by the order of float32 additions. For inference only.
"""

import itertools
import math
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from super_resolution_gans.models.generator import ResidualBlock, SRResNet, SubPixelStage
from super_resolution_gans.models.phase_space import phase_kernel, shuffle_pixels
from super_resolution_gans.models.upsampler import Scale, Upsampler

_LANES = 16  # channels come in groups of as many


class Convolution(nn.Module):
    """A convolution that pads with zeros, and PReLU where there are slopes.

    With a stride of (v, h) the kernel is v-1 and h-1 taps longer than an odd one, and looks at the
    same pixels as v*h kernels of stride 1 side by side.
    """

    weight: Tensor
    bias: Tensor
    slopes: Tensor | None

    def __init__(
        self, weight: Tensor, bias: Tensor, slopes: Tensor | None = None, stride: Scale = (1, 1)
    ) -> None:
        super().__init__()
        self.register_buffer("weight", weight.contiguous(memory_format=torch.channels_last))
        self.register_buffer("bias", bias)
        self.register_buffer("slopes", slopes)
        self.stride = stride

    @property
    def reach(self) -> Scale:
        """How far the kernel looks beyond its block of pixels (vertical, lateral)."""
        v, h = self.stride
        return (self.weight.shape[-2] - v) // 2, (self.weight.shape[-1] - h) // 2

    def forward(self, x: Tensor, pad_rows: bool = True) -> Tensor:
        """(N, C, H, W) of any floating-point type -> (N, O, H/v, W/h) in that of the weights.

        Without ``pad_rows`` only the rows that need no padding come out.
        """
        rows, columns = self.reach
        padding = (rows if pad_rows else 0, columns)
        x = x.to(self.weight.dtype)
        y = F.conv2d(x, self.weight, self.bias, stride=self.stride, padding=padding)
        return y if self.slopes is None else F.prelu(y, self.slopes)


class DeployedBlock(nn.Module):
    """A residual block without BatchNorm."""

    def __init__(self, first: Convolution, second: Convolution) -> None:
        super().__init__()
        self.first, self.second = first, second

    def forward(self, x: Tensor) -> Tensor:
        """(N, width, H, W) -> (N, width, H, W)."""
        y: Tensor = self.second(self.first(x))
        return y + x


class DeployedStage(nn.Module):
    """A sub-pixel convolution, its channels in the order of :func:`shuffle_blocks`.

    The shuffle is left to the caller: the last convolution of the network does without it.
    """

    def __init__(self, conv: Convolution, factor: Scale) -> None:
        super().__init__()
        self.conv, self.factor = conv, factor

    def forward(self, x: Tensor) -> Tensor:
        """(N, width, H, W) -> (N, v*h*width, H, W), to be shuffled."""
        return cast(Tensor, self.conv(x))


class Tail(Convolution):
    """The last convolution in phase space.

    In a short type its result would show the steps of that type. So in one it makes the difference
    from the image before it was enlarged, which is small: the image, rounded to that type, comes in
    as further channels, is subtracted within the sum, and added again in float32. So is what was
    rounded off the bias: it would shift every pixel.
    """

    lost_bias: Tensor
    _base = 0  # which input channel the image begins at; 0: it is not there

    def __init__(self, weight: Tensor, bias: Tensor, stride: Scale, phases: Scale) -> None:
        super().__init__(weight, bias, stride=stride)
        self.phases = phases
        self.image_channels = len(bias) // math.prod(phases)

    def shorten(self, dtype: torch.dtype) -> None:
        """Compute in this type from now on."""
        outputs, inputs, *sides = self.weight.shape
        weight = self.weight.new_zeros(outputs, inputs + _LANES, *sides)
        weight[:, :inputs] = self.weight
        phases = math.prod(self.phases)
        for channel in range(self.image_channels):
            of_channel = slice(channel * phases, (channel + 1) * phases)
            weight[of_channel, inputs + channel, self.reach[0], self.reach[1]] = -1
        self.weight = weight.to(dtype).contiguous(memory_format=torch.channels_last)
        rounded = self.bias.to(dtype)
        self.register_buffer("lost_bias", (self.bias - rounded.float()).view(-1, 1, 1))
        self.bias = rounded
        self._base = inputs

    @property
    def needs_image(self) -> bool:
        """Whether :meth:`forward` takes the image beside the features."""
        return bool(self._base)

    def join(self, features: Tensor, image: Tensor) -> Tensor:
        """Both as one: features, and the image (N, C, H, W) at their size."""
        n, _, height, width = features.shape
        base = features.new_zeros((n, height, width, _LANES)).permute(0, 3, 1, 2)
        base[:, : self.image_channels] = image
        return torch.cat([features, base], dim=1)

    def forward(self, x: Tensor, pad_rows: bool = True) -> Tensor:
        """(N, C, H, W) -> float32 (N, phases of the image, H/v, W/h), see :class:`Convolution`."""
        y = super().forward(x, pad_rows)
        if not self._base:
            return y
        top = 0 if pad_rows else self.reach[0]
        stop = top + y.shape[2] * self.stride[0]
        channels = slice(self._base, self._base + self.image_channels)
        base = x[:, channels, top : stop : self.stride[0], :: self.stride[1]].float()
        return y.float() + base.repeat_interleave(math.prod(self.phases), dim=1) + self.lost_bias


class Deployed(Upsampler):
    """SRResNet for inference; made by :func:`deploy`.

    Attributes:
        dtype: what all but the first convolution computes in, see :meth:`shorten`.
    """

    def __init__(self, network: SRResNet) -> None:
        super().__init__()
        self.channels, self.scale = network.channels, network.scale
        self._story = network.architecture(), network.title()
        self._radius = network.receptive_radius()
        stages = [cast(SubPixelStage, stage) for stage in network.upsampler]
        self.head = _convolution(network.head, slopes=network.head_act.weight)
        self.body = nn.ModuleList(_block(cast(ResidualBlock, block)) for block in network.body)
        self.body_conv = _convolution(network.body_conv, network.body_norm)
        self.stages = nn.ModuleList(_stage(stage) for stage in stages)
        self.tail = _tail(network.tail, [stage.factor for stage in stages])
        self.dtype = torch.float32
        self.eval()

    def shorten(self, dtype: torch.dtype) -> "Deployed":
        """Compute in this type from now on, which is done once; returns itself.

        The image and the first convolution stay float32, and so does the sum that makes the result.
        """
        if dtype is torch.float32:
            return self
        for part in (self.body, self.body_conv, self.stages):
            part.to(dtype)
        self.tail.shorten(dtype)
        self.dtype = dtype
        return self

    def features(self, image: Tensor) -> Tensor:
        """See :class:`Upsampler`."""
        first: Tensor = self.head(image).to(self.dtype)
        y = first
        for block in self.body:
            y = block(y)
        y = self.body_conv(y) + first
        for number, stage in enumerate(self.stages):
            if number:
                y = shuffle_blocks(y, cast(DeployedStage, self.stages[number - 1]).factor)
            y = stage(y)
        return self.with_image(y, image, 0)

    def with_image(self, features: Tensor, image: Tensor, start: int) -> Tensor:
        """What the last convolution takes: rows of the last features from ``start`` on.

        Where it needs the image, that is repeated to their size.
        """
        if not self.tail.needs_image:
            return features
        v, h = (self.scale[axis] // self.last_factor[axis] for axis in (0, 1))
        rows = torch.arange(start, start + features.shape[2], device=image.device) // v
        return self.tail.join(features, image.index_select(2, rows).repeat_interleave(h, dim=3))

    def render(self, features: Tensor) -> Tensor:
        """See :class:`Upsampler`."""
        return self.finish(self.tail(features))

    def finish(self, phases: Tensor) -> Tensor:
        """What the last convolution makes, as an image (N, C, v*H, h*W)."""
        return shuffle_pixels(phases, self.tail.phases)

    @property
    def last_factor(self) -> Scale:
        """Of the last sub-pixel stage, which the last convolution does for itself."""
        return cast(DeployedStage, self.stages[-1]).factor

    def receptive_radius(self) -> Scale:
        """See :class:`Upsampler`."""
        return self._radius

    def architecture(self) -> dict[str, Any]:
        """See :class:`Upsampler`; that of the trained network."""
        return self._story[0]

    def title(self) -> str:
        """See :class:`Upsampler`."""
        return self._story[1]


def shuffle_blocks(x: Tensor, factor: Scale) -> Tensor:
    """Move channels into space: (N, v*h*C, H, W) -> (N, C, v*H, h*W), channels last.

    All channels of one sub-pixel are neighbours, other than in ``torch.nn.PixelShuffle``, so that
    pixels move in whole.
    """
    v, h = factor
    n, channels, height, width = x.shape
    x = x.permute(0, 2, 3, 1).reshape(n, height, width, v, h, channels // (v * h))
    x = x.permute(0, 1, 3, 2, 4, 5).reshape(n, v * height, h * width, channels // (v * h))
    return x.permute(0, 3, 1, 2)


def deploy(network: Upsampler) -> Upsampler:
    """The same function rearranged, if the network is one of ours; any other network as it is.

    The original is neither changed nor shared. Noise inside networks, which only training adds, is
    left out.
    """
    return Deployed(network) if isinstance(network, SRResNet) else network


def _block(block: ResidualBlock) -> DeployedBlock:
    return DeployedBlock(
        _convolution(block.conv1, block.norm1, block.act.weight),
        _convolution(block.conv2, block.norm2),
    )


def _stage(stage: SubPixelStage) -> DeployedStage:
    count = stage.factor[0] * stage.factor[1]
    conv = _convolution(stage.conv)
    weight, bias = (_in_blocks(tensor, count) for tensor in (conv.weight, conv.bias))
    slopes = stage.act.weight.detach().repeat(count)
    return DeployedStage(Convolution(weight, bias, slopes), stage.factor)


def _tail(conv: nn.Conv2d, factors: list[Scale]) -> Tail:
    """The last convolution in phase space, towards [0, 1] instead of [-1, 1].

    One image channel in 2 x 2 phases would use a quarter of a vector register. Where the size is
    even anyway, a stride of 2 makes 4 x 4 phases at a time.
    """
    assert conv.bias is not None
    v, h = factors[-1]
    weight = phase_kernel(conv.weight.detach().double() * 0.5, factors[-1])
    weight = _in_blocks(weight.transpose(0, 1), v * h).transpose(0, 1)
    bias = conv.bias.detach().double() * 0.5 + 0.5
    before = [math.prod(factor[axis] for factor in factors[:-1]) for axis in (0, 1)]
    rows, columns = (1 if size % 2 else 2 for size in before)
    image_channels, (inputs, kh, kw) = len(bias), weight.shape[1:]
    weight = weight.reshape(image_channels, v, h, inputs, kh, kw)
    wide = weight.new_zeros(
        image_channels, rows, v, columns, h, inputs, kh + rows - 1, kw + columns - 1
    )
    for row, column in itertools.product(range(rows), range(columns)):
        wide[:, row, :, column, :, :, row : row + kh, column : column + kw] = weight
    phases = (rows * v, columns * h)
    bias = bias.repeat_interleave(math.prod(phases))
    return Tail(wide.flatten(0, 4).float(), bias.float(), (rows, columns), phases)


def _in_blocks(tensor: Tensor, count: int) -> Tensor:
    """The first axis from the order of ``torch.nn.PixelShuffle`` to that of shuffle_blocks."""
    grouped = tensor.reshape(len(tensor) // count, count, *tensor.shape[1:])
    return grouped.transpose(0, 1).flatten(0, 1)


def _convolution(
    conv: nn.Conv2d, norm: nn.Module | None = None, slopes: Tensor | None = None
) -> Convolution:
    """A copy; of a BatchNorm, statistics and scale are in its weights (in float64)."""
    weight = conv.weight.detach().double()
    bias = conv.bias.detach().double() if conv.bias is not None else weight.new_zeros(len(weight))
    if isinstance(norm, nn.BatchNorm2d):
        mean, variance = cast(Tensor, norm.running_mean), cast(Tensor, norm.running_var)
        gain = norm.weight.detach().double() / (variance.double() + norm.eps).sqrt()
        weight = weight * gain.reshape(-1, 1, 1, 1)
        bias = (bias - mean.double()) * gain + norm.bias.detach().double()
    return Convolution(
        weight.float(), bias.float(), None if slopes is None else slopes.detach().clone()
    )
