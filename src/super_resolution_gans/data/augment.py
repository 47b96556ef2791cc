"""Crops varied before LR is made of them, so that LR and HR show the same, other, scan.

Everything is drawn for each crop from (seed, step, place in the batch) alone, so that it does not
matter who computes which part of a batch.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from super_resolution_gans.data.padding import pad
from super_resolution_gans.degrade import add_speckle

Interval = tuple[float, float]
Side = tuple[int, int]
STEEPEST = 45.0  # degrees
_WHITE = 253.5 / 255  # from 254 of 255 on, as in blocks.py, and as interpolation gives it back
_TAPS = 2  # pixels that bicubic interpolation looks beyond a place
_STREAM = 1  # keeps the numbers drawn here apart from those a degradation is drawn from


@dataclass(frozen=True)
class Augmentation:
    """What variations are drawn from; the defaults change nothing.

    Order: rotation, gamma, gain, speckle; then grey levels are clipped to [0, 1], and padding comes
    over them.

    Args:
        gamma: interval of the power that grey levels are taken to, drawn log-uniformly.
        gain: interval of the factor they are multiplied by, drawn log-uniformly.
        rotation: degrees, up to 45. Angles are drawn uniformly from -rotation to rotation, in the
            grid of pixels as if these were square; the scan is resampled bicubically (a = -0.5)
            from a larger cut, so that no made-up pixel comes in.
        speckle: interval of the contrast of log-normal noise, see :func:`.degrade.add_speckle`,
            drawn uniformly.
        padding: share of the crops that get an edge of white padding, see :func:`.padding.pad`.
            Those that show padding of their own are left as they are.

    Raises:
        ValueError: if an interval is not ordered, or a number out of range or not finite.
    """

    gamma: Interval = (1.0, 1.0)
    gain: Interval = (1.0, 1.0)
    rotation: float = 0.0
    speckle: Interval = (0.0, 0.0)
    padding: float = 0.0

    def __post_init__(self) -> None:
        for name in ("gamma", "gain"):
            low, high = getattr(self, name)
            if not 0 < low <= high < math.inf:
                raise ValueError(
                    f"augment.{name} must be an interval 0 < low <= high, not {low}, {high}"
                )
        low, high = self.speckle
        if not 0 <= low <= high < math.inf:
            raise ValueError(
                f"augment.speckle must be an interval 0 <= low <= high, not {low}, {high}"
            )
        if not 0 <= self.padding <= 1:
            raise ValueError(f"augment.padding must be from 0 to 1, not {self.padding}")
        if not 0 <= self.rotation <= STEEPEST:
            raise ValueError(
                f"augment.rotation must be from 0 to {STEEPEST:g} degrees, not {self.rotation}"
            )

    @property
    def changes(self) -> bool:
        """Whether anything may come out other than what goes in."""
        return self != Augmentation()

    def margin(self, side: Side) -> Side:
        """Pixels (vertical, lateral) that must be cut around ``side`` to rotate it and trim them.

        Where the rotated rectangle reaches farthest, and the taps of the interpolation.
        """
        if not self.rotation:
            return (0, 0)
        height, width = side
        return self._beyond(height, width), self._beyond(width, height)

    def _beyond(self, along: int, across: int) -> int:
        # From the first pixel's centre to the last's; the angle at which that is longest.
        a, b = along - 1, across - 1
        angle = min(math.radians(self.rotation), math.atan2(b, a))
        return math.ceil((a * math.cos(angle) + b * math.sin(angle) - a) / 2) + _TAPS

    def __call__(
        self,
        cuts: Tensor,
        side: Side,
        *,
        seed: int,
        step: int,
        first: int = 0,
        padded: Sequence[bool] | None = None,
    ) -> Tensor:
        """(N, C, H, W) -> (N, C, *side), both in [0, 1]; the same for the same seed and device.

        Args:
            cuts: ``side`` with the :meth:`margin` around.
            side: (vertical, lateral) that is wanted.
            seed: of the run.
            step: number of the update.
            first: the place in the batch of cut 0.
            padded: which cuts show white padding, none by default. Their white (grey 254 of 255 and
                above) stays white. In others white is saturated tissue, and varied like the rest.
        """
        marked = padded or [False] * len(cuts)
        return torch.stack(
            [
                self._varied(cut, side, _source(seed, step, first + place), keep)
                for place, (cut, keep) in enumerate(zip(cuts, marked, strict=True))
            ]
        )

    def _varied(self, cut: Tensor, side: Side, source: np.random.Generator, keep: bool) -> Tensor:
        # All are drawn always: one that is turned on leaves the others as they were.
        shares, noise = source.random(4), int(source.integers(2**63))
        angle = self.rotation * (2 * shares[0] - 1)
        image = _rotated(cut, math.radians(angle), side) if self.rotation else cut
        grey = image
        if self.gamma != (1, 1):
            grey = grey ** _log_between(self.gamma, shares[1])
        if self.gain != (1, 1):
            grey = grey * _log_between(self.gain, shares[2])
        if self.speckle != (0, 0):
            contrast = self.speckle[0] + shares[3] * (self.speckle[1] - self.speckle[0])
            generator = torch.Generator(cut.device).manual_seed(noise)
            grey = add_speckle(grey, contrast, generator)
        grey = grey.clamp(0, 1)
        if keep:
            return torch.where(image.amin(dim=0) >= _WHITE, image, grey)
        return pad(grey, source) if source.random() < self.padding else grey


def _source(seed: int, step: int, place: int) -> np.random.Generator:
    sequence = np.random.SeedSequence([seed, step, place], spawn_key=(_STREAM,))
    return np.random.Generator(np.random.Philox(sequence))


def _rotated(cut: Tensor, angle: float, side: Side) -> Tensor:
    """(C, H, W) -> (C, *side) around the centre; clipped, as the interpolation overshoots."""
    y, x = (torch.arange(size, device=cut.device) - (size - 1) / 2 for size in side)
    sine, cosine = math.sin(angle), math.cos(angle)
    rows = cosine * y[:, None] - sine * x + (cut.shape[1] - 1) / 2
    columns = sine * y[:, None] + cosine * x + (cut.shape[2] - 1) / 2
    return _interpolated(cut, rows, columns).clamp(0, 1)


def _interpolated(image: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """(C, H, W) at places (h, w), by Keys' bicubic kernel, a = -0.5 -> (C, h, w).

    torch's ``grid_sample`` has a = -0.75, which moves what lies between two pixels: a plane does
    not stay one.
    """
    top, left = rows.floor(), columns.floor()
    taps = torch.arange(-1, 3, device=image.device)[:, None, None]
    found = image[:, (top.long() + taps)[:, None], (left.long() + taps)[None]]
    weights = _keys(rows - top)[:, None] * _keys(columns - left)[None]
    return (found * weights).sum(dim=(1, 2))


def _keys(t: Tensor) -> Tensor:
    """(4, *t.shape): weights of the pixels at -1, 0, 1, 2 for a place at ``t`` in [0, 1)
    (Keys 1981, doi 10.1109/TASSP.1981.1163711).
    """
    return torch.stack(
        [
            ((1 - t / 2) * t - 0.5) * t,
            (1.5 * t - 2.5) * t * t + 1,
            ((2 - 1.5 * t) * t + 0.5) * t,
            (t - 1) * t * t / 2,
        ]
    )


def _log_between(interval: Interval, share: float) -> float:
    low, high = math.log(interval[0]), math.log(interval[1])
    return math.exp(low + share * (high - low))
