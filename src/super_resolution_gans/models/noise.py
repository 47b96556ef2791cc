"""Gaussian noise inside networks, drawn from a random generator that the caller holds."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def draw(shape: Sequence[int], like: Tensor, generator: torch.Generator) -> Tensor:
    """Standard normal numbers in the type and place of ``like``.

    They are drawn where ``generator`` lives: a CPU generator draws the same for every device.
    """
    return torch.randn(tuple(shape), generator=generator, device=generator.device).to(like)


class FeatureNoise(nn.Module):
    """Adds one map of noise to all channels, each by an amount it learns (starting at none).

    What a generator needs to make speckle that differs where the scan is alike: a network without
    a source of randomness answers equal patches equally (Karras et al. 2019, arXiv 1812.04948,
    section 3.2, has the per-channel amounts).

    Args:
        width: feature channels.
        repeats: sub-pixels of a channel that lie side by side in the channel dimension, before
            they are shuffled; each gets noise of its own.
    """

    def __init__(self, width: int, repeats: int = 1) -> None:
        super().__init__()
        self.repeats = repeats
        self.amount = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor, generator: torch.Generator | None) -> Tensor:
        """(N, width * repeats, H, W) -> the same; without ``generator``, ``x`` itself."""
        if generator is None:
            return x
        drawn = draw((x.shape[0], self.repeats, *x.shape[-2:]), x, generator)
        channels = drawn.repeat(1, len(self.amount), 1, 1)
        return x + self.amount.repeat_interleave(self.repeats).view(-1, 1, 1).to(x.dtype) * channels
