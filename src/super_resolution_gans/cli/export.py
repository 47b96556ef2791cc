"""``srgan export``: a model as a file for ONNX Runtime or OpenVINO."""

from pathlib import Path
from typing import Annotated

import typer

from super_resolution_gans.cli.messages import fail, say
from super_resolution_gans.cli.model import MODEL

_SUFFIXES = {"onnx": ".onnx", "openvino": ".xml"}


def export(
    model: Annotated[str, MODEL],
    to: Annotated[str, typer.Option("--to", metavar="KIND", help="onnx, or openvino.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="OUT",
            help="The .onnx, or the .xml beside which its .bin is written. "
            "[default: the model's name, here]",
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing files.")] = (
        False
    ),
) -> None:
    """Write a model as a file for other programs, checked against PyTorch.

    Any batch, height and width; float32 in [0, 1], NCHW, image -> upscaled. The file keeps the
    story of the model. It is for research use, as the model is.

    Exit status: 0 written, 1 not possible, 2 wrong usage.
    """
    if to not in _SUFFIXES:
        raise typer.BadParameter(f"{to!r} is neither onnx nor openvino", param_hint="--to")
    suffix = _SUFFIXES[to]
    if out is not None and out.suffix.lower() != suffix:
        raise typer.BadParameter(f"must end in {suffix}", param_hint="OUT")
    from super_resolution_gans.export import BOUND, SIZES, ExistsError, export_model
    from super_resolution_gans.prediction.catalogue import INTERPOLATIONS, find_weights

    if model in INTERPOLATIONS:
        fail(f"{model}: is an interpolation, it has no weights")
    try:
        path = find_weights(model)
        done = export_model(path, out or Path(path.stem + suffix), to, overwrite=overwrite)
    except ExistsError as error:
        fail(f"{error} (--overwrite replaces it)")
    except (ValueError, OSError) as error:
        fail(error)
    first = done.files[0]
    say(f"{' and '.join(map(str, done.files))}: {done.network}")
    say(
        f"differs from PyTorch by {done.difference:.1e} at most, of values in [0, 1], on images "
        f"of {len(SIZES)} sizes ({BOUND:g} is allowed)"
    )
    say(f"to use it: srgan upscale INPUT -o OUT --model {first}")
    say("or elsewhere: image (n, c, h, w), float32 in [0, 1] -> upscaled, not clipped")
