"""Whether a model treats pixels by their place in a block, and whether crops would show it.

    python benchmarks/subpixel_bias.py DATA MODEL [MODEL ...] [--split val] [--images 24]

For each model, three standard deviations in grey levels (of 8 bit), means over the images: of the
mean errors SR - HR at the v x h places of a block, for the whole image; for its central square of
--side pixels, as part of the whole image; and for the same square upscaled alone, as in training.
A network that learned on small crops can be unbiased on those and biased inside whole images, where
it does not see the padding around a crop. Beside them the grid excess of the whole images.
"""

import argparse
import itertools
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans import load_upscaler
from super_resolution_gans.data.inventory import find_entries
from super_resolution_gans.data.pairs import read_pairs, select
from super_resolution_gans.metrics.spectrum import grid_excess
from super_resolution_gans.prediction.upscale import Upscaler

Image = NDArray[np.floating]


def pattern_deviation(error: Image, scale: tuple[int, int]) -> float:
    """Standard deviation of the mean error by place in a block, in grey levels."""
    (v, h), (height, width) = scale, error.shape
    blocks = error[: height // v * v, : width // h * h].reshape(height // v, v, width // h, h)
    return float(blocks.mean(axis=(0, 2)).std() * 255)


def measure(upscaler: Upscaler, hr: Image, lr: Image, side: int) -> list[float]:
    """Deviation in the whole, in its centre, in the centre alone; grid excess."""
    v, h = scale = upscaler.scale
    sr = upscaler(lr)
    top, left = ((n - side) // 2 // s * s for n, s in zip(hr.shape, scale, strict=True))
    centre = np.s_[top : top + side, left : left + side]
    alone = upscaler(lr[top // v : (top + side) // v, left // h : (left + side) // h])
    rounded = np.rint(np.clip(sr, 0, 1) * 255) / 255
    return [
        pattern_deviation(sr - hr, scale),
        pattern_deviation((sr - hr)[centre], scale),
        pattern_deviation(alone - hr[centre], scale),
        grid_excess(rounded, hr),
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--split", default="val")
    parser.add_argument("--images", type=int, default=24)
    parser.add_argument("--side", type=int, default=96)
    arguments = parser.parse_args()
    entries = select(find_entries(arguments.data), splits=[arguments.split])
    print(f"{'':<40}{'whole':>8}{'centre':>9}{'alone':>8}{'grid excess':>14}")
    for name in arguments.models:
        upscaler = load_upscaler(name)
        pairs = read_pairs(entries, upscaler.scale, on_error=print)
        rows = [
            measure(upscaler, pair.hr, pair.lr, arguments.side)
            for pair in itertools.islice(pairs, arguments.images)
            if min(pair.hr.shape) >= arguments.side
        ]
        whole, centre, alone, excess = np.mean(rows, axis=0)
        print(f"{name[-38:]:<40}{whole:>8.2f}{centre:>9.2f}{alone:>8.2f}{excess:>+14.2f}")
    print(f"grey levels of 8 bit; {len(rows)} images of the split {arguments.split}")


if __name__ == "__main__":
    main()
