"""Where the squared error of an upscaler lies, by distance to white registration padding.

    python benchmarks/padding_error.py DATA [MODEL] [--dataset NAME] [--split SPLIT]

For a split of DATA (as `srgan evaluate` reads it; test), prints for each band of distances (HR
pixels) the share of all counted squared error that bicubic and MODEL have in it, and how many dB
MODEL gains over bicubic there. White padding itself and a 4-pixel border are not counted.
"""

import argparse
from pathlib import Path

import numpy as np
from scipy.ndimage import distance_transform_edt, label

from super_resolution_gans import load_upscaler
from super_resolution_gans.data.inventory import find_entries
from super_resolution_gans.data.pairs import read_pairs, select
from super_resolution_gans.metrics.image import padding_mask

BANDS = [(0, 8), (8, 24), (24, 48), (48, np.inf)]
SMALLEST = 400  # pixels; smaller white spots are saturated tissue, not padding


def distance_to_padding(counted: np.ndarray) -> np.ndarray:
    """Distance of each pixel to the nearest large white region; infinite where there is none."""
    regions, _ = label(~counted)
    large = np.bincount(regions.ravel()) >= SMALLEST
    large[0] = False
    padding = large[regions]
    return distance_transform_edt(~padding) if padding.any() else np.full(counted.shape, np.inf)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("model", nargs="?", default="oct-srresnet-x4")
    parser.add_argument("--dataset", default="kermany_oct2017")
    parser.add_argument("--split", default="test")
    arguments = parser.parse_args()
    bicubic, model = load_upscaler("bicubic", scale=4), load_upscaler(arguments.model)
    entries = select(
        find_entries(arguments.data), splits=[arguments.split], datasets=[arguments.dataset]
    )
    sums = np.zeros((2, len(BANDS)))
    images = 0
    for pair in read_pairs(entries, (4, 4), dataset="", on_error=print):
        counted = padding_mask(pair.hr)
        distance = distance_to_padding(counted)
        counted[:4] = counted[-4:] = False
        counted[:, :4] = counted[:, -4:] = False
        if not np.isfinite(distance).all():
            continue
        images += 1
        for row, upscaler in enumerate((bicubic, model)):
            error = (upscaler(pair.lr) - pair.hr) ** 2
            for column, (near, far) in enumerate(BANDS):
                band = counted & (distance > near) & (distance <= far)
                sums[row, column] += error[band].sum()
    print(f"{arguments.dataset}: {images} images with padding; {model.name}")
    print(f"{'distance':<12}{'bicubic error':>15}{'model error':>14}{'gain':>10}")
    shares = sums / sums.sum(axis=1, keepdims=True)
    gains = 10 * np.log10(sums[0] / sums[1])
    for (near, far), of_bicubic, of_model, gain in zip(BANDS, *shares, gains, strict=True):
        print(f"{near:>4} - {far:<5}{of_bicubic:>14.1%}{of_model:>14.1%}{gain:>+7.2f} dB")
    print(
        f"{'all':<12}{1:>14.0%}{1:>14.0%}{10 * np.log10(sums[0].sum() / sums[1].sum()):>+7.2f} dB"
    )


if __name__ == "__main__":
    main()
