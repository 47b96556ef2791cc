"""Results that ``srgan evaluate`` wrote, read again: one number of an image, method and measure."""

import csv
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from super_resolution_gans.evaluation.measures import KNOWN
from super_resolution_gans.evaluation.pairs import EvaluationError

NAME = "per_image.csv"
_NEEDED = ("dataset", "image", "patient", "method")
_MEASURED_ALIKE = ("height", "width", "channel", "levels", "counted", "protocol")


@dataclass(frozen=True)
class Result:
    """One line of the file.

    Attributes:
        dataset: what the image is averaged with.
        image: its name.
        patient: whose it is; None if unknown.
        method: what made it.
        values: by measure; None where it has none. May be infinite.
        measured: what two evaluations must have alike to be compared, in words.
    """

    dataset: str
    image: str
    patient: str | None
    method: str
    values: Mapping[str, float | None]
    measured: str


def read_results(path: str | os.PathLike[str]) -> list[Result]:
    """Read the lines of an evaluation.

    Args:
        path: the folder that ``srgan evaluate --out`` wrote, or a file in it.

    Raises:
        EvaluationError: if there is no ``per_image.csv``, or it is not what evaluate writes.
    """
    given = Path(path)
    file = given / NAME if given.is_dir() else given
    if file.suffix.lower() == ".json":  # means.json has means only; the images lie beside it
        file = file.with_name(NAME)
    try:
        with file.open(newline="", encoding="utf-8") as lines:
            reader = csv.DictReader(lines)
            columns = reader.fieldnames or []
            rows = list(reader)
    except FileNotFoundError:
        raise EvaluationError(str(file), "no such file; srgan evaluate --out writes it") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise EvaluationError(str(file), f"cannot be read ({error})") from error
    if lacking := [name for name in _NEEDED if name not in columns]:
        raise EvaluationError(str(file), f"no results of evaluate: lacks {lacking[0]!r}")
    measures = [name for name in columns if name in KNOWN]
    if any(None in row.values() for row in rows):
        raise EvaluationError(str(file), "has a line that is cut short")
    try:
        results = [_result(row, measures) for row in rows]
    except ValueError as error:
        raise EvaluationError(str(file), f"holds what is no number ({error})") from error
    if not results:
        raise EvaluationError(str(file), "holds no image")
    seen: set[tuple[str, str, str]] = set()
    for result in results:
        key = (result.dataset, result.image, result.method)
        if key in seen:
            raise EvaluationError(str(file), f"has {result.method} on {result.image} twice")
        seen.add(key)
    return results


def _result(row: Mapping[str, str], measures: list[str]) -> Result:
    return Result(
        dataset=row["dataset"],
        image=row["image"],
        patient=row["patient"] or None,
        method=row["method"],
        values={name: float(row[name]) if row[name] else None for name in measures},
        measured=", ".join(f"{name} {row[name]}" for name in _MEASURED_ALIKE if row.get(name)),
    )
