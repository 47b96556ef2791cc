"""A convolution behind a pixel shuffle, computed before it.

Shuffling (N, C*v*h, H, W) to (N, C, v*H, h*W) and convolving there is the same linear map as
convolving the unshuffled channels with a smaller, rearranged kernel to v*h output phases and
shuffling those. A 9x9 kernel behind a shuffle by 2 becomes 5x5: fewer operations, channels in
numbers that the hardware likes, and the largest activation of the network never exists.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

Scale = tuple[int, int]  # (vertical, lateral)


def shuffle_pixels(x: Tensor, factor: Scale) -> Tensor:
    """Move channels into space: (N, C*v*h, H, W) -> (N, C, v*H, h*W).

    The order of channels is that of ``torch.nn.PixelShuffle`` (Shi et al. 2016), extended to
    factors that differ between the axes.
    """
    v, h = factor
    n, channels, height, width = x.shape
    x = x.reshape(n, channels // (v * h), v, h, height, width)
    return x.permute(0, 1, 4, 2, 5, 3).reshape(n, channels // (v * h), v * height, h * width)


def convolve_shuffled(x: Tensor, weight: Tensor, bias: Tensor | None, factor: Scale) -> Tensor:
    """``conv2d(shuffle_pixels(x, factor), weight, bias, padding="same")``, without the shuffle.

    Args:
        x: (N, C*v*h, H, W).
        weight: (O, C, kh, kw), odd kernel sides.
        bias: (O,) or None.
        factor: (v, h).

    Returns:
        (N, O, v*H, h*W), equal up to the order of additions; gradients flow to all arguments.
    """
    v, h = factor
    kernel = phase_kernel(weight, factor)
    padding = (kernel.shape[-2] // 2, kernel.shape[-1] // 2)
    phase_bias = None if bias is None else bias.repeat_interleave(v * h)
    return shuffle_pixels(F.conv2d(x, kernel, phase_bias, padding=padding), factor)


def phase_kernel(weight: Tensor, factor: Scale) -> Tensor:
    """Rearrange (O, C, kh, kw) into (O*v*h, C*v*h, Kh, Kw), K odd and about k/factor.

    Output phase a of pixel i is HR pixel r*i + a. A kernel tap that reads HR pixel
    r*i + a + t - k//2 = r*(i + d) + b reads phase b of pixel i + d: writing the kernel into a frame
    of r*K taps at offset r*(K//2) + a - k//2, and splitting the frame into K x r, sorts the taps.
    """
    v, h = factor
    outputs, inputs, kh, kw = weight.shape
    reach_v, reach_h = _reach(kh, v), _reach(kw, h)
    frame_v, frame_h = v * (2 * reach_v + 1), h * (2 * reach_h + 1)
    phases = []
    for a in range(v):
        for b in range(h):
            top, left = v * reach_v + a - kh // 2, h * reach_h + b - kw // 2
            frame = F.pad(weight, (left, frame_h - kw - left, top, frame_v - kh - top))
            frame = frame.reshape(outputs, inputs, 2 * reach_v + 1, v, 2 * reach_h + 1, h)
            phases.append(frame.permute(0, 1, 3, 5, 2, 4).flatten(1, 3))
    return torch.stack(phases, dim=1).flatten(0, 1)


def _reach(kernel: int, factor: int) -> int:
    """How many unshuffled pixels the farthest tap of any phase lies away."""
    half = kernel // 2
    return max(-(-half // factor), (factor - 1 + half) // factor)
