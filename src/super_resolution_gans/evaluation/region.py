"""Where to look closely: the most eventful window of an image."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.evaluation.pairs import Image, Pair
from super_resolution_gans.metrics.image import Mask, luma, padding_mask


@dataclass(frozen=True)
class Region:
    """A window of HR pixels, cut along LR pixels."""

    top: int
    left: int
    height: int
    width: int

    def cut(self, image: Image) -> Image:
        """The window's pixels (a view)."""
        return image[self.top : self.top + self.height, self.left : self.left + self.width]


def eventful_region(pair: Pair, side: int = 96) -> Region:
    """The window with the highest gradient energy among those with the least white padding.

    Gradients are those of the mean of each v x h cell of HR, so that structure counts more than
    speckle, and the window begins and ends with an LR pixel. Padding here is white that reaches the
    image's edge (saturated tissue does not), and two cells around it, where LR is mixed with it.

    Args:
        pair: whose HR is searched.
        side: wanted side in HR pixels; cut to whole LR pixels and to the image.
    """
    vertical, lateral = pair.scale
    hr = pair.hr if pair.hr.ndim == 2 else luma(pair.hr)
    cells = _cell_means(hr, vertical, lateral)
    white = _cell_means(_from_edges(~padding_mask(pair.hr)), vertical, lateral) > 0
    padding = _window_sums(np.pad(white, 2), 5, 5).round() > 0
    rows = min(max(side // vertical, 1), cells.shape[0])
    columns = min(max(side // lateral, 1), cells.shape[1])
    down = np.diff(cells, axis=0, append=cells[-1:]) / vertical
    right = np.diff(cells, axis=1, append=cells[:, -1:]) / lateral
    energy = _window_sums(np.where(padding, 0.0, down**2 + right**2), rows, columns)
    covered = _window_sums(padding, rows, columns).round()
    energy[covered > covered.min()] = -1
    top, left = np.unravel_index(int(energy.argmax()), energy.shape)
    return Region(int(top) * vertical, int(left) * lateral, rows * vertical, columns * lateral)


def _from_edges(white: Mask) -> Mask:
    """The pixels from which a straight run of white reaches an edge of the image."""
    runs = np.logical_and.accumulate
    upper, left = runs(white, axis=0), runs(white, axis=1)
    lower, right = runs(white[::-1], axis=0)[::-1], runs(white[:, ::-1], axis=1)[:, ::-1]
    reaching: Mask = upper | lower | left | right
    return reaching


def _cell_means(image: NDArray[Any], vertical: int, lateral: int) -> NDArray[np.float64]:
    height, width = image.shape
    cells = image.reshape(height // vertical, vertical, width // lateral, lateral)
    means: NDArray[np.float64] = cells.mean(axis=(1, 3), dtype=np.float64)
    return means


def _window_sums(values: NDArray[Any], rows: int, columns: int) -> NDArray[np.float64]:
    """The sum of every rows x columns window, from one table of running sums."""
    table = np.pad(values.astype(np.float64), ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    sums: NDArray[np.float64] = (
        table[rows:, columns:]
        - table[:-rows, columns:]
        - table[rows:, :-columns]
        + table[:-rows, :-columns]
    )
    return sums
