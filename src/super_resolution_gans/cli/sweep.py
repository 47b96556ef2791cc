"""``srgan evaluate --fidelity-sweep``: what it draws and writes."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from super_resolution_gans.cli.messages import say

if TYPE_CHECKING:
    from super_resolution_gans.evaluation.compare import Comparison


def parse_sweep(text: str) -> list[float]:
    """``0,0.5,1`` -> [0.0, 0.5, 1.0], ascending, each once.

    Raises:
        typer.BadParameter: unless they are two or more numbers from 0 to 1.
    """
    try:
        numbers = sorted({float(part) for part in text.split(",")})
    except ValueError:
        numbers = []
    if len(numbers) < 2 or not all(0 <= number <= 1 for number in numbers):
        raise typer.BadParameter(
            f"{text!r} is not a list of two or more numbers from 0 to 1 such as 0,0.25,0.5,0.75,1",
            param_hint="--fidelity-sweep",
        )
    return numbers


def show_plane(
    comparison: "Comparison",
    fidelities: Mapping[str, float],
    interpolations: tuple[str, ...],
    out: Path | None,
    write: Callable[[Path, bytes], None],
) -> None:
    """Say what the curve does not dominate, and write the plane's tables and pictures.

    Args:
        comparison: with the rows of all methods.
        fidelities: {method: its fidelity} of the curve.
        interpolations: drawn in grey.
        out: a folder that exists; without it nothing is written.
        write: puts bytes into a file.
    """
    from super_resolution_gans.evaluation import plane_report
    from super_resolution_gans.evaluation.plane import planes
    from super_resolution_gans.evaluation.plane_picture import FORMATS, picture
    from super_resolution_gans.evaluation.report import dataset_line
    from super_resolution_gans.scan import printable

    found = planes(comparison, fidelities)
    if not found:
        say("perception-distortion plane: no image is large enough for LPIPS or the spectrum")
        return
    datasets = list(dict.fromkeys(plane.dataset for plane in found))
    for dataset in datasets:
        say("\n".join([printable(dataset) or "images", *plane_report.sentences(found, dataset)]))
    if out is None:
        return
    method, share = next(iter(fidelities.items()))
    name = method.removesuffix(f" at fidelity {share:g}")
    table = plane_report.records(comparison, found, fidelities)
    write(out / "plane.md", plane_report.markdown(comparison, found, fidelities).encode())
    write(out / "plane.csv", plane_report.csv_text(table).encode())
    write(out / "plane.json", plane_report.json_text(table, found).encode())
    for dataset in datasets:
        stem = "plane-" + re.sub(r"\W+", "_", dataset or "images").strip("_")[:100]
        of_it = [plane for plane in found if plane.dataset == dataset]
        title = dataset_line(comparison, dataset).partition("; masked")[0]
        for suffix in FORMATS:
            drawn = picture(of_it, fidelities, title, suffix, name=name, faint=interpolations)
            write(out / f"{stem}{suffix}", drawn)
    say(f"written: {out / 'plane.md'}, .csv, .json, and a picture for each dataset")
