"""NIQE (Mittal, Soundararajan and Bovik 2013): how unlike a natural photograph an image is.

"Making a 'completely blind' image quality analyzer", IEEE Signal Processing Letters 20. No truth is
needed: statistics of locally normalised brightness in blocks of 96 x 96 pixels, at full and half
size, are summed up by a multivariate Gaussian, and its distance from that of good photographs is
the number. Lower is more natural; photographs have 2 to 6.

OCT is no photograph. Speckle is nowhere among what the parameters were learned from, so that the
number of a good B-scan means little by itself: compare it with that of HR, if at all.

As in the authors' program: the image is rounded to 8 bit; local means and deviations are weighted
by a 7 x 7 Gaussian of sigma 7/6, edges repeated; blocks do not overlap, what is left over at the
bottom and right is cut; neighbours wrap round within a block; half size is bicubic with
antialiasing. Features that a flat block lacks are left out of the mean.
"""

import math
import os
import zipfile
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.metrics.image import channels, luma
from super_resolution_gans.metrics.subject import Image, Subject, subject
from super_resolution_gans.metrics.undefined import UndefinedError
from super_resolution_gans.metrics.weights import WeightsError
from super_resolution_gans.metrics.window import gaussian_window, weigh_inside

BLOCK = 96
FEATURES = 36  # 18 at each of two sizes
Plane = NDArray[np.float64]

_WINDOW = gaussian_window(sigma=7 / 6, reach=3)
_NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))
# The cubic of a = -0.5, twice as wide, at the eight pixels around the middle of a pair.
_HALF = np.array([-0.01171875, -0.03515625, 0.11328125, 0.43359375])
_HALVING = np.concatenate([_HALF, _HALF[::-1]])


class Niqe:
    """The number as a function of one image; :func:`load_niqe` makes one.

    Args:
        mean: (36,), of the features of good photographs.
        covariance: (36, 36), of the same.
    """

    def __init__(self, mean: Plane, covariance: Plane) -> None:
        self._mean, self._covariance = mean, covariance

    def __call__(self, image: Image | Subject) -> float:
        """How far an image is from good photographs; 0 or above.

        Args:
            image: (H, W), or (H, W, 3), of which MATLAB's Y is taken; values are clipped to
                [0, 1] and rounded to 8 bit.

        Raises:
            UndefinedError: if it holds fewer than two blocks of 96 x 96, or is flat.
            MetricError: if it is no image.
        """
        known = subject(image)
        features = known.once("niqe", lambda: _features(_grey(known)))
        complete = features[~np.isnan(features).any(axis=1)]
        if len(complete) < 2:
            raise UndefinedError("NIQE needs two blocks that are not flat")
        away = self._mean - np.nanmean(features, axis=0)
        joint = (self._covariance + np.cov(complete, rowvar=False)) / 2
        return math.sqrt(max(float(away @ np.linalg.pinv(joint) @ away), 0.0))


def load_niqe(path: str | os.PathLike[str]) -> Niqe:
    """NIQE with the parameters of a file.

    Args:
        path: an .npz file with ``mu_pris_param`` (36 or 1 x 36) and ``cov_pris_param`` (36 x 36),
            such as BasicSR's ``niqe_pris_params.npz``, which holds those of the authors.

    Raises:
        WeightsError: if the file cannot be read, or its names, shapes or values are wrong.
    """
    arrays: dict[str, Plane] = {}
    try:
        with Path(path).open("rb") as stream:
            file = np.load(stream, allow_pickle=False)
            if isinstance(file, np.ndarray):
                raise WeightsError(path, "a single array, not an .npz file")
            for name, size in (("mu_pris_param", FEATURES), ("cov_pris_param", FEATURES**2)):
                if name not in file:
                    raise WeightsError(path, f"no parameters of NIQE: lacks {name!r}")
                array = file[name]
                if array.dtype.kind != "f" or array.size != size or not np.isfinite(array).all():
                    raise WeightsError(path, f"{name} must be {size} finite numbers")
                arrays[name] = array.astype(np.float64)
    except FileNotFoundError:
        raise WeightsError(path, "no such file") from None
    except WeightsError:
        raise
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise WeightsError(path, f"not a readable .npz file ({error})") from error
    mean, covariance = arrays.values()
    return Niqe(mean.ravel(), covariance.reshape(FEATURES, FEATURES))


def _grey(image: Subject) -> Plane:
    """(H, W) of whole numbers from 0 to 255."""
    planes = channels(image)
    grey = planes[0] if len(planes) == 1 else luma(image.pixels, "studio")
    rounded: Plane = np.rint(np.clip(grey, 0, 1) * 255)
    return rounded


def _features(image: Plane) -> Plane:
    """(blocks, 36)."""
    rows, columns = (length // BLOCK for length in image.shape)
    if rows * columns < 2:
        raise UndefinedError(
            f"NIQE needs two blocks of {BLOCK} x {BLOCK} pixels, image has {image.shape[0]} x "
            f"{image.shape[1]}"
        )
    image = image[: rows * BLOCK, : columns * BLOCK]
    halves = (image, _halved(image))
    sides = (BLOCK, BLOCK // 2)
    return np.concatenate(
        [_statistics(_blocks(_normalised(x), side)) for x, side in zip(halves, sides, strict=True)],
        axis=1,
    )


def _normalised(image: Plane) -> Plane:
    """Less the local mean, over the local deviation and one (equation 1)."""
    mean, square = (_local(values) for values in (image, image * image))
    normalised: Plane = (image - mean) / (np.sqrt(np.abs(square - mean * mean)) + 1)
    return normalised


def _local(image: Plane) -> Plane:
    padded = np.pad(image, len(_WINDOW) // 2, "edge")
    return weigh_inside(weigh_inside(padded, _WINDOW, axis=0), _WINDOW, axis=1)


def _halved(image: Plane) -> Plane:
    for axis in (0, 1):
        before = [(3, 3) if axis == n else (0, 0) for n in (0, 1)]
        whole = weigh_inside(np.pad(image, before, "symmetric"), _HALVING, axis=axis)
        image = whole[::2] if axis == 0 else whole[:, ::2]
    return image


def _blocks(image: Plane, side: int) -> Plane:
    """(blocks, side, side)."""
    rows, columns = (length // side for length in image.shape)
    blocks = image.reshape(rows, side, columns, side).swapaxes(1, 2)
    return blocks.reshape(-1, side, side)


def _statistics(blocks: Plane) -> Plane:
    """(blocks, 18): of the values, and of the products with four neighbours (equations 7 and 8)."""
    shape, left, right = _asymmetric(blocks)
    features = [shape, (left + right) / 2]
    for shift in _NEIGHBOURS:
        shape, left, right = _asymmetric(blocks * np.roll(blocks, shift, axis=(1, 2)))
        mean = (right - left) * np.exp(_log_gamma(2 / shape) - _log_gamma(1 / shape))
        features += [shape, mean, left, right]
    return np.stack(features, axis=1)


def _asymmetric(blocks: Plane) -> tuple[Plane, Plane, Plane]:
    """Shape and both scales of an asymmetric generalised Gaussian, by moments (Lasmar 2009)."""
    values = blocks.reshape(len(blocks), -1)
    squares = values * values
    with np.errstate(divide="ignore", invalid="ignore"):
        left, right = (
            np.sqrt((squares * side).sum(axis=1) / side.sum(axis=1))
            for side in (values < 0, values > 0)
        )
        ratio = left / right
        spread = np.abs(values).mean(axis=1) ** 2 / squares.mean(axis=1)
        spread *= (ratio**3 + 1) * (ratio + 1) / (ratio**2 + 1) ** 2
    shapes, curve = _shape_curve()
    above = np.clip(np.searchsorted(curve, spread), 1, len(curve) - 1)
    nearer = np.where(spread - curve[above - 1] <= curve[above] - spread, above - 1, above)
    shape = np.where(np.isnan(spread), np.nan, shapes[nearer])
    scale = np.exp((_log_gamma(1 / shape) - _log_gamma(3 / shape)) / 2)
    return shape, left * scale, right * scale


@lru_cache(maxsize=1)
def _shape_curve() -> tuple[Plane, Plane]:
    """Shapes from 0.2 to 10, and (mean magnitude)^2 / mean square of each, which rises."""
    shapes = np.arange(200, 10001) / 1000
    logarithm = 2 * _log_gamma(2 / shapes) - _log_gamma(1 / shapes) - _log_gamma(3 / shapes)
    return shapes, np.exp(logarithm)


def _log_gamma(values: Plane) -> Plane:
    return np.array([math.lgamma(value) if value > 0 else math.nan for value in values])
