"""Where contrast and noise of a B-scan are measured: background above the retina, even tissue.

Regions are a label image (height, width) of whole numbers: 0 is not looked at, 1 is background,
2 and above are homogeneous regions of tissue, each by itself. They are drawn by hand, or found by
:func:`find_regions` in HR, and then the same for every method.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.metrics.image import MetricError, channels
from super_resolution_gans.metrics.subject import Image, Mask, Subject, mask_key, subject
from super_resolution_gans.metrics.undefined import UndefinedError
from super_resolution_gans.metrics.window import gaussian_window, weigh, weigh_inside

Labels = NDArray[np.integer[Any]]
Plane = NDArray[np.float64]
BACKGROUND = 1

_SIGMA = 4.0  # of the smoothing before structure is looked for, in pixels
_CLEARANCE = 16  # pixels between background and tissue, and beside it
_LEAST_BACKGROUND = 400  # pixels
_HEIGHT, _WIDTH = 8, 32  # of a region of tissue: layers are thin and wide
_MOST = 5


def find_regions(image: Image | Subject, *, mask: Mask | None = None) -> Labels:
    """Label background and up to five regions of a B-scan, by rules without chance.

    The image is smoothed (Gaussian, sigma 4 pixels) and divided into dark and bright at the
    threshold of Otsu 1979. Background is what lies in a column above the first bright pixel of that
    column and of those up to 16 pixels beside it, by more than 16 pixels. A region is 8 x 32
    pixels, all bright: those where the smoothed image has the smallest ratio of
    standard deviation to mean, best first, and no two nearer than 16 rows and 64 columns.

    Args:
        image: (H, W), rows down the beam, vitreous on top; HR as a rule.
        mask: (H, W), True = counted; what is within 12 pixels of others is neither dark nor bright.

    Returns:
        uint8 (H, W): 1 background, 2 to 6 the regions, 0 the rest.

    Raises:
        UndefinedError: if there is no background of 400 pixels above the tissue, or no region.
        MetricError: if image or mask are not as described.
    """
    known = subject(image)
    planes = channels(known)
    if len(planes) != 1:
        raise MetricError(f"image of shape {known.pixels.shape}; expected (height, width)")
    counted = np.ones(planes[0].shape, np.bool_) if mask is None else mask
    if counted.shape != planes[0].shape or counted.dtype != np.bool_:
        raise MetricError(f"mask is {counted.dtype} {counted.shape}; expected bool")
    return known.once(("regions", mask_key(mask)), lambda: _labels(planes[0], counted))


def background_of(labels: Labels, shape: tuple[int, ...]) -> Mask:
    """Where the background is.

    Raises:
        UndefinedError: if nothing is labelled so.
        MetricError: if labels are not whole numbers of that shape.
    """
    _check(labels, shape)
    background = labels == BACKGROUND
    if not background.any():
        raise UndefinedError("no pixel is labelled 1, background")
    return np.asarray(background)


def tissue_of(labels: Labels, shape: tuple[int, ...]) -> list[Mask]:
    """Where each homogeneous region is.

    Raises:
        UndefinedError: if there is none.
        MetricError: if labels are not whole numbers of that shape.
    """
    _check(labels, shape)
    regions = [labels == label for label in np.unique(labels) if label > BACKGROUND]
    if not regions:
        raise UndefinedError("no pixel is labelled 2 or above, tissue")
    return regions


def _check(labels: Labels, shape: tuple[int, ...]) -> None:
    if labels.dtype.kind not in "iu" or labels.shape != shape:
        raise MetricError(
            f"regions are {labels.dtype} {labels.shape}; expected whole numbers {shape}"
        )


def _labels(image: Plane, counted: Mask) -> Labels:
    smooth, clear = _smoothed(image, counted)
    if not clear.any():
        raise UndefinedError("no pixel is counted that is clear of padding")
    bright = clear & (smooth > _otsu(smooth[clear]))
    labels = np.zeros(image.shape, np.uint8)
    labels[_above(bright) & clear] = BACKGROUND
    found = int((labels == BACKGROUND).sum())
    if found < _LEAST_BACKGROUND:
        raise UndefinedError(
            f"no background is found above the tissue ({found} pixels, {_LEAST_BACKGROUND} needed)"
        )
    places = _even_places(smooth, bright)
    if not places:
        raise UndefinedError(
            f"no even region of {_HEIGHT} x {_WIDTH} pixels is found in the tissue"
        )
    for label, (top, left) in enumerate(places, start=BACKGROUND + 1):
        labels[top : top + _HEIGHT, left : left + _WIDTH] = label
    return labels


def _smoothed(image: Plane, counted: Mask) -> tuple[Plane, Mask]:
    """Local means, and where no padding is in them: beside it compression leaves bright pixels."""
    window = gaussian_window(_SIGMA, reach=int(3 * _SIGMA))
    inside = weigh(counted.astype(np.float64), window, "mirror")
    return weigh(image, window, "mirror"), inside > 1 - 1e-9


def _otsu(values: Plane) -> float:
    """The threshold with the largest variance between what is below and what is above it."""
    shares, edges = np.histogram(values, bins=256)
    centres = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(shares)[:-1].astype(np.float64)
    above = shares.sum() - below
    sums = np.cumsum(shares * centres)
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = sums[:-1] / below - (sums[-1] - sums[:-1]) / above
    between = np.nan_to_num(below * above * gap * gap)
    return float(edges[1 + int(between.argmax())])


def _above(bright: Mask) -> Mask:
    """What lies clear of the first bright pixel of its column and of the columns beside it."""
    height, width = bright.shape
    first = np.where(bright.any(axis=0), bright.argmax(axis=0), 0)  # no tissue: no background
    padded = np.pad(first, _CLEARANCE, mode="edge")
    nearest = np.lib.stride_tricks.sliding_window_view(padded, 2 * _CLEARANCE + 1).min(axis=1)
    above: Mask = np.arange(height)[:, None] < (nearest - _CLEARANCE)[None, :width]
    return above


def _even_places(smooth: Plane, bright: Mask) -> list[tuple[int, int]]:
    """Top left corners of the most even windows of tissue."""
    if bright.shape[0] < _HEIGHT or bright.shape[1] < _WIDTH:
        return []
    mean, square, inside = (
        _window_means(values) for values in (smooth, smooth * smooth, bright.astype(np.float64))
    )
    spread = np.maximum(square - mean * mean, 0) / np.maximum(mean * mean, 1e-12)
    spread[inside < 1 - 1e-9] = np.inf
    places: list[tuple[int, int]] = []
    while len(places) < _MOST and np.isfinite(spread).any():
        top, left = (int(n) for n in np.unravel_index(int(spread.argmin()), spread.shape))
        places.append((top, left))
        rows = slice(max(top - 2 * _HEIGHT + 1, 0), top + 2 * _HEIGHT)
        spread[rows, max(left - 2 * _WIDTH + 1, 0) : left + 2 * _WIDTH] = np.inf
    return places


def _window_means(values: Plane) -> Plane:
    down = weigh_inside(values, np.full(_HEIGHT, 1 / _HEIGHT), axis=0)
    return weigh_inside(down, np.full(_WIDTH, 1 / _WIDTH), axis=1)
