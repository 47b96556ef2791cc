"""Evaluation pairs from entries: files are read one by one, an unreadable one is reported."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from super_resolution_gans.data.inventory import DataError, Entry
from super_resolution_gans.evaluation.pairs import (
    EvaluationError,
    Pair,
    Scale,
    join_pair,
    levels_of,
    make_pair,
)
from super_resolution_gans.io import read_scan, stored_in_colour


def select(
    entries: Sequence[Entry],
    *,
    splits: Collection[str] = (),
    datasets: Collection[str] = (),
    roles: Collection[str] = (),
) -> list[Entry]:
    """The entries of any of these splits, and datasets, and roles; an empty choice takes all.

    Raises:
        DataError: if nothing is left; the message names what there is.
    """
    chosen = list(entries)
    for attribute, wanted in (("split", splits), ("dataset", datasets), ("role", roles)):
        present = sorted({getattr(entry, attribute) or "" for entry in chosen} - {""})
        if wanted:
            chosen = [entry for entry in chosen if getattr(entry, attribute) in wanted]
        if not chosen:
            raise DataError(
                f"{attribute} {', '.join(sorted(wanted))}",
                f"no scan is of it; there is {', '.join(present) or 'none marked'}",
            )
    return chosen


def apart_by_role(entries: Sequence[Entry]) -> list[Entry]:
    """Make each role of a dataset a dataset, if it has several: averages differ from one frame."""
    roles: dict[str, set[str]] = {}
    for entry in entries:
        roles.setdefault(entry.dataset, set()).add(entry.role)
    return [
        replace(entry, dataset=f"{entry.dataset} ({entry.role or 'no role'})")
        if len(roles[entry.dataset]) > 1
        else entry
        for entry in entries
    ]


def read_pairs(
    entries: Iterable[Entry],
    scale: Scale = (4, 4),
    *,
    dataset: str = "",
    on_error: Callable[[str], None] | None = None,
) -> Iterator[Pair]:
    """Read entries into pairs, one for each slice; LR is made of HR where no twin came with it.

    Args:
        entries: what to read.
        scale: (vertical, lateral) factors.
        dataset: a name for entries that have none.
        on_error: called with one line for each scan that cannot be read or paired, which is then
            left out. Without it the first such error is raised.

    Raises:
        ValueError: see ``on_error``.
    """
    for entry in entries:
        try:
            yield from _pairs_of(entry, scale, entry.dataset or dataset)
        except ValueError as error:
            if on_error is None:
                raise
            on_error(str(error))


def _pairs_of(entry: Entry, scale: Scale, dataset: str) -> Iterator[Pair]:
    scan = read_scan(entry.path)
    low = None if entry.low_path is None else read_scan(entry.low_path)
    if low is not None and low.slices != scan.slices:
        raise EvaluationError(entry.name, f"LR has {low.slices} slices, HR has {scan.slices}")
    colour = scan.channels == 1 and stored_in_colour(entry.path)
    for index in range(scan.slices):
        name = entry.name if scan.slices == 1 else f"{entry.name}[{index}]"
        hr, levels, patient = scan.slice_pixels(index), levels_of(scan), entry.patient
        if low is None:
            pair = make_pair(name, hr, scale, levels=levels, dataset=dataset, patient=patient)
        else:
            lr = low.slice_pixels(index)
            pair = join_pair(name, hr, lr, scale, levels=levels, dataset=dataset, patient=patient)
        yield replace(pair, stored_in_colour=colour)
