"""Measuring models that share one truth, against a plain loop over pairs of arrays.

    python benchmarks/evaluation_speed.py DATA [--images 50] [--threads 1]

DATA is a folder of scans. Of each, LR is made (bicubic, 4 x 4) and enlarged by five methods that
cost nothing to run: what is timed is the measuring. The plain loop takes one pair of arrays at a
time and calls scikit-image for PSNR and SSIM, LPIPS as its authors' package computes it (both
images through the network, in PyTorch's usual layout), and this package's functions for the rest;
the other way hands :class:`Subject` through, so that what depends on HR alone, or on SR alone, is
worked out once. Per image both ways run one after the other, in turns first. Of each set of
measures: seconds of processor time a way takes for all pairs, their ratio, and the ratio of elapsed
time; a last row has the package's LPIPS in the plain loop too. Then the largest difference between
the numbers of the two ways.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors.torch import load_file
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from super_resolution_gans.data.inventory import find_entries
from super_resolution_gans.data.pairs import read_pairs
from super_resolution_gans.evaluation.pairs import quantised
from super_resolution_gans.metrics.contrast import edge_preservation
from super_resolution_gans.metrics.image import psnr, ssim
from super_resolution_gans.metrics.ms_ssim import ms_ssim
from super_resolution_gans.metrics.perceptual import WEIGHTS, load_lpips
from super_resolution_gans.metrics.ring_correlation import ring_correlation
from super_resolution_gans.metrics.speckle import grain_ratio, histogram_distance
from super_resolution_gans.metrics.spectrum import (
    directional_distance,
    grid_excess,
    spectrum_distance,
)
from super_resolution_gans.metrics.subject import Subject
from super_resolution_gans.prediction import load_upscaler

Image = NDArray[np.float32]
Measure = Callable[[Image | Subject, Image | Subject], float]
METHODS = ("nearest", "bilinear", "bicubic", "lanczos")
SCALE = (4, 4)


def scikit_ssim(sr: Image, hr: Image) -> float:
    """Wang's, averaged over windows inside the image."""
    return float(
        structural_similarity(
            hr, sr, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1
        )
    )


class PlainLpips:
    """LPIPS of a pair as Zhang et al. wrote it down, with the weights of the package."""

    def __init__(self) -> None:
        self._weights = {name: tensor.float() for name, tensor in load_file(WEIGHTS).items()}

    @torch.inference_mode()
    def __call__(self, sr: Image, hr: Image) -> float:
        """The distance, both images through the network."""
        pairs = enumerate(zip(self._stages(sr), self._stages(hr), strict=True))
        return sum(
            float((self._weights[f"heads.{n}"].view(1, -1, 1, 1) * (a - b) ** 2).sum(1).mean())
            for n, (a, b) in pairs
        )

    def _stages(self, image: Image) -> Iterator[torch.Tensor]:
        shift = torch.tensor([-0.030, -0.088, -0.188]).view(1, 3, 1, 1)
        scale = torch.tensor([0.458, 0.448, 0.450]).view(1, 3, 1, 1)
        x = (2 * torch.tensor(image).expand(1, 3, *image.shape) - 1 - shift) / scale
        settings = {0: (4, 2), 3: (1, 2), 6: (1, 1), 8: (1, 1), 10: (1, 1)}  # stride, padding
        for layer, (stride, padding) in settings.items():
            if layer in (3, 6):
                x = F.max_pool2d(x, 3, 2)
            weights = (self._weights[f"features.{layer}.{name}"] for name in ("weight", "bias"))
            x = F.conv2d(x, *weights, stride, padding).relu()
            yield x / (x.pow(2).sum(1, keepdim=True).sqrt() + 1e-10)


OURS: dict[str, Measure] = {
    "psnr": lambda x, y: psnr(x, y, border=0),
    "ssim": lambda x, y: ssim(x, y, border=5),
    "lpips": load_lpips(),
    "ssim daala": lambda x, y: ssim(x, y, convention="daala"),
    "spectrum distance": spectrum_distance,
    "grid excess": grid_excess,
    "grain width": grain_ratio,
    "grey levels": histogram_distance,
    "ms-ssim": ms_ssim,
    "axial spectrum": lambda x, y: directional_distance(x, y, "axial"),
    "lateral spectrum": lambda x, y: directional_distance(x, y, "lateral"),
    "edge preservation": lambda x, y: edge_preservation(x, y, sigma=2.0),
    "invented": lambda x, y: ring_correlation(x, y, SCALE).invented_share(),
}
PLAIN: dict[str, Measure] = {
    **OURS,
    "psnr": lambda x, y: float(peak_signal_noise_ratio(y, x, data_range=1)),
    "ssim": scikit_ssim,
    "lpips": PlainLpips(),
}
SETS = {
    "PSNR, SSIM, LPIPS": tuple(OURS)[:3],
    "the usual measures": tuple(OURS)[:8],
    "and those of --metrics oct": tuple(OURS),
}
OWN_LPIPS = "the usual, our LPIPS in both"
SETS[OWN_LPIPS] = tuple(OURS)[:8]


def by_pairs(images: Sequence[Image], hr: Image, chosen: str) -> NDArray[np.float64]:
    """(images, measures), one pair of arrays at a time."""
    measures = {**PLAIN, "lpips": OURS["lpips"]} if chosen == OWN_LPIPS else PLAIN
    return np.array([[measures[name](sr, hr) for name in SETS[chosen]] for sr in images])


def sharing(images: Sequence[Image], hr: Image, chosen: str) -> NDArray[np.float64]:
    """The same, of subjects."""
    truth = Subject(hr)
    subjects = map(Subject, images)
    return np.array([[OURS[name](sr, truth) for name in SETS[chosen]] for sr in subjects])


def enlarged(lr: Image, hr: Image, levels: int) -> list[Image]:
    """Four interpolations and a noisy one."""
    images = [quantised(load_upscaler(name, scale=SCALE)(lr), levels) for name in METHODS]
    noise = 0.05 * np.random.default_rng(0).standard_normal(hr.shape)
    return [*images, quantised(images[-1] + noise, levels)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--images", type=int, default=50)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    entries = find_entries(arguments.data)
    chosen = entries[:: max(len(entries) // arguments.images, 1)][: arguments.images]
    pairs = [pair for pair in read_pairs(chosen, SCALE) if min(pair.hr.shape) >= 184]
    seconds = {name: np.zeros((2, 2)) for name in SETS}  # way, (processor, clock)
    apart: dict[str, float] = dict.fromkeys(OURS, 0.0)
    for number, pair in enumerate(pairs):
        images = enlarged(pair.lr, pair.hr, pair.levels)
        for name, measures in SETS.items():
            numbers = []
            for way in (0, 1) if number % 2 else (1, 0):
                start = time.process_time(), time.perf_counter()
                numbers.append((by_pairs, sharing)[way](images, pair.hr, name))
                stop = time.process_time(), time.perf_counter()
                seconds[name][way] += np.subtract(stop, start)
            largest = np.abs(numbers[0] - numbers[1]).max(axis=0)
            for measure, difference in zip(measures, largest, strict=True):
                apart[measure] = max(apart[measure], float(difference))
    print(f"{len(pairs)} scans x {len(METHODS) + 1} methods, {arguments.threads} thread(s)")
    print(f"{'measures':<30}{'plain s':>9}{'sharing s':>11}{'ratio':>7}{'elapsed':>9}")
    for name, ((plain, clock), (shared, shared_clock)) in seconds.items():
        ratios = f"{plain / shared:>7.2f}{clock / shared_clock:>9.2f}"
        print(f"{name:<30}{plain:>9.1f}{shared:>11.1f}{ratios}")
    print("largest difference between the numbers of the two ways:")
    for measure, difference in apart.items():
        print(f"  {measure:<20}{difference:.1e}")


if __name__ == "__main__":
    main()
