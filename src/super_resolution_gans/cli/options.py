"""Options of the commands that upscale, and what they become."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from super_resolution_gans.cli import completion
from super_resolution_gans.cli.messages import parse_fill, parse_scale

if TYPE_CHECKING:
    from super_resolution_gans.prediction.maps import Maps
    from super_resolution_gans.prediction.upscale import Upscaler

Model = Annotated[
    str | None,
    typer.Option(
        metavar="MODEL",
        autocompletion=completion.models,
        help="A shipped model, a file (.safetensors, .h5, .keras, .pth, .onnx, .xml), or "
        "nearest, bilinear, bicubic, lanczos. "
        "[default: the shipped OCT model]",
    ),
]
Scale = Annotated[
    str | None,
    typer.Option(
        metavar="N|VxL",
        help="Factor, or vertical x lateral factors such as 1x4. A network also gives the "
        "factors that divide its own, by shrinking its result. [default: the model's own]",
    ),
]
Tile = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help="Largest side of a tile in input pixels; smaller needs less memory.",
    ),
]
Device = Annotated[
    str,
    typer.Option(
        metavar="DEVICE",
        autocompletion=completion.devices,
        help="auto, cpu, cuda, cuda:1, mps.",
    ),
]
Precision = Annotated[
    str,
    typer.Option(
        metavar="TYPE",
        autocompletion=completion.precisions,
        help="auto, float32, bfloat16, float16: what the network computes in. Results are not "
        "rounded to it. auto: what the hardware is fast at for 8-bit images, else float32.",
    ),
]
Engine = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        autocompletion=completion.engines,
        help="auto, torch, openvino, onnxruntime: what runs the network; the latter two run "
        'on the CPU and need pip install "SuperResolution-GANs[export]".',
    ),
]
Fidelity = Annotated[
    float | None,
    typer.Option(
        metavar="F",
        help="How faithful: 0 as the model invents, 1 as its faithful partner (SRResNet). "
        "[default: the model by itself]",
    ),
]
Faithful = Annotated[
    str | None,
    typer.Option(
        metavar="MODEL",
        autocompletion=completion.shipped_models,
        help="That partner; shipped models know theirs.",
    ),
]
Ensemble = Annotated[
    bool,
    typer.Option(
        "--ensemble",
        help="The mean of the results of the image and its mirror image: a little nearer to the "
        "truth, twice as slow.",
    ),
]
Consistency = Annotated[
    bool | None,
    typer.Option(
        "--consistency/--no-consistency",
        help="Make results agree with the scan: downsampled again, they are it. [default: "
        "where the model's file declares the downsampling that it inverts]",
    ),
]
Noise = Annotated[
    float,
    typer.Option(
        min=0,
        metavar="SIGMA",
        help="Standard deviation of the noise in the scan, as a share of its range: the "
        "stronger, the less results are drawn to the scan.",
    ),
]
Uncertainty = Annotated[
    bool,
    typer.Option(
        "--uncertainty",
        help="Beside each result: OUT-uncertainty.tif, half widths of intervals that hold the "
        "true value of a pixel nine times in ten, and OUT-uncertainty-overlay.png.",
    ),
]
MaxPixels = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help="Most pixels of a slice; what announces more is refused. [default: 100 million]",
    ),
]
Fill = Annotated[
    str | None,
    typer.Option(
        metavar="VALUE|min",
        help="What replaces NaN and infinite values, in the file's units. [default: refuse]",
    ),
]
Slices = Annotated[
    str | None,
    typer.Option("--slice", metavar="N|A:B", help="Only this slice, or A to B-1, from 0."),
]
Axis = Annotated[
    str,
    typer.Option(metavar="AXIS", help="bscan, or enface: slices of equal depth of a volume."),
]
Region = Annotated[
    str | None,
    typer.Option(metavar="T:B,L:R", help="Only these rows and columns of each slice."),
]
Format = Annotated[
    str | None,
    typer.Option(
        metavar="SUFFIX",
        help="Of results in a folder: tif, ome.tif, zarr, pngs, ... [default: as the input]",
    ),
]
KeepMetadata = Annotated[
    bool,
    typer.Option(
        "--keep-metadata",
        help="DICOM to DICOM: keep patient, study and dates, which are removed otherwise.",
    ),
]


def load(
    model: str | None,
    scale: str | None,
    *,
    uncertainty: bool = False,
    device: str = "auto",
    tile: int | None = None,
    **others: Any,
) -> "tuple[Upscaler, Maps | None]":
    """The model that was chosen, and what writes maps if that was.

    Args:
        others: of ``load_upscaler``, as they are.

    Raises:
        typer.BadParameter: if the scale is none.
        ValueError: if it cannot be had; one line.
    """
    factors = None if scale is None else parse_scale(scale)
    from super_resolution_gans.prediction.catalogue import DEFAULT_MODEL
    from super_resolution_gans.prediction.maps import load_maps
    from super_resolution_gans.prediction.upscale import load_upscaler

    name = DEFAULT_MODEL if model is None else model
    upscaler = load_upscaler(name, scale=factors, device=device, tile=tile, **others)
    return upscaler, load_maps(upscaler, device=device, tile=tile) if uncertainty else None


def reading(
    slices: str | None, axis: str, region: str | None, fill: str | None, max_pixels: int | None
) -> dict[str, Any]:
    """What ``upscale_files`` is told of reading.

    Raises:
        typer.BadParameter: if ``fill`` is neither a number nor min.
        ValueError: if the selection makes no sense; one line.
    """
    filled = None if fill is None else parse_fill(fill)
    from super_resolution_gans.io import parse_selection

    selection = parse_selection(slices, axis, region)
    return {"selection": selection, "fill": filled, "max_pixels": max_pixels}
