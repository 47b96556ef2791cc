"""What models do to scans that nobody downsampled, and to scans that are blurred and noisy.

    python benchmarks/native_scans.py table DATA [--model NAME ...] [--scans N] [--split SPLIT]
    python benchmarks/native_scans.py picture SCAN OUT.png [--model NAME ...] [--at ROW COLUMN]

table: LR is made of N scans of each dataset of one split of DATA (test) in several ways (blur in HR
pixels, noise in units of [0, 1], both before rounding to 8 bit), and upscaled by bicubic and each
model; PSNR and LPIPS against HR, means over scans. Bicubic has no blur and no noise to undo; models
learned from what the first column has.

picture: a part of SCAN, 64 x 96 pixels of its own, at four times its resolution by each model. No
truth stands beside it, since nobody has measured it; how noisy the ground above the retina is, is
written under it, as the standard deviation of pixels, in levels of 8 bit.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from super_resolution_gans.data.inventory import find_entries
from super_resolution_gans.data.pairs import apart_by_role, select
from super_resolution_gans.degrade import Degradation
from super_resolution_gans.evaluation.pairs import quantised
from super_resolution_gans.io import read_scan
from super_resolution_gans.metrics.image import padding_mask, psnr
from super_resolution_gans.metrics.perceptual import load_lpips
from super_resolution_gans.prediction import load_upscaler

WAYS = {
    "downsampled only": Degradation(),
    "blur 1": Degradation(blur=1.0),
    "blur 2": Degradation(blur=2.0),
    "noise 0.02": Degradation(noise=0.02),
    "noise 0.04": Degradation(noise=0.04),
    "blur 1.5, noise 0.03": Degradation(blur=1.5, noise=0.03),
}
MODELS = ("oct-srresnet-x4", "oct-srgan-x4", "oct-srresnet-x4-native")
PART = (64, 96)


def table(data: Path, models: list[str], scans: int, split: str) -> None:
    """PSNR / LPIPS by model and way."""
    chosen = []
    entries = apart_by_role(select(find_entries(data), splits=[split]))
    for dataset in sorted({entry.dataset for entry in entries}):
        of_it = [entry for entry in entries if entry.dataset == dataset]
        chosen += of_it[:: max(1, len(of_it) // scans)][:scans]
    print(f"{len(chosen)} scans: {', '.join(entry.path.name for entry in chosen)}")
    images = [cut(read_scan(entry.path).slice_pixels(0)) for entry in chosen]
    lpips = load_lpips()
    print(f"{'':<28}" + "".join(f"{way:>22}" for way in WAYS))
    for name in ("bicubic", *models):
        upscale = load_upscaler(name, scale=4, precision="float32")
        cells = []
        for degrade in WAYS.values():
            found = []
            for hr in images:
                low = degrade(torch.from_numpy(hr)[None, None])[0, 0].numpy()
                sr = quantised(upscale(low), 255)
                found.append((psnr(sr, hr, mask=padding_mask(hr)), lpips(sr, hr)))
            mean = np.mean(found, axis=0)
            cells.append(f"{mean[0]:.2f} / {mean[1]:.3f}")
        print(f"{upscale.name:<28}" + "".join(f"{cell:>22}" for cell in cells), flush=True)


def cut(image: np.ndarray) -> np.ndarray:
    """To a multiple of four."""
    return np.array(image[: image.shape[0] // 4 * 4, : image.shape[1] // 4 * 4])


def picture(scan: Path, out: Path, models: list[str], at: tuple[int, int] | None) -> None:
    """Parts of a native scan side by side."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    low = read_scan(scan).slice_pixels(0)
    top, left = at or tuple((n - p) // 2 for n, p in zip(low.shape, PART, strict=True))
    rows, columns = slice(top, top + PART[0]), slice(left, left + PART[1])
    names = ["bicubic", *models]
    figure, axes = plt.subplots(2, -(-len(names) // 2), figsize=(11, 8.2), layout="constrained")
    for axis in axes.flat:
        axis.axis("off")
    for axis, name in zip(axes.flat, names, strict=False):
        upscale = load_upscaler(name, scale=4)
        sr = upscale(low)
        ground = sr[4 * 30 : 4 * 80, 4 * 30 : -4 * 30]
        part = sr[4 * rows.start : 4 * rows.stop, 4 * columns.start : 4 * columns.stop]
        axis.imshow(part, cmap="gray", vmin=0, vmax=max(0.6, float(part.max())), resample=False)
        axis.set_title(f"{upscale.name}\nabove the retina {ground.std() * 255:.1f}", fontsize=10)
        print(f"{upscale.name}: {ground.std() * 255:.2f} levels above the retina")
    figure.savefig(out, dpi=80, metadata={"Software": None})


def main() -> None:
    """Measure or draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    kinds = parser.add_subparsers(dest="kind", required=True)
    one = kinds.add_parser("table")
    one.add_argument("data", type=Path)
    one.add_argument("--scans", type=int, default=4)
    one.add_argument("--split", default="test")
    two = kinds.add_parser("picture")
    two.add_argument("scan", type=Path)
    two.add_argument("out", type=Path)
    two.add_argument("--at", type=int, nargs=2)
    for kind in (one, two):
        kind.add_argument("--model", nargs="+", default=list(MODELS))
    arguments = parser.parse_args()
    if arguments.kind == "table":
        table(arguments.data, arguments.model, arguments.scans, arguments.split)
    else:
        picture(arguments.scan, arguments.out, arguments.model, arguments.at)


if __name__ == "__main__":
    main()
