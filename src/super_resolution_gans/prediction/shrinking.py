"""One axis of the downsampling of :mod:`super_resolution_gans.degrade`, as a matrix.

An axis of n cells (LR pixels) of s HR pixels each. torch's antialiased bicubic gives LR pixel i
Keys' kernel (a = -0.5), s times as wide, centred on its cell; where the kernel reaches over the
edge of the image, it is cut off, and what is left is divided by its sum. Hence A = D T: T is a
convolution with zeros around the image, taken at every s-th place, and D the diagonal that
divides by what of the kernel lies inside, D = 1 / (T 1). The kernel covers the cell and two on
each side, so the Gram matrix T T^T has three diagonals on each side of its own. ``area`` is the
same with a kernel that covers its own cell evenly.

Rows of a window of the axis are asked for with ``start`` and ``stop``, in LR pixels; ``n`` is
always the whole axis, so that the image's true borders are known.
"""

from functools import lru_cache
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.prediction.banded import BandedCholesky

Float = NDArray[np.float32] | NDArray[np.float64]
Invertible = Literal["bicubic", "area"]

NEIGHBOURS = 2  # cells that the kernel covers on each side of its own
_OFFSETS = range(-NEIGHBOURS, NEIGHBOURS + 1)


@lru_cache
def taps(factor: int, kernel: Invertible) -> NDArray[np.float64]:
    """The kernel by cells: (5, factor), sum 1; row 2 is the LR pixel's own cell.

    Raises:
        ValueError: if the factor is below 1, or the kernel unknown or not one to project with.
    """
    if factor < 1:
        raise ValueError(f"a factor is a whole number of at least 1, not {factor}")
    if kernel not in get_args(Invertible):
        known = ", ".join(get_args(Invertible))
        raise ValueError(f"cannot project onto {kernel!r} pixels; kernels are {known}")
    weights = np.zeros((len(_OFFSETS), factor))
    if kernel == "area" or factor == 1:
        weights[NEIGHBOURS] = 1 / factor
        return weights
    pixels = np.arange(len(_OFFSETS) * factor).reshape(-1, factor) + 0.5
    weights[:] = _keys(pixels / factor - (NEIGHBOURS + 0.5))
    weights /= weights.sum()
    return weights


def _keys(x: NDArray[np.float64], a: float = -0.5) -> NDArray[np.float64]:
    """Keys' cubic convolution kernel (Keys 1981, eq. 4)."""
    x = np.abs(x)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = a * (((x - 5) * x + 8) * x - 4)
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))


def kept(factor: int, kernel: Invertible, n: int, start: int, stop: int) -> NDArray[np.float64]:
    """What of the kernel lies inside the image, for LR pixels ``start`` to ``stop``: T 1."""
    sums = taps(factor, kernel).sum(axis=1)
    cells = np.arange(start, stop)[:, np.newaxis] + np.array(_OFFSETS)
    inside: NDArray[np.float64] = ((cells >= 0) & (cells < n)) @ sums
    return inside


def shrink(
    pixels: NDArray[np.float32], factor: int, kernel: Invertible, first: int, start: int, stop: int
) -> NDArray[np.float32]:
    """T on axis 0: HR (cells * factor, m), the first cell being ``first`` -> (stop - start, m).

    Cells that are not handed in count as zeros: all that T needs must be there, but for what
    lies outside the image.
    """
    weights = taps(factor, kernel).astype(np.float32)
    cells = pixels.reshape(-1, factor, pixels.shape[1])
    used = [k for k in _OFFSETS if weights[k + NEIGHBOURS].any()]
    parts = weights[[k + NEIGHBOURS for k in used]] @ cells
    shrunk = np.zeros((stop - start, pixels.shape[1]), np.float32)
    for place, k in enumerate(used):
        low, high = max(start, first - k), min(stop, first + len(cells) - k)
        if low < high:
            shrunk[low - start : high - start] += parts[low + k - first : high + k - first, place]
    return shrunk


def spread(
    values: NDArray[np.float32], factor: int, kernel: Invertible, first: int, start: int, stop: int
) -> NDArray[np.float32]:
    """T^T on axis 0: LR (rows, m), the first row being ``first`` -> HR of cells start to stop."""
    weights = taps(factor, kernel).astype(np.float32)
    used = [k for k in _OFFSETS if weights[k + NEIGHBOURS].any()]
    shifted = np.zeros((stop - start, len(used), values.shape[1]), np.float32)
    for place, k in enumerate(used):
        low, high = max(start, first + k), min(stop, first + len(values) + k)
        if low < high:
            shifted[low - start : high - start, place] = values[low - k - first : high - k - first]
    return (weights[[k + NEIGHBOURS for k in used]].T @ shifted).reshape(-1, values.shape[1])


def gram(factor: int, kernel: Invertible, n: int, start: int, stop: int) -> BandedCholesky:
    """The Cholesky factor of T T^T, of its rows and columns ``start`` to ``stop``; kept."""
    # Far from both ends of the axis all rows are alike, so that windows there share a factor.
    before, after = min(start, NEIGHBOURS), min(n - stop, NEIGHBOURS)
    return _factor(factor, kernel, before, stop - start, after)


@lru_cache(maxsize=64)
def _factor(factor: int, kernel: Invertible, before: int, rows: int, after: int) -> BandedCholesky:
    n = before + rows + after
    return BandedCholesky.of(gram_diagonals(factor, kernel, n, before, before + rows))


def gram_diagonals(
    factor: int, kernel: Invertible, n: int, start: int, stop: int
) -> NDArray[np.float64]:
    """T T^T of rows ``start`` to ``stop``: (reach + 1, rows), ``[j, i]`` is its [i, i + j]."""
    weights = taps(factor, kernel)
    cells = np.arange(start, stop)[:, np.newaxis] + np.array(_OFFSETS)
    inside = (cells >= 0) & (cells < n)
    diagonals = []
    for shift in range(len(_OFFSETS)):
        products = np.zeros(len(_OFFSETS))
        products[shift:] = (weights[shift:] * weights[: len(weights) - shift]).sum(axis=1)
        if products.any():
            diagonals.append(inside @ products)
            diagonals[-1][max(0, stop - start - shift) :] = 0
    return np.array(diagonals)


@lru_cache
def largest(factor: int, kernel: Invertible) -> float:
    """No eigenvalue of T T^T is above this, at any length: the most that T T^T does to a wave."""
    middle = 2 * len(_OFFSETS)
    first, *others = gram_diagonals(factor, kernel, 2 * middle, 0, 2 * middle)[:, middle]
    waves = np.linspace(0, np.pi, 1025)
    symbol = first + 2 * sum(d * np.cos(shift * waves) for shift, d in enumerate(others, 1))
    return float(np.max(symbol))


@lru_cache
def decay(factor: int, kernel: Invertible) -> int:
    """How many LR pixels away (T T^T)^-1 has fallen below the rounding of float32.

    Further out than that, all of its row together is below 2^-24 of its whole.
    """
    middle = 64
    impulse = np.zeros((2 * middle + 1, 1))
    impulse[middle] = 1
    response = np.abs(gram(factor, kernel, len(impulse), 0, len(impulse)).solve(impulse)[:, 0])
    beyond = response[middle:][::-1].cumsum()[::-1]
    return int(np.argmax(2 * beyond < 2.0**-24 * response.sum())) - 1
