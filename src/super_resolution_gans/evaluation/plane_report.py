"""The perception-distortion plane as tables: Markdown, CSV, JSON."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from super_resolution_gans.evaluation.compare import Comparison
from super_resolution_gans.evaluation.plane import PERCEPTIONS, Plane, dominated, verdicts
from super_resolution_gans.evaluation.report import dataset_line, protocol_lines
from super_resolution_gans.scan import printable

DEFINITION = (
    "Less is better in both directions of the plane. The curve is drawn straight between the "
    "measured points of neighbouring fidelities; it dominates a method if somewhere on it both "
    "RMSE and the other number are at most the method's. RMSE: mean over images of the root mean "
    "square error of the counted pixels, in grey levels of 8 bit."
)
Record = dict[str, Any]
_FORMATS = {
    "rmse": ("RMSE", ".2f"),
    "psnr": ("PSNR dB", ".2f"),
    "lpips": ("LPIPS alex", ".4f"),
    "spectrum_distance": ("spectrum distance", ".3f"),
    "grid_excess": ("grid excess", "+.2f"),
}


def records(
    comparison: Comparison, planes: Sequence[Plane], fidelities: Mapping[str, float]
) -> list[Record]:
    """One dict for each dataset and method, the curve first: what all the tables hold.

    ``dominated_MEASURE`` is None for the methods of the curve, and where there is no such plane.
    """
    found = []
    for dataset in dict.fromkeys(plane.dataset for plane in planes):
        of_it = [plane for plane in planes if plane.dataset == dataset]
        means = {mean.method: mean for mean in comparison.means(dataset)}
        is_dominated = {plane.perception.measure: _dominated(plane) for plane in of_it}
        for method in [*of_it[0].curve, *of_it[0].others]:
            at, mean = {**of_it[0].curve, **of_it[0].others}[method], means[method]
            record: Record = {
                "dataset": dataset,
                "method": method,
                "fidelity": fidelities.get(method),
                "rmse": at.distortion,
                "psnr": mean.psnr,
                "lpips": mean.lpips,
                "spectrum_distance": mean.spectrum_distance,
                "grid_excess": mean.grid_excess,
            }
            for measure, _, _ in PERCEPTIONS:
                record[f"dominated_{measure}"] = is_dominated.get(measure, {}).get(method)
            record["protocol"] = comparison.protocol.in_short
            found.append(record)
    return found


def _dominated(plane: Plane) -> dict[str, bool]:
    judged = dominated(list(plane.others.values()), list(plane.curve.values()))
    return dict(zip(plane.others, judged, strict=True))


def markdown(
    comparison: Comparison, planes: Sequence[Plane], fidelities: Mapping[str, float]
) -> str:
    """A table and its sentences for each dataset, then how was measured: a whole document."""
    lines = ["# Perception and distortion", "", DEFINITION, ""]
    table = records(comparison, planes, fidelities)
    for dataset in dict.fromkeys(plane.dataset for plane in planes):
        heading = f"## {_escaped(dataset) or 'images'}"
        lines += [heading, "", _escaped(dataset_line(comparison, dataset)), ""]
        heads = [heading for heading, _ in _FORMATS.values()]
        heads += [f"dominated in {name}" for _, name, _ in PERCEPTIONS]
        lines += [f"| | {' | '.join(heads)} |", f"|---|{'---|' * len(heads)}"]
        lines += [_line(record) for record in table if record["dataset"] == dataset]
        lines += ["", *(f"- {_escaped(sentence)}" for sentence in sentences(planes, dataset)), ""]
    lines += ["## Protocol", "", *(f"- {line}" for line in protocol_lines(comparison)), ""]
    return "\n".join(lines)


def sentences(planes: Sequence[Plane], dataset: str) -> list[str]:
    """What :func:`verdicts` says about a dataset."""
    return [line for plane in planes if plane.dataset == dataset for line in verdicts(plane)]


def _line(record: Record) -> str:
    cells = [_escaped(record["method"])]
    for key, (_, form) in _FORMATS.items():
        cells.append("-" if record[key] is None else f"{record[key]:{form}}")
    words = {None: "", True: "yes", False: "**no**"}
    cells += [words[record[f"dominated_{measure}"]] for measure, _, _ in PERCEPTIONS]
    return f"| {' | '.join(cells)} |"


def _escaped(words: str) -> str:
    return printable(words).replace("|", "\\|")


def csv_text(table: Sequence[Record]) -> str:
    """One line for each record; numbers with six digits, nothing where there is no value."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(table[0]), lineterminator="\n")
    writer.writeheader()
    for record in table:
        writer.writerow({key: _cell(value) for key, value in record.items()})
    return buffer.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6f}" if isinstance(value, float) else value


def json_text(table: Sequence[Record], planes: Sequence[Plane]) -> str:
    """The records, the sentences of each dataset and what the words mean.

    Numbers have six digits; an infinite one (PSNR of identical images) is the string "inf".
    """
    document = {
        "definition": DEFINITION,
        "methods": [{key: _json(value) for key, value in record.items()} for record in table],
        "sentences": {
            dataset: sentences(planes, dataset)
            for dataset in dict.fromkeys(plane.dataset for plane in planes)
        },
    }
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _json(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    return "inf" if value == float("inf") else round(value, 6)
