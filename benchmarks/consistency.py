"""What projecting onto the measured scan does, and what it costs.

    python benchmarks/consistency.py DATA [agreement|every|noise|speed] [--scans N]
        [--split NAME ...] [--model NAME ...]

agreement: for N validation scans of each dataset of DATA (as `srgan evaluate` reads it), spread
evenly over them, and each model: the residual A x - y before -> after the projection, before
clipping; PSNR and LPIPS against HR, and the consistency PSNR(A x, y), each after clipping and
rounding to 8 bit. The consistency is given for all LR pixels, and for those that `padding_mask`
counts in LR and that are more than two pixels away from those it does not.

every: for all scans of the split, by dataset: the largest residual of any scan after projection,
before clipping; the least consistency of any scan, of those LR pixels only that are away from
white; the mean gain in PSNR, and the least of any scan; the same for LPIPS (loss, most).

noise: for the middle 256 x 256 of the same scans and each network, with noise of several standard
deviations added to LR: PSNR without projection, with the whole of it, and with half of it, damped
by one factor as here and by (A A^T + lambda)^-1 with dense matrices, lambda the mean eigenvalue.

speed: seconds of network and projection, the median of three, for 496 x 768 LR pixels.
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
from super_resolution_gans.data.pairs import apart_by_role, read_pairs, select
from super_resolution_gans.evaluation.pairs import Pair, downsampled, quantised
from super_resolution_gans.metrics.image import padding_mask, psnr
from super_resolution_gans.metrics.perceptual import load_lpips
from super_resolution_gans.models.load import load_model
from super_resolution_gans.prediction.catalogue import INTERPOLATIONS, find_weights
from super_resolution_gans.prediction.consistency import MODEL_ERROR, Projection
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
    parser.add_argument("what", nargs="?", default="agreement", choices=list(PARTS))
    parser.add_argument("--scans", type=int, default=3)
    parser.add_argument("--split", nargs="+", default=["val"])
    parser.add_argument("--model", nargs="+", default=MODELS)
    arguments = parser.parse_args()
    upscalers = {name: unclipped(name) for name in arguments.model}
    scans = None if arguments.what == "every" else arguments.scans
    PARTS[arguments.what](read(arguments.data, arguments.split, scans), upscalers)


def read(data: Path, splits: list[str], scans: int | None) -> list[Pair]:
    """Pairs of scans of these splits, as many of each dataset, or all."""
    entries = apart_by_role(select(find_entries(data), splits=splits))
    chosen = []
    for dataset in sorted({entry.dataset for entry in entries}):
        of_it = [entry for entry in entries if entry.dataset == dataset]
        few = of_it if scans is None else of_it[len(of_it) // (2 * scans) :: len(of_it) // scans]
        chosen += few[:scans]
    names = "" if scans is None else f": {', '.join(str(e.path.name) for e in chosen)}"
    print(f"{len(chosen)} scans ({', '.join(splits)}){names}")
    return list(read_pairs(chosen, SCALE, dataset="", on_error=print))


def agreement(pairs: list[Pair], upscalers: dict[str, Upscale]) -> None:
    """Before and after, by model."""
    project, lpips = Projection(SCALE), load_lpips()
    heads = ("residual rms", "largest", "PSNR", "LPIPS", "consistency", "off white", "least")
    print(f"{'':<16}" + "".join(f"{head:>21}" for head in heads))
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


def every(pairs: list[Pair], upscalers: dict[str, Upscale]) -> None:
    """The worst of all scans and the mean, by model and dataset."""
    project, lpips = Projection(SCALE), load_lpips()
    heads = ("residual", "off white", "PSNR", "least", "LPIPS", "most")
    print(f"{'':<48}" + "".join(f"{head:>11}" for head in heads))
    for name, upscale in upscalers.items():
        for dataset in dict.fromkeys(pair.dataset for pair in pairs):
            rows = []
            for pair in (pair for pair in pairs if pair.dataset == dataset):
                x = upscale(pair.lr)
                projected = project(x, pair.lr)
                before, after = (quantised(image, 255) for image in (x, projected))
                counted = padding_mask(pair.hr)
                inner = binary_erosion(padding_mask(pair.lr), np.ones((5, 5)), border_value=1)
                gain = [psnr(i, pair.hr, mask=counted, border=4) for i in (before, after)]
                loss = [lpips(i, pair.hr) for i in (before, after)]
                rows.append(
                    [
                        project.residual(projected, pair.lr).largest,
                        psnr(downsampled(after, SCALE), pair.lr, border=0, mask=inner),
                        gain[1] - gain[0],
                        loss[1] - loss[0],
                    ]
                )
            residual, agreed, gain, loss = np.array(rows).T
            cells = [f"{residual.max():.1e}", f"{agreed.min():.1f}", f"{gain.mean():+.3f}"]
            cells += [f"{gain.min():+.3f}", f"{loss.mean():+.4f}", f"{loss.max():+.4f}"]
            print(
                f"{name:<16}{dataset:<26}{len(rows):>6}" + "".join(f"{cell:>11}" for cell in cells),
                flush=True,
            )


def noise(pairs: list[Pair], upscalers: dict[str, Upscale]) -> None:
    """Two ways of damping, by model and noise."""
    generator = np.random.default_rng(0)
    half = Projection(SCALE, noise=MODEL_ERROR, rounds=1)
    whole = Projection(SCALE, rounds=1)
    axis = downsampled(np.eye(256, dtype=np.float32), (1, 4)).T.astype(np.float64)
    values, vectors = np.linalg.eigh(axis @ axis.T)
    eigenvalues = np.outer(values, values)
    print(f"{'':<16}{'noise':>6}" + "".join(f"{h:>12}" for h in ("none", "whole", "half", "dense")))
    for name, upscale in upscalers.items():
        if name in INTERPOLATIONS:
            continue
        for sigma in (0.0, 0.02, 0.05):
            rows = []
            for pair in pairs:
                top, left = (n // 8 * 4 - 128 for n in pair.hr.shape)
                hr = pair.hr[top : top + 256, left : left + 256]
                lr = quantised(axis @ hr @ axis.T, 255)
                y = np.clip(lr + sigma * generator.standard_normal(lr.shape), 0, 1)
                y = y.astype(np.float32)
                x = upscale(y)
                mixed = vectors.T @ (y - axis @ x @ axis.T) @ vectors
                mixed /= eigenvalues + eigenvalues.mean()
                dense = x + axis.T @ (vectors @ mixed @ vectors.T) @ axis
                rows.append([psnr(image, hr) for image in (x, whole(x, y), half(x, y), dense)])
            means = "".join(f"{mean:>12.3f}" for mean in np.mean(rows, axis=0))
            print(f"{name:<16}{sigma:>6}{means}", flush=True)


def speed(pairs: list[Pair], upscalers: dict[str, Upscale]) -> None:
    """Seconds by model; of scans one is repeated to the size."""
    lr = np.tile(pairs[0].lr, (4, 4))[:496, :768]
    project = Projection(SCALE)
    for name, upscale in upscalers.items():
        x = upscale(lr)
        network = median_seconds(lambda upscale=upscale: upscale(lr))
        projection = median_seconds(lambda x=x: project(x, lr))
        print(
            f"{name}: model {network:.2f} s, projection {projection:.2f} s for "
            f"{lr.shape[0]} x {lr.shape[1]} LR pixels, {torch.get_num_threads()} threads",
            flush=True,
        )


def median_seconds(run: Callable[[], object]) -> float:
    """The median of three."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


PARTS = {"agreement": agreement, "every": every, "noise": noise, "speed": speed}

if __name__ == "__main__":
    main()
