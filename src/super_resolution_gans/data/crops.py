"""Training batches: a pure function of (store, seed, step).

Where the crops of a batch lie is drawn by a counter-based generator keyed with (seed, step), so any
batch of any run can be made again without making those before it. Only stated shares of the crops
show an edge of Spectralis' white padding, or background without tissue.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from super_resolution_gans.data.augment import Augmentation
from super_resolution_gans.data.blocks import BLOCK, PADDING
from super_resolution_gans.data.groups import Groups, Shares
from super_resolution_gans.data.inventory import DataError
from super_resolution_gans.data.resident import Resident
from super_resolution_gans.data.store import Record, Store
from super_resolution_gans.degrade import DegradationRange, blur_reach

# Standard deviation of the 8x8 block means of a crop, in grey levels of 8 bit, under which it is
# taken for background: speckle alone averages to less, any retinal layer to far more.
TISSUE_CONTRAST = 10.0
_ATTEMPTS = 64
_MOST_PADDING = 0.75  # of a crop that is to show an edge of it


@dataclass(frozen=True)
class Crop:
    """Where one training example lies in its record, and whether it is mirrored."""

    record: int
    top: int
    left: int
    flip_lateral: bool
    flip_axial: bool


@dataclass(frozen=True)
class CropRules:
    """How crops are chosen.

    ``size`` is the HR side in pixels (96 in the paper). ``background_share`` of the crops are taken
    wherever they fall, so at most that share shows no tissue; the others are drawn until they do.

    Crops keep clear of white padding, except that ``padding_share`` of them show an edge of it (if
    the store has any). Its edge is the sharpest in any scan: a network that never saw one rings.

    ``datasets``: see :mod:`.groups`.
    """

    size: int = 96
    background_share: float = 0.1
    padding_share: float = 0.0
    flip_lateral: bool = True
    flip_axial: bool = False
    datasets: Shares | None = None


class CropSampler:
    """Draws crops of one split and turns them into (LR, HR) batches on a device.

    Args:
        store: the packed scans.
        split: ``train``, ``val`` or ``test``.
        rules: how crops are chosen.
        degradation: how LR is made; None for a store with ready-made pairs.
        scale: (vertical, lateral).
        seed: of the run.
        device: where batches are wanted; a split that fits stays on a GPU whole.
        augmentation: how crops are varied before they are degraded; not with ready-made pairs.

    Scans that are too small for a crop with its margin are left out (``left_out``).

    Raises:
        DataError: if the split is empty, no scan is large enough for a crop, pairs are wanted and
            missing, or a dataset that is named is not there.
    """

    def __init__(
        self,
        store: Store,
        split: str,
        *,
        rules: CropRules,
        degradation: DegradationRange | None,
        scale: tuple[int, int],
        seed: int,
        device: torch.device,
        augmentation: Augmentation | None = None,
    ) -> None:
        self.store, self.rules, self.degradation = store, rules, degradation
        self.scale, self.seed, self.device = scale, seed, device
        if rules.size < 1 or rules.size % scale[0] or rules.size % scale[1]:
            raise DataError(store.path, f"crop size {rules.size} is no multiple of scale {scale}")
        if degradation is None and not store.has_pairs:
            raise DataError(store.path, "has no ready-made LR twins; the recipe must degrade")
        self._augmentation = augmentation or Augmentation()
        if degradation is None and self._augmentation.changes:
            raise DataError(store.path, "augment: LR twins that are ready-made would not follow HR")
        self._margin = margin(degradation, scale)
        self._degraded = (rules.size + 2 * self._margin[0], rules.size + 2 * self._margin[1])
        beyond = self._augmentation.margin(self._degraded)
        self._side = (self._degraded[0] + 2 * beyond[0], self._degraded[1] + 2 * beyond[1])
        records = store.of_split(split)
        if not records:
            raise DataError(store.path, _nothing_of(split, store))
        self.records = [r for r in records if _fits(r, self._side)]
        self.left_out = len(records) - len(self.records)
        if not self.records:
            raise DataError(store.path, _too_small(split, records, self._side))
        self._check_pairs()
        positions = [
            (r.height - self._side[0] + 1) * (r.width - self._side[1] + 1) for r in self.records
        ]
        names = [r.dataset for r in self.records]
        try:
            self._groups = Groups(names, positions, self._shows_padding, rules.datasets)
        except ValueError as error:
            raise DataError(store.path, str(error)) from error
        self._resident = (
            Resident.of(store, self.records, device)
            if degradation is not None and Resident.fits(store, self.records, device)
            else None
        )

    def _check_pairs(self) -> None:
        if self.degradation is not None:
            return
        for r in self.records:
            if (r.low_height * self.scale[0], r.low_width * self.scale[1]) != (r.height, r.width):
                raise DataError(
                    self.store.path,
                    f"{r.name}: LR {r.low_height} x {r.low_width} times {self.scale} "
                    f"is not HR {r.height} x {r.width}",
                )

    def _shows_padding(self, record: int) -> bool:
        # Looking for padding that is not there would cost time and the choice of tissue.
        if self.rules.padding_share == 0:
            return False
        return bool((self.store.blocks_of(self.records[record]) == PADDING).any())

    def draw(self, step: int, count: int) -> list[Crop]:
        """Choose the ``count`` crops of update ``step``."""
        generator = np.random.Generator(np.random.Philox(key=[self.seed, step]))
        return [self._draw_one(generator) for _ in range(count)]

    def _draw_one(self, generator: np.random.Generator) -> Crop:
        wants_tissue = generator.random() >= self.rules.background_share
        flips = generator.random(2) < 0.5
        group = self._groups.draw(generator)
        wants_padding = group.shows_padding and generator.random() < self.rules.padding_share
        best: tuple[int, int, int] | None = None
        for _ in range(_ATTEMPTS):
            record = group.record(generator)
            chosen = self.records[record]
            top = int(generator.integers(chosen.height - self._side[0] + 1))
            left = int(generator.integers(chosen.width - self._side[1] + 1))
            if self.degradation is None:  # HR crops start where an LR pixel starts
                top, left = top - top % self.scale[0], left - left % self.scale[1]
            padding, has_tissue = self._judge(record, top, left)
            if wants_padding and 0 < padding < _MOST_PADDING:
                best = (record, top, left)
                break
            if padding == 0:
                best = (record, top, left)
                if not wants_padding and (has_tissue or not wants_tissue):
                    break
        if best is None:
            raise DataError(self.store.path, "scans are white padding nearly everywhere")
        return Crop(
            *best,
            flip_lateral=bool(self.rules.flip_lateral and flips[0]),
            flip_axial=bool(self.rules.flip_axial and flips[1]),
        )

    def _judge(self, record: int, top: int, left: int) -> tuple[float, bool]:
        """How much of a crop is white padding, and whether it shows more than background."""
        bottom, right = top + self._side[0], left + self._side[1]
        blocks = self.store.blocks_of(self.records[record])[
            top // BLOCK : -(-bottom // BLOCK), left // BLOCK : -(-right // BLOCK)
        ]
        return float((blocks == PADDING).mean()), float(blocks.std()) >= TISSUE_CONTRAST

    def batch(
        self, step: int, count: int, *, first: int = 0, total: int | None = None
    ) -> tuple[Tensor, Tensor]:
        """The (LR, HR) batch of update ``step``: float32 (count, C, h, w) and (count, C, H, W).

        Several processes share one batch: each asks for its ``count`` of ``total``, from ``first``.
        """
        crops = self.draw(step, count if total is None else total)[first : first + count]
        high = self._cut(crops)
        if self.degradation is None:
            return self._cut_low(crops), high
        if self._augmentation.changes:
            padded = [self._judge(c.record, c.top, c.left)[0] > 0 for c in crops]
            high = self._augmentation(
                high, self._degraded, seed=self.seed, step=step, first=first, padded=padded
            )
        # The same degradation for the whole update, whoever computes which part of it.
        seed = int(np.random.SeedSequence([self.seed, step]).generate_state(1)[0])
        low = self.degradation.sample(seed)(high, first=first)
        (v, h), (mv, mh) = self.scale, self._margin
        low = low[..., mv // v : low.shape[-2] - mv // v, mh // h : low.shape[-1] - mh // h]
        high = high[..., mv : high.shape[-2] - mv, mh : high.shape[-1] - mh]
        return low.contiguous(), high.contiguous()

    def _cut(self, crops: list[Crop]) -> Tensor:
        if self._resident is not None:
            windows = [(c.record, c.top, c.left, c.flip_lateral, c.flip_axial) for c in crops]
            return self._resident.cut(windows, self._side)
        cut = [
            _mirror(
                self.store.read(self.records[c.record])[
                    :, c.top : c.top + self._side[0], c.left : c.left + self._side[1]
                ],
                c,
            )
            for c in crops
        ]
        return self._to_unit(np.stack(cut))

    def _cut_low(self, crops: list[Crop]) -> Tensor:
        v, h = self.scale
        rows, columns = self.rules.size // v, self.rules.size // h
        cut = [
            _mirror(
                self.store.read_low(self.records[c.record])[
                    :, c.top // v : c.top // v + rows, c.left // h : c.left // h + columns
                ],
                c,
            )
            for c in crops
        ]
        return self._to_unit(np.stack(cut))

    def _to_unit(self, stored: NDArray[np.uint8] | NDArray[np.uint16]) -> Tensor:
        unit = stored.astype(np.float32) / np.float32(self.store.levels)
        return torch.from_numpy(unit).to(self.device)


def margin(degradation: DegradationRange | None, scale: tuple[int, int]) -> tuple[int, int]:
    """HR pixels (vertical, lateral) that are cut around a crop and trimmed after degrading it.

    LR pixels near a crop's edge depend on HR pixels beyond it, and must not see a made-up edge.

    Bicubic antialiased downsampling looks two LR pixels far; a blur before it looks farther.
    """
    if degradation is None:
        return (0, 0)
    reach = blur_reach(degradation.blur[1])
    vertical, lateral = (2 * s + -(-reach // s) * s for s in scale)
    return (vertical, lateral)


def _nothing_of(split: str, store: Store) -> str:
    there = sorted({record.split for record in store.records})
    return (
        f"has no scans in split {split!r} (only {', '.join(there)}); pack again with more people, "
        "with a pattern that finds them in the names, or with a manifest that has a split column"
    )


def _too_small(split: str, records: list[Record], side: tuple[int, int]) -> str:
    largest = max(records, key=lambda r: min(r.height / side[0], r.width / side[1]))
    return (
        f"no scan of split {split!r} is as large as a crop with its margin, {side[0]} x {side[1]}; "
        f"the nearest of {len(records)} is {largest.name}, {largest.height} x {largest.width}"
    )


def _fits(record: Record, side: tuple[int, int]) -> bool:
    return record.height >= side[0] and record.width >= side[1]


def _mirror(cut: NDArray[Any], crop: Crop) -> NDArray[Any]:
    cut = cut[:, :, ::-1] if crop.flip_lateral else cut
    return cut[:, ::-1] if crop.flip_axial else cut
