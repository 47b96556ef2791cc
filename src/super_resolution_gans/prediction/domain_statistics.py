"""What a model's training scans looked like: the limits that an input is held against."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self

from super_resolution_gans.prediction.appearance import Features
from super_resolution_gans.prediction.catalogue import WEIGHTS
from super_resolution_gans.prediction.errors import PredictionError

SHIPPED_STATISTICS = WEIGHTS / "oct-domain.json"

# Judged features, and the least that their limits lie beyond the training scans: what rounding and
# JPEG compression do to any picture, whatever the training scans were.
JUDGED = {
    "colour": 0.03,
    "median": 0.02,
    "contrast": 0.02,
    "skew": 0.05,
    "flat": 0.02,
    "repeats": 0.5,
    "fine": 0.1,
    "direction": 0.05,
    "rows": 0.02,
    "columns": 0.02,
    "contour": 0.05,
    "outer": 0.02,
}
_LEAST, _MOST = 0.2, 0.5  # margins, in widths of the range of the training scans


@dataclass(frozen=True)
class DomainStatistics:
    """How far a picture's features may lie for it to look like the scans a model learned from.

    Attributes:
        limits: {feature: (lowest, highest)} for the features of :data:`JUDGED`.
        seen: {feature: (lowest, median, highest)} of the training scans themselves.
        scans: how many pictures they were.
        sets: {name of a dataset: how many of its scans}.
        data_sha256: digest of the store that the scans came from, as on a model's card.
    """

    limits: Mapping[str, tuple[float, float]]
    seen: Mapping[str, tuple[float, float, float]]
    scans: int
    sets: Mapping[str, int]
    data_sha256: str

    @classmethod
    def fitted(
        cls,
        training: Mapping[str, Sequence[Features]],
        validation: Sequence[Features],
        data_sha256: str,
    ) -> Self:
        """Statistics of training scans.

        Limits lie beyond the range of the training scans by a fifth of its width; or by as much as
        the scans of one dataset lie beyond the range of all the others, if that is more: that is
        how far one more device has been seen to be. They are not moved by more than half the width,
        and in any case so far that no validation scan lies outside.

        Args:
            training: {dataset: features of its scans}; from :func:`appearance`.
            validation: features of scans of other people.
            data_sha256: see :class:`DomainStatistics`.

        Raises:
            PredictionError: if a feature is known for no training scan.
        """
        limits, seen = {}, {}
        for name, least in JUDGED.items():
            sets = [_known(features, name) for features in training.values()]
            values = sorted(value for found in sets for value in found)
            if not values:
                raise PredictionError("domain statistics", f"no training scan has a {name}")
            below, above = _beyond_others([found for found in sets if found])
            width = values[-1] - values[0]
            low = values[0] - max(least, width * min(max(below, _LEAST), _MOST))
            high = values[-1] + max(least, width * min(max(above, _LEAST), _MOST))
            held_out = _known(validation, name)
            limits[name] = (
                _rounded(min([low, *held_out]), math.floor),
                _rounded(max([high, *held_out]), math.ceil),
            )
            seen[name] = (
                _rounded(values[0], math.floor),
                round(values[len(values) // 2], 4),
                _rounded(values[-1], math.ceil),
            )
        sizes = {name: len(features) for name, features in training.items()}
        return cls(limits, seen, sum(sizes.values()), sizes, data_sha256)

    def as_dict(self) -> dict[str, Any]:
        """For JSON; less than 4 kB."""
        return {
            "limits": {name: list(ends) for name, ends in self.limits.items()},
            "seen": {name: list(values) for name, values in self.seen.items()},
            "scans": self.scans,
            "sets": dict(self.sets),
            "data_sha256": self.data_sha256,
        }

    @classmethod
    def of_dict(cls, stored: Mapping[str, Any]) -> Self:
        """The inverse of :meth:`as_dict`.

        Raises:
            PredictionError: if it is none.
        """
        try:
            limits = {str(name): _numbers(ends, 2) for name, ends in stored["limits"].items()}
            seen = {str(name): _numbers(values, 3) for name, values in stored["seen"].items()}
            sets = {str(name): int(count) for name, count in stored["sets"].items()}
            return cls(
                {name: (low, high) for name, (low, high) in limits.items()},
                {name: (low, middle, high) for name, (low, middle, high) in seen.items()},
                int(stored["scans"]),
                sets,
                str(stored["data_sha256"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise PredictionError("domain statistics", f"cannot be read ({error!r})") from None


def statistics_for(card: Mapping[str, Any]) -> DomainStatistics | None:
    """Those of a model's training scans; None if nothing is known of them.

    They stand on its card under ``domain``, or are the shipped ones if the card names the same
    training data (``data_sha256``). Statistics that cannot be read count as unknown: they warn,
    and must not keep anybody from upscaling.
    """
    try:
        if "domain" in card:
            return DomainStatistics.of_dict(card["domain"])
        shipped = load_statistics(SHIPPED_STATISTICS)
    except PredictionError:
        return None
    return shipped if shipped.data_sha256 == card.get("data_sha256") else None


@cache
def load_statistics(path: Path) -> DomainStatistics:
    """Read a file made by ``tools/domain_statistics.py``.

    Raises:
        PredictionError: if it is missing or something else.
    """
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PredictionError(path, f"cannot be read ({error})") from None
    return DomainStatistics.of_dict(stored)


def _known(features: Sequence[Features], name: str) -> list[float]:
    return [one[name] for one in features if name in one]


def _beyond_others(sets: Sequence[Sequence[float]]) -> tuple[float, float]:
    """How far any set lies below and above all the others, in widths of the others' range."""
    below = above = 0.0
    for index, one in enumerate(sets):
        others = [value for other in (*sets[:index], *sets[index + 1 :]) for value in other]
        width = max(others) - min(others) if others else 0.0
        if width > 0:
            below = max(below, (min(others) - min(one)) / width)
            above = max(above, (max(one) - max(others)) / width)
    return below, above


def _rounded(value: float, towards: Any) -> float:
    """Four decimals, never inside what was measured."""
    return float(towards(value * 1e4) / 1e4)


def _numbers(values: Any, count: int) -> tuple[float, ...]:
    numbers = tuple(float(value) for value in values)
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
        raise ValueError(f"{values!r} are not {count} numbers")
    return numbers
