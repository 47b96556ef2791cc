"""What a file of weights is, and ``srgan convert``: the same as a file of ours."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from super_resolution_gans.cli import completion
from super_resolution_gans.cli.messages import fail, say

if TYPE_CHECKING:
    from super_resolution_gans.models.checkpoint import Model

MODEL = typer.Argument(
    metavar="MODEL",
    autocompletion=completion.shipped_models,
    help="A shipped model, or a file (.safetensors, .h5, .keras, .pth).",
)


def convert(
    model: Annotated[str, MODEL],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The .safetensors file to write.")],
    half: Annotated[
        bool, typer.Option("--half", help="Store float16 instead of float32: half the size.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")] = (
        False
    ),
) -> None:
    """Write a model of Keras or PyTorch as a .safetensors file, which gives the same results.

    Exit status: 0 written, 1 not possible, 2 wrong usage.
    """
    if out.suffix.lower() != ".safetensors":
        raise typer.BadParameter("must end in .safetensors", param_hint="OUT")
    if out.exists() and not overwrite:
        fail(f"{out}: exists already (--overwrite replaces it)")
    try:
        path, loaded = _load(model)
    except (ValueError, OSError) as error:
        fail(error)
    import torch

    from super_resolution_gans.models.checkpoint import save_generator
    from super_resolution_gans.prediction.provenance import sha256

    origin = {"name": path.name, "sha256": sha256(path)}
    card = {**loaded.card, "converted_from": loaded.card.get("converted_from", origin)}
    try:
        save_generator(loaded.network, out, card, torch.float16 if half else torch.float32)
    except (ValueError, OSError) as error:
        fail(error)
    say(f"{out}: {_facts(out, loaded)['network']}")


def describe_model(name: str) -> dict[str, Any]:
    """What is known of a model, by its name or path: words, and the whole ``card``.

    Raises:
        ValueError: if it is no model that is known here.
        OSError: if it cannot be read.
    """
    path, loaded = _load(name)
    return {**_facts(path, loaded), "card": loaded.card}


def _load(model: str) -> "tuple[Path, Model]":
    from super_resolution_gans.models.load import load_model
    from super_resolution_gans.prediction.catalogue import INTERPOLATIONS, find_weights
    from super_resolution_gans.prediction.errors import PredictionError

    if model in INTERPOLATIONS:
        raise PredictionError(model, "is an interpolation, it has no weights")
    path = find_weights(model)
    return path, load_model(path)


def _facts(path: Path, model: "Model") -> dict[str, Any]:
    from super_resolution_gans.prediction.provenance import sha256

    network, card = model.network, model.card
    radius = network.receptive_radius()
    colours = {1: "grey", 3: "colour"}.get(network.channels, f"{network.channels} channels")
    facts: dict[str, Any] = {
        "file": str(path),
        "network": f"{network.title()}, {colours}, {' x '.join(map(str, network.scale))}",
        "weights": f"{sum(p.numel() for p in network.parameters()):,}",
        "looks": "at the whole image"
        if radius is None
        else f"{radius[0]} x {radius[1]} pixels far (vertical x lateral)",
        "sha256": sha256(path),
    }
    source = card.get("source")
    if isinstance(source, dict):
        facts["source"] = ", ".join(f"{key} {value}" for key, value in source.items())
    for key in ("converted_from", "name", "trained", "updates", "licence", "intended_use"):
        value = card.get(key)
        if value is not None:
            facts[key.replace("_", " ")] = _said(value)
    return facts


def _said(value: Any) -> str:
    if isinstance(value, list):
        return " Then ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{key} {entry}" for key, entry in value.items())
    return str(value)
