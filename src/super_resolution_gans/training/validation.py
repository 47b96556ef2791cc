"""A fixed look at the validation people during training: numbers and a picture."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from super_resolution_gans.data.crops import CropRules, CropSampler, margin
from super_resolution_gans.data.store import Store
from super_resolution_gans.degrade import DegradationRange
from super_resolution_gans.metrics.image import psnr, ssim
from super_resolution_gans.metrics.patches import PATCH
from super_resolution_gans.metrics.spectrum import grid_excess, spectrum_distance
from super_resolution_gans.training.steps import Step

_COUNT, _SIDE, _SHOWN = 16, 192, 4


class Validation:
    """Sixteen fixed crops of the validation split (of the largest size up to 192 that fits).

    Args:
        store: the packed scans.
        degradation: how LR is made; None for ready-made pairs.
        scale: (vertical, lateral).
        device: of the run.

    Raises:
        DataError: if the validation split is empty or its scans are too small.
    """

    def __init__(
        self,
        store: Store,
        *,
        degradation: DegradationRange | None,
        scale: tuple[int, int],
        device: torch.device,
    ) -> None:
        records = store.of_split("val")
        smallest = min((min(r.height, r.width) for r in records), default=_SIDE)
        coarsest = max(scale)
        room = smallest - 2 * max(margin(degradation, scale))
        side = min(_SIDE, room) // (scale[0] * scale[1]) * scale[0] * scale[1]
        rules = CropRules(size=max(side, coarsest), background_share=0, flip_lateral=False)
        sampler = CropSampler(
            store,
            "val",
            rules=rules,
            degradation=degradation,
            scale=scale,
            seed=0,
            device=device,
        )
        self.low, self.high = sampler.batch(0, _COUNT)

    def measure(self, step: Step) -> tuple[dict[str, float], Tensor]:
        """Means over the crops, and SR as float32 on the CPU.

        They are PSNR (dB) and SSIM (Wang), 4-pixel border cut, and where crops have 64 pixels a
        side, spectrum distance and grid excess (decades) after rounding to 8 bit.
        """
        parts = [step.evaluate(part) for part in torch.split(self.low, 4)]
        sr = torch.cat(parts).float().clamp(0, 1).cpu()
        pairs = [(_image(a), _image(b)) for a, b in zip(sr, self.high.cpu(), strict=True)]
        border = min(4, (self.high.shape[-1] - 11) // 2)
        values = {
            "psnr": float(np.mean([psnr(a, b, border=border) for a, b in pairs])),
            "ssim": float(np.mean([ssim(a, b, border=border) for a, b in pairs])),
        }
        if self.high.shape[-1] >= PATCH:
            rounded = [(np.rint(a * 255) / 255, b) for a, b in pairs]
            for name, measure in (
                ("spectrum_distance", spectrum_distance),
                ("grid_excess", grid_excess),
            ):
                values[name] = float(np.mean([measure(a, b) for a, b in rounded]))
        return values, sr

    def draw(self, sr: Tensor, path: Path) -> None:
        """Write LR (enlarged), SR and HR of the first crops side by side, one row a crop."""
        size = self.high.shape[-2:]
        low = torch.nn.functional.interpolate(self.low.cpu(), size=size, mode="nearest")
        columns = [low[:_SHOWN], sr[:_SHOWN], self.high[:_SHOWN].cpu()]
        rows = torch.cat(columns, dim=3)
        picture = np.concatenate([_image(row) for row in rows], axis=0)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.rint(picture * 255).astype(np.uint8)).save(path)


def _image(tensor: Tensor) -> NDArray[np.float32]:
    """(C, H, W) -> (H, W) or (H, W, 3)."""
    array: NDArray[np.float32] = tensor.numpy()
    return array[0] if array.shape[0] == 1 else array.transpose(1, 2, 0)
