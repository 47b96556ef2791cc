"""What projecting onto the measured scan does, and what it costs.

    python benchmarks/consistency.py DATA [--scans N] [--model NAME ...]

For N validation scans of each dataset of DATA (as `srgan evaluate` reads it), spread evenly over
them, and each model: the residual A x - y before and after the projection, before clipping; PSNR
and LPIPS against HR before -> after, and the consistency PSNR(A x, y) before -> after, each after
clipping and rounding to 8 bit. The consistency is given for all LR pixels, and for those that
`padding_mask` counts in LR and that are two pixels away from those it does not. Then seconds of
network and projection, the median of three, for a noise image of 496 x 768 LR pixels.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import binary_erosion

from super_resolution_gans.data.inventory import find_entries
from super_resolution_gans.data.pairs import read_pairs, select
from super_resolution_gans.evaluation.pairs import downsampled, quantised
from super_resolution_gans.metrics.image import padding_mask, psnr
from super_resolution_gans.metrics.perceptual import load_lpips
from super_resolution_gans.models.load import load_model
from super_resolution_gans.prediction.catalogue import INTERPOLATIONS, find_weights
from super_resolution_gans.prediction.consistency import Projection
from super_resolution_gans.prediction.engines import TorchEngine
from super_resolution_gans.prediction.interpolation import Interpolation

MODELS = ("nearest", "bicubic", "oct-srresnet-x4", "oct-srgan-x4")
SCALE = (4, 4)
Upscale = Callable[[np.ndarray], np.ndarray]


def unclipped(name: str) -> Upscale:
    """(h, w) -> (4 h, 4 w), as the model gives it."""
    if name in INTERPOLATIONS:
        engine = Interpolation(name, SCALE)
    else:
        engine = TorchEngine(load_model(find_weights(name)).network, torch.device("cpu"))
    return lambda lr: engine.upscale(lr[np.newaxis, ..., np.newaxis])[0, ..., 0]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--scans", type=int, default=3)
    parser.add_argument("--model", nargs="+", default=MODELS)
    arguments = parser.parse_args()
    project, lpips = Projection(SCALE), load_lpips()
    entries = select(find_entries(arguments.data), splits=["val"])
    datasets = sorted({entry.dataset for entry in entries})
    chosen = []
    for dataset in datasets:
        of_it = [entry for entry in entries if entry.dataset == dataset]
        chosen += of_it[len(of_it) // (2 * arguments.scans) :: len(of_it) // arguments.scans][
            : arguments.scans
        ]
    pairs = list(read_pairs(chosen, SCALE, dataset="", on_error=print))
    print(f"{len(pairs)} validation scans of {', '.join(datasets)}; {project}")
    heads = ("residual rms", "largest", "PSNR", "LPIPS", "consistency", "off white", "least")
    print(f"{'':<16}" + "".join(f"{head:>21}" for head in heads))
    upscalers = {name: unclipped(name) for name in arguments.model}
    for name, upscale in upscalers.items():
        rows = []
        for pair in pairs:
            x = upscale(pair.lr)
            counted = padding_mask(pair.hr)
            inner = binary_erosion(padding_mask(pair.lr), np.ones((5, 5)), border_value=1)
            for image in (x, project(x, pair.lr)):
                stored = quantised(image, 255)
                residual = project.residual(image, pair.lr)
                small = downsampled(stored, SCALE)
                rows.append(
                    [
                        residual.rms,
                        residual.largest,
                        psnr(stored, pair.hr, mask=counted),
                        lpips(stored, pair.hr),
                        psnr(small, pair.lr, border=0),
                        psnr(small, pair.lr, border=0, mask=inner),
                    ]
                )
        before, after = np.array(rows[::2]), np.array(rows[1::2])
        columns = [
            ("{:.1e}", np.sqrt(np.mean(before[:, 0] ** 2)), np.sqrt(np.mean(after[:, 0] ** 2))),
            ("{:.1e}", before[:, 1].max(), after[:, 1].max()),
            ("{:.2f}", before[:, 2].mean(), after[:, 2].mean()),
            ("{:.3f}", before[:, 3].mean(), after[:, 3].mean()),
            ("{:.1f}", before[:, 4].mean(), after[:, 4].mean()),
            ("{:.1f}", before[:, 5].mean(), after[:, 5].mean()),
            ("{:.1f}", before[:, 5].min(), after[:, 5].min()),
        ]
        cells = [f"{shown.format(old)} -> {shown.format(new)}" for shown, old, new in columns]
        print(f"{name:<16}" + "".join(f"{cell:>21}" for cell in cells), flush=True)
    lr = np.random.default_rng(0).random((496, 768), np.float32)
    for name, upscale in upscalers.items():
        if name not in INTERPOLATIONS:
            x = upscale(lr)
            network = median_seconds(lambda upscale=upscale: upscale(lr))
            projection = median_seconds(lambda x=x: project(x, lr))
            print(
                f"{name}: network {network:.2f} s, projection {projection:.3f} s, "
                f"{torch.get_num_threads()} threads"
            )


def median_seconds(run: Callable[[], object]) -> float:
    """The median of three."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


if __name__ == "__main__":
    main()
