"""What a model's training scans look like, for the guard that compares inputs with them.

    python tools/domain_statistics.py STORE_OR_DATA [--out FILE] [--scale V H]

STORE_OR_DATA is a store (``srgan data pack``), or a folder or manifest, which is packed first.
Limits come from the train split, each scan as its LR twin and at its own resolution; they are
widened where scans of the validation split lie outside. Other splits are not read. The default
FILE is the one that is shipped; its ``data_sha256`` says which models it belongs to.
"""

import argparse
import json
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from super_resolution_gans.data.inventory import find_entries
from super_resolution_gans.data.split import assign_splits
from super_resolution_gans.data.store import Record, Store, open_store, pack
from super_resolution_gans.evaluation.pairs import make_pair
from super_resolution_gans.io.atomic import replacing
from super_resolution_gans.prediction.appearance import Features, appearance
from super_resolution_gans.prediction.domain_statistics import (
    SHIPPED_STATISTICS,
    DomainStatistics,
)


def both_resolutions(store: Store, record: Record, scale: tuple[int, int]) -> Iterator[Features]:
    """Features of a scan's LR twin, which the network saw, and of itself, which users have."""
    stored = store.read(record).transpose(1, 2, 0).astype(np.float32) / np.float32(store.levels)
    hr = stored[..., 0] if stored.shape[2] == 1 else stored
    pair = make_pair(record.name, hr, scale, levels=store.levels)
    yield appearance(pair.lr)
    yield appearance(pair.hr)


def statistics_of(store: Store, scale: tuple[int, int]) -> DomainStatistics:
    """Statistics of a store's train split, with the validation split for the margins."""
    training = defaultdict(list)
    for record in store.of_split("train"):
        training[record.dataset].extend(both_resolutions(store, record, scale))
    validation = [f for r in store.of_split("val") for f in both_resolutions(store, r, scale)]
    return DomainStatistics.fitted(training, validation, store.digest)


def main() -> None:
    """Compute, print and write the statistics."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("--out", type=Path, default=SHIPPED_STATISTICS)
    parser.add_argument("--scale", type=int, nargs=2, default=(4, 4), metavar=("V", "H"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if (arguments.source / "index.json").is_file():
            store = open_store(arguments.source)
        else:
            entries = assign_splits(find_entries(arguments.source), (0.8, 0.1, 0.1), 0)
            store = pack(entries, Path(folder) / "store", on_error=print)
        statistics = statistics_of(store, tuple(arguments.scale))
    payload = json.dumps(statistics.as_dict(), separators=(",", ":"), sort_keys=True) + "\n"
    with replacing(arguments.out) as file:
        file.write(payload.encode())
    for name, (low, high) in statistics.limits.items():
        seen = " ".join(f"{value:8.3f}" for value in statistics.seen[name])
        print(f"{name:10} limits {low:8.3f} {high:8.3f}   seen {seen}")
    print(f"{statistics.scans} pictures, {len(payload)} bytes -> {arguments.out}")


if __name__ == "__main__":
    main()
