"""A comparison as text, as a table on the screen, as CSV (every image) and as JSON (the means)."""

import csv
import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from super_resolution_gans.evaluation.compare import Comparison, Mean, Row
from super_resolution_gans.evaluation.counted import plural
from super_resolution_gans.evaluation.measures import KNOWN, USUAL, Measure
from super_resolution_gans.evaluation.protocol import (
    asked_for,
    protocol_lines,
    published_rows,
)
from super_resolution_gans.evaluation.published import SOURCE, Published
from super_resolution_gans.scan import printable

if TYPE_CHECKING:
    from rich.console import Group

__all__ = ["csv_text", "dataset_line", "json_text", "plain_table", "protocol_lines", "screen_table"]


def dataset_line(comparison: Comparison, dataset: str) -> str:
    """Name of a dataset, its numbers of images and patients, and what of it is masked."""
    rows = comparison.images(dataset)
    counted, masked = (sum(getattr(row, name) for row in rows) for name in ("counted", "masked"))
    share = 100 * masked / (masked + counted)
    touched = sum(row.masked > 0 for row in rows)
    return (
        f"{printable(dataset) or 'images'}: {plural(len(rows), 'image')}, {_people(rows)}; "
        f"masked: {masked} of {masked + counted} pixels ({share:.2f} %) in "
        f"{plural(touched, 'image')}"
    )


def plain_table(comparison: Comparison) -> str:
    """Everything as text, for pipes and logs; ends with a line end."""
    lines: list[str] = []
    kinds = table_columns(comparison)
    tables = {
        dataset: [
            (columns, shown_rows(comparison, dataset, columns, say)) for columns, say in kinds
        ]
        for dataset in comparison.datasets
    }
    names = [name for parts in tables.values() for _, shown in parts for name, _, _ in shown]
    wide = max(len("method"), *map(len, names))
    for dataset, parts in tables.items():
        lines.append(dataset_line(comparison, dataset))
        for columns, shown in parts:
            heads = "".join(f"  {column.heading:>{_width(column)}}" for column in columns)
            lines.append(f"  {'method':<{wide}}{heads}")
            for name, numbers, remark in shown:
                cells = "".join(
                    f"  {number:>{_width(column)}}"
                    for number, column in zip(numbers, columns, strict=True)
                )
                lines.append(f"  {name:<{wide}}{cells}{remark}")
        lines.append("")
    return "\n".join([*lines, *protocol_lines(comparison), ""])


def screen_table(comparison: Comparison) -> "Group":
    """Everything for a rich console; the best number of a column is bold."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    parts: list[Any] = []
    for dataset in comparison.datasets:
        parts.append(Text(dataset_line(comparison, dataset)))
        measured = len(comparison.methods)
        for columns, say in table_columns(comparison):
            table = Table("method", box=None, pad_edge=False, padding=(0, 1, 0, 0))
            for column in columns:
                longest = max(6, *map(len, column.heading.split()))  # headings wrap, numbers do not
                table.add_column(column.heading, justify="right", min_width=longest)
            shown = shown_rows(comparison, dataset, columns, say)
            best = [
                min(badness(numbers[place], column) for _, numbers, _ in shown[:measured])
                for place, column in enumerate(columns)
            ]
            for row, (name, numbers, remark) in enumerate(shown):
                cells = [
                    Text(
                        number,
                        style="bold"
                        if row < measured and badness(number, column) == least < math.inf
                        else "",
                    )
                    for number, column, least in zip(numbers, columns, best, strict=True)
                ]
                table.add_row(Text(name + remark), *cells, style="" if row < measured else "dim")
            parts.append(Padding(table, (0, 0, 1, 2)))
    return Group(*parts, *(Text(line, style="dim") for line in protocol_lines(comparison)))


def csv_text(comparison: Comparison) -> str:
    """One line for each image and method; numbers with six digits.

    ``inf`` where identical, nothing where a measure has no value.
    """
    usual = [name for name in Row.__dataclass_fields__ if name != "more"]
    more = asked_for(comparison)
    measures = [*(measure.name for measure in USUAL), *more]
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([*usual, *more, "protocol"])
    for row in comparison.rows:
        values = {**{name: getattr(row, name) for name in usual}, **row.more}
        values["patient"] = row.patient or ""
        for measure in measures:
            values[measure] = "" if values[measure] is None else f"{values[measure]:.6f}"
        columns = [values[column] for column in (*usual, *more)]
        writer.writerow([*columns, comparison.protocol.in_short])
    return buffer.getvalue()


def json_text(comparison: Comparison, about: Mapping[str, Any] | None = None) -> str:
    """Means, protocol and versions; no times, so that the same evaluation gives the same bytes.

    Numbers have six digits; an infinite one is the string "inf", which JSON has no number for; a
    mean that no image has a value for is null.

    Args:
        comparison: what to write.
        about: what else to keep, under its own keys: models, selection, failures.
    """
    document = {
        "datasets": {
            dataset: {
                "images": len(comparison.images(dataset)),
                "patients": len(_known_patients(comparison.images(dataset))),
                "images_without_patient": sum(
                    row.patient is None for row in comparison.images(dataset)
                ),
                "counted_pixels": sum(row.counted for row in comparison.images(dataset)),
                "masked_pixels": sum(row.masked for row in comparison.images(dataset)),
                "means": {mean.method: _json_mean(mean) for mean in comparison.means(dataset)},
                **_json_published(comparison, dataset),
            }
            for dataset in comparison.datasets
        },
        "protocol": {
            "in_short": comparison.protocol.in_short,
            **asdict(comparison.protocol),
            "in_words": protocol_lines(comparison),
        },
        "versions": versions(),
        **(about or {}),
    }
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def versions() -> dict[str, str]:
    """Of this package and of those that numbers depend on."""
    return {name: _version(name) for name in ("SuperResolution-GANs", "torch", "numpy", "pillow")}


def _json_published(comparison: Comparison, dataset: str) -> dict[str, Any]:
    rows = {row.method: asdict(row) for row in published_rows(comparison, dataset)}
    for row in rows.values():
        del row["method"]
    return {"not_measured_here": {"source": SOURCE, "rows": rows}} if rows else {}


def _json_mean(mean: Mean) -> dict[str, Any]:
    values = asdict(mean)
    del values["method"]
    more, without = values.pop("more"), values.pop("without")
    for name in (measure.name for measure in USUAL):
        values[name] = _json_number(values[name])
    if more:
        values["more"] = {name: _json_number(value) for name, value in more.items()}
        values["without"] = without
    return values


def _json_number(value: float | None) -> float | str | None:
    if value is None or math.isfinite(value):
        return value if value is None else round(value, 6)
    return "inf"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def table_columns(comparison: Comparison) -> list[tuple[list[Measure], Callable[[Mean], str]]]:
    """The columns of each table, and what its rows remark; of the usual those with a value."""
    usual = [
        measure
        for measure in USUAL
        if any(getattr(row, measure.name) is not None for row in comparison.rows)
    ]
    more = [KNOWN[name] for name in asked_for(comparison)]
    return [(usual, _remark), (more, _remark_of_more)] if more else [(usual, _remark)]


def shown_rows(
    comparison: Comparison,
    dataset: str,
    columns: Sequence[Measure],
    remark: Callable[[Mean], str],
) -> list[tuple[str, list[str], str]]:
    """Name, cells and remark of each row: one for each method, then the published ones."""
    shown = [
        (printable(mean.method), [_cell(mean, column) for column in columns], remark(mean))
        for mean in comparison.means(dataset)
    ]
    printed = published_rows(comparison, dataset)
    if any(hasattr(row, column.name) for row in printed for column in columns):
        shown += [(row.method, [_cell(row, col) for col in columns], row.remark) for row in printed]
    return shown


def _cell(row: Mean | Published, column: Measure) -> str:
    known = row.more if isinstance(row, Mean) and column.name in row.more else vars(row)
    value = known.get(column.name)
    return "-" if value is None else f"{value:{column.format}}"


def badness(cell: str, column: Measure) -> float:
    """Least for the best, of the number as it is shown."""
    return math.inf if cell == "-" else column.badness(float(cell))


def _remark(mean: Mean) -> str:
    """What the means leave out."""
    left_out = [
        f"{plural(count, 'image')} of infinite {name} left out of its mean"
        for count, name in ((mean.identical, "PSNR"), (mean.consistent, "consistency"))
        if 0 < count < mean.images
    ]
    left_out += [
        f"{plural(count, 'image')} too small for {name} left out of its mean"
        for count, name in (
            (mean.without_lpips, "LPIPS"),
            (mean.without_spectrum, "the spectrum"),
            (mean.without_grain, "grains"),
        )
        if 0 < count < mean.images
    ]
    return f"  ({'; '.join(left_out)})" if left_out else ""


def _remark_of_more(mean: Mean) -> str:
    """For how many images which measures have no value, measures of one number together."""
    lacking: dict[int, list[str]] = {}
    for name, count in mean.without.items():
        if count:
            lacking.setdefault(count, []).append(KNOWN[name].heading)
    remarks = [
        f"{plural(count, 'image')} without {', '.join(names)}" for count, names in lacking.items()
    ]
    return f"  ({'; '.join(remarks)})" if remarks else ""


def _width(column: Measure) -> int:
    return max(len(column.heading), 7)


def _known_patients(rows: Sequence[Row]) -> set[str]:
    return {row.patient for row in rows if row.patient is not None}


def _people(rows: Sequence[Row]) -> str:
    known, unknown = _known_patients(rows), sum(row.patient is None for row in rows)
    if not known:
        return "patients unknown"
    of_unknown = f" and {plural(unknown, 'image')} of unknown patients" if unknown else ""
    return f"{plural(len(known), 'patient')}{of_unknown}"
