"""What is evaluated on: a high-resolution image and the low-resolution twin made of it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.scan import Scan, printable

Scale = tuple[int, int]  # (vertical, lateral)
Image = NDArray[np.float32]


class EvaluationError(ValueError):
    """An image cannot be evaluated; the message is "name: reason", in one line."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{printable(name)}: {printable(reason)}")
        self.name, self.reason = name, reason


@dataclass(frozen=True, eq=False)
class Pair:
    """One image with its twin.

    Attributes:
        name: of the image, unique within an evaluation.
        hr: float32 (v*H, h*W) or (v*H, h*W, 3) in [0, 1].
        lr: float32 (H, W) or (H, W, 3) in [0, 1].
        levels: steps between black and white in the source, which SR is rounded to before it is
            measured: 255 for 8 bit, 65535 for 16 bit, 0 for floating point (no rounding).
        dataset: what it is averaged with; empty if not said.
        patient: whose scan it is; None if unknown.
        made_here: whether LR was made of HR by :func:`make_pair`, or came with it.
        stored_in_colour: whether a grey HR came from a file with three equal channels.
    """

    name: str
    hr: Image
    lr: Image
    levels: int = 255
    dataset: str = ""
    patient: str | None = None
    made_here: bool = False
    stored_in_colour: bool = False

    @property
    def scale(self) -> Scale:
        """(vertical, lateral) factors between LR and HR."""
        return self.hr.shape[0] // self.lr.shape[0], self.hr.shape[1] // self.lr.shape[1]


def make_pair(
    name: str,
    hr: Image,
    scale: Scale = (4, 4),
    *,
    levels: int = 255,
    dataset: str = "",
    patient: str | None = None,
) -> Pair:
    """Cut HR to a multiple of the scale and make LR of it: bicubic, antialiased, rounded.

    Args:
        name: of the image.
        hr: float32 (height, width[, 3]) in [0, 1]; not modified.
        scale: (vertical, lateral) factors.
        levels: what LR is rounded to; see :class:`Pair`.
        dataset: see :class:`Pair`.
        patient: see :class:`Pair`.

    Raises:
        EvaluationError: if the image is smaller than one LR pixel.
    """
    height, width = hr.shape[0] // scale[0] * scale[0], hr.shape[1] // scale[1] * scale[1]
    if not height or not width:
        raise EvaluationError(
            name, f"{hr.shape[0]} x {hr.shape[1]} pixels are too few for a scale of {text(scale)}"
        )
    hr = hr[:height, :width]
    lr = quantised(downsampled(hr, scale), levels)
    return Pair(name, hr, lr, levels, dataset, patient, made_here=True)


def join_pair(
    name: str,
    hr: Image,
    lr: Image,
    scale: Scale = (4, 4),
    *,
    levels: int = 255,
    dataset: str = "",
    patient: str | None = None,
) -> Pair:
    """Pair HR with an LR that came with it; what HR has beyond a multiple of the scale is cut.

    Raises:
        EvaluationError: if LR is not HR's size divided by the scale, or one is colour and one grey.
    """
    expected = (hr.shape[0] // scale[0], hr.shape[1] // scale[1])
    if lr.shape[:2] != expected:
        raise EvaluationError(
            name,
            f"LR has {lr.shape[0]} x {lr.shape[1]} pixels; HR of {hr.shape[0]} x {hr.shape[1]} at "
            f"a scale of {text(scale)} needs {expected[0]} x {expected[1]}",
        )
    if lr.ndim != hr.ndim:
        raise EvaluationError(name, "of LR and HR one is colour and one is grey")
    hr = hr[: lr.shape[0] * scale[0], : lr.shape[1] * scale[1]]
    return Pair(name, hr, lr, levels, dataset, patient)


def levels_of(scan: Scan) -> int:
    """The steps between black and white that a scan's original numbers have; 0: not integers."""
    if scan.dtype.kind not in "ui":
        return 0
    return int(scan.value_range[1] - scan.value_range[0])


def quantised(image: NDArray[np.floating[Any]], levels: int) -> Image:
    """Clipped to [0, 1] and rounded to ``levels`` steps (half to even), as a file would hold it."""
    result: Image = np.clip(image, 0, 1).astype(np.float32)
    if levels:
        np.rint(result * np.float32(levels), out=result)
        result /= np.float32(levels)
    return result


def downsampled(image: NDArray[np.floating[Any]], scale: Scale) -> Image:
    """Bicubic, antialiased, a = -0.5: (v*H, h*W[, 3]) -> (H, W[, 3]), not clipped or rounded."""
    import torch

    from super_resolution_gans.degrade import downsample

    planes = image[..., None] if image.ndim == 2 else image
    tensor = torch.from_numpy(np.array(planes.transpose(2, 0, 1)[None], np.float32, order="C"))
    low: Image = downsample(tensor, scale)[0].numpy()
    return low[0] if image.ndim == 2 else np.ascontiguousarray(low.transpose(1, 2, 0))


def text(scale: Scale) -> str:
    """``(4, 4)`` -> ``4 x 4``."""
    return f"{scale[0]} x {scale[1]}"
