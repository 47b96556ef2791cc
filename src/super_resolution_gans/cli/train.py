"""``srgan train``, ``srgan recipes`` and ``srgan plot``."""

import json
import signal
import threading
import time
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from super_resolution_gans.cli import completion
from super_resolution_gans.cli.messages import duration, fail, say, warn
from super_resolution_gans.program import as_program

if TYPE_CHECKING:
    from super_resolution_gans.training.hooks import Report


def train(
    recipe: Annotated[
        str,
        typer.Argument(
            metavar="RECIPE",
            autocompletion=completion.recipes,
            help="A recipe of the package (see srgan recipes) or a YAML file.",
        ),
    ],
    data: Annotated[Path, typer.Option(metavar="STORE", help="Made by srgan data pack.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="RUN", help="The run folder.")],
    init: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            autocompletion=completion.shipped_models,
            help="Start from a shipped model or a .safetensors file.",
        ),
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a key of the recipe; repeatable."),
    ] = None,
    vgg: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Weights of VGG for recipes with its features. [default: fetched once]",
        ),
    ] = None,
    device: Annotated[
        str,
        typer.Option(
            metavar="DEVICE", autocompletion=completion.devices, help="auto, cpu, cuda or mps."
        ),
    ] = "auto",
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="Go on with a run although recipe, data, start or processes changed."
        ),
    ] = False,
    processes: Annotated[
        int,
        typer.Option(metavar="N", min=1, help="Processes on this machine that share each batch."),
    ] = 1,
    max_restarts: Annotated[
        int,
        typer.Option(metavar="N", min=0, help="Start all again, so often, if a process dies."),
    ] = 0,
    time_limit: Annotated[
        float,
        typer.Option(
            metavar="SECONDS", min=1, help="End the run if a process keeps others waiting longer."
        ),
    ] = 1800,
) -> None:
    """Train a model by a recipe.

    The same command again goes on with the run, or ends at once if it is finished. Ctrl-C and
    SIGTERM write a checkpoint and end after the current update. Exit status: 0 finished, 1 not
    possible, 5 diverged (losses stopped being finite again and again), 130 interrupted, 143
    terminated. Under torchrun or srun each process runs this command.
    """
    asked: dict[str, Any] = {
        "recipe": recipe,
        "changes": changes,
        "data": data,
        "out": out,
        "init": init,
        "vgg": vgg,
        "device": device,
        "force": force,
        "time_limit": time_limit,
    }
    if processes == 1 and not max_restarts:
        _train(**asked)
        return
    from super_resolution_gans.training.checkpoint import TrainingError
    from super_resolution_gans.training.launch import SignalledError, launch

    try:
        status = launch(_work, (asked,), processes=processes, max_restarts=max_restarts)
    except SignalledError as error:
        raise typer.Exit(128 + error.number) from error
    except TrainingError as error:
        fail(error)
    if status:
        raise typer.Exit(status)


def _work(asked: dict[str, Any]) -> int:
    """One of several processes: the status it ends with, and that ends the run for good.

    What another start may cure leaves by SystemExit.
    """
    from super_resolution_gans.training.processes import LostError

    with as_program():
        try:
            _train(**asked)
        except typer.Exit as ended:
            stopped = ended.exit_code > 128  # the launcher is being stopped as well
            if stopped or isinstance(ended.__context__, LostError | OSError):
                raise SystemExit(ended.exit_code) from None
            return ended.exit_code
    return 0


def _train(
    recipe: str,
    changes: list[str] | None,
    data: Path,
    out: Path,
    init: str | None,
    vgg: Path | None,
    device: str,
    force: bool,
    time_limit: float,
) -> None:
    from super_resolution_gans.prediction.catalogue import find_weights
    from super_resolution_gans.training.checkpoint import TrainingError
    from super_resolution_gans.training.loop import DivergedError
    from super_resolution_gans.training.processes import ElsewhereError, speaks
    from super_resolution_gans.training.recipe import load_recipe
    from super_resolution_gans.training.run import train as run

    stop, received = threading.Event(), list[int]()

    def on_signal(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        stop.set()

    diary = _Diary()
    previous = {number: signal.signal(number, on_signal) for number in _SIGNALS}
    try:
        outcome = run(
            load_recipe(recipe, changes or ()),
            data,
            out,
            init=None if init is None else find_weights(init),
            vgg=vgg,
            device=device,
            force=force,
            time_limit=time_limit,
            on_warning=lambda line: warn(f"warning: {line}"),
            on_start=diary.begin,
            on_report=diary.report,
            stop=stop,
        )
    except (ValueError, OSError, TrainingError) as error:
        status = _DIVERGED if isinstance(error, DivergedError) else 1
        if isinstance(error, ElsewhereError) or not speaks():
            raise typer.Exit(status) from error
        fail(error, status)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    if not outcome.finished:
        if outcome.leads:
            say(f"stopped after update {outcome.done}; the same command goes on from there")
        raise typer.Exit(128 + (received[0] if received else signal.SIGINT))
    if outcome.leads:
        say(f"done: {outcome.model}")


_DIVERGED = 5
_SHOWN = ("loss", "discriminator", "accuracy")
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class _Diary:
    """One line at every log point: update, losses, last validation, rate, time left.

    All that is measured stands in the run's metrics.jsonl.
    """

    def __init__(self) -> None:
        self._began, self._start, self._measured = 0.0, 0, ""

    def begin(self, start: int, updates: int, where: str) -> None:
        self._began, self._start = time.monotonic(), start
        from super_resolution_gans.training.processes import restarts

        again = f"resuming after update {start} of {updates}" if start else f"{updates} updates"
        say(f"{restarts()}{again} on {where}")

    def report(self, report: "Report") -> None:
        if report.split == "note":
            say(f"{report.done:>8}/{report.updates}  {report.text}")
            return
        if report.split == "val":
            self._measured = f"  val psnr {report.values['psnr']:.3f} dB"
            self._measured += f"  ssim {report.values['ssim']:.4f}"
            if "grid_excess" in report.values:
                self._measured += f"  grid {report.values['grid_excess']:+.2f}"
            say(f"{report.done:>8}/{report.updates}{self._measured}")
            return
        seconds = time.monotonic() - self._began
        rate = (report.done - self._start) / seconds if seconds else 0.0
        left = duration((report.updates - report.done) / rate) if rate else "?"
        numbers = "  ".join(
            f"{name} {report.values[name]:.4g}" for name in _SHOWN if name in report.values
        )
        say(
            f"{report.done:>8}/{report.updates}  {numbers}{self._measured}  "
            f"{rate:.2f} updates/s  {left} left"
        )


def recipes(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, a list of documents.")] = False,
) -> None:
    """List the recipes of the package.

    Exit status: 0.
    """
    from super_resolution_gans.training.recipe import load_recipe, shipped_recipes

    told = [(name, load_recipe(name), path) for name, path in shipped_recipes().items()]
    if not as_json:
        for name, recipe, path in told:
            say(f"{name:<28}{recipe.description}  [{path}]")
        return
    documents = [
        {
            "name": name,
            "description": recipe.description,
            "phase": recipe.phase,
            "scale": recipe.model.scale,
            "channels": recipe.model.channels,
            "file": str(path),
        }
        for name, recipe, path in told
    ]
    say(json.dumps(documents, indent=2, ensure_ascii=False))


def plot(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="PICTURE",
            help="What to write: .png, .svg or .pdf. [default: RUN/curves.png]",
        ),
    ] = None,
) -> None:
    """Draw the loss, PSNR and SSIM curves of a run.

    An existing picture is replaced. Exit status: 0 drawn, 1 not possible, 2 wrong usage.
    """
    from super_resolution_gans.training.curves import draw_curves

    target = out or run / "curves.png"
    try:
        draw_curves(run, target)
    except (ValueError, OSError) as error:
        fail(error)
    say(f"{target}")
