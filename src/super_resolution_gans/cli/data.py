"""``srgan data``: pack scans for training, and look at what was packed."""

from collections import defaultdict
from pathlib import Path
from typing import Annotated

import typer

from super_resolution_gans.cli.messages import fail, say, warn

data = typer.Typer(
    help="Pack scans into a store for training.", no_args_is_help=True, rich_markup_mode=None
)


@data.command()
def pack(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="DIR",
            help="A folder of scans, one with HR/ and LR/, or a manifest (.csv) with the columns "
            "path, patient, split, dataset.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="STORE", help="The store to make.")],
    channels: Annotated[int, typer.Option(metavar="1|3", help="1 for grey, 3 for colour.")] = 1,
    shares: Annotated[
        tuple[float, float, float],
        typer.Option(
            metavar="TRAIN VAL TEST",
            help="Shares of people in train, val and test, where no split is given.",
        ),
    ] = (0.8, 0.1, 0.1),
    folds: Annotated[
        int, typer.Option(metavar="N", help="Make this many folds by person instead.")
    ] = 0,
    fold: Annotated[int, typer.Option(metavar="N", help="Which fold is val, from 0.")] = 0,
    seed: Annotated[int, typer.Option(metavar="N", help="Of the split.")] = 0,
    patient_pattern: Annotated[
        str | None,
        typer.Option(
            metavar="REGEX",
            help="Finds the person in a file name (without suffix) by its group 'patient'; "
            "files without a match are kept together by folder. [default: as Kermany et al. 2018 "
            "name theirs, CNV-1016042-1]",
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the store.")] = False,
) -> None:
    """Decode scans once into a memory-mapped store, split by person.

    Unreadable scans are named and left out. Exit status: 0 all packed, 1 nothing packed, 2 wrong
    usage, 3 some left out.
    """
    from rich.console import Console
    from rich.progress import Progress

    from super_resolution_gans.data.inventory import KERMANY_NAME, find_entries
    from super_resolution_gans.data.split import assign_folds, assign_splits, divided_people
    from super_resolution_gans.data.store import pack as pack_store
    from super_resolution_gans.scan import printable

    if channels not in (1, 3):
        raise typer.BadParameter("must be 1 or 3", param_hint="--channels")
    left_out: list[str] = []

    def report(line: str) -> None:
        left_out.append(line)
        warn(f"left out: {line}")

    try:
        found = find_entries(source, patient_pattern or KERMANY_NAME)
        entries = (
            assign_folds(found, folds, fold, seed) if folds else assign_splits(found, shares, seed)
        )
        divided, kept = divided_people(found), divided_people(entries)
        if len(divided) > len(kept) and not folds:
            warn(
                f"note: people with scans in the folders of several splits: "
                f"{len(divided) - len(kept)}; all of theirs go to the one held out most (test, "
                "then val)"
            )
        if kept:
            warn(
                f"note: people whom the manifest puts in several splits: {len(kept)}, "
                f"{printable(kept[0])} for one; numbers measured on them will be too good"
            )
        unknown = sum(entry.patient is None and entry.dataset == "" for entry in entries)
        if unknown:
            warn(
                f"note: {unknown} of {len(entries)} files name no person; each folder of them "
                "counts as one (see --patient-pattern)"
            )
        console = Console(stderr=True)
        with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task("packing", total=len(entries))
            store = pack_store(
                entries,
                out,
                channels=channels,
                overwrite=overwrite,
                on_error=report,
                on_progress=lambda done: bar.update(task, completed=done),
            )
    except (ValueError, OSError) as error:
        fail(error)
    _describe(store.path)
    if left_out:
        raise typer.Exit(3)


@data.command()
def info(
    store: Annotated[Path, typer.Argument(metavar="STORE", help="Made by srgan data pack.")],
) -> None:
    """Say what is in a store: splits, people, datasets, sizes.

    Exit status: 0, or 1 if it is no store.
    """
    try:
        _describe(store)
    except ValueError as error:
        fail(error)


def _describe(path: Path) -> None:
    from super_resolution_gans.data.store import Record, open_store

    store = open_store(path)
    kind = "grey" if store.channels == 1 else "colour"
    pairs = ", with ready-made LR" if store.has_pairs else ""
    size = store.pixels.nbytes / 2**20
    say(
        f"{path}: {len(store.records)} slices, {kind}, {8 * store.pixels.itemsize} bit, "
        f"{size:.1f} MiB{pairs}"
    )
    groups: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in store.records:
        groups[record.split, record.dataset].append(record)
    say(f"{'split':<8}{'slices':>8}{'people':>8}  {'sizes (height x width)':<40}dataset")
    for (split, dataset), records in sorted(groups.items()):
        people = len({record.patient for record in records})
        sizes = sorted({(r.height, r.width) for r in records})
        shown = ", ".join(f"{h}x{w}" for h, w in sizes[:3]) + (" ..." if len(sizes) > 3 else "")
        say(f"{split:<8}{len(records):>8}{people:>8}  {shown:<40}{dataset}")
    say(f"sha256 {store.digest}")
