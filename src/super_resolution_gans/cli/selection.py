"""Which images ``srgan evaluate`` measures, and by which protocol."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from super_resolution_gans.data.inventory import Entry
    from super_resolution_gans.evaluation.rows import Protocol

PROTOCOLS = ("oct", "paper")
CHANNELS = ("y-studio", "y-full", "rgb")


def chosen_protocol(
    context: typer.Context,
    name: str,
    scale: tuple[int, int],
    border: int,
    channel: str,
    mask: bool,
) -> "Protocol":
    """The protocol of a name; that of the paper has nothing to choose but the scale.

    Raises:
        typer.BadParameter: if a name is unknown, or the paper's protocol is asked for otherwise.
    """
    from super_resolution_gans.evaluation.rows import PAPER, Protocol

    if name not in PROTOCOLS:
        raise typer.BadParameter(
            f"{name!r} is none of {', '.join(PROTOCOLS)}", param_hint="--protocol"
        )
    if channel not in CHANNELS:
        raise typer.BadParameter(
            f"{channel!r} is none of {', '.join(CHANNELS)}", param_hint="--channel"
        )
    if name == "oct":
        return Protocol(scale, border, channel, mask)  # type: ignore[arg-type]
    for option in ("border", "channel", "mask"):
        source = context.get_parameter_source(option)
        if source is not None and source.name != "DEFAULT":
            raise typer.BadParameter("is fixed by --protocol paper", param_hint=f"--{option}")
    return replace(PAPER, scale=scale)


def chosen_entries(
    data: Sequence[Path],
    split: Sequence[str] | None,
    dataset: Sequence[str] | None,
    role: Sequence[str] | None,
) -> "tuple[list[Entry], list[str]]":
    """What is measured, and the splits that were chosen (none: all).

    Images whose dataset is not said belong to one that is named after their folder, by its whole
    path where two folders have one name. Where some scan of a folder or manifest is marked as a
    test, only those are measured by default.

    Raises:
        DataError: if nothing is to be found, or nothing is left.
    """
    from super_resolution_gans.data.inventory import find_entries
    from super_resolution_gans.data.pairs import apart_by_role, select

    sources = list({each.resolve(): each for each in data}.values())
    names = [each.resolve().name if each.is_dir() else each.stem for each in sources]
    found: list[Entry] = []
    marked: list[bool] = []
    for source, name in zip(sources, names, strict=True):
        label = name if names.count(name) == 1 else str(source)
        entries = [replace(entry, dataset=entry.dataset or label) for entry in find_entries(source)]
        marked.append(any(entry.split == "test" for entry in entries))
        if not split and marked[-1]:
            entries = [entry for entry in entries if entry.split == "test"]
        found += entries
    splits = list(split or [])
    if not splits and any(marked):
        splits = ["test"] if all(marked) else ["test where some scan is marked so"]
    if "all" in splits:
        splits = []
    chosen = select(found, splits=splits if split else (), datasets=dataset or (), roles=role or ())
    return apart_by_role(chosen), splits
