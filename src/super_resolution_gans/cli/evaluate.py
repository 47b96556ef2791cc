"""``srgan evaluate``: models beside interpolation, measured on scans whose truth is known."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from super_resolution_gans.cli import completion, options
from super_resolution_gans.cli.measures import drawn_regions, hashes, measuring
from super_resolution_gans.cli.messages import error, fail, parse_scale, warn
from super_resolution_gans.cli.methods import BASELINES, load_methods
from super_resolution_gans.cli.report import write_report
from super_resolution_gans.cli.results import Drawer, keeping, show, write, write_results
from super_resolution_gans.cli.scans import named, nameless, pairs_of
from super_resolution_gans.cli.selection import chosen_entries, chosen_protocol
from super_resolution_gans.cli.sweep import parse_sweep, show_plane

if TYPE_CHECKING:
    from super_resolution_gans.evaluation.compare import Distance


def evaluate(
    context: typer.Context,
    data: Annotated[
        list[Path],
        typer.Option(
            metavar="DATA",
            help="A folder of images, one with HR and LR in it, or a manifest (.csv); repeatable, "
            "a folder's name is its dataset.",
        ),
    ],
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODEL",
            autocompletion=completion.models,
            help="A shipped model, a file (.safetensors, .h5, .keras, .pth, .onnx, .xml), or "
            "nearest, bilinear, bicubic, lanczos; "
            "repeat for several; NAME=MODEL names it in the tables. "
            "[default: the shipped OCT model]",
        ),
    ] = None,
    split: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SPLIT",
            help="Of the manifest or folder names; repeat for several, 'all' takes all. "
            "[default: test where some scan is marked so, else all]",
        ),
    ] = None,
    dataset: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only this dataset of the manifest; repeatable."),
    ] = None,
    role: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only this role of the manifest; repeatable."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FOLDER",
            help="For per_image.csv, means.json and panels, which are replaced, and rows.jsonl, "
            "from which a run that was stopped goes on.",
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="As --out, and report.html, tables.md, tables.tex and figures besides.",
        ),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Measure again what rows.jsonl has already.")
    ] = False,
    workers: Annotated[
        int, typer.Option(min=1, max=64, metavar="N", help="Images measured at once.")
    ] = 1,
    panels: Annotated[
        int,
        typer.Option(
            min=0, metavar="N", help="With --out: pictures of this many images of each dataset."
        ),
    ] = 2,
    scale: Annotated[
        str, typer.Option(metavar="N|VxL", help="Factor, or vertical x lateral such as 1x4.")
    ] = "4",
    protocol: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="oct, or paper: what Ledig et al. measured by, without mask, with their "
            "rows of Set5, Set14, BSD100 beside ours.",
        ),
    ] = "oct",
    border: Annotated[
        int, typer.Option(min=0, metavar="N", help="HR pixels cut from each edge.")
    ] = 4,
    channel: Annotated[
        str,
        typer.Option(
            metavar="CHANNEL",
            help="What of colour images is measured: y-studio (MATLAB's Y), y-full, rgb. "
            "Grey images are measured as they are.",
        ),
    ] = "y-studio",
    mask: Annotated[
        bool, typer.Option("--mask/--no-mask", help="Leave white padding of HR out.")
    ] = True,
    baselines: Annotated[
        bool,
        typer.Option(
            "--baselines/--no-baselines", help="Measure the four interpolations beside the models."
        ),
    ] = True,
    lpips: Annotated[
        bool,
        typer.Option(
            "--lpips/--no-lpips", help="Measure LPIPS with AlexNet too: the slowest measure."
        ),
    ] = True,
    metrics: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="Measured besides, joined by commas: oct for all that need no file; dists, niqe; "
            "see docs/metrics.md.",
        ),
    ] = "",
    metric_file: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=FILE", help="Weights for dists (dists, vgg16) or niqe (niqe)."),
    ] = None,
    regions: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Where contrast is measured: scan.png of labels (1 background, 2 and above "
            "tissue) for each scan. [default: found in HR]",
        ),
    ] = None,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    engine: options.Engine = "auto",
    fidelity: Annotated[
        float | None,
        typer.Option(
            metavar="F", help="Mix the first model: 0 its own, 1 its faithful partner (SRResNet)."
        ),
    ] = None,
    faithful: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="That partner; shipped models know theirs."),
    ] = None,
    fidelity_sweep: Annotated[
        str | None,
        typer.Option(
            metavar="F,F,...",
            help="Measure the first model at several, such as 0,0.25,0.5,0.75,1, and draw the "
            "perception-distortion plane: plane.* in --out.",
        ),
    ] = None,
    ensemble: options.Ensemble = False,
    consistency: Annotated[
        bool | None,
        typer.Option(
            "--consistency/--no-consistency",
            help="Measure results that are made to agree with LR, or as the network has them. "
            "[default: both, of models that declare their downsampling]",
        ),
    ] = None,
) -> None:
    """Measure models on scans whose truth is known.

    PSNR, SSIM, consistency with the low-resolution input, LPIPS, distance of power spectra and
    excess of periodic grids, beside interpolation. LR is made of each image by bicubic-antialiased
    downsampling unless it came with it. How was measured is printed with the numbers.

    Exit status: 0 all measured, 1 nothing could be, 2 wrong usage, 3 some images failed.
    """
    factors = parse_scale(scale)
    measured_by = chosen_protocol(context, protocol, factors, border, channel, mask)
    if fidelity is not None and fidelity_sweep is not None:
        raise typer.BadParameter(
            "is one fidelity, --fidelity-sweep several", param_hint="--fidelity"
        )
    if report is not None and out not in (None, report):
        raise typer.BadParameter("is another folder than --out", param_hint="--report")
    out = out or report
    swept = [fidelity] if fidelity_sweep is None else parse_sweep(fidelity_sweep)
    from super_resolution_gans.evaluation.compare import compare
    from super_resolution_gans.prediction import DEFAULT_MODEL, load_upscaler

    failures: list[str] = []

    def failed(line: str) -> None:
        failures.append(line)
        error(line)

    try:
        more = measuring(metrics, metric_file or [])
        load = partial(
            load_upscaler,
            scale=factors,
            device=device,
            precision=precision,
            engine=engine,
            ensemble=ensemble,
        )
        upscalers = load_methods(
            load, model, swept, faithful, baselines=baselines, consistency=consistency
        )
    except ValueError as problem:
        fail(problem, 2)
    try:
        entries, splits = chosen_entries(data, split, dataset, role)
        draw = kept = None
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            draw = Drawer(out, panels, measured_by)
            how = {
                "lpips": lpips,
                "more": list(more),
                "files": hashes(metric_file or [], regions),
            }
            kept = keeping(out, fresh, upscalers, measured_by, how)
        comparison = compare(
            pairs_of(entries, factors, failed),
            upscalers,
            measured_by,
            lpips=_lpips() if lpips else None,
            more=more,
            regions=None if regions is None else drawn_regions(regions),
            on_error=failed,
            on_images=draw,
            wanted=None if draw is None else draw.wants,
            kept=kept,
            workers=workers,
        )
        if not comparison.rows:
            fail(f"{', '.join(map(str, data))}: none of its images could be measured")
        if kept is not None and kept.found:
            warn(f"{kept.found} rows of {len(comparison.rows)} were there already (--fresh)")
        show(comparison, upscalers, splits)
        if out is not None:
            write_results(out, comparison, upscalers, splits, failures)
        if report is not None:
            write_report(
                report,
                comparison,
                upscalers,
                model or [DEFAULT_MODEL],
                lambda names: pairs_of(named(entries, names), factors, failed, "drawing"),
                splits=splits,
                failures=[nameless(line, data) for line in failures],
                sweep=fidelity_sweep is not None,
            )
        if fidelity_sweep is not None:
            shares = {name: upscaler.provenance.fidelity for name, upscaler in upscalers.items()}
            curve = {name: share for name, share in shares.items() if share is not None}
            show_plane(comparison, curve, BASELINES, out, write)
    except (ValueError, OSError) as problem:
        fail(problem)
    if failures:
        error(f"{len(failures)} failed and are not in the means")
        raise typer.Exit(3)


def _lpips() -> "Distance":
    from super_resolution_gans.metrics.perceptual import load_lpips

    return load_lpips()
