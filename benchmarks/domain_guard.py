"""How often the domain guard warns: of scans, of scans treated wrongly, and of photographs.

    python benchmarks/domain_guard.py DATA [--split test --split ood] [--pictures FOLDER ...]

DATA is a folder with ``manifest.csv``. Each scan is looked at as its LR twin (bicubic, 4 x 4) and
at its own resolution. PICTURES are anything that is no scan; they are looked at in colour and grey.
Of every row: pictures, how many were warned of, and by which sentences.
"""

import argparse
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from super_resolution_gans.data.inventory import find_entries
from super_resolution_gans.data.pairs import apart_by_role, read_pairs, select
from super_resolution_gans.metrics.image import luma
from super_resolution_gans.prediction.appearance import appearance
from super_resolution_gans.prediction.domain import complaints
from super_resolution_gans.prediction.domain_statistics import (
    SHIPPED_STATISTICS,
    load_statistics,
)

Pixels = NDArray[np.float32]


def enlarged(image: Pixels, factor: int, method: Image.Resampling) -> Pixels:
    """By Pillow, in 8 bit."""
    picture = Image.fromarray(np.rint(image * 255).astype(np.uint8))
    size = (picture.width * factor, picture.height * factor)
    return np.asarray(picture.resize(size, method), np.float32) / 255


TREATED: dict[str, Callable[[Pixels], Pixels]] = {
    "as it is": lambda image: image,
    "inverted": lambda image: 1 - image,
    "turned": lambda image: np.rot90(image),
    "nearest x4": lambda image: enlarged(image, 4, Image.Resampling.NEAREST),
    "bicubic x2": lambda image: enlarged(image, 2, Image.Resampling.BICUBIC),
    "bicubic x4": lambda image: enlarged(image, 4, Image.Resampling.BICUBIC),
}


def pictures(folder: Path) -> Iterator[tuple[str, Pixels]]:
    """(kind, pixels) of every file that Pillow reads, in colour and grey."""
    for path in sorted(folder.iterdir()):
        try:
            rgb = np.asarray(Image.open(path).convert("RGB"), np.float32) / 255
        except (OSError, ValueError):
            continue
        yield "colour", rgb
        yield "grey", luma(rgb).astype(np.float32)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--split", action="append")
    parser.add_argument("--pictures", type=Path, nargs="*", default=[])
    arguments = parser.parse_args()
    statistics = load_statistics(SHIPPED_STATISTICS)
    found: dict[str, Counter[str]] = defaultdict(Counter)
    seconds: list[float] = []  # of features and judgement, per picture

    def look(row: str, image: Pixels) -> None:
        start = time.perf_counter()
        kinds = dict(complaints(appearance(image), statistics))
        seconds.append(time.perf_counter() - start)
        found[row].update({"pictures": 1, "warned": bool(kinds), **dict.fromkeys(kinds, 1)})

    entries = select(find_entries(arguments.data), splits=arguments.split or ["test", "ood"])
    for pair in read_pairs(apart_by_role(entries)):
        for size, image in (("LR", pair.lr), ("own resolution", pair.hr)):
            for name, treat in TREATED.items():
                look(f"{size}, {name}: {pair.dataset}", treat(image))
    for folder in arguments.pictures:
        for kind, image in pictures(folder):
            look(f"{folder.name}: {kind}", image)
    for row, counts in sorted(found.items()):
        number, warned = counts.pop("pictures"), counts.pop("warned")
        by = ", ".join(f"{kind} {count}" for kind, count in counts.most_common())
        print(f"{row:85} {number:4} {warned:4}  {by}")
    print(f"{np.median(seconds) * 1e3:.0f} ms median, {max(seconds) * 1e3:.0f} ms longest")


if __name__ == "__main__":
    main()
