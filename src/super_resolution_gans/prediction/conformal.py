"""A scale of errors learned from signals, and the factor that makes intervals of it cover."""

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
_FLOOR = 0.002  # half a level of 8 bit: smaller errors are all alike


def fit_log_scale(
    signals: Floats, errors: Floats, weights: Floats, coverage: float, steps: int = 1500
) -> NDArray[np.float64]:
    """Coefficients of a scale s = exp(a + b . signals): the ``coverage`` quantile of the errors.

    Linear quantile regression (Koenker and Bassett 1978) of the logarithm of the error, so that
    large and small errors count alike. The problem is convex; it is solved by Adam on all pixels
    at once, along the principal axes of the signals, without random numbers.

    Args:
        signals: (n, k).
        errors: (n,) absolute errors.
        weights: (n,) how much each pixel counts.
        coverage: between 0 and 1.
        steps: of Adam.

    Returns:
        (k + 1,): a, then b.
    """
    shares = np.asarray(weights, np.float64) / np.sum(weights, dtype=np.float64)
    centre = shares @ signals
    moved = signals - centre
    variances, axes = np.linalg.eigh((moved * shares[:, None]).T @ moved)
    axes = axes / np.sqrt(np.maximum(variances, 1e-6 * variances.max()))
    inputs = torch.from_numpy((moved @ axes).astype(np.float32))
    truth = torch.from_numpy(np.log(errors + _FLOOR).astype(np.float32))
    counts = torch.from_numpy(shares.astype(np.float32))
    offset = torch.quantile(truth[:: max(1, len(truth) // 100_000)], coverage).requires_grad_(True)
    slopes = torch.zeros(signals.shape[1], requires_grad=True)
    optimiser = torch.optim.Adam([offset, slopes], lr=0.02)
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(steps):
        above = truth - offset - inputs @ slopes
        loss = (counts * torch.maximum(coverage * above, (coverage - 1) * above)).sum()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        decay.step()
    b = axes @ slopes.detach().numpy().astype(np.float64)
    return np.concatenate(([float(offset.detach()) - float(b @ centre)], b))


def conformal_factor(ratios: Floats, weights: Floats, coverage: float) -> float:
    """The smallest q so that |error| <= q s for a share ``coverage`` of the calibration pixels.

    Args:
        ratios: (n,) |error| / s of pixels that the scale was not fitted on.
        weights: (n,) how much each counts; those of one person should add up to the same for all.
        coverage: between 0 and 1.

    Returns:
        The weighted quantile, or the largest ratio if there are too few pixels. Of split conformal
        prediction's correction, ceil((n + 1) coverage) / n, n is the number of pixels; it is
        nothing beside the fact that pixels of one person are alike, for which none is made.
    """
    order = np.argsort(ratios)
    cumulated = np.cumsum(weights[order], dtype=np.float64)
    level = min(1.0, math.ceil((len(ratios) + 1) * coverage) / len(ratios))
    place = int(np.searchsorted(cumulated, level * cumulated[-1]))
    return float(ratios[order][min(place, len(ratios) - 1)])


def interval_score(errors: Floats, half_widths: Floats | float, coverage: float) -> float:
    """The mean interval score of [x - w, x + w] in grey values; lower is better.

    Winkler 1972; Gneiting and Raftery 2007, eq. 43: the width, plus 2 / (1 - coverage) times the
    distance by which the truth lies outside.
    """
    outside = np.maximum(errors - half_widths, 0)
    return float(np.mean(2 * half_widths + 2 / (1 - coverage) * outside))
