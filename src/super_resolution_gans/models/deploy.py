"""The trained generator rearranged to run fast: the same function, fewer and better-shaped steps.

BatchNorm is folded into the convolution before it, PReLU stands before the pixel shuffle with its
slopes repeated, the last convolution works in phase space with the change of range folded in. None
of it approximates: results differ by the order of float32 additions. For inference only.
"""

from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from super_resolution_gans.models.generator import ResidualBlock, SRResNet, SubPixelStage
from super_resolution_gans.models.phase_space import phase_kernel, shuffle_pixels
from super_resolution_gans.models.upsampler import Scale, Upsampler


class Convolution(nn.Module):
    """A convolution of odd kernel sides that keeps the size, and PReLU where there are slopes."""

    weight: Tensor
    bias: Tensor
    slopes: Tensor | None

    def __init__(self, weight: Tensor, bias: Tensor, slopes: Tensor | None = None) -> None:
        super().__init__()
        self.register_buffer("weight", weight.contiguous(memory_format=torch.channels_last))
        self.register_buffer("bias", bias)
        self.register_buffer("slopes", slopes)

    @property
    def reach(self) -> Scale:
        """How far the kernel looks, in pixels (vertical, lateral)."""
        return self.weight.shape[-2] // 2, self.weight.shape[-1] // 2

    def forward(self, x: Tensor, pad_rows: bool = True) -> Tensor:
        """(N, C, H, W) -> (N, O, H, W); without ``pad_rows`` only rows that need no padding."""
        rows, columns = self.reach
        padding = (rows if pad_rows else 0, columns)
        y = F.conv2d(x, self.weight, self.bias, padding=padding)
        return y if self.slopes is None else F.prelu(y, self.slopes)


class DeployedBlock(nn.Module):
    """A residual block without BatchNorm."""

    def __init__(self, first: Convolution, second: Convolution) -> None:
        super().__init__()
        self.first, self.second = first, second

    def forward(self, x: Tensor) -> Tensor:
        """(N, width, H, W) -> (N, width, H, W)."""
        return x + cast(Tensor, self.second(self.first(x)))


class DeployedStage(nn.Module):
    """A sub-pixel convolution; the shuffle is left to the caller, who may not need it."""

    def __init__(self, conv: Convolution, factor: Scale) -> None:
        super().__init__()
        self.conv, self.factor = conv, factor

    def forward(self, x: Tensor) -> Tensor:
        """(N, width, H, W) -> (N, width*v*h, H, W), to be shuffled."""
        return cast(Tensor, self.conv(x))


class Deployed(Upsampler):
    """SRResNet for inference; see :func:`deploy`.

    The input and the first convolution are float32, and so is the result of the last one; what is
    between runs in the type given to :meth:`shorten`.
    """

    def __init__(self, network: SRResNet) -> None:
        super().__init__()
        self.channels, self.scale = network.channels, network.scale
        self._story = network.architecture(), network.title()
        self._radius = network.receptive_radius()
        self.head = _convolution(network.head, slopes=network.head_act.weight)
        self.body = nn.ModuleList(_block(cast(ResidualBlock, block)) for block in network.body)
        self.body_conv = _convolution(network.body_conv, network.body_norm)
        stages = [cast(SubPixelStage, stage) for stage in network.upsampler]
        self.stages = nn.ModuleList(_stage(stage) for stage in stages)
        self.tail = _tail(network.tail, stages[-1].factor)
        self.dtype = torch.float32
        self.eval()

    def shorten(self, dtype: torch.dtype) -> "Deployed":
        """Compute all but the first convolution and the last sum in ``dtype``; returns itself."""
        for part in (self.body, self.body_conv, self.stages, self.tail):
            part.to(dtype)
        self.dtype = dtype
        return self

    def features(self, image: Tensor) -> Tensor:
        """See :class:`Upsampler`."""
        first: Tensor = self.head(image).to(self.dtype)
        y = first
        for block in self.body:
            y = block(y)
        y = first + cast(Tensor, self.body_conv(y))
        for number, stage in enumerate(self.stages):
            if number:
                y = shuffle_pixels(y, self.factors[number - 1])
            y = stage(y)
        return y

    def render(self, features: Tensor) -> Tensor:
        """See :class:`Upsampler`."""
        return shuffle_pixels(self.tail(features.float()), self.factors[-1])

    @property
    def factors(self) -> list[Scale]:
        """The factors of the sub-pixel stages."""
        return [cast(DeployedStage, stage).factor for stage in self.stages]

    def receptive_radius(self) -> Scale:
        """See :class:`Upsampler`."""
        return self._radius

    def architecture(self) -> dict[str, Any]:
        """See :class:`Upsampler`; that of the trained network."""
        return self._story[0]

    def title(self) -> str:
        """See :class:`Upsampler`."""
        return self._story[1]


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
    repeats = stage.factor[0] * stage.factor[1]
    slopes = stage.act.weight.repeat_interleave(repeats)
    return DeployedStage(_convolution(stage.conv, slopes=slopes), stage.factor)


def _tail(conv: nn.Conv2d, factor: Scale) -> Convolution:
    """The last convolution in phase space, towards [0, 1] instead of [-1, 1]."""
    assert conv.bias is not None
    weight = phase_kernel(conv.weight.detach().double() * 0.5, factor)
    bias = (conv.bias.detach().double() * 0.5 + 0.5).repeat_interleave(factor[0] * factor[1])
    return Convolution(weight.float(), bias.float())


def _convolution(
    conv: nn.Conv2d, norm: nn.BatchNorm2d | None = None, slopes: Tensor | None = None
) -> Convolution:
    """A copy with the statistics and the scale of BatchNorm in its weights (in float64)."""
    weight = conv.weight.detach().double()
    bias = conv.bias.detach().double() if conv.bias is not None else weight.new_zeros(len(weight))
    if norm is not None:
        mean, variance = cast(Tensor, norm.running_mean), cast(Tensor, norm.running_var)
        gain = norm.weight.detach().double() / (variance.double() + norm.eps).sqrt()
        weight = weight * gain.reshape(-1, 1, 1, 1)
        bias = (bias - mean.double()) * gain + norm.bias.detach().double()
    return Convolution(
        weight.float(), bias.float(), None if slopes is None else slopes.detach().clone()
    )
