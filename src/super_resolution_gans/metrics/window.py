"""Gaussian windows and their application to images: separable, float64, numpy only."""

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Edge = Literal["mirror", "zero"]
_BLOCK = 64  # output rows per matrix product: more wastes multiplications, fewer wastes calls


def gaussian_window(sigma: float, reach: int) -> NDArray[np.float64]:
    """2 * reach + 1 Gaussian weights that add up to 1; ``sigma`` in pixels."""
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    normalised: NDArray[np.float64] = weights / weights.sum()
    return normalised


def integer_gaussian_window(sigma: float, longest: int, steps: int = 256) -> NDArray[np.float64]:
    """A Gaussian window whose weights are multiples of 1/steps, as fixed-point tools have it.

    It ends where a weight would round to zero, or ``longest`` pixels from the centre; the centre
    takes what is missing to 1.
    """
    vanishing = math.sqrt(math.pi / 2) * sigma / steps
    reach = 0 if vanishing >= 1 else math.floor(sigma * math.sqrt(-2 * math.log(vanishing)))
    reach = min(reach, longest)
    density = np.exp(-0.5 * (np.arange(1, reach + 1) / sigma) ** 2)
    side = np.floor(steps * density / (math.sqrt(2 * math.pi) * sigma) + 0.5)
    centre = np.array([steps - 2 * side.sum()])
    return np.concatenate([side[::-1], centre, side]) / steps


def weigh(
    image: NDArray[np.float64], window: NDArray[np.float64], edge: Edge
) -> NDArray[np.float64]:
    """The window-weighted sum around each pixel of a (height, width) image; a new array.

    Args:
        image: (height, width).
        window: an odd number of weights, used along both axes.
        edge: beyond the border the image is mirrored with the border pixel repeated
            (``mirror``: d c b a | a b c d), or zero.
    """
    rows = _weigh_rows(image, window, edge)
    return np.ascontiguousarray(_weigh_rows(rows.T, window, edge).T)


def coverage(
    shape: tuple[int, ...], window: NDArray[np.float64], edge: Edge
) -> NDArray[np.float64]:
    """What :func:`weigh` makes of an image of ones: the share of each window inside the image."""
    rows, columns = (_weigh_rows(np.ones((length, 1)), window, edge) for length in shape)
    return rows * columns.T


def _weigh_rows(
    image: NDArray[np.float64], window: NDArray[np.float64], edge: Edge
) -> NDArray[np.float64]:
    """Along the first axis, as products with the few non-zero columns of the banded matrix."""
    length, reach = len(image), len(window) // 2
    result = np.empty(image.shape)
    for start in range(0, length, _BLOCK):
        outputs = np.arange(start, min(start + _BLOCK, length))
        inputs = outputs[:, None] + np.arange(-reach, reach + 1)
        weights = np.broadcast_to(window, inputs.shape)
        if edge == "mirror":
            inputs = inputs % (2 * length)
            inputs = np.minimum(inputs, 2 * length - 1 - inputs)
        else:
            weights = np.where((inputs >= 0) & (inputs < length), weights, 0.0)
            inputs = np.clip(inputs, 0, length - 1)
        first, last = int(inputs.min()), int(inputs.max())
        band = np.zeros((len(outputs), last - first + 1))
        np.add.at(band, (np.arange(len(outputs))[:, None], inputs - first), weights)
        result[start : start + len(outputs)] = band @ image[first : last + 1]
    return result
