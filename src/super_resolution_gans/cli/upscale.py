"""``srgan upscale``: images, folders and addresses at a multiple of their resolution."""

import sys
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any

import typer

from super_resolution_gans.cli.messages import (
    error,
    fail,
    one_line,
    parse_fill,
    parse_scale,
    say,
    warn,
    warnings_shown,
)

if TYPE_CHECKING:
    from super_resolution_gans.prediction.outcome import Outcome
    from super_resolution_gans.prediction.plan import Plan
    from super_resolution_gans.prediction.upscale import Upscaler


def upscale(
    inputs: Annotated[
        list[str], typer.Argument(metavar="INPUT", help="Images, folders, http(s) addresses.")
    ],
    out: Annotated[
        str,
        typer.Option(
            "--out",
            "-o",
            metavar="OUT",
            help="A file for one image; a folder for several, or for a folder. Of a name without "
            "suffix a folder is made.",
        ),
    ],
    model: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="A shipped model, a file (.safetensors, .h5, .keras, .pth, .onnx, .xml), or "
            "nearest, bilinear, bicubic, lanczos. "
            "[default: the shipped OCT model]",
        ),
    ] = None,
    scale: Annotated[
        str | None,
        typer.Option(
            metavar="N|VxL",
            help="Factor, or vertical x lateral factors such as 1x4. A network also gives the "
            "factors that divide its own, by shrinking its result. [default: the model's own]",
        ),
    ] = None,
    tile: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Largest side of a tile in input pixels; smaller needs less memory.",
        ),
    ] = None,
    device: Annotated[
        str, typer.Option(metavar="DEVICE", help="auto, cpu, cuda, cuda:1, mps.")
    ] = "auto",
    precision: Annotated[
        str,
        typer.Option(
            metavar="TYPE",
            help="auto, float32, bfloat16, float16: what the network computes in. Results are not "
            "rounded to it. auto: what the hardware is fast at for 8-bit images, else float32.",
        ),
    ] = "auto",
    engine: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="auto, torch, openvino, onnxruntime: what runs the network; the latter two run "
            'on the CPU and need pip install "SuperResolution-GANs[export]".',
        ),
    ] = "auto",
    fidelity: Annotated[
        float | None,
        typer.Option(
            metavar="F",
            help="How faithful: 0 as the model invents, 1 as its faithful partner (SRResNet). "
            "[default: the model by itself]",
        ),
    ] = None,
    faithful: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="That partner; shipped models know theirs."),
    ] = None,
    consistency: Annotated[
        bool | None,
        typer.Option(
            "--consistency/--no-consistency",
            help="Make results agree with the scan: downsampled again, they are it. [default: "
            "where the model's file declares the downsampling that it inverts]",
        ),
    ] = None,
    noise: Annotated[
        float,
        typer.Option(
            min=0,
            metavar="SIGMA",
            help="Standard deviation of the noise in the scan, as a share of its range: the "
            "stronger, the less results are drawn to the scan.",
        ),
    ] = 0.0,
    uncertainty: Annotated[
        bool,
        typer.Option(
            "--uncertainty",
            help="Beside each result: OUT-uncertainty.tif, half widths of intervals that hold the "
            "true value of a pixel nine times in ten, and OUT-uncertainty-overlay.png.",
        ),
    ] = False,
    max_pixels: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Most pixels of a slice; what announces more is refused. [default: 100 million]",
        ),
    ] = None,
    fill: Annotated[
        str | None,
        typer.Option(
            metavar="VALUE|min",
            help="What replaces NaN and infinite values, in the file's units. [default: refuse]",
        ),
    ] = None,
    allow_private_addresses: Annotated[
        bool,
        typer.Option(
            "--allow-private-addresses",
            help="Fetch from this machine and local networks too, and through proxies.",
        ),
    ] = False,
    slices: Annotated[
        str | None,
        typer.Option("--slice", metavar="N|A:B", help="Only this slice, or A to B-1, from 0."),
    ] = None,
    axis: Annotated[
        str,
        typer.Option(metavar="AXIS", help="bscan, or enface: slices of equal depth of a volume."),
    ] = "bscan",
    region: Annotated[
        str | None,
        typer.Option(metavar="T:B,L:R", help="Only these rows and columns of each slice."),
    ] = None,
    format: Annotated[  # noqa: A002
        str | None,
        typer.Option(
            metavar="SUFFIX",
            help="Of results in a folder: tif, ome.tif, zarr, pngs, ... [default: as the input]",
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace results that exist instead of skipping.")
    ] = False,
    keep_metadata: Annotated[
        bool,
        typer.Option(
            "--keep-metadata",
            help="DICOM to DICOM: keep patient, study and dates, which are removed otherwise.",
        ),
    ] = False,
) -> None:
    """Upscale images with a super-resolution network.

    Names, folders and formats are kept where the format can hold the result; existing results are
    skipped. A folder of results has a journal, srgan-journal.jsonl.

    Exit status: 0 all done or skipped, 1 the only image failed, 2 wrong usage, 3 some failed.
    """
    factors = None if scale is None else parse_scale(scale)
    filled = None if fill is None else parse_fill(fill)
    from super_resolution_gans.io import parse_selection
    from super_resolution_gans.prediction.catalogue import DEFAULT_MODEL
    from super_resolution_gans.prediction.maps import load_maps
    from super_resolution_gans.prediction.plan import make_plan
    from super_resolution_gans.prediction.upscale import load_upscaler

    try:
        selection = parse_selection(slices, axis, region)
        plan = make_plan(inputs, out, format=format)
        upscaler = load_upscaler(
            DEFAULT_MODEL if model is None else model,
            scale=factors,
            device=device,
            precision=precision,
            tile=tile,
            engine=engine,
            fidelity=fidelity,
            faithful=faithful,
            consistency=consistency,
            noise=noise,
        )
        maps = load_maps(upscaler, device=device, tile=tile) if uncertainty else None
    except ValueError as problem:
        fail(problem, 2)
    if plan.ignored:
        say(f"ignored by their names, as no images: {_plural(plan.ignored, 'file')}")
    settings = {
        "overwrite": overwrite,
        "max_pixels": max_pixels,
        "allow_private_addresses": allow_private_addresses,
        "fill": filled,
        "selection": selection,
        "maps": maps,
        "keep_metadata": keep_metadata,
    }
    raise typer.Exit(_run(plan, upscaler, settings))


def _run(plan: "Plan", upscaler: "Upscaler", settings: dict[str, Any]) -> int:
    """Do the plan, say what happens, and return the exit status."""
    from super_resolution_gans.prediction.files import upscale_files

    counts: Counter[str] = Counter()
    failure, interrupted = 1 if len(plan.jobs) == 1 else 3, 0
    with _Bar(len(plan.jobs)) as bar, warnings_shown():
        outcomes = upscale_files(plan, upscaler, on_batch=bar.batch, **settings)
        try:
            with closing(outcomes):
                for outcome in outcomes:
                    counts[outcome.status] += 1
                    bar.next_image()
                    _say(outcome, upscaler)
        except KeyboardInterrupt:
            interrupted = 130
        except SystemExit as stopped:  # SIGTERM or SIGHUP, see program.py
            interrupted = int(stopped.code or 0)
        except ValueError as problem:
            error(one_line(problem))
            return failure
    if plan.folder or interrupted:
        _summarise(plan, counts, bool(interrupted))
    return interrupted or (failure if counts["failed"] else 0)


def _say(outcome: "Outcome", upscaler: "Upscaler") -> None:
    from super_resolution_gans.scan import printable

    source, target = printable(outcome.source), printable(str(outcome.target))
    for sentence in outcome.warnings:
        warn(f"warning: {source}: {sentence}")
    if outcome.status == "failed":
        error(f"{source}: {outcome.reason}")
    elif outcome.status == "skipped":
        say(f"{source}: skipped, {outcome.reason} (--overwrite replaces it)")
    else:
        assert outcome.before is not None
        assert outcome.after is not None
        agreement = f"; shrunk again, off by {outcome.residual}" if outcome.residual else ""
        say(
            f"{source} -> {target}: {_size(outcome.before)} -> {_size(outcome.after)} "
            f"by {printable(upscaler.name)}, {outcome.seconds:.1f} s{agreement}"
        )
        if outcome.uncertainty:
            shown = outcome.uncertainty
            say(
                f"{source}: uncertainty in {printable(str(shown.half_widths))} and "
                f"{printable(shown.picture.name)}; half width {shown.mean:.1%} of the range on "
                "average"
            )
        if outcome.note:
            say(f"{source}: {outcome.note}, so the name is {target}")


def _summarise(plan: "Plan", counts: Counter[str], interrupted: bool) -> None:
    from super_resolution_gans.prediction.journal import JOURNAL_NAME

    left = len(plan.jobs) - counts.total()
    parts = [f"{counts[status]} {status}" for status in ("done", "skipped", "failed")]
    journal = f"; journal: {plan.folder / JOURNAL_NAME}" if plan.folder else ""
    start = f"interrupted, {left} not done; " if interrupted else ""
    say(f"{start}{', '.join(parts)}{journal}")


class _Bar:
    """Progress on the terminal, if there is one; it is drawn on stderr and goes away when done."""

    def __init__(self, images: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.progress import TimeRemainingColumn as TimeLeft

        console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeLeft(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
            redirect_stdout=sys.stdout.isatty(),
        )
        self._images = self._progress.add_task("images", total=images, visible=images > 1)
        self._tiles = self._progress.add_task("tiles", total=None)

    def __enter__(self) -> "_Bar":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def batch(self, _job: object, done: int, total: int) -> None:
        self._progress.update(self._tiles, completed=min(done, total), total=total)

    def next_image(self) -> None:
        self._progress.advance(self._images)
        self._progress.reset(self._tiles)


def _size(shape: tuple[int, ...]) -> str:
    slices, height, width = shape[:3]
    return f"{width}x{height}" if slices == 1 else f"{slices} x {width}x{height}"


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")
