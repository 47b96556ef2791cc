"""What a picture looks like, in a dozen numbers that tell a B-scan from other things."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.metrics.image import luma, padding_mask

Features = dict[str, float]

SMALLEST = 16  # pixels of a side that there is anything to say about
_LARGEST = 1536  # the middle of a longer side is looked at
_PATCH = 32
_PATCHES = 400
_SEEN = 0.3  # the share of a row or column that must be counted for its mean to be one
_DEEPEST_BLOCK = 8


def appearance(image: NDArray[np.floating[Any]]) -> Features:
    """Numbers about one picture, cheap to compute (tens of milliseconds for a B-scan).

    White padding (8-bit level 254 and above, and the pixels beside it, where resampling has mixed
    it in) is not counted. What cannot be computed for a picture is left out, nothing is raised for
    one that is constant, white, or smaller than a patch.

    Args:
        image: (height, width[, 3]) in [0, 1]; of sides above 1536 the middle is looked at.

    Returns:
        ``height``, ``width``: of the whole picture, in pixels.
        ``colour``: mean difference between the largest and the smallest channel; 0 for grey.
        ``red``: mean red over mean blue of the pixels that are not black (colour pictures only).
        ``corners``: mean grey of the four corners (an eighth of each side) over that of the middle.
        ``padding``: share of white padding.
        ``median``, ``contrast``: of grey; contrast is percentile 99 less percentile 1.
        ``skew``: (p99 + p1 - 2 p50) / (p99 - p1), from -1 (mostly bright) to 1 (mostly dark).
        ``flat``: share of 2 x 2 squares, not black, whose four pixels have one 8-bit level.
        ``repeats``: length of the blocks of equal rows or columns the picture consists of, 1 if
        it does not.
        ``fine``: log10 of the share of spectral power at 1/4 cycle per pixel and above.
        ``direction``: log10 of axial over lateral power below 1/4 cycle per pixel; above 0 where
        layers run from left to right.
        ``rows``, ``columns``: variance of the means of rows (columns) over that of all pixels.
        ``contour``: log10 of rows over columns, 0.02 added to both.
        ``outer``: mean of the darker of the uppermost and lowermost eighth of the rows over that
        of the brightest row, both less percentile 1 of all pixels.
        Spectra are means over Hann-weighted patches of 32 x 32, each less its mean.
    """
    height, width = image.shape[:2]
    features = {"height": float(height), "width": float(width)}
    if min(height, width) < SMALLEST:
        return features
    image = image[middle(height), middle(width)]
    counted = _away_from(padding_mask(image))
    grey = np.asarray(image if image.ndim == 2 else luma(image), np.float32)
    features["padding"] = 1 - float(counted.mean())
    features["colour"] = _colour(image)
    features["corners"] = _corners(grey)
    if image.ndim == 3 and (lit := grey > 0.1).any():
        red, _, blue = image[lit].mean(axis=0)
        features["red"] = float(red / max(blue, 0.01))
    if counted.mean() < 0.05:
        return features
    return features | _levels(grey, counted) | _spectrum(grey, counted) | _layers(grey, counted)


def middle(length: int) -> slice:
    """The part of a side of this many pixels that is looked at."""
    start = max(0, length - _LARGEST) // 2
    return slice(start, start + _LARGEST)


def _away_from(counted: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Without the two pixels around what is not counted."""
    for axis in (0, 1):
        near = counted.copy()
        for shift in (1, 2):
            ahead, behind = [slice(None)] * 2, [slice(None)] * 2
            ahead[axis], behind[axis] = slice(shift, None), slice(None, -shift)
            near[tuple(ahead)] &= counted[tuple(behind)]
            near[tuple(behind)] &= counted[tuple(ahead)]
        counted = near
    return counted


def _colour(image: NDArray[np.floating[Any]]) -> float:
    if image.ndim == 2:
        return 0.0
    return float((image.max(axis=2) - image.min(axis=2)).mean())


def _corners(grey: NDArray[np.float32]) -> float:
    high, wide = (max(1, length // 8) for length in grey.shape)
    places = (slice(None, high), slice(-high, None)), (slice(None, wide), slice(-wide, None))
    corners = [grey[rows, columns].mean() for rows in places[0] for columns in places[1]]
    middle = grey[3 * high : -3 * high, 3 * wide : -3 * wide]
    return float(np.mean(corners) / max(float(middle.mean()), 0.01))


def _levels(grey: NDArray[np.float32], counted: NDArray[np.bool_]) -> Features:
    values = np.sort(grey[counted])
    low, median, high = (float(values[int(q * (len(values) - 1))]) for q in (0.01, 0.5, 0.99))
    levels = np.rint(grey * 255).astype(np.uint8)
    corner = levels[1:, 1:]
    one = (corner == levels[:-1, :-1]) & (corner == levels[:-1, 1:]) & (corner == levels[1:, :-1])
    # Black is what scanners clip noise to: there is much of it in scans.
    lit = counted[1:, 1:] & counted[:-1, :-1] & (corner > 1)
    return {
        "median": median,
        "contrast": high - low,
        "skew": (high + low - 2 * median) / max(high - low, 1e-3),
        "flat": float((one & lit).sum() / lit.sum()) if lit.any() else 1.0,
        "repeats": float(max(_repeats(grey), _repeats(grey.T))),
    }


def _repeats(grey: NDArray[np.float32]) -> int:
    """The length of blocks of equal rows, at any offset; 1 if rows are not repeated."""
    changes = (grey[1:] != grey[:-1]).mean(axis=1)
    for length in range(_DEEPEST_BLOCK, 1, -1):
        for offset in range(length):
            borders = np.arange(len(changes)) % length == offset
            within = changes[~borders]
            if np.quantile(within, 0.9) < 0.01 and changes[borders].mean() > 0.05:
                return length
    return 1


def _spectrum(grey: NDArray[np.float32], counted: NDArray[np.bool_]) -> Features:
    """Of the patches that are counted almost wholly, spread evenly over the picture."""
    if min(grey.shape) < _PATCH:
        return {}
    places = (grey.shape[0] - _PATCH) / 16 * (grey.shape[1] - _PATCH) / 16
    step = int(np.ceil(16 * max(1.0, (places / _PATCHES) ** 0.5)))
    windows = np.lib.stride_tricks.sliding_window_view
    shape = (_PATCH, _PATCH)
    inside = windows(counted, shape)[::step, ::step].mean(axis=(2, 3)) > 0.98
    if not inside.any():
        return {}
    patches = windows(grey, shape)[::step, ::step][inside]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_PATCH) / _PATCH)
    patches = (patches - patches.mean(axis=(1, 2), keepdims=True)) * np.outer(hann, hann)
    power = np.square(np.abs(np.fft.rfft2(patches))).mean(axis=0)
    down, right = np.abs(np.fft.fftfreq(_PATCH))[:, None], np.fft.rfftfreq(_PATCH)[None]
    # The real transform leaves out the mirror images of all columns but the first and the last.
    power[:, 1:-1] *= 2
    if power.sum() < 1e-9:
        return {}
    radius = np.hypot(down, right)
    coarse = radius < 0.25
    axial, lateral = (power[coarse & way].sum() for way in (down > right, down < right))
    return {
        "fine": float(np.log10(power[~coarse].sum() / power.sum() + 1e-9)),
        "direction": float(np.log10((axial + 1e-12) / (lateral + 1e-12))),
    }


def _layers(grey: NDArray[np.float32], counted: NDArray[np.bool_]) -> Features:
    values = grey[counted]
    variance, darkest = float(values.var()), float(np.quantile(values, 0.01))
    if variance < 1e-8:
        return {}
    rows, columns = _means(grey, counted), _means(grey.T, counted.T)
    if min(len(rows), len(columns)) < SMALLEST // 2:
        return {}
    eighth = max(1, len(rows) // 8)
    outer = min(float(rows[:eighth].mean()), float(rows[-eighth:].mean()))
    down, right = float(rows.var()) / variance, float(columns.var()) / variance
    return {
        "rows": down,
        "columns": right,
        "contour": float(np.log10((down + 0.02) / (right + 0.02))),
        "outer": (outer - darkest) / max(float(rows.max()) - darkest, 1e-3),
    }


def _means(grey: NDArray[np.float32], counted: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Of the rows of which enough is counted."""
    number = counted.sum(axis=1)
    enough = number > _SEEN * grey.shape[1]
    sums = (grey * counted).sum(axis=1, dtype=np.float64)
    means: NDArray[np.float64] = sums[enough] / number[enough]
    return means
