"""``srgan figure``: a scan before and after, for a publication."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from super_resolution_gans.cli.messages import fail, parse_scale, say, warn
from super_resolution_gans.cli.slices import Models

if TYPE_CHECKING:
    from super_resolution_gans.evaluation.pairs import Image, Pair


def figure(
    scan: Annotated[Path, typer.Argument(metavar="SCAN", help="A scan.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FIGURE", help="A .png, .svg or .pdf file.")
    ],
    model: Models = None,
    scale: Annotated[
        str, typer.Option(metavar="N|VxL", help="Factor, or vertical x lateral such as 1x4.")
    ] = "4",
    simulate: Annotated[
        bool,
        typer.Option("--simulate", help="Take the scan for HR: shrink it, and show both."),
    ] = False,
    slice_: Annotated[
        int, typer.Option("--slice", min=0, metavar="N", help="Which slice, from 0.")
    ] = 0,
    zoom: Annotated[
        str | None,
        typer.Option(
            metavar="X,Y,W,H",
            help="What is enlarged: left, top, width, height in pixels of the scan. "
            "[default: where most happens]",
        ),
    ] = None,
    true_aspect: Annotated[
        bool, typer.Option("--true-aspect", help="Draw a mm down as long as a mm across.")
    ] = False,
    dpi: Annotated[int, typer.Option(min=50, max=1200, metavar="N", help="Pixels per inch.")] = 300,
) -> None:
    """Draw a scan, bicubic interpolation and models side by side, with a closer look.

    A bar of scale is drawn if the spacing of the scan is known. An existing figure is replaced.

    Exit status: 0 drawn, 1 not possible, 2 wrong usage.
    """
    factors = parse_scale(scale)
    window = None if zoom is None else parse_zoom(zoom)
    from super_resolution_gans.cli.results import write
    from super_resolution_gans.cli.slices import upscalers_of
    from super_resolution_gans.evaluation import figure as drawing
    from super_resolution_gans.evaluation.region import Region, eventful_region
    from super_resolution_gans.io import Selection, read_scan

    if out.suffix.lower() not in drawing.FORMATS:
        wanted = ", ".join(drawing.FORMATS)
        raise typer.BadParameter(f"{out}: figures are {wanted}", param_hint="--out")
    try:
        upscalers = upscalers_of(model, factors)
    except ValueError as problem:
        fail(problem, 2)
    try:
        chosen = Selection(slices=(slice_, slice_ + 1)).of(read_scan(scan))
        pair = _pair(scan.name, chosen.slice_pixels(0), factors, simulate)
        images = {"LR": pair.lr}
        images |= {name: up(pair.lr) for name, up in upscalers.items() if name != "nearest"}
        if simulate:
            images["HR"] = pair.hr
        grown = (1, 1) if simulate else factors
        region = eventful_region(pair)
        if window is not None:
            left, top, width, height = window
            region = Region(top * grown[0], left * grown[1], height * grown[0], width * grown[1])
        _, axial, lateral = chosen.spacing
        mm = (axial and axial / grown[0], lateral and lateral / grown[1])
        drawn = drawing.figure(
            images, region, mm, out.suffix.lower(), dpi=dpi, true_aspect=true_aspect
        )
        write(out, drawn)
    except (ValueError, OSError) as problem:
        fail(problem)
    if lateral is None:
        warn(f"warning: {scan}: its spacing is not known, so the figure has no bar of scale")
    say(f"{out}: {', '.join(images)}")


def parse_zoom(text: str) -> tuple[int, int, int, int]:
    """``10,20,64,32`` -> left 10, top 20, width 64, height 32.

    Raises:
        typer.BadParameter: if it is not four whole numbers.
    """
    parts = text.split(",")
    if len(parts) != 4 or not all(part.strip().isdecimal() for part in parts):
        raise typer.BadParameter(f"{text!r} is not X,Y,W,H in whole pixels", param_hint="--zoom")
    left, top, width, height = map(int, parts)
    return left, top, width, height


def _pair(name: str, pixels: "Image", scale: tuple[int, int], simulate: bool) -> "Pair":
    """The scan as HR with an LR made of it, or as LR, enlarged by repeating its pixels."""
    import numpy as np

    from super_resolution_gans.evaluation.pairs import Pair, make_pair

    if simulate:
        return make_pair(name, pixels, scale)
    return Pair(name, np.repeat(np.repeat(pixels, scale[0], 0), scale[1], 1), pixels)
