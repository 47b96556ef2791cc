"""What a family of networks is, and which of them a file belongs to."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from super_resolution_gans.models.foreign.draft import Draft, UnfitError


@dataclass(frozen=True)
class Family:
    """Networks of one definition, of any width and number of blocks.

    Attributes:
        name: what people call it.
        hallmarks: tensors that every file of it has; the first takes the image.
        draw: adds the layers to a draft; raises UnfitError.
        older: patterns of names in older files, and what they are called since.
    """

    name: str
    hallmarks: tuple[str, ...]
    draw: Callable[[Draft], None]
    older: tuple[tuple[str, str], ...] = ()

    def spelled(self, names: Sequence[str]) -> dict[str, str]:
        """The family's name of each tensor -> the file's."""
        return {self._since(name): name for name in names}

    def _since(self, name: str) -> str:
        for pattern, now in self.older:
            name = re.sub(pattern, now, name)
        return name


def recognise(families: Sequence[Family], tensors: Mapping[str, Tensor]) -> tuple[Family, Draft]:
    """The family of a file, and its network drawn.

    Raises:
        UnfitError: if it is of none, with what the file has and what the nearest family wants; or
            tensors are missing, left over, or do not fit.
    """
    names = list(tensors)
    nearest = max(families, key=lambda family: _share(family, names))
    spelled = nearest.spelled(names)
    missing = [name for name in nearest.hallmarks if name not in spelled]
    if missing:
        raise UnfitError(
            f"its tensors are of no network known here: it has {_some(names)}; the nearest, "
            f"{nearest.name}, also wants {_some(missing)}"
        )
    known = {ours: tensors[theirs] for ours, theirs in spelled.items()}
    if len(known) != len(names):
        raise UnfitError(f"has the tensors of {nearest.name} by two spellings")
    try:
        draft = Draft(known, nearest.hallmarks[0], spelled)
        nearest.draw(draft)
    except UnfitError as error:
        raise UnfitError(f"its tensors are those of {nearest.name}, but {error}") from error
    if unused := draft.unused():
        used = sorted({draft.spelling(name) for name in draft.sources.values()})
        raise UnfitError(
            f"its tensors are those of {nearest.name}, which makes no use of {_some(unused)} "
            f"beside {_some(used)}"
        )
    return nearest, draft


def _share(family: Family, names: Sequence[str]) -> float:
    spelled = family.spelled(names)
    return sum(name in spelled for name in family.hallmarks) / len(family.hallmarks)


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(name[:60] for name in names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"
