"""Weights mixed, or images mixed: what each gives at the same fidelity.

    python benchmarks/fidelity_mixing.py DATA [--fidelity 0.25 0.5 0.75]

Mixing weights (`--fidelity`) takes one pass of a network; mixing the images of oct-srgan-x4 and
oct-srresnet-x4 takes two. Results are the networks' own, not made to agree with the scan. For each
dataset of the test and ood splits of DATA (as `srgan evaluate` reads them) prints means over images
of RMSE (grey levels of 8 bit), LPIPS, spectrum distance, grid excess and LR consistency (dB).
"""

import argparse
from pathlib import Path

from super_resolution_gans import load_upscaler
from super_resolution_gans.data.inventory import find_entries
from super_resolution_gans.data.pairs import apart_by_role, read_pairs, select
from super_resolution_gans.evaluation.compare import compare
from super_resolution_gans.evaluation.plane import rmse
from super_resolution_gans.metrics.perceptual import load_lpips


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--fidelity", type=float, nargs="+", default=[0.25, 0.5, 0.75])
    arguments = parser.parse_args()
    faithful, inventive = (
        load_upscaler(name, device="cpu", consistency=False)
        for name in ("oct-srresnet-x4", "oct-srgan-x4")
    )
    mixtures = {}
    for share in arguments.fidelity:
        mixtures[f"weights, {share:g}"] = load_upscaler(
            "oct-srgan-x4", device="cpu", consistency=False, fidelity=share
        )
        mixtures[f"images, {share:g}"] = lambda low, share=share: (
            share * faithful(low) + (1 - share) * inventive(low)
        )
    entries = apart_by_role(select(find_entries(arguments.data), splits=["test", "ood"]))
    lpips = load_lpips()
    for dataset in dict.fromkeys(entry.dataset for entry in entries):
        pairs = read_pairs([entry for entry in entries if entry.dataset == dataset])
        comparison = compare(pairs, mixtures, lpips=lpips)
        print(f"{dataset}, {len(comparison.images(dataset))} images", flush=True)
        print("| | RMSE | LPIPS | spectrum distance | grid excess | consistency |")
        for mean in comparison.means(dataset):
            rows = comparison.of(dataset, mean.method)
            print(
                f"| {mean.method} | {sum(map(rmse, rows)) / len(rows):.2f} | {mean.lpips:.4f} "
                f"| {mean.spectrum_distance:.3f} | {mean.grid_excess:+.2f} "
                f"| {mean.lr_consistency:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
