"""The rearranged generator on bands of rows, so that features stay in the processor's cache.

A convolution of a whole scan reads and writes features that no cache holds, and waits for memory.
Here each layer gets a few rows at a time, keeps the rows that its next rows will look at, and hands
on what is complete. Nothing is computed twice and nothing is approximated: the result is that of
the network on the whole image, up to the order of float32 additions. Memory grows with the width of
the image and hardly with its height.
"""

from collections import deque
from typing import cast

import torch
from torch import Tensor

from super_resolution_gans.models.deploy import (
    Convolution,
    Deployed,
    DeployedBlock,
    DeployedStage,
    shuffle_blocks,
)


def upscale_in_bands(network: Deployed, image: Tensor, rows: int, fine_rows: int) -> Tensor:
    """``network(image)``, computed from the top to the bottom.

    Args:
        image: (N, C, H, W) in [0, 1], float32.
        rows: how many rows of the image go through the residual blocks at a time.
        fine_rows: how many of those go through the sub-pixel stages at a time, where there are
            many times as many features.

    Returns:
        (N, C, v*H, h*W), float32.
    """
    height = image.shape[2]
    upscaled = image.new_empty(
        (*image.shape[:2], height * network.scale[0], image.shape[3] * network.scale[1])
    )
    coarse, fine = _Body(network), _Stages(network, image)
    done = 0
    for top in range(0, height, rows):
        is_last = top + rows >= height
        features = coarse.push(image[:, :, top : top + rows], is_last)
        count = features.shape[2]
        for start in range(0, count, fine_rows):
            piece = features[:, :, start : start + fine_rows]
            finished = fine.push(piece, is_last and start + fine_rows >= count)
            upscaled[:, :, done : done + finished.shape[2]] = finished
            done += finished.shape[2]
    return upscaled


class _Rolling:
    """A convolution that is given its input from the top to the bottom.

    Attributes:
        held: the rows of the last call: kept ones and new ones, zeros beyond the image's border.
        start: which row of the image the first of ``held`` is; -1 is the first row of padding.
    """

    def __init__(self, conv: Convolution) -> None:
        self._conv, self._reach, self._stride = conv, conv.reach[0], conv.stride[0]
        self.held: Tensor | None = None
        self.start = -self._reach
        self._used = 0  # rows of `held` that no further output looks at

    def push(self, x: Tensor, is_last: bool) -> Tensor:
        """Give the next rows, possibly none; what is complete by now comes out, possibly none."""
        if self.held is None and is_last:
            self.held, self.start = x, 0
            return cast(Tensor, self._conv(x))
        padding = x.new_zeros((*x.shape[:2], self._reach, x.shape[3]))
        kept = padding if self.held is None else self.held[:, :, self._used :]
        self.start += self._used
        self.held = _stack([kept, x, padding] if is_last else [kept, x])
        frame = 2 * self._reach + self._stride
        count = max(0, (self.held.shape[2] - frame) // self._stride + 1)
        self._used = count * self._stride
        if not count:
            width = x.shape[3] // self._conv.stride[1]
            return self._conv.bias.new_empty((x.shape[0], len(self._conv.bias), 0, width))
        seen = self.held[:, :, : self._used + 2 * self._reach]
        return cast(Tensor, self._conv(seen, pad_rows=False))


class _RollingBlock:
    """A residual block; the rows it adds to its result are those its first convolution holds."""

    def __init__(self, block: DeployedBlock) -> None:
        self._first, self._second = _Rolling(block.first), _Rolling(block.second)
        self._done = 0

    def push(self, x: Tensor, is_last: bool) -> Tensor:
        y = self._second.push(self._first.push(x, is_last), is_last)
        assert self._first.held is not None
        start = self._done - self._first.start
        self._done += y.shape[2]
        return y.add_(self._first.held[:, :, start : start + y.shape[2]])


class _Body:
    """From the image to the sum before the sub-pixel stages."""

    def __init__(self, network: Deployed) -> None:
        self._dtype = network.dtype
        self._head = _Rolling(network.head)
        self._blocks = [_RollingBlock(cast(DeployedBlock, block)) for block in network.body]
        self._conv = _Rolling(network.body_conv)
        self._waiting: deque[Tensor] = deque()

    def push(self, x: Tensor, is_last: bool) -> Tensor:
        first = self._head.push(x, is_last).to(self._dtype)
        self._waiting.append(first)
        y = first
        for block in self._blocks:
            y = block.push(y, is_last)
        y = self._conv.push(y, is_last)
        return y.add_(self._take(y.shape[2])) if y.shape[2] else y

    def _take(self, count: int) -> Tensor:
        """The first ``count`` rows of those that wait for the long way round."""
        rows = _stack(list(self._waiting))
        self._waiting = deque([rows[:, :, count:]])
        return rows[:, :, :count]


class _Stages:
    """The sub-pixel stages and the last convolution."""

    def __init__(self, network: Deployed, image: Tensor) -> None:
        self._network, self._image = network, image
        stages = [cast(DeployedStage, stage) for stage in network.stages]
        self._stages = [(_Rolling(stage.conv), stage.factor) for stage in stages]
        self._tail = _Rolling(network.tail)
        self._done = 0  # rows of the last features

    def push(self, x: Tensor, is_last: bool) -> Tensor:
        for number, (conv, factor) in enumerate(self._stages):
            x = conv.push(x, is_last)
            if number < len(self._stages) - 1:
                x = shuffle_blocks(x, factor)
        seen = self._network.with_image(x, self._image, self._done)
        self._done += x.shape[2]
        return self._network.finish(self._tail.push(seen, is_last))


def _stack(bands: list[Tensor]) -> Tensor:
    """Bands of rows, one below the other, channels last as they came."""
    if len(bands) == 1:
        return bands[0]
    return torch.cat([band.permute(0, 2, 3, 1) for band in bands], dim=1).permute(0, 3, 1, 2)
