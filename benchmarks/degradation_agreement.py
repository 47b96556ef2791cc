"""How far our bicubic downsampling is from Pillow's and from MATLAB's imresize.

Prints the table of docs/degradation.md: the largest difference in grey levels of 8 bit, inside the
image and in the outermost two LR pixels, for white noise (the worst case) and for a smooth image.

    python benchmarks/degradation_agreement.py
"""

import platform
from collections.abc import Callable

import numpy as np
import PIL
import torch
from numpy.typing import NDArray
from PIL import Image as PillowImage

from super_resolution_gans.degrade import downsample

Image = NDArray[np.float64]
Scale = tuple[int, int]
SCALES: tuple[Scale, ...] = ((4, 4), (2, 2), (8, 8), (3, 3), (1, 4), (2, 6))
BORDER = 2  # LR pixels whose kernel reaches over the edge of the image


def imresize(image: Image, scale: Scale) -> Image:
    """MATLAB's ``imresize(image, 1/scale, "bicubic")`` from its documentation, in float64.

    Keys' kernel with a = -0.5 is stretched by the factor (antialiasing), sampled around the centre
    of each output pixel and normalised; beyond the edges the image is mirrored, edge pixel first.
    """
    shrunk = _weights(image.shape[0], scale[0]) @ image @ _weights(image.shape[1], scale[1]).T
    return np.asarray(shrunk)


def _weights(length: int, factor: int) -> Image:
    weights = np.zeros((length // factor, length))
    for output in range(length // factor):
        centre = (output + 0.5) * factor - 0.5
        taps = np.arange(np.floor(centre - 2 * factor), np.ceil(centre + 2 * factor) + 1)
        values = np.array([_keys((tap - centre) / factor) for tap in taps])
        values /= values.sum()
        for tap, value in zip(taps.astype(int), values, strict=True):
            mirrored = tap % (2 * length)
            weights[output, min(mirrored, 2 * length - 1 - mirrored)] += value
    return weights


def _keys(x: float, a: float = -0.5) -> float:
    x = abs(x)
    if x <= 1:
        return (a + 2) * x**3 - (a + 3) * x**2 + 1
    if x < 2:
        return a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a
    return 0.0


def pillow(image: Image, scale: Scale) -> Image:
    """Pillow's BICUBIC on 32-bit floating-point pixels."""
    size = (image.shape[1] // scale[1], image.shape[0] // scale[0])
    picture = PillowImage.fromarray(image.astype(np.float32))
    return np.asarray(picture.resize(size, PillowImage.Resampling.BICUBIC), dtype=np.float64)


def ours(image: Image, scale: Scale) -> Image:
    """:func:`super_resolution_gans.degrade.downsample` in float32."""
    batch = torch.from_numpy(image.astype(np.float32))[None, None]
    return downsample(batch, scale)[0, 0].double().numpy()


def noise(side: int = 240) -> Image:
    """Uniform white noise: every tap of the kernel counts."""
    return np.random.default_rng(0).random((side, side)).astype(np.float32).astype(np.float64)


def smooth(side: int = 240) -> Image:
    """Waves of 60 pixels, bright and dark up to the edges."""
    y, x = np.mgrid[:side, :side] * (2 * np.pi / 60)
    return np.asarray((0.5 + 0.25 * np.sin(x + 1) + 0.25 * np.cos(y)), dtype=np.float64)


def differences(other: Callable[[Image, Scale], Image], image: Image, scale: Scale) -> list[float]:
    """Largest difference from ours inside and at the border, in [0, 1]."""
    difference = np.abs(ours(image, scale) - other(image, scale))
    inside = difference[BORDER:-BORDER, BORDER:-BORDER].max()
    difference[BORDER:-BORDER, BORDER:-BORDER] = 0
    return [float(inside), float(difference.max())]


def main() -> None:
    print(
        f"torch {torch.__version__}, Pillow {PIL.__version__}, numpy {np.__version__}, "
        f"Python {platform.python_version()}, {platform.machine()}"
    )
    print("largest difference in grey levels of 8 bit (1 = 1/255)\n")
    print(
        "| image | scale | Pillow, inside | Pillow, border | imresize, inside | imresize, border |"
    )
    print("|---|---|---|---|---|---|")
    for name, image in (("noise", noise()), ("smooth", smooth())):
        for scale in SCALES:
            found = [v for other in (pillow, imresize) for v in differences(other, image, scale)]
            cells = " | ".join(f"{255 * value:.2g}" for value in found)
            print(f"| {name} | {scale[0]} x {scale[1]} | {cells} |")


if __name__ == "__main__":
    main()
