"""Upscalers measured on the same images: one row for each image and method, and their means."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.evaluation.pairs import (
    EvaluationError,
    Image,
    Pair,
    Scale,
    downsampled,
    quantised,
    text,
)
from super_resolution_gans.metrics.image import (
    Mask,
    lr_consistency,
    luma,
    padding_mask,
    psnr,
    ssim,
)
from super_resolution_gans.metrics.speckle import grain_ratio, histogram_distance
from super_resolution_gans.metrics.spectrum import grid_excess, spectrum_distance
from super_resolution_gans.metrics.undefined import UndefinedError

Upscale = Callable[[Image], NDArray[np.floating[Any]]]
Distance = Callable[[Image, Image], float]  # of two images (H, W[, 3]), 0 = alike
Channel = Literal["y-studio", "y-full", "rgb"]
MEASURES = (
    "psnr",
    "ssim_wang",
    "ssim_daala",
    "lr_consistency",
    "lpips",
    "spectrum_distance",
    "grid_excess",
    "grain_ratio",
    "histogram_distance",
)


@dataclass(frozen=True)
class Protocol:
    """How is measured; printed with every number.

    Attributes:
        scale: (vertical, lateral) factors.
        border: HR pixels cut from each edge before PSNR and SSIM.
        channel: what of a colour image is measured (grey images are measured as they are):
            ``y-studio``: Y of MATLAB's rgb2ycbcr, 16..235; ``y-full``: .299 R + .587 G + .114 B;
            ``rgb``: all three channels.
        mask_padding: whether pixels that are white in HR (8-bit 254 and above) are left out.
    """

    scale: Scale = (4, 4)
    border: int = 4
    channel: Channel = "y-studio"
    mask_padding: bool = True


@dataclass(frozen=True)
class Row:
    """One image, one method; PSNR and LR consistency in dB (infinite if identical).

    LPIPS is None where it was not asked for; spectrum distance and grid excess are in decades. All
    three are None where the image is too small for them. ``grain_ratio`` is the width of speckle
    grains in units of HR's, None where there are none; ``histogram_distance`` is in grey levels of
    8 bit. Both are of the counted pixels, and None where three channels are measured.
    ``counted`` and ``masked`` are numbers of HR pixels inside the border; ``channel`` is ``grey``
    or the protocol's.
    """

    dataset: str
    image: str
    patient: str | None
    method: str
    psnr: float
    ssim_wang: float
    ssim_daala: float
    lr_consistency: float
    height: int
    width: int
    channel: str
    levels: int
    lr_made_here: bool
    counted: int
    masked: int
    lpips: float | None = None
    spectrum_distance: float | None = None
    grid_excess: float | None = None
    grain_ratio: float | None = None
    histogram_distance: float | None = None


@dataclass(frozen=True)
class Mean:
    """The mean over images of one method on one dataset.

    PSNR and LR consistency are averaged over the images where they are finite; ``identical`` and
    ``consistent`` say in how many they are not. They are infinite only if they are so everywhere.
    LPIPS, spectrum distance and grid excess are averaged over the images that have them;
    ``without_lpips`` and ``without_spectrum`` say how many have not. They are None if none has.
    So are grain ratio and histogram distance, which have ``without_grain``.
    """

    method: str
    psnr: float
    ssim_wang: float
    ssim_daala: float
    lr_consistency: float
    images: int
    identical: int
    consistent: int
    lpips: float | None
    spectrum_distance: float | None
    grid_excess: float | None
    grain_ratio: float | None
    histogram_distance: float | None
    without_lpips: int
    without_spectrum: int
    without_grain: int


@dataclass(frozen=True)
class Comparison:
    """All rows of an evaluation, and the protocol they were measured by."""

    protocol: Protocol
    rows: tuple[Row, ...]

    @property
    def datasets(self) -> list[str]:
        """In the order in which they came."""
        return list(dict.fromkeys(row.dataset for row in self.rows))

    @property
    def methods(self) -> list[str]:
        """In the order in which they were given."""
        return list(dict.fromkeys(row.method for row in self.rows))

    def of(self, dataset: str, method: str) -> list[Row]:
        """The rows of one method on one dataset, in the order of the images."""
        return [row for row in self.rows if (row.dataset, row.method) == (dataset, method)]

    def images(self, dataset: str) -> list[Row]:
        """One row for each image of a dataset, whatever the method: for sizes, patients, masks."""
        return self.of(dataset, self.methods[0])

    def means(self, dataset: str) -> list[Mean]:
        """One mean for each method."""
        return [_mean(method, self.of(dataset, method)) for method in self.methods]


def compare(
    pairs: Iterable[Pair],
    upscalers: Mapping[str, Upscale],
    protocol: Protocol | None = None,
    *,
    lpips: Distance | None = None,
    on_error: Callable[[str], None] | None = None,
    on_images: Callable[[Pair, Mapping[str, Image], Sequence[Row]], None] | None = None,
) -> Comparison:
    """Upscale every LR by every method and measure it against its HR.

    SR is clipped and rounded to the source's depth before it is measured.

    Args:
        pairs: read one by one; may be a generator.
        upscalers: name -> function (H, W[, 3]) -> (v*H, h*W[, 3]).
        protocol: how to measure; by default ``Protocol()``.
        lpips: the perceptual distance to measure too, of whole images with all their channels.
        on_error: called with one line for an image that a method or a measure fails on. The image
            is then left out for all methods, so that means stay comparable. Without it the first
            failure is raised.
        on_images: called after each image with the pair, {method: SR} and its rows.

    Raises:
        EvaluationError: if no method is given, or see ``on_error``.
    """
    if not upscalers:
        raise EvaluationError("evaluation", "no model is given")
    protocol = protocol or Protocol()
    rows: list[Row] = []
    for pair in pairs:
        images: dict[str, Image] = {}
        measured: list[Row] = []
        try:
            for method, upscale in upscalers.items():
                images[method] = quantised(upscale(pair.lr), pair.levels)
                measured.append(measure(pair, images[method], method, protocol, lpips))
        except ValueError as error:
            failure = _named(pair, error)
            if on_error is None:
                raise failure from error
            on_error(str(failure))
            continue
        rows += measured
        if on_images is not None:
            on_images(pair, images, measured)
    return Comparison(protocol, tuple(rows))


def measure(
    pair: Pair, sr: Image, method: str, protocol: Protocol, lpips: Distance | None = None
) -> Row:
    """All measures of one SR, which is clipped and rounded already.

    Raises:
        ValueError: if it cannot be measured.
    """
    if pair.scale != protocol.scale:
        raise EvaluationError(
            pair.name, f"is a pair of {text(pair.scale)}, not of {text(protocol.scale)}"
        )
    if sr.shape != pair.hr.shape:
        raise EvaluationError(pair.name, f"{method} made {sr.shape} of it, HR is {pair.hr.shape}")
    mask = padding_mask(pair.hr) if protocol.mask_padding else np.ones(pair.hr.shape[:2], np.bool_)
    x, y, low = (_channel(image, protocol.channel) for image in (sr, pair.hr, pair.lr))
    border = protocol.border
    inside = mask[border : mask.shape[0] - border, border : mask.shape[1] - border]
    return Row(
        dataset=pair.dataset,
        image=pair.name,
        patient=pair.patient,
        method=method,
        psnr=psnr(x, y, border=border, mask=mask),
        ssim_wang=ssim(x, y, convention="wang", border=border, mask=mask),
        ssim_daala=ssim(x, y, convention="daala", border=border, mask=mask),
        lr_consistency=lr_consistency(x, low, lambda image: downsampled(image, protocol.scale)),
        height=pair.hr.shape[0],
        width=pair.hr.shape[1],
        channel="grey" if pair.hr.ndim == 2 else protocol.channel,
        levels=pair.levels,
        lr_made_here=pair.made_here,
        counted=int(inside.sum()),
        masked=int(inside.size - inside.sum()),
        lpips=_defined(lpips, sr, pair.hr) if lpips else None,
        spectrum_distance=_defined(spectrum_distance, x, y),
        grid_excess=_defined(grid_excess, x, y),
        **(_speckle(x, y, mask) if x.ndim == 2 else {}),
    )


def _speckle(
    sr: NDArray[np.floating[Any]], hr: NDArray[np.floating[Any]], mask: Mask
) -> dict[str, float | None]:
    return {
        "grain_ratio": _defined(lambda x, y: grain_ratio(x, y, mask=mask), sr, hr),
        "histogram_distance": histogram_distance(sr, hr, first_mask=mask, second_mask=mask),
    }


def _defined(
    distance: Callable[[Any, Any], float],
    sr: NDArray[np.floating[Any]],
    hr: NDArray[np.floating[Any]],
) -> float | None:
    try:
        return distance(sr, hr)
    except UndefinedError:
        return None


def _channel(image: Image, channel: Channel) -> NDArray[np.floating[Any]]:
    if image.ndim == 2 or channel == "rgb":
        return image
    return luma(image, "studio" if channel == "y-studio" else "full")


def _named(pair: Pair, error: ValueError) -> EvaluationError:
    if isinstance(error, EvaluationError):
        return error
    return EvaluationError(pair.name, str(error))


def _mean(method: str, rows: Sequence[Row]) -> Mean:
    return Mean(
        method=method,
        psnr=_finite_mean([row.psnr for row in rows]),
        ssim_wang=_finite_mean([row.ssim_wang for row in rows]),
        ssim_daala=_finite_mean([row.ssim_daala for row in rows]),
        lr_consistency=_finite_mean([row.lr_consistency for row in rows]),
        images=len(rows),
        identical=sum(math.isinf(row.psnr) for row in rows),
        consistent=sum(math.isinf(row.lr_consistency) for row in rows),
        lpips=_defined_mean([row.lpips for row in rows]),
        spectrum_distance=_defined_mean([row.spectrum_distance for row in rows]),
        grid_excess=_defined_mean([row.grid_excess for row in rows]),
        grain_ratio=_defined_mean([row.grain_ratio for row in rows]),
        histogram_distance=_defined_mean([row.histogram_distance for row in rows]),
        without_lpips=sum(row.lpips is None for row in rows),
        without_spectrum=sum(row.spectrum_distance is None for row in rows),
        without_grain=sum(row.grain_ratio is None for row in rows),
    )


def _finite_mean(values: Sequence[float]) -> float:
    finite = [value for value in values if math.isfinite(value)]
    return math.fsum(finite) / len(finite) if finite else math.inf


def _defined_mean(values: Sequence[float | None]) -> float | None:
    defined = [value for value in values if value is not None]
    return math.fsum(defined) / len(defined) if defined else None
