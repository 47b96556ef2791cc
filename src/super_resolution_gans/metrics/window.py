"""Gaussian windows and their application to images: separable, float64, numpy only."""

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Edge = Literal["mirror", "zero"]
_BLOCK = 16  # outputs per matrix product: more waste multiplications, fewer waste calls


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
    reach = len(window) // 2
    rows = weigh_inside(_extended(image, reach, edge), window, axis=0)
    return weigh_inside(_extended(rows.T, reach, edge).T, window, axis=1)


def coverage(
    shape: tuple[int, ...], window: NDArray[np.float64], edge: Edge
) -> NDArray[np.float64]:
    """What :func:`weigh` makes of an image of ones: the share of each window inside the image."""
    reach = len(window) // 2
    rows, columns = (
        weigh_inside(_extended(np.ones((length, 1)), reach, edge), window, axis=0)
        for length in shape
    )
    return rows * columns.T


def weigh_inside(
    image: NDArray[np.float64], window: NDArray[np.float64], axis: Literal[0, 1]
) -> NDArray[np.float64]:
    """The window-weighted sums along one axis, where the whole window is inside: a shorter image.

    Products with the band of a banded matrix, some rows or columns of the result at a time.
    """
    length = image.shape[axis] - len(window) + 1
    band = np.zeros((_BLOCK, _BLOCK + len(window) - 1))
    for row in range(_BLOCK):
        band[row, row : row + len(window)] = window
    shape = (length, image.shape[1]) if axis == 0 else (image.shape[0], length)
    result = np.empty(shape)
    for start in range(0, length, _BLOCK):
        stop = min(start + _BLOCK, length)
        weights = band[: stop - start, : stop - start + len(window) - 1]
        needed = slice(start, stop + len(window) - 1)
        if axis == 0:
            np.matmul(weights, image[needed], out=result[start:stop])
        else:
            np.matmul(image[:, needed], weights.T, out=result[:, start:stop])
    return result


def _extended(image: NDArray[np.float64], reach: int, edge: Edge) -> NDArray[np.float64]:
    """With ``reach`` more rows above and below."""
    mode: Literal["symmetric", "constant"] = "symmetric" if edge == "mirror" else "constant"
    return np.pad(image, ((reach, reach), (0, 0)), mode)
