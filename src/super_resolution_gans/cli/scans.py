"""What ``srgan evaluate`` measures on: entries that were chosen, read pair by pair."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from super_resolution_gans.data.inventory import Entry
    from super_resolution_gans.evaluation.pairs import Pair


def entries_of(
    data: Path, split: list[str] | None, dataset: list[str] | None, role: list[str] | None
) -> "tuple[list[Entry], list[str]]":
    """What is measured, and the splits that were chosen (none: all)."""
    from super_resolution_gans.data.inventory import find_entries
    from super_resolution_gans.data.pairs import apart_by_role, select

    entries = find_entries(data)
    splits = split or []
    if not splits and any(entry.split == "test" for entry in entries):
        splits = ["test"]
    if "all" in splits:
        splits = []
    chosen = select(entries, splits=splits, datasets=dataset or (), roles=role or ())
    return apart_by_role(chosen), splits


def pairs_of(
    entries: "Sequence[Entry]",
    scale: tuple[int, int],
    data: Path,
    on_error: Callable[[str], None],
) -> "Iterator[Pair]":
    """Read pair by pair, with progress on stderr if that is a terminal."""
    from super_resolution_gans.data.pairs import read_pairs

    name = data.resolve().name if data.is_dir() else data.stem
    yield from read_pairs(_shown(entries), scale, dataset=name, on_error=on_error)


def named(entries: "Sequence[Entry]", images: Sequence[str]) -> "list[Entry]":
    """The entries that images of these names came of: ``c.tif[3]`` is a slice of ``c.tif``."""
    wanted = {name for image in images for name in (image, image.rpartition("[")[0])}
    return [entry for entry in entries if entry.name in wanted]


def nameless(line: str, data: Path) -> str:
    """A line without the folder that the data lie in: where that is says who works there."""
    folder = data if data.is_dir() else data.parent
    for prefix in (f"{folder.resolve()}/", f"{folder}/"):
        line = line.replace(prefix, "")
    return line


def _shown(entries: "Sequence[Entry]") -> "Iterator[Entry]":
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    columns = (
        TextColumn("measuring"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        yield from progress.track(entries)
