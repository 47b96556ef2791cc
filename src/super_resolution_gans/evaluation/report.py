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
from super_resolution_gans.evaluation.measures import KNOWN, USUAL, Measure
from super_resolution_gans.evaluation.pairs import text
from super_resolution_gans.scan import printable

if TYPE_CHECKING:
    from rich.console import Group


_CHANNELS = {
    "grey": "grey",
    "y-studio": "Y of the colour image (MATLAB's rgb2ycbcr, 16..235)",
    "y-full": "Y of the colour image (.299 R + .587 G + .114 B)",
    "rgb": "red, green and blue",
}


def protocol_lines(comparison: Comparison) -> list[str]:
    """How the numbers came about, each sentence short enough for a terminal."""
    protocol, rows = comparison.protocol, comparison.rows
    made = {row.lr_made_here for row in rows}
    origin = {
        (True,): "bicubic-antialiased (a = -0.5) from HR, clipped, rounded to the source's depth",
        (False,): "as it came with HR",
        (False, True): "as it came with HR, else bicubic-antialiased (a = -0.5) and rounded",
    }[tuple(sorted(made))]
    white = "masked (HR of 8-bit level 254 and above)" if protocol.mask_padding else "not masked"
    channels = [_CHANNELS[c] for c in dict.fromkeys(row.channel for row in rows)]
    depths = ", ".join(_depth(levels) for levels in sorted({row.levels for row in rows}))
    return [
        f"scale: {text(protocol.scale)} (vertical x lateral); LR: {origin}",
        f"SR: clipped and rounded to the source's depth ({depths}) before it is measured",
        f"channel: {'; '.join(channels)}",
        f"border: {protocol.border} px cut from each edge; white padding: {white}",
        "PSNR: peak 1, over the counted pixels of each image",
        "SSIM Wang: 11 x 11 Gaussian, sigma 1.5, population covariance, mirrored at the edges",
        "SSIM daala: Gaussian of sigma 1.5 * height / 256, normalised at the edges",
        "LR consistency: PSNR of the downsampled SR against LR, whole image, not rounded again",
        *_lines_of_distances(rows),
        *_lines_of_more(comparison),
        "means: over images, each dataset by itself",
    ]


def _lines_of_distances(rows: Sequence[Row]) -> list[str]:
    lines = ["LPIPS: not measured (not asked for, or no image is large enough)"]
    if any(row.lpips is not None for row in rows):
        lines = ["LPIPS: 0.1 with AlexNet, whole image in colour, grey three times; 0 is alike"]
    if all(row.spectrum_distance is None for row in rows):
        lines.append("spectrum distance, grid excess: not measured (images under 64 x 64)")
    else:
        lines += [
            "spectra: mean power of 64 x 64 patches every 32 px, Hann window, padding included",
            "spectrum distance: mean absolute difference of log10 power; 0 is alike",
            "grid excess: decades by which power at multiples of 1/4 cycle/px stands out of its "
            "surroundings, less HR's; 0 is alike, above 0 a grid",
        ]
    if any(row.grain_ratio is not None for row in rows):
        lines.append(
            "grain width: half-maximum width of the autocorrelation of fluctuations about the "
            "local mean (sigma 8 px), both directions, over HR's; 1 is alike"
        )
    if any(row.histogram_distance is not None for row in rows):
        lines.append(
            "grey levels: Wasserstein distance of the histograms of counted pixels, in levels of "
            "8 bit; 0 is alike"
        )
    return lines


def _lines_of_more(comparison: Comparison) -> list[str]:
    asked = _asked_for(comparison)
    lines = [KNOWN[name].words for name in asked if KNOWN[name].words]
    if {"cnr_ratio", "enl_ratio", "snr_difference"} & set(asked):
        found = "found in HR: above the tissue, and up to five even windows of 8 x 32 pixels"
        lines.append(f"regions: {'drawn by hand' if comparison.regions_drawn else found}")
    return lines


def dataset_line(comparison: Comparison, dataset: str) -> str:
    """Name of a dataset, its numbers of images and patients, and what of it is masked."""
    rows = comparison.images(dataset)
    counted, masked = (sum(getattr(row, name) for row in rows) for name in ("counted", "masked"))
    share = 100 * masked / (masked + counted)
    touched = sum(row.masked > 0 for row in rows)
    return (
        f"{printable(dataset) or 'images'}: {_plural(len(rows), 'image')}, {_people(rows)}; "
        f"masked: {masked} of {masked + counted} pixels ({share:.2f} %) in "
        f"{_plural(touched, 'image')}"
    )


def plain_table(comparison: Comparison) -> str:
    """Everything as text, for pipes and logs; ends with a line end."""
    lines: list[str] = []
    wide = max(len("method"), *(len(printable(method)) for method in comparison.methods))
    for dataset in comparison.datasets:
        lines.append(dataset_line(comparison, dataset))
        for columns, remark in _tables(comparison):
            heads = "".join(f"  {column.heading:>{_width(column)}}" for column in columns)
            lines.append(f"  {'method':<{wide}}{heads}")
            for mean in comparison.means(dataset):
                cells = "".join(f"  {_cell(mean, column):>{_width(column)}}" for column in columns)
                lines.append(f"  {printable(mean.method):<{wide}}{cells}{remark(mean)}")
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
        means = comparison.means(dataset)
        parts.append(Text(dataset_line(comparison, dataset)))
        for columns, remark in _tables(comparison):
            table = Table("method", box=None, pad_edge=False, padding=(0, 1, 0, 0))
            for column in columns:
                longest = max(6, *map(len, column.heading.split()))  # headings wrap, numbers do not
                table.add_column(column.heading, justify="right", min_width=longest)
            best = {column: min(_badness(mean, column) for mean in means) for column in columns}
            for mean in means:
                cells = [
                    Text(
                        _cell(mean, column),
                        style="bold" if _badness(mean, column) == best[column] < math.inf else "",
                    )
                    for column in columns
                ]
                table.add_row(Text(printable(mean.method) + remark(mean)), *cells)
            parts.append(Padding(table, (0, 0, 1, 2)))
    return Group(*parts, *(Text(line, style="dim") for line in protocol_lines(comparison)))


def csv_text(comparison: Comparison) -> str:
    """One line for each image and method; numbers with six digits.

    ``inf`` where identical, nothing where a measure has no value.
    """
    usual = [name for name in Row.__dataclass_fields__ if name != "more"]
    more = _asked_for(comparison)
    measures = [*(measure.name for measure in USUAL), *more]
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([*usual, *more])
    for row in comparison.rows:
        values = {**{name: getattr(row, name) for name in usual}, **row.more}
        values["patient"] = row.patient or ""
        for measure in measures:
            values[measure] = "" if values[measure] is None else f"{values[measure]:.6f}"
        writer.writerow([values[column] for column in (*usual, *more)])
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
            }
            for dataset in comparison.datasets
        },
        "protocol": {**asdict(comparison.protocol), "in_words": protocol_lines(comparison)},
        "versions": {
            name: _version(name) for name in ("SuperResolution-GANs", "torch", "numpy", "pillow")
        },
        **(about or {}),
    }
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


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


def _asked_for(comparison: Comparison) -> list[str]:
    """The measures beyond the usual."""
    return list(dict.fromkeys(name for row in comparison.rows for name in row.more))


def _tables(comparison: Comparison) -> list[tuple[list[Measure], Callable[[Mean], str]]]:
    """The columns of each table, and what its rows remark; of the usual those with a value."""
    usual = [
        measure
        for measure in USUAL
        if any(getattr(row, measure.name) is not None for row in comparison.rows)
    ]
    more = [KNOWN[name] for name in _asked_for(comparison)]
    return [(usual, _remark), (more, _remark_of_more)] if more else [(usual, _remark)]


def _cell(mean: Mean, column: Measure) -> str:
    value = mean.more[column.name] if column.name in mean.more else getattr(mean, column.name)
    return "-" if value is None else f"{value:{column.format}}"


def _badness(mean: Mean, column: Measure) -> float:
    """Least for the best, of the number as it is shown."""
    cell = _cell(mean, column)
    return math.inf if cell == "-" else column.badness(float(cell))


def _remark(mean: Mean) -> str:
    """What the means leave out."""
    left_out = [
        f"{_plural(count, 'image')} of infinite {name} left out of its mean"
        for count, name in ((mean.identical, "PSNR"), (mean.consistent, "consistency"))
        if 0 < count < mean.images
    ]
    left_out += [
        f"{_plural(count, 'image')} too small for {name} left out of its mean"
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
        f"{_plural(count, 'image')} without {', '.join(names)}" for count, names in lacking.items()
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
    of_unknown = f" and {_plural(unknown, 'image')} of unknown patients" if unknown else ""
    return f"{_plural(len(known), 'patient')}{of_unknown}"


def _depth(levels: int) -> str:
    if not levels:
        return "floating point: not rounded"
    bits = (levels + 1).bit_length() - 1
    return f"{bits} bit" if levels + 1 == 2**bits else f"{levels + 1} levels"


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
