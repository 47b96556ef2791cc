"""What the commands share that look at a volume slice by slice."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from super_resolution_gans.cli import completion

if TYPE_CHECKING:
    from super_resolution_gans.evaluation.pairs import Pair
    from super_resolution_gans.prediction.upscale import Upscaler
    from super_resolution_gans.scan import Scan

BASELINES = ("nearest", "bicubic")

Volume = Annotated[
    Path, typer.Argument(metavar="SCAN", help="A volume, or a folder of slices in their order.")
]
Models = Annotated[
    list[str] | None,
    typer.Option(
        metavar="MODEL",
        autocompletion=completion.models,
        help="A shipped model, a file or an interpolation; repeat for several. "
        "[default: the shipped OCT model]",
    ),
]
Factor = Annotated[
    str, typer.Option(metavar="N|VxL", help="Factor, or vertical x lateral such as 1x4.")
]


def upscalers_of(models: list[str] | None, scale: tuple[int, int]) -> "dict[str, Upscaler]":
    """The two baselines and the models, by name.

    Raises:
        ValueError: if a model cannot be had.
    """
    from super_resolution_gans.prediction import DEFAULT_MODEL, load_upscaler

    names = dict.fromkeys([*BASELINES, *(models or [DEFAULT_MODEL])])
    return {name: load_upscaler(name, scale=scale) for name in names}


def scans_of(path: Path) -> "list[Scan]":
    """A volume's slices: one scan of a file, one for each file of a folder, in their order."""
    from super_resolution_gans.data.inventory import find_entries
    from super_resolution_gans.io import read_scan

    if path.is_dir():
        return [read_scan(entry.path) for entry in find_entries(path)]
    return [read_scan(path)]


def slices_of(scans: "Sequence[Scan]", scale: tuple[int, int]) -> "Iterator[Pair]":
    """Slice by slice, with progress on stderr if that is a terminal."""
    from rich.console import Console
    from rich.progress import track

    from super_resolution_gans.evaluation.pairs import levels_of, make_pair

    console = Console(stderr=True)
    slices = [(scan, index) for scan in scans for index in range(scan.slices)]
    for scan, index in track(
        slices, "measuring", console=console, transient=True, disable=not console.is_terminal
    ):
        name = Path(scan.source or "scan").name
        name = name if scan.slices == 1 else f"{name}[{index}]"
        yield make_pair(name, scan.slice_pixels(index), scale, levels=levels_of(scan))
