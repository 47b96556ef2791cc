"""``srgan upscale``: images, folders and addresses at a multiple of their resolution."""

import re
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from super_resolution_gans.cli import options
from super_resolution_gans.cli.messages import fail, say
from super_resolution_gans.cli.on_cluster import Cluster, Workers, run_on_cluster
from super_resolution_gans.cli.outcomes import Named, follow, plural, say_outcome, say_summary

if TYPE_CHECKING:
    from collections.abc import Generator

    from super_resolution_gans.prediction.outcome import Outcome
    from super_resolution_gans.prediction.plan import Plan


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
    model: options.Model = None,
    scale: options.Scale = None,
    tile: options.Tile = None,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    engine: options.Engine = "auto",
    cluster: Cluster = None,
    workers: Workers = None,
    fidelity: options.Fidelity = None,
    faithful: options.Faithful = None,
    ensemble: options.Ensemble = False,
    consistency: options.Consistency = None,
    noise: options.Noise = 0.0,
    uncertainty: options.Uncertainty = False,
    max_pixels: options.MaxPixels = None,
    fill: options.Fill = None,
    allow_private_addresses: Annotated[
        bool,
        typer.Option(
            "--allow-private-addresses",
            help="Fetch from this machine and local networks too, and through proxies.",
        ),
    ] = False,
    slices: options.Slices = None,
    axis: options.Axis = "bscan",
    region: options.Region = None,
    format: options.Format = None,  # noqa: A002
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace results that exist instead of skipping.")
    ] = False,
    keep_metadata: options.KeepMetadata = False,
    shard: Annotated[
        str | None,
        typer.Option(metavar="I/N", help="Only share I of N, from 1, for N processes."),
    ] = None,
) -> None:
    """Upscale images with a super-resolution network.

    Names, folders and formats are kept where the format can hold the result; existing results are
    skipped. A folder of results has a journal, srgan-journal.jsonl.

    Exit status: 0 all done or skipped, 1 the only image failed, 2 wrong usage, 3 some failed.
    """
    part = None if shard is None else parse_shard(shard)
    if workers is not None and cluster is None:
        raise typer.BadParameter("works with --cluster only", param_hint="--workers")
    from super_resolution_gans.prediction.files import upscale_files
    from super_resolution_gans.prediction.plan import make_plan
    from super_resolution_gans.prediction.shard import take_shard

    chosen: dict[str, Any] = {
        "model": model,
        "scale": scale,
        "device": device,
        "precision": precision,
        "tile": tile,
        "engine": engine,
        "fidelity": fidelity,
        "faithful": faithful,
        "ensemble": ensemble,
        "consistency": consistency,
        "noise": noise,
        "uncertainty": uncertainty,
    }
    try:
        settings = options.reading(slices, axis, region, fill, max_pixels)
        if cluster is None:
            plan = make_plan(inputs, out, format=format)
        else:
            from super_resolution_gans.service.stored_plan import make_stored_plan

            stored = make_stored_plan(inputs, out, format=format)
            plan = stored.plan
        if part is not None:
            plan = take_shard(plan, *part)
        if cluster is None:
            upscaler, maps = options.load(**chosen)
    except ValueError as problem:
        fail(problem, 2)
    if plan.ignored:
        say(f"ignored by their names, as no images: {plural(plan.ignored, 'file')}")
    if shard is not None:
        say(f"shard {shard}: {len(plan.jobs)} of {plural(plan.total, 'image')}")
    settings |= {
        "overwrite": overwrite,
        "allow_private_addresses": allow_private_addresses,
        "keep_metadata": keep_metadata,
    }
    with _Bar(len(plan.jobs), tiles=cluster is None) as bar:

        def done(model: Named, outcomes: "Generator[Outcome, None, None]") -> int:
            return _follow(plan, model, outcomes, bar, failure=1 if plan.total == 1 else 3)

        if cluster is not None:
            stored = replace(stored, plan=plan)
            status = run_on_cluster(stored, cluster, workers, chosen, settings, done)
        else:
            work = upscale_files(plan, upscaler, on_batch=bar.batch, maps=maps, **settings)
            status = done(upscaler, work)
    raise typer.Exit(status)


def _follow(
    plan: "Plan",
    model: Named,
    outcomes: "Generator[Outcome, None, None]",
    bar: "_Bar",
    *,
    failure: int,
) -> int:
    """Do the plan, say what happens, and return the exit status."""

    def tell(outcome: "Outcome") -> None:
        bar.next_image()
        say_outcome(outcome, model)

    counts, interrupted, broken = follow(outcomes, tell)
    if plan.folder or interrupted:
        left = len(plan.jobs) - counts.total()
        start = f"interrupted, {left} not done" if interrupted else f"{left} not done"
        say_summary(plan.folder, counts, start if interrupted or broken else "", plan.journal)
    return interrupted or (failure if counts["failed"] or broken else 0)


def parse_shard(text: str) -> tuple[int, int]:
    """``2/8`` -> (2, 8).

    Raises:
        typer.BadParameter: if it is none of the shares of a number.
    """
    match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    number, count = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= number <= count:
        raise typer.BadParameter(f"{text!r} is none of 1/N, 2/N, ... N/N", param_hint="--shard")
    return number, count


class _Bar:
    """Progress on the terminal, if there is one; it is drawn on stderr and goes away when done."""

    def __init__(self, images: int, *, tiles: bool) -> None:
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
        self._tiles = self._progress.add_task("tiles", total=None, visible=tiles)

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
