"""How well masks that a model drew on one version of an image lie on those of another version."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.evaluation.agreement import Predictions
from super_resolution_gans.evaluation.intervals import Interval, mean_by_person
from super_resolution_gans.evaluation.pairs import EvaluationError

LabelImage = NDArray[np.integer[Any]]


def dice(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float | None:
    """2 |A and B| / (|A| + |B|); None where both are empty."""
    total = int(first.sum()) + int(second.sum())
    return 2 * int((first & second).sum()) / total if total else None


def jaccard(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float | None:
    """|A and B| / |A or B| (IoU); None where both are empty."""
    union = int((first | second).sum())
    return int((first & second).sum()) / union if union else None


@dataclass(frozen=True)
class Overlap:
    """How well a method's masks of one label lie on those of the reference.

    Means over people of the images where one of both has the label; ``empty`` counts the images
    where none has.
    """

    method: str
    label: int
    images: int
    empty: int
    dice: Interval
    jaccard: Interval


def overlaps(
    predictions: Predictions, reference: str, read: Callable[[str], LabelImage]
) -> list[Overlap]:
    """Dice and IoU of every method and label but 0, which is the background.

    Args:
        predictions: names of masks.
        reference: the method whose masks the others are held against.
        read: gives a mask of whole numbers, (H, W), by its name.

    Raises:
        EvaluationError: as :meth:`Predictions.others`, or if masks of an image differ in size.
    """
    methods = predictions.others(reference)
    found: dict[tuple[str, int], list[tuple[float | None, float | None]]] = {}
    for index, image in enumerate(predictions.images):
        truth = read(predictions.said[reference][index])
        for method in methods:
            mask = read(predictions.said[method][index])
            if mask.shape != truth.shape:
                shapes = f"{mask.shape}, that of {reference} {truth.shape}"
                raise EvaluationError(image, f"mask of {method} has shape {shapes}")
            for label in np.union1d(mask, truth):
                rows = found.setdefault((method, int(label)), [(None, None)] * index)
                rows.append(_both(mask == label, truth == label))
        for rows in found.values():
            rows += [(None, None)] * (index + 1 - len(rows))
    ordered = sorted(found, key=lambda key: (key[1], methods.index(key[0])))
    return [_overlap(*key, found[key], predictions.people) for key in ordered if key[1]]


def _both(mask: NDArray[np.bool_], truth: NDArray[np.bool_]) -> tuple[float | None, float | None]:
    return dice(mask, truth), jaccard(mask, truth)


def _overlap(
    method: str,
    label: int,
    rows: Sequence[tuple[float | None, float | None]],
    people: Sequence[str],
) -> Overlap:
    known = [index for index, row in enumerate(rows) if row[0] is not None]
    whose = [people[index] for index in known]
    means = [
        mean_by_person([rows[index][which] or 0.0 for index in known], whose) for which in (0, 1)
    ]
    return Overlap(method, label, len(known), len(rows) - len(known), means[0], means[1])
