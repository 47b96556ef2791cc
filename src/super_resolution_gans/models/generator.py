"""SRResNet, the generator of SRGAN (Ledig et al. 2017, arXiv 1609.04802v5, figure 4).

Tensors are float32, NCHW. Input and output images are in [0, 1]; the network itself works towards
[-1, 1] as the paper does, and that range never leaves this file. The output is not clipped.
"""

import math
from collections.abc import Mapping
from itertools import zip_longest
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from super_resolution_gans.models.noise import FeatureNoise
from super_resolution_gans.models.phase_space import convolve_shuffled, shuffle_pixels
from super_resolution_gans.models.upsampler import Scale, Upsampler

NAME = "srresnet"
NORMS = ("batch", "none")


def upsampling_stages(scale: Scale) -> list[Scale]:
    """Split a scale into sub-pixel stages by its prime factors: (4, 4) -> two stages of (2, 2)."""
    stages = zip_longest(_prime_factors(scale[0]), _prime_factors(scale[1]), fillvalue=1)
    return list(stages)


def _prime_factors(number: int) -> list[int]:
    factors, divisor = [], 2
    while number > 1:
        while number % divisor == 0:
            factors.append(divisor)
            number //= divisor
        divisor += 1
    return factors


class ResidualBlock(nn.Module):
    """conv 3x3, BatchNorm, PReLU, conv 3x3, BatchNorm, sum (figure 4)."""

    def __init__(self, width: int, norm: str = "batch") -> None:
        super().__init__()
        self.conv1, self.norm1 = _normalised(width, norm)
        self.act = nn.PReLU(width)
        self.conv2, self.norm2 = _normalised(width, norm)

    def forward(self, x: Tensor) -> Tensor:
        """(N, width, H, W) -> (N, width, H, W)."""
        y: Tensor = self.act(self.norm1(self.conv1(x)))
        y = self.norm2(self.conv2(y))
        return x + y


def _normalised(width: int, norm: str) -> tuple[nn.Conv2d, nn.Module]:
    """conv 3x3 and its BatchNorm; without that, a bias does what beta did."""
    conv = nn.Conv2d(width, width, 3, padding=1, bias=norm == "none")
    return conv, nn.Identity() if norm == "none" else nn.BatchNorm2d(width)


class SubPixelStage(nn.Module):
    """conv 3x3 to v*h times the channels, pixel shuffle, PReLU (figure 4).

    The shuffle is left to the caller and PReLU comes before it, each slope serving the v*h
    sub-pixels of its channel: the same values, and the next convolution may skip the shuffle.
    """

    def __init__(self, width: int, factor: Scale) -> None:
        super().__init__()
        self.factor = factor
        self.conv = nn.Conv2d(width, width * factor[0] * factor[1], 3, padding=1)
        self.act = nn.PReLU(width)
        _start_as_nearest_neighbour(self.conv, factor)

    def forward(self, x: Tensor) -> Tensor:
        """(N, width, H, W) -> (N, width*v*h, H, W), to be shuffled."""
        slopes = self.act.weight.repeat_interleave(self.factor[0] * self.factor[1])
        return F.prelu(self.conv(x), slopes)


@torch.no_grad()
def _start_as_nearest_neighbour(conv: nn.Conv2d, factor: Scale) -> None:
    """ICNR (Aitken et al. 2017, arXiv 1707.02937): all sub-pixels of a channel start alike.

    Otherwise each of the v*h sub-pixels starts from its own random kernel, and the periodic grid
    this draws into the image is hard to train away.
    """
    repeats = factor[0] * factor[1]
    for parameter in (conv.weight, conv.bias):
        assert parameter is not None
        parameter.copy_(parameter[::repeats].repeat_interleave(repeats, dim=0))


class SRResNet(Upsampler):
    """The generator of SRGAN: (N, C, H, W) in [0, 1] -> (N, C, v*H, h*W), about [0, 1].

    Args:
        channels: image channels in and out; 1 for OCT.
        scale: (vertical, lateral) factors, any integers of at least 1, not both 1.
        blocks: residual blocks; the paper has 16.
        width: feature channels; the paper has 64.
        noise: after each residual block and each sub-pixel convolution, add noise by amounts that
            are learned (speckle is random, a network by itself is not). In training a
            ``torch.Generator`` is then due at each call; otherwise calls without one add no noise.
        norm: ``batch`` as in the paper, or ``none``: no BatchNorm, and convolutions with a bias
            where it was (as in EDSR, Lim et al. 2017, arXiv 1707.02921).

    Raises:
        ValueError: if an argument is out of range.
    """

    def __init__(
        self,
        channels: int = 1,
        scale: Scale = (4, 4),
        blocks: int = 16,
        width: int = 64,
        noise: bool = False,
        norm: str = "batch",
    ) -> None:
        super().__init__()
        numbers: list[object] = [channels, blocks, width, *scale]
        whole = all(isinstance(number, int) and number >= 1 for number in numbers)
        if not whole or len(numbers) != 5 or scale[0] * scale[1] == 1:
            raise ValueError(
                "SRResNet needs channels, blocks, width and both scale factors as whole numbers of "
                f"at least 1, and a scale other than (1, 1); got {channels=}, {scale=}, {blocks=}, "
                f"{width=}"
            )
        if norm not in NORMS:
            raise ValueError(f"norm is {' or '.join(NORMS)}, not {norm!r}")
        self.channels, self.blocks, self.width = channels, blocks, width
        self.noise, self.norm = noise, norm
        self.scale: Scale = (scale[0], scale[1])

        self.head = nn.Conv2d(channels, width, 9, padding=4)
        self.head_act = nn.PReLU(width)
        self.body = nn.Sequential(*(ResidualBlock(width, norm) for _ in range(blocks)))
        self.body_conv, self.body_norm = _normalised(width, norm)
        self.upsampler = nn.ModuleList(
            SubPixelStage(width, stage) for stage in upsampling_stages(self.scale)
        )
        self.tail = nn.Conv2d(width, channels, 9, padding=4)
        if noise:
            self.body_noise = nn.ModuleList(FeatureNoise(width) for _ in range(blocks))
            self.stage_noise = nn.ModuleList(
                FeatureNoise(width, stage.factor[0] * stage.factor[1]) for stage in self._stages()
            )

    def forward(self, image: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Super-resolve a batch; see the class for shapes and ranges.

        Raises:
            ValueError: if noise is due and there is no ``generator`` to draw it from.
        """
        return self.render(self.features(image, generator))

    def features(self, image: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """All but the last convolution: what :meth:`render` makes the image of.

        Raises:
            ValueError: as :meth:`forward`.
        """
        if self.noise and self.training and generator is None:
            raise ValueError(
                "this generator adds noise in training: call it with a torch.Generator to draw from"
            )
        first = self.head_act(self.head(image))
        if self.noise and generator is not None:
            y = first
            for block, noise in zip(self.body, self.body_noise, strict=True):
                y = noise(block(y), generator)
        else:
            y = self.body(first)
        features: Tensor = first + self.body_norm(self.body_conv(y))
        stages = self._stages()
        for number, stage in enumerate(stages):
            features = stage(features)
            if self.noise:
                features = self.stage_noise[number](features, generator)
            if number < len(stages) - 1:
                features = shuffle_pixels(features, stage.factor)
        return features

    def render(self, features: Tensor) -> Tensor:
        """The last convolution, in the type of its weights unless autocast says otherwise."""
        if not torch.is_autocast_enabled(features.device.type):
            features = features.to(self.tail.weight.dtype)
        factor = self._stages()[-1].factor
        y = convolve_shuffled(features, self.tail.weight, self.tail.bias, factor)
        return y * 0.5 + 0.5  # the paper trains towards HR in [-1, 1]

    def load_noiseless(self, state: Mapping[str, Tensor]) -> None:
        """Start from the weights of a generator without noise; the amounts stay as they are.

        Raises:
            RuntimeError: if the weights are of another architecture.
        """
        amounts = {name: p for name, p in self.state_dict().items() if "_noise." in name}
        self.load_state_dict({**state, **amounts})

    def _stages(self) -> list[SubPixelStage]:
        return [cast(SubPixelStage, stage) for stage in self.upsampler]

    def title(self) -> str:
        """See :class:`Upsampler`."""
        norm = " without BatchNorm" if self.norm == "none" else ""
        noise = " with noise" if self.noise else ""
        return f"SRResNet of {self.blocks} blocks, {self.width} features{norm}{noise}"

    def architecture(self) -> dict[str, Any]:
        """See :class:`Upsampler`."""
        return {
            "name": NAME,
            "channels": self.channels,
            "scale": list(self.scale),
            "blocks": self.blocks,
            "width": self.width,
            # Older versions read all files that say nothing of these.
            **({"noise": True} if self.noise else {}),
            **({"norm": self.norm} if self.norm != "batch" else {}),
        }

    def receptive_radius(self) -> Scale:
        """See :class:`Upsampler`; computed from the layers."""
        return (self._radius(axis=0), self._radius(axis=1))

    def _radius(self, axis: int) -> int:
        def reach(*convolutions: nn.Module) -> int:
            sides = [cast(nn.Conv2d, conv).kernel_size[axis] for conv in convolutions]
            return sum((side - 1) // 2 for side in sides)

        body = [module for module in self.body.modules() if isinstance(module, nn.Conv2d)]
        radius = float(reach(self.head, *body, self.body_conv))
        magnification = 1
        for stage in self._stages():
            radius += reach(stage.conv) / magnification
            magnification *= stage.factor[axis]
        return math.ceil(radius + reach(self.tail) / magnification)
