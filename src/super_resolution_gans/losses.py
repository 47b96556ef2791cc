"""Losses: pure functions of tensors.

Images are float32 (N, C, H, W) in [0, 1]; a loss weight that was tuned for [-1, 1] must be
multiplied by 4 (squared errors) or 2 (absolute errors) here.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def mse(sr: Tensor, hr: Tensor) -> Tensor:
    """Mean squared error (Ledig et al. 2017, eq. 4), a scalar; 1e-3 is 30 dB of PSNR."""
    return F.mse_loss(sr, hr)


def l1(sr: Tensor, hr: Tensor) -> Tensor:
    """Mean absolute error, a scalar."""
    return F.l1_loss(sr, hr)


def charbonnier(sr: Tensor, hr: Tensor, epsilon: float = 1e-3) -> Tensor:
    """Mean of sqrt(error^2 + epsilon^2), a smooth L1 (Lai et al. 2017, arXiv 1704.03915)."""
    return torch.sqrt((sr - hr) ** 2 + epsilon**2).mean()
