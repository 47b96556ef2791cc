"""How far off an upscaled pixel may be, in grey values: a map that was calibrated on people.

The interval is for the shown image x, the SRGAN's: [x - w, x + w] holds the pixel of the scan that
the input was made from with a stated probability (90 %), on average over the pixels of people like
those it was calibrated on. It says nothing of single places: in a lesion that none of them had the
share may be any. The half width is w = q s, where log s is linear in a few signals (fitted as the
90 % quantile of the error) and q makes the coverage right on people whom neither s nor a network
was fitted on (split conformal prediction, Lei et al. 2018).
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.metrics.window import gaussian_window, weigh
from super_resolution_gans.prediction.catalogue import WEIGHTS
from super_resolution_gans.prediction.errors import PredictionError

Map = NDArray[np.float32]
Upscale = Callable[[Map], Map]

SHIPPED_CALIBRATION = WEIGHTS / "oct-uncertainty.json"
FLIPS: tuple[tuple[slice, slice], ...] = ((slice(None), slice(None, None, -1)),)
"""Indices that mirror a B-scan: laterally only, as left and right eyes are."""

_FLOOR = 0.01  # grey values that logarithms begin at, about the rounding of an 8-bit scan
_ORANGE = np.array([1.0, 0.55, 0.1]) / (np.array([1.0, 0.55, 0.1]) @ [0.299, 0.587, 0.114])


class CalibrationError(PredictionError):
    """A calibration cannot be used; one line that names it and the reason."""


def signals(low: Map, sr: Map, srresnet: Map, flips: Sequence[Map] = ()) -> dict[str, Map]:
    """What is known of a B-scan's error before the truth is: logarithms of grey values, per pixel.

    Args:
        low: (h, w) in [0, 1], the input; only its size is looked at.
        sr: (v*h, u*w) in [0, 1], the SRGAN's image of it; not modified.
        srresnet: the SRResNet's, of the same size.
        flips: the SRGAN's of mirrored inputs, mirrored back (see :data:`FLIPS`).

    Returns:
        float32 maps of the size of ``sr``. Numbers in the names are standard deviations, in pixels
        of ``sr``, of the Gaussians that means are weighted by; 0 is the pixel itself.
        ``networks_0``, ``networks_8``: absolute difference of the two networks; ``flips_8``: mean
        absolute difference of the SRGAN's image and those of ``flips``, if there are any;
        ``deviation_2``: local standard deviation of ``sr``; ``brightness_2``: its local mean, and
        ``brightness_2_squared`` the square of that logarithm.

    Raises:
        CalibrationError: if sizes do not fit.
    """
    _check_sizes(low, sr, srresnet, *flips)
    image = sr.astype(np.float64)
    between = np.abs(image - srresnet)
    brightness = _log(_mean(image, 2))
    maps = {
        "networks_0": _log(between),
        "networks_8": _log(_mean(between, 8)),
        "deviation_2": _log(_deviation(image, 2)),
        "brightness_2": brightness,
        "brightness_2_squared": brightness**2,
    }
    if flips:
        maps["flips_8"] = _log(_mean(np.mean([np.abs(image - one) for one in flips], axis=0), 8))
    return {name: values.astype(np.float32) for name, values in maps.items()}


def _check_sizes(low: Map, *images: Map) -> None:
    shapes = {image.shape for image in images}
    if low.ndim != 2 or not low.size or len(shapes) != 1 or images[0].ndim != 2:
        raise CalibrationError("signals", "need a grey input and images of one size made of it")
    if any(big % small or not big for big, small in zip(images[0].shape, low.shape, strict=True)):
        raise CalibrationError("signals", f"{images[0].shape} is no multiple of {low.shape}")


def _mean(image: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    return weigh(image, gaussian_window(sigma, math.ceil(3 * sigma)), "mirror")


def _deviation(image: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    mean = _mean(image, sigma)
    variance = np.maximum(_mean(image * image, sigma) - mean * mean, 0)
    root: NDArray[np.float64] = np.sqrt(variance)
    return root


def _log(values: NDArray[np.float64]) -> NDArray[np.float64]:
    logarithms: NDArray[np.float64] = np.log(_FLOOR + values)
    return logarithms


@dataclass(frozen=True)
class Calibration:
    """Half widths from signals, with what is needed to make them again.

    Attributes:
        coverage: share of pixels that the interval holds, on people it was calibrated on.
        intercept, slopes: log of the scale s = intercept + sum of slopes * signals.
        factor: q, so that the half width is q s.
        models: {name: SHA-256 of the weights} of SRGAN and SRResNet, for which alone it is right.
        story: data, people, pixels, seed and what was measured; only shown.
    """

    coverage: float
    intercept: float
    slopes: Mapping[str, float]
    factor: float
    models: Mapping[str, str]
    story: Mapping[str, Any]

    @classmethod
    def load(cls, path: Path = SHIPPED_CALIBRATION) -> Self:
        """Read what ``tools/calibrate_uncertainty.py`` wrote.

        Raises:
            CalibrationError: if it is missing or something else.
        """
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            made = cls(
                float(stored["coverage"]),
                float(stored["intercept"]),
                {str(name): float(slope) for name, slope in stored["slopes"].items()},
                float(stored["factor"]),
                {str(name): str(digest) for name, digest in stored["models"].items()},
                dict(stored["story"]),
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise CalibrationError(path, f"is no calibration ({error!r})") from None
        numbers = (made.coverage, made.intercept, made.factor, *made.slopes.values())
        if not all(map(math.isfinite, numbers)) or not 0 < made.coverage < 1 or made.factor <= 0:
            raise CalibrationError(path, "is no calibration (its numbers make no sense)")
        return made

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    def half_width(self, features: Mapping[str, Map]) -> Map:
        """Half the width of the interval around each SRGAN pixel, in grey values, at most 1.

        Args:
            features: from :func:`signals`.

        Raises:
            CalibrationError: if a signal is missing.
        """
        missing = sorted(self.slopes.keys() - features.keys())
        if missing:
            raise CalibrationError("calibration", f"signals are missing: {', '.join(missing)}")
        shape = next(iter(features.values())).shape
        total = np.full(shape, self.intercept + math.log(self.factor), np.float64)
        for name, slope in self.slopes.items():
            total += slope * features[name]
        return np.exp(np.minimum(total, 0)).astype(np.float32)


def estimate(
    low: Map, srgan: Upscale, srresnet: Upscale, calibration: Calibration
) -> tuple[Map, Map]:
    """Upscale a B-scan and say how far off each pixel may be: (image, half widths).

    Args:
        low: float32 (h, w) in [0, 1].
        srgan: what upscales, an :class:`Upscaler` for one; its image is the centre.
        srresnet: the other network.
        calibration: made for these two. Mirror images are upscaled only if it asks for them.
    """
    sr = srgan(low)
    flips: list[Map] = []
    if any(name.startswith("flips") for name in calibration.slopes):
        flips = [srgan(np.ascontiguousarray(low[flip]))[flip] for flip in FLIPS]
    return sr, calibration.half_width(signals(low, sr, srresnet(low), flips))


def overlay(sr: Map, half_width: Map, most: float = 0.25) -> Map:
    """The image with its uncertainty in colour, (H, W, 3) in [0, 1]: grey is sure, orange unsure.

    The luminance (BT.601) stays that of the image, so that nothing is hidden; black and white
    therefore stay uncoloured.

    Args:
        sr: (H, W) in [0, 1].
        half_width: (H, W), from :meth:`Calibration.half_width`.
        most: the half width that is coloured fully.

    Raises:
        CalibrationError: if the shapes differ.
    """
    if sr.shape != half_width.shape or sr.ndim != 2:
        raise CalibrationError("overlay", f"shapes {sr.shape} and {half_width.shape} do not fit")
    amount = np.clip(half_width / most, 0, 1)
    # As far as red has room: beyond it would have to be clipped.
    room = (1 - sr) / np.maximum(sr * (_ORANGE[0] - 1), 1e-6)
    amount = np.minimum(amount, room)[..., None]
    picture = sr[..., None] * (1 - amount + amount * _ORANGE)
    clipped: Map = np.clip(picture, 0, 1).astype(np.float32)
    return clipped
