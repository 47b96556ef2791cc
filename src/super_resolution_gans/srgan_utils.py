"""The functions of versions 0.0.x at their old address, with their old signatures.

New code is better served by ``super_resolution_gans.prediction.load_upscaler``.
"""

import os
import sys
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from super_resolution_gans.scan import Scan

Image = NDArray[np.float32]


def SRGAN_predict(
    lr_image_path: str | os.PathLike[str],
    model_path: str | os.PathLike[str] | None = None,
    outputPath: str | os.PathLike[str] | None = None,
) -> tuple[Image, Image]:
    """Super-resolve one image.

    One line on stderr says which model was used; others, what about the image is unlike the scans
    that the model learned from.

    Args:
        lr_image_path: a path or an http(s) address, grey or colour, any size.
        model_path: a model.h5 of 0.0.x or any other file of weights, or the name of a model; None
            is the default model.
        outputPath: where the super-resolved image goes, if anywhere; an existing file is replaced,
            atomically. Its suffix chooses the format.

    Returns:
        (LR_img, SR_img): float32 (height, width, 3) in [-1, 1], the image as it was read and the
        same at the model's multiple. Grey is repeated three times.

    Raises:
        ValueError: if the image cannot be read or is a volume, the model cannot be used, or the
            result cannot be written. The message is one line.
    """
    from super_resolution_gans.io import check_target, is_address, read_scan, write_scan
    from super_resolution_gans.prediction.catalogue import DEFAULT_MODEL
    from super_resolution_gans.prediction.errors import PredictionError
    from super_resolution_gans.prediction.plan import inode
    from super_resolution_gans.prediction.provenance import about, sha256
    from super_resolution_gans.prediction.upscale import load_upscaler
    from super_resolution_gans.scan import printable

    source = os.fspath(lr_image_path)
    own = None if is_address(source) else inode(source)
    if own is not None and outputPath is not None and inode(outputPath) == own:
        raise PredictionError(source, "outputPath is the input itself")
    upscaler = load_upscaler(DEFAULT_MODEL if model_path is None else model_path)
    fetched: list[str] = []  # the hash of what an address gave
    low = read_scan(source, on_file=lambda path: fetched.append(sha256(path))).load()
    if low.slices > 1:
        raise PredictionError(
            low.source or source, f"is a volume of {low.slices} slices; srgan upscale takes volumes"
        )
    result = upscaler.lazily(low)
    if outputPath is not None:
        # Before the work rather than after it.
        check_target(result, outputPath, overwrite=True)
    high = result.load()
    if outputPath is not None:
        story = upscaler.provenance_for(low.dtype)
        digest = fetched[0] if fetched else sha256(source)
        residual = upscaler.residual(high, low)
        write_scan(high, outputPath, overwrite=True, about=lambda: about(story, digest, residual))
    if sys.stderr is not None:  # as under pythonw
        for sentence in upscaler.warnings(low):
            sys.stderr.write(f"warning: {printable(source)}: {sentence}\n")
        sys.stderr.write(f"super-resolved by {printable(upscaler.name)}\n")
    return _as_0_0_x(low), _as_0_0_x(high)


def show_image(img: NDArray[np.generic]) -> None:
    """Show an image with matplotlib; without a display nothing happens.

    Args:
        img: (height, width), (height, width, 1) or (height, width, 3) in [-1, 1]; values outside
            are clipped.

    Raises:
        ValueError: if the array has another shape, or no pixels.
    """
    array = np.asarray(img)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.ndim != 2 and (array.ndim != 3 or array.shape[2] != 3):
        raise ValueError(
            f"show_image: shape {array.shape} is none of (height, width), (height, width, 1) and "
            "(height, width, 3)"
        )
    if not array.size:
        raise ValueError(f"show_image: no pixels: the shape is {array.shape}")
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5, 5))
    unit = np.clip((array.astype(np.float32) + 1) / 2, 0, 1)
    axes.imshow(unit, cmap="gray", vmin=0, vmax=1)
    plt.show()
    if not mpl.is_interactive():
        plt.close(figure)


def _as_0_0_x(scan: "Scan") -> Image:
    """(height, width, 3) in [-1, 1]."""
    pixels = scan.slice_pixels(0) * np.float32(2) - np.float32(1)
    return np.repeat(pixels[..., np.newaxis], 3, axis=-1) if pixels.ndim == 2 else pixels
