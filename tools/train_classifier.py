"""A small classifier of normal and diseased scans, and what it says of HR and of SR.

    python tools/train_classifier.py DATA --out predictions.csv [--model MODEL ...]
    srgan agree predictions.csv --reference HR

DATA is a folder with ``manifest.csv``. A logistic regression is trained on HR, on nine numbers of
each scan: thickness of the retina, thickness and roughness of its outer band, brightness. Whether a
scan is normal or diseased is read from its path (``--normal``, ``--diseased``). Each person of the
splits test, ood and val is predicted by a regression that was trained on all others. Rows of the
CSV: method ``truth``, ``HR``, ``nearest``, ``bicubic`` and the models; label ``normal``,
``diseased``, or ``no layers`` where the search for boundaries finds none.

It is an example of a task that comes after super-resolution, not a diagnosis: the people are few,
and normal and diseased scans partly come from different datasets.
"""

import argparse
import csv
import io
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.data.inventory import Entry, find_entries
from super_resolution_gans.data.pairs import read_pairs
from super_resolution_gans.evaluation.pairs import Image, quantised
from super_resolution_gans.io.atomic import replacing
from super_resolution_gans.metrics.image import Mask, padding_mask
from super_resolution_gans.metrics.layers import find_layers
from super_resolution_gans.prediction import load_upscaler

PREDICTED = ("test", "ood", "val")
LABELS = ("normal", "diseased")
UNKNOWN = "no layers"
Vector = NDArray[np.float64]


def features(image: Image, mask: Mask) -> Vector | None:
    """Nine numbers of a B-scan; None where it shows no layers."""
    layers = find_layers(image, mask=mask)
    if layers.reason:
        return None
    band, bend = layers.bm - layers.ez, layers.ez[16:] - 2 * layers.ez[8:-8] + layers.ez[:-16]
    columns = np.flatnonzero(np.isfinite(layers.thickness + band))
    if len(columns) < 32:
        return None
    inner, outer = [], []
    for column in columns:
        top, middle, bottom = (
            round(float(rows[column])) for rows in (layers.ilm, layers.ez, layers.bm)
        )
        inner.append(image[top : middle + 1, column].mean())
        outer.append(image[middle : bottom + 1, column].mean())
    thickness = layers.thickness[columns]
    return np.array(
        [
            thickness.mean(),
            thickness.std(),
            thickness.min(),
            band[columns].mean(),
            band[columns].std(),
            band[columns].max(),
            np.nanmean(np.abs(bend)),
            np.mean(inner) / max(float(np.mean(outer)), 1e-6),
            np.std(inner),
        ]
    )


def fitted(rows: NDArray[np.float64], diseased: Vector, weights: Vector) -> Vector:
    """Coefficients of a logistic regression with an L2 penalty of 1, by Newton's method."""
    design = np.column_stack([np.ones(len(rows)), rows])
    penalty = np.diag([1e-6, *np.ones(rows.shape[1])])
    coefficients = np.zeros(design.shape[1])
    for _ in range(50):
        share = 1 / (1 + np.exp(-np.clip(design @ coefficients, -30, 30)))
        gradient = design.T @ (weights * (share - diseased)) + penalty @ coefficients
        curvature = (design.T * (weights * share * (1 - share))) @ design + penalty
        step = np.linalg.solve(curvature, gradient)
        coefficients -= step
        if np.abs(step).max() < 1e-9:
            break
    return coefficients


def labelled(data: Path, normal: str, diseased: str, most: int) -> list[tuple[Entry, str]]:
    """Entries with their label, at most so many a person, evenly spread over the scan's middle."""
    people: dict[str, list[tuple[Entry, str]]] = defaultdict(list)
    for entry in find_entries(data):
        found = [
            label
            for label, pattern in zip(LABELS, (normal, diseased), strict=True)
            if re.search(pattern, entry.name, re.IGNORECASE)
        ]
        if len(found) == 1:
            people[entry.person].append((entry, found[0]))
    chosen = []
    for several in people.values():
        quarter = len(several) // 4 if len(several) > most else 0
        places = np.linspace(quarter, len(several) - 1 - quarter, min(most, len(several)))
        chosen += [several[round(place)] for place in places]
    return chosen


def predict(
    truth: Sequence[tuple[Entry, str]], found: Sequence[dict[str, Vector | None]], index: int
) -> dict[str, str]:
    """{method: label} of one scan, by a regression that has not seen its person."""
    others = [
        number
        for number, (entry, _) in enumerate(truth)
        if entry.person != truth[index][0].person and found[number]["HR"] is not None
    ]
    rows = np.array([found[number]["HR"] for number in others])
    centre, spread = rows.mean(axis=0), rows.std(axis=0)
    people = [truth[number][0].person for number in others]
    weights = np.array([1 / people.count(person) for person in people])
    diseased = np.array([float(truth[number][1] == LABELS[1]) for number in others])
    coefficients = fitted((rows - centre) / spread, diseased, weights)
    said = {}
    for method, row in found[index].items():
        if row is None:
            said[method] = UNKNOWN
        else:
            value = coefficients[0] + coefficients[1:] @ ((row - centre) / spread)
            said[method] = LABELS[int(value > 0)]
    return said


def main() -> None:
    """Measure, train, predict, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", action="append")
    parser.add_argument("--normal", default="NORMAL|healthy")
    parser.add_argument("--diseased", default="CNV|DME|DRUSEN|AMD_")
    parser.add_argument("--most", type=int, default=5, help="scans of one person")
    arguments = parser.parse_args()
    names = ("nearest", "bicubic", *(arguments.model or ()))
    upscalers = {name: load_upscaler(name, scale=4) for name in names}
    truth = labelled(arguments.data, arguments.normal, arguments.diseased, arguments.most)
    found = []
    for entry, _ in truth:
        (pair,) = read_pairs([entry])
        mask = padding_mask(pair.hr)
        images = {"HR": pair.hr}
        if entry.split in PREDICTED:
            images |= {n: quantised(up(pair.lr), pair.levels) for n, up in upscalers.items()}
        found.append({method: features(image, mask) for method, image in images.items()})
        print(entry.name, *(method for method, row in found[-1].items() if row is None))
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(["image", "person", "method", "label"])
    for index, (entry, label) in enumerate(truth):
        if entry.split in PREDICTED:
            for method, said in {"truth": label, **predict(truth, found, index)}.items():
                writer.writerow([entry.name, entry.person, method, said])
    with replacing(arguments.out) as file:
        file.write(lines.getvalue().encode())
    counts = [len({e.person for e, label in truth if label == name}) for name in LABELS]
    print(f"{len(truth)} scans; people: {counts[0]} normal, {counts[1]} diseased")


if __name__ == "__main__":
    main()
