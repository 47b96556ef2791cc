"""One truth, and every method's image measured against it: what is HR's alone is computed once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.evaluation.pairs import (
    EvaluationError,
    Image,
    Pair,
    Scale,
    downsampled,
    text,
)
from super_resolution_gans.evaluation.rows import Protocol, Row
from super_resolution_gans.metrics.contrast import cnr, edge_preservation, enl, snr
from super_resolution_gans.metrics.image import (
    lr_consistency,
    luma,
    padding_mask,
    psnr,
    ssim,
)
from super_resolution_gans.metrics.ms_ssim import ms_ssim
from super_resolution_gans.metrics.regions import Labels, find_regions
from super_resolution_gans.metrics.ring_correlation import RingCorrelation, ring_correlation
from super_resolution_gans.metrics.speckle import grain_ratio, histogram_distance
from super_resolution_gans.metrics.spectrum import (
    directional_distance,
    grid_excess,
    spectrum_distance,
)
from super_resolution_gans.metrics.subject import Mask, Subject
from super_resolution_gans.metrics.undefined import UndefinedError

Distance = Callable[[Subject, Subject], float]  # of two images (H, W[, 3]), 0 = alike
Regions = Callable[[Pair], Labels | None]
_EDGES = 2.0  # pixels: edges of layers, not of speckle


@dataclass
class Seen:
    """What a measure gets to see.

    Attributes:
        sr: the channel that is measured, (H, W), or (H, W, 3) where that is all three.
        hr: the same of HR.
        whole_sr: with all channels.
        whole_hr: the same of HR.
        mask: (H, W), True = counted.
        border: pixels to cut.
        scale: (vertical, lateral).
        drawn: regions drawn by hand; None: they are found in HR.
    """

    sr: Subject
    hr: Subject
    whole_sr: Subject
    whole_hr: Subject
    mask: Mask
    border: int
    scale: Scale
    drawn: Labels | None = None

    @cached_property
    def regions(self) -> Labels:
        """Where contrast is measured: the same for every method."""
        return find_regions(self.hr, mask=self.mask) if self.drawn is None else self.drawn

    @cached_property
    def rings(self) -> RingCorrelation:
        """Correlation of all patches of SR with HR."""
        return ring_correlation(self.sr, self.hr, self.scale, mask=self.mask)


Measuring = Callable[[Seen], float]
MEASURING: dict[str, Measuring] = {
    "ms_ssim": lambda seen: ms_ssim(seen.sr, seen.hr, border=seen.border, mask=seen.mask),
    "spectrum_axial": lambda seen: directional_distance(seen.sr, seen.hr, "axial"),
    "spectrum_lateral": lambda seen: directional_distance(seen.sr, seen.hr, "lateral"),
    "cnr_ratio": lambda seen: _ratio(cnr(seen.sr, seen.regions), cnr(seen.hr, seen.regions)),
    "enl_ratio": lambda seen: _ratio(enl(seen.sr, seen.regions), enl(seen.hr, seen.regions)),
    "snr_difference": lambda seen: (
        snr(seen.sr, seen.regions, mask=seen.mask) - snr(seen.hr, seen.regions, mask=seen.mask)
    ),
    "edge_preservation": lambda seen: edge_preservation(
        seen.sr, seen.hr, sigma=_EDGES, border=seen.border, mask=seen.mask
    ),
    "resolved": lambda seen: seen.rings.median_resolved(),
    "contradicted": lambda seen: seen.rings.contradicting(),
    "invented": lambda seen: seen.rings.invented_share(),
}


class Truth:
    """The HR of a pair, ready to be compared with.

    Args:
        pair: HR and LR.
        protocol: how to measure.
        lpips: the perceptual distance to measure too, of whole images with all their channels.
        more: measures beyond the usual, by name.
        regions: labels drawn by hand for a pair, (H, W) of HR; None where there are none.

    Raises:
        EvaluationError: if the pair is of another scale.
    """

    def __init__(
        self,
        pair: Pair,
        protocol: Protocol,
        lpips: Distance | None = None,
        more: Mapping[str, Measuring] | None = None,
        regions: Regions | None = None,
    ) -> None:
        if pair.scale != protocol.scale:
            raise EvaluationError(
                pair.name, f"is a pair of {text(pair.scale)}, not of {text(protocol.scale)}"
            )
        shape = pair.hr.shape[:2]
        self.pair, self._protocol, self._lpips, self._more = pair, protocol, lpips, more or {}
        self._whole = Subject(pair.hr)
        self._hr = self._measured(self._whole)
        self._low = _channel(pair.lr, pair, protocol)
        self._mask = padding_mask(pair.hr) if protocol.mask_padding else np.ones(shape, np.bool_)
        self._drawn = None if regions is None else regions(pair)

    def row(self, sr: Image, method: str) -> Row:
        """All measures of one SR, which is clipped and rounded already.

        Raises:
            ValueError: if it cannot be measured.
        """
        pair, protocol, mask, y = self.pair, self._protocol, self._mask, self._hr
        if sr.shape != pair.hr.shape:
            raise EvaluationError(
                pair.name, f"{method} made {sr.shape} of it, HR is {pair.hr.shape}"
            )
        whole = Subject(sr)
        x, border = self._measured(whole), protocol.border
        inside = mask[border : mask.shape[0] - border, border : mask.shape[1] - border]
        seen = Seen(x, y, whole, self._whole, mask, border, protocol.scale, self._drawn)
        return Row(
            dataset=pair.dataset,
            image=pair.name,
            patient=pair.patient,
            method=method,
            psnr=psnr(x, y, border=border, mask=mask),
            ssim_wang=ssim(x, y, convention="wang", border=border, mask=mask),
            ssim_daala=ssim(x, y, convention="daala", border=border, mask=mask),
            lr_consistency=lr_consistency(
                x.pixels, self._low, lambda image: downsampled(image, protocol.scale)
            ),
            height=pair.hr.shape[0],
            width=pair.hr.shape[1],
            channel=protocol.channel if _in_colour(pair, protocol) else "grey",
            levels=pair.levels,
            lr_made_here=pair.made_here,
            counted=int(inside.sum()),
            masked=int(inside.size - inside.sum()),
            lpips=_defined(self._lpips, whole, self._whole) if self._lpips else None,
            spectrum_distance=_defined(spectrum_distance, x, y),
            grid_excess=_defined(grid_excess, x, y),
            more={name: _defined(measure, seen) for name, measure in self._more.items()},
            **(_speckle(x, y, mask) if x.pixels.ndim == 2 else {}),
        )

    def _measured(self, whole: Subject) -> Subject:
        """The channel of the protocol; of a grey image what is known of it stays known."""
        part = _channel(whole.pixels, self.pair, self._protocol)
        return whole if part is whole.pixels else Subject(part)


def _speckle(sr: Subject, hr: Subject, mask: Mask) -> dict[str, float | None]:
    return {
        "grain_ratio": _defined(lambda x, y: grain_ratio(x, y, mask=mask), sr, hr),
        "histogram_distance": histogram_distance(sr, hr, first_mask=mask, second_mask=mask),
    }


def _defined(measure: Callable[..., float], *seen: Any) -> float | None:
    try:
        return measure(*seen)
    except UndefinedError:
        return None


def _ratio(sr: float, hr: float) -> float:
    if hr <= 0 or sr <= 0:
        raise UndefinedError("a ratio needs contrast in both images")
    return sr / hr


def _in_colour(pair: Pair, protocol: Protocol) -> bool:
    return pair.hr.ndim == 3 or (protocol.as_stored and pair.stored_in_colour)


def _channel(image: Image, pair: Pair, protocol: Protocol) -> NDArray[np.floating[Any]]:
    if not _in_colour(pair, protocol) or protocol.channel == "rgb":
        return image  # three equal channels have the numbers of one
    colour = np.stack([image] * 3, axis=2) if image.ndim == 2 else image
    return luma(colour, "studio" if protocol.channel == "y-studio" else "full")
