"""Which scans the crops of a batch come from: all alike by area, or datasets by shares.

Public sets of OCT differ in size by orders of magnitude. Drawn by area, a network hardly sees the
devices with few scans; ``equal`` shows each dataset as often, {name: weight} as often as it says
(those that it does not name not at all). Within a dataset a scan comes up by its area.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np

Shares = Literal["equal"] | Mapping[str, float]


class Group:
    """Scans among which a crop's place is drawn uniformly.

    Args:
        records: their numbers.
        positions: in how many places a crop can lie in each.
        shows_padding: whether any has white padding.
    """

    def __init__(
        self, records: Sequence[int], positions: Sequence[int], shows_padding: bool
    ) -> None:
        self._records, self.shows_padding = records, shows_padding
        self._cumulative = np.cumsum(positions, dtype=np.int64)

    def record(self, generator: np.random.Generator) -> int:
        """The number of the scan that the next crop lies in."""
        position = int(generator.integers(self._cumulative[-1]))
        return self._records[int(np.searchsorted(self._cumulative, position, side="right"))]


class Groups:
    """The groups of a split.

    Args:
        names: the dataset of each scan.
        positions: in how many places a crop can lie in each scan.
        padded: whether the scan of a number has white padding; not asked beyond the first of a
            group that has, since the answer is read from the store.
        shares: None for one group of all scans.

    Raises:
        ValueError: if a dataset is named that has no scan, or all weights are 0.
    """

    def __init__(
        self,
        names: Sequence[str],
        positions: Sequence[int],
        padded: Callable[[int], bool],
        shares: Shares | None,
    ) -> None:
        def group(members: Sequence[int]) -> Group:
            return Group(members, [positions[i] for i in members], any(map(padded, members)))

        if shares is None:
            self._groups, self._ends = [group(range(len(names)))], None
            return
        weights = dict.fromkeys(sorted(set(names)), 1.0) if shares == "equal" else dict(shares)
        for name in weights:
            if name not in names:
                there = ", ".join(sorted(set(names)))
                raise ValueError(f"crops.datasets names {name!r}, but there are only {there}")
        if not sum(weights.values()) > 0:
            raise ValueError("crops.datasets: every weight is 0")
        self._groups = [
            group([i for i, n in enumerate(names) if n == name]) for name in sorted(weights)
        ]
        ends = np.cumsum([weights[name] for name in sorted(weights)])
        self._ends = ends / ends[-1]

    def draw(self, generator: np.random.Generator) -> Group:
        """The group of the next crop; with a single one nothing is drawn."""
        if self._ends is None:
            return self._groups[0]
        return self._groups[int(np.searchsorted(self._ends, generator.random(), side="right"))]
