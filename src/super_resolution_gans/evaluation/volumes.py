"""What upscaling does to a volume as a whole: flicker from slice to slice, and the en-face picture.

Slices come and go one by one; of a volume only its projections are kept.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.evaluation.pairs import EvaluationError, Image, Pair, quantised
from super_resolution_gans.metrics.image import Mask, MetricError, padding_mask
from super_resolution_gans.metrics.volume import (
    EnFace,
    Flicker,
    compare_projections,
    en_face,
    flicker,
)
from super_resolution_gans.scan import printable

_SMALLEST = 11  # slices and A-scans that SSIM's window takes


@dataclass(frozen=True)
class VolumeComparison:
    """A volume by several methods.

    Attributes:
        slices: how many.
        hr: flicker of HR, which is what that of a method is compared with.
        flicker: {method: of its SR}.
        en_face: {method: its mean projection against HR's}; None where the volume has fewer slices
            or A-scans than the window of SSIM has pixels (11).
    """

    slices: int
    hr: Flicker
    flicker: Mapping[str, Flicker]
    en_face: Mapping[str, EnFace | None]


def compare_volume(
    pairs: Iterable[Pair],
    upscalers: Mapping[str, Callable[[Image], NDArray[np.floating[Any]]]],
) -> VolumeComparison:
    """Measure the volume whose slices these are. Padding of HR (pure white) is not counted.

    SR is clipped and rounded as in every evaluation.

    Args:
        pairs: grey slices of one size, in their order.
        upscalers: {method: function (H, W) -> (v*H, h*W)}.

    Raises:
        EvaluationError: if a slice is not grey or has another size than the one before, or if
            there are fewer than two.
        UndefinedError: if neighbouring slices have no pixel in common that is not padding.
    """
    truth, methods = _Volume(), {name: _Volume() for name in upscalers}
    masks: list[Mask] = []
    shape: tuple[int, ...] = ()
    counted: list[NDArray[np.bool_]] = []
    name_of_first = ""
    for pair in pairs:
        if pair.hr.ndim != 2:
            raise EvaluationError(pair.name, "volumes are compared in grey only")
        name_of_first = name_of_first or pair.name
        if shape and pair.hr.shape != shape:
            raise EvaluationError(pair.name, "has another size than the slices before it")
        shape = pair.hr.shape
        masks = [*masks[-1:], padding_mask(pair.hr)]
        counted.append(np.asarray(masks[-1].any(axis=0)))
        truth.add(pair.hr, masks)
        for name, upscale in upscalers.items():
            methods[name].add(quantised(upscale(pair.lr), pair.levels), masks)
    if len(counted) < 2:
        raise EvaluationError(
            name_of_first or "volume",
            f"a volume has two slices or more, this has {len(counted) or 'none'}",
        )
    inside = np.stack(counted)
    large = min(inside.shape) >= _SMALLEST
    return VolumeComparison(
        slices=len(counted),
        hr=truth.flicker(),
        flicker={name: volume.flicker() for name, volume in methods.items()},
        en_face={
            name: _against(volume, truth, inside) if large else None
            for name, volume in methods.items()
        },
    )


def _against(volume: "_Volume", truth: "_Volume", inside: NDArray[np.bool_]) -> EnFace | None:
    try:
        return compare_projections(np.stack(volume.lines), np.stack(truth.lines), inside)
    except MetricError:  # nothing but padding
        return None


@dataclass
class _Volume:
    """What is remembered of a volume that goes by: the last slice, sums, projections."""

    last: Image | None = None
    changes: list[Flicker] = field(default_factory=list)
    lines: list[NDArray[np.float64]] = field(default_factory=list)

    def add(self, image: Image, masks: list[Mask]) -> None:
        if self.last is not None:
            self.changes.append(flicker(np.stack([self.last, image]), mask=np.stack(masks)))
        self.lines.append(en_face(image[None], mask=masks[-1][None])[0])
        self.last = image

    def flicker(self) -> Flicker:
        return Flicker(
            float(np.mean([change.pixels for change in self.changes])),
            float(np.mean([change.brightness for change in self.changes])),
        )


def volume_table(comparison: VolumeComparison) -> str:
    """One line for each method, HR first; and what the numbers are."""
    width = max(map(len, (*comparison.flicker, "HR")))
    lines = [f"{'':{width}}  en-face PSNR   SSIM    flicker  brightness"]
    for name, found in {"HR": comparison.hr, **comparison.flicker}.items():
        above = comparison.en_face.get(name)
        shown = (
            "           -       -" if above is None else f"{above.psnr:9.2f} dB  {above.ssim:.4f}"
        )
        lines.append(
            f"{printable(name):{width}}  {shown}  {found.pixels:8.2f}  {found.brightness:10.3f}"
        )
    notes = (
        f"{comparison.slices} slices",
        "en-face: mean projections along the beam, SR against HR; higher than numbers of B-scans",
        "flicker: mean change of a pixel, and of a slice's brightness, from one slice to the next,",
        "in grey levels of 8 bit; more than HR's was added, less is smoothness",
        "white padding of HR is not counted; one volume is one person: this tests nothing",
    )
    return "\n".join([*lines, *notes])
