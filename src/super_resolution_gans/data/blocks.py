"""A scan at a glance: its mean grey block by block, and where it is white padding.

Spectralis registers B-scans and fills what that leaves open with white: wedges and strips at the
image's edges. Saturated tissue is white as well, but inside the image and in small spots.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK = 8
PADDING = 255


def block_means(stored: NDArray[Any]) -> NDArray[np.uint8]:
    """(channels, H, W) -> mean grey of every 8x8 block in 0..254, or 255 (``PADDING``).

    A block is padding if all of it is white, or if it holds a white pixel from which a straight run
    of white reaches an edge of the image. White means at least 254/255, which survives mild JPEG
    compression. Blocks cut by the lower and right edge are judged by the part that exists.

    Args:
        stored: uint8 or uint16; 255 and 65535 are white.

    Returns:
        (ceil(H/8), ceil(W/8)).
    """
    channels, height, width = stored.shape
    full = channels * int(np.iinfo(stored.dtype).max)
    total = stored.sum(axis=0, dtype=np.uint32)
    area = np.outer(_sides(height), _sides(width))
    grey = np.minimum(np.rint(_block_sums(total) * (254 / full) / area), 254)
    means: NDArray[np.uint8] = grey.astype(np.uint8)
    white = total >= -(-254 * full // 255)
    if white.any():
        padding = (_block_sums(white) == area) | (_block_sums(_runs_to_edges(white)) > 0)
        means[padding] = PADDING
    return means


def _sides(length: int) -> NDArray[np.int64]:
    starts = np.arange(0, length, BLOCK)
    return np.minimum(length - starts, BLOCK)


def _block_sums(values: NDArray[Any]) -> NDArray[np.uint64]:
    height, width = values.shape
    whole = np.pad(values, ((0, -height % BLOCK), (0, -width % BLOCK)))
    blocks = whole.reshape(whole.shape[0] // BLOCK, BLOCK, whole.shape[1] // BLOCK, BLOCK)
    # Rows first: the inner sum of eight would be taken one by one.
    summed: NDArray[np.uint64] = blocks.sum(axis=1, dtype=np.uint32).sum(axis=2, dtype=np.uint64)
    return summed


def _runs_to_edges(white: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The pixels from which a straight run of white reaches an edge."""
    run = np.logical_and.accumulate
    down, right = run(white, axis=0), run(white, axis=1)
    up, left = run(white[::-1], axis=0)[::-1], run(white[:, ::-1], axis=1)[:, ::-1]
    reaching: NDArray[np.bool_] = down | up | right | left
    return reaching
