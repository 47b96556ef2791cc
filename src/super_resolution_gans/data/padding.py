"""White padding as registration leaves it: beyond a straight, slightly slanted, hard edge.

Spectralis scans that were shifted and sheared against each other are filled up with white. A
slanted edge is a staircase of few long steps, the sharpest thing in a scan, and a network that saw
few of them rounds the steps off.
"""

import math

import numpy as np
import torch
from torch import Tensor

STEEPEST = math.tan(math.radians(15))
DEEPEST = 0.6  # share of the crop that padding covers, at its middle
_LEVEL = 0.8  # share of the edges that lie across the A-scans: at the top or the bottom


def pad(image: Tensor, source: np.random.Generator) -> Tensor:
    """(C, H, W) with white (1) beyond one edge, at a place and slant drawn from ``source``."""
    shares = source.random(4)
    height, width = image.shape[-2:]
    down = torch.arange(height, device=image.device)[:, None]
    across = torch.arange(width, device=image.device)
    if shares[0] < _LEVEL:
        from_edge, along, length, breadth = down, across, height, width
    else:
        from_edge, along, length, breadth = across, down, width, height
    if shares[1] < 0.5:
        from_edge = length - 1 - from_edge
    turned = 2 * shares[2] - 1
    slant = STEEPEST * turned * abs(turned)  # most of them a few degrees, as in scans
    depth = DEEPEST * shares[3] * length
    return torch.where(from_edge < depth + slant * (along - (breadth - 1) / 2), 1.0, image)
