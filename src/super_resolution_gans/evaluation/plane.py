"""The perception-distortion plane (Blau and Michaeli 2018, arXiv 1711.06077): a curve of mixtures,
and what of other methods it leaves undominated.

In both directions less is better. A curve is drawn straight between the measured points of
neighbouring fidelities. It dominates a point if somewhere on it both distortion and perception are
at most the point's.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from super_resolution_gans.evaluation.compare import Comparison, Row
from super_resolution_gans.scan import printable


class At(NamedTuple):
    """A place in the plane; less is better in both."""

    distortion: float
    perception: float


class Perception(NamedTuple):
    """A measure of how unlike a scan an image looks: an attribute of rows, its name, its digits."""

    measure: str
    name: str
    digits: int


PERCEPTIONS = (
    Perception("lpips", "LPIPS", 4),
    Perception("spectrum_distance", "spectrum distance", 3),
)


@dataclass(frozen=True)
class Plane:
    """One dataset by one measure of perception.

    Attributes:
        dataset: its name.
        images: how many have been averaged.
        perception: the measure.
        curve: {method: where its mean is}, from the least fidelity to the highest.
        others: the same for all other methods.
    """

    dataset: str
    images: int
    perception: Perception
    curve: Mapping[str, At]
    others: Mapping[str, At]


def planes(comparison: Comparison, fidelities: Mapping[str, float]) -> list[Plane]:
    """Where the methods of a comparison lie, for each dataset and each measure of perception.

    Distortion is the mean over images of the root mean square error of the counted pixels, in grey
    levels of 8 bit; images that have no perception (too small) are left out.

    Args:
        comparison: rows of all methods.
        fidelities: {method: its fidelity} of those that make the curve; all others stand beside it.

    Returns:
        Dataset by dataset; without those that no image has such a measure of.
    """
    found = []
    for dataset in comparison.datasets:
        for perception in PERCEPTIONS:
            rows = {
                method: [
                    row
                    for row in comparison.of(dataset, method)
                    if getattr(row, perception.measure) is not None
                ]
                for method in comparison.methods
            }
            images = min(map(len, rows.values()))
            if not images:
                continue
            points = {method: _mean(of_one, perception) for method, of_one in rows.items()}
            along = sorted(fidelities, key=lambda method: fidelities[method])
            curve = {method: points.pop(method) for method in along}
            found.append(Plane(dataset, images, perception, curve, points))
    return found


def rmse(row: Row) -> float:
    """The root mean square error of an image in grey levels of 8 bit, of its PSNR."""
    return float(255 * 10 ** (-row.psnr / 20))


def _mean(rows: Sequence[Row], perception: Perception) -> At:
    return At(
        math.fsum(map(rmse, rows)) / len(rows),
        math.fsum(getattr(row, perception.measure) for row in rows) / len(rows),
    )


def least_perception(distortion: float, curve: Sequence[At]) -> float:
    """The least perception on a curve where its distortion is at most this; infinite if nowhere."""
    least = min((at.perception for at in curve if at.distortion <= distortion), default=math.inf)
    for one, other in itertools.pairwise(curve):
        low, high = sorted((one, other))
        if low.distortion <= distortion < high.distortion:
            share = (distortion - low.distortion) / (high.distortion - low.distortion)
            least = min(least, low.perception + share * (high.perception - low.perception))
    return least


def dominated(points: Sequence[At], curve: Sequence[At]) -> list[bool]:
    """For each point whether a curve has a place where both numbers are at most the point's.

    Args:
        points: any places.
        curve: the corners of a line that is straight between them, in its order.
    """
    return [least_perception(at.distortion, curve) <= at.perception for at in points]


def verdicts(plane: Plane) -> list[str]:
    """How many of the other methods the curve dominates, and a sentence for each it does not."""
    is_dominated = dominated(list(plane.others.values()), list(plane.curve.values()))
    share = f"{sum(is_dominated)} of {len(is_dominated)}"
    return [
        f"In RMSE and {plane.perception.name} the curve dominates {share} other methods.",
        *(
            f"{printable(method)} is not dominated by the curve: {_why(at, plane)}."
            for (method, at), beaten in zip(plane.others.items(), is_dominated, strict=True)
            if not beaten
        ),
    ]


def _why(at: At, plane: Plane) -> str:
    curve, (_, name, digits) = list(plane.curve.values()), plane.perception
    least = least_perception(at.distortion, curve)
    if math.isinf(least):
        nearest = min(place.distortion for place in curve)
        return f"its RMSE is {at.distortion:.2f}, the least of the curve {nearest:.2f}"
    farthest = max(place.distortion for place in curve)
    where = f", which ends at {farthest:.2f}," if at.distortion > farthest else " up to there"
    return (
        f"its {name} is {at.perception:.{digits}f} at an RMSE of {at.distortion:.2f}; the curve"
        f"{where} has no less than {least:.{digits}f}"
    )
