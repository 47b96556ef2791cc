"""All commands of ``srgan``. What each of them needs is imported when it runs."""

from typing import Annotated

import typer

from super_resolution_gans.cli.agree import agree
from super_resolution_gans.cli.app import app as look_app
from super_resolution_gans.cli.compare import compare
from super_resolution_gans.cli.data import data
from super_resolution_gans.cli.dicom_node import dicom_node
from super_resolution_gans.cli.doctor import doctor
from super_resolution_gans.cli.evaluate import evaluate
from super_resolution_gans.cli.export import export
from super_resolution_gans.cli.figure import figure
from super_resolution_gans.cli.info import info
from super_resolution_gans.cli.layers import layers
from super_resolution_gans.cli.messages import say
from super_resolution_gans.cli.model import convert
from super_resolution_gans.cli.mos import mos
from super_resolution_gans.cli.train import plot, recipes, train
from super_resolution_gans.cli.upscale import upscale
from super_resolution_gans.cli.volume import volume
from super_resolution_gans.cli.watch import watch
from super_resolution_gans.version import __version__

app = typer.Typer(
    name="srgan",
    help="SRGAN super-resolution for optical coherence tomography: upscale, train, evaluate.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    # Plain help: it folds to any width, can be searched, and a usage error is one line.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from super_resolution_gans.prediction.shipped import shipped_files

        say(f"srgan {__version__}")
        for file in shipped_files():
            say(f"{file.name} {file.sha256[:12] if file.sha256 else file.fault}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_version,
            is_eager=True,
            help="Print the version, and shipped models with the start of their SHA-256.",
        ),
    ] = False,
) -> None:
    pass


for _command in (
    *(upscale, watch, evaluate, compare, layers, volume, agree, figure, info),
    *(convert, export, train, plot, recipes, dicom_node, doctor),
):
    app.command()(_command)
app.command("app")(look_app)
app.add_typer(data, name="data")
app.add_typer(mos, name="mos")
