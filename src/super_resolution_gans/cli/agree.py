"""``srgan agree``: does a model say the same of super-resolved images as of the originals?"""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from super_resolution_gans.cli.messages import fail, say

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from super_resolution_gans.evaluation.agreement import Predictions

KINDS = ("label", "mask")


def agree(
    predictions: Annotated[
        Path,
        typer.Argument(
            metavar="CSV",
            help="Columns image, person, method, and label (a word) or mask (a file beside it).",
        ),
    ],
    reference: Annotated[
        str, typer.Option(metavar="METHOD", help="What the others are held against.")
    ] = "HR",
    against: Annotated[
        str | None,
        typer.Option(metavar="METHOD", help="With --margin: which one others may not fall behind."),
    ] = None,
    margin: Annotated[
        float | None,
        typer.Option(metavar="SHARE", help="How far, chosen before the data were seen."),
    ] = None,
) -> None:
    """Say how far a model's predictions on SR agree with those on HR, or with the truth.

    Run your model on HR, on LR enlarged by interpolation, on SR; write what it says into a CSV.
    Labels: agreement with limits by person, Cohen's kappa, McNemar's test, non-inferiority. Masks:
    Dice and IoU. Where the data are too few, that is said instead. Needs the extra "eval".

    Exit status: 0, 1 the predictions cannot be used, 2 wrong usage.
    """
    if (against is None) != (margin is None):
        raise typer.BadParameter("--against and --margin go together", param_hint="--margin")
    try:
        kind, found = _read(predictions)
        if kind == "mask":
            if margin is not None:
                raise typer.BadParameter("is for labels, not for masks", param_hint="--margin")
            _show_masks(found, reference, predictions.parent)
        else:
            _show_labels(found, reference, against, margin)
    except (ValueError, OSError) as problem:
        fail(problem)


def _read(path: Path) -> "tuple[str, Predictions]":
    """Whether these are labels or masks, and the predictions."""
    from super_resolution_gans.evaluation.agreement import Predictions
    from super_resolution_gans.evaluation.pairs import EvaluationError

    name = str(path)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            columns = reader.fieldnames or ()
            rows = list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise EvaluationError(name, "is no CSV file in UTF-8") from error
    kinds = [kind for kind in KINDS if kind in columns]
    for column in ("image", "person", "method"):
        if column not in columns:
            raise EvaluationError(name, f"has no column {column!r}")
    if len(kinds) != 1:
        raise EvaluationError(name, "needs one of the columns 'label' and 'mask'")
    wanted = ("image", "person", "method", kinds[0])
    cells = [tuple((row[column] or "").strip() for column in wanted) for row in rows]
    return kinds[0], Predictions.gathered(cells, name)  # type: ignore[arg-type]


def _show_labels(
    found: "Predictions", reference: str, against: str | None, margin: float | None
) -> None:
    from super_resolution_gans.evaluation.agreement import (
        agreements,
        comparisons,
        non_inferiority,
    )
    from super_resolution_gans.evaluation.agreement_report import (
        agreement_table,
        comparison_lines,
        heading,
        non_inferiority_lines,
    )

    table = agreement_table(agreements(found, reference))
    lines = comparison_lines(comparisons(found, reference))
    if against is not None and margin is not None:
        lines += non_inferiority_lines(non_inferiority(found, reference, against, margin))
    say(heading(found, reference))
    say(table.rstrip())
    if lines:
        say("\n".join(lines))


def _show_masks(found: "Predictions", reference: str, folder: Path) -> None:
    from super_resolution_gans.evaluation.agreement_report import heading, overlap_table
    from super_resolution_gans.evaluation.overlap import overlaps
    from super_resolution_gans.evaluation.pairs import EvaluationError

    rows = overlaps(found, reference, _mask_reader(folder))
    if not rows:
        raise EvaluationError(reference, "no mask has a label other than 0")
    say(heading(found, reference))
    say(overlap_table(rows).rstrip())


def _mask_reader(folder: Path) -> "Callable[[str], NDArray[Any]]":
    from super_resolution_gans.evaluation.pairs import EvaluationError
    from super_resolution_gans.io import read_scan

    def read(name: str) -> "NDArray[Any]":
        scan = read_scan(folder / name)
        if scan.slices != 1 or scan.channels != 1 or scan.dtype.kind not in "ui":
            raise EvaluationError(name, "is no mask: one grey image of whole numbers is needed")
        return scan.stored_slice(0)

    return read
