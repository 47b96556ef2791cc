"""``srgan info``: what a file is, a scan or a model."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from super_resolution_gans.cli import completion
from super_resolution_gans.cli.messages import error, one_line, say
from super_resolution_gans.cli.model import describe_model


def info(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE",
            autocompletion=completion.shipped_models,
            help="Scans, models (files, or names of shipped ones).",
        ),
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="As JSON; of several files a list of documents.")
    ] = False,
    max_pixels: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Most pixels of a slice. [default: 100 million]"),
    ] = None,
) -> None:
    """Say what scans are (format, size, spacing, numbers, how they came to be) and what models are.

    The content decides which it is. Nothing in a file is executed. Exit status: 0, or 1 if one of
    them is neither, or damaged.
    """
    documents: list[dict[str, Any]] = []
    for number, name in enumerate(files):
        try:
            model = _is_model(name)
            document = describe_model(name) if model else _describe_scan(name, max_pixels)
        except (ValueError, OSError) as problem:
            error(one_line(problem))
            continue
        documents.append(document)
        if not as_json:
            words = _model_in_words(document) if model else _scan_in_words(document)
            say(("\n" if number else "") + _lines(words))
    if as_json and documents:
        shown = documents if len(files) > 1 else documents[0]
        say(json.dumps(shown, indent=2, ensure_ascii=False))
    if len(documents) < len(files):
        raise typer.Exit(1)


def _is_model(name: str) -> bool:
    """By its content, or by its name if there is no such file."""
    from super_resolution_gans.io.read import format_of
    from super_resolution_gans.prediction.catalogue import MODEL_SUFFIXES, known_models

    path = Path(name)
    if name in known_models():
        return True
    named_so = path.suffix.lower() in MODEL_SUFFIXES
    if not path.is_file():
        return not path.exists() and (named_so or not path.suffix)
    with path.open("rb") as file:
        head = file.read(200)
    if b"<net " in head:  # an exported model, which is XML as well
        return True
    if format_of(path) is not None:
        return False
    # HDF5 (Keras), ZIP and pickle (PyTorch), and the length before the header of .safetensors.
    return named_so or head.startswith((b"\x89HDF", b"PK", b"\x80")) or head[8:9] == b"{"


def _describe_scan(name: str, max_pixels: int | None) -> dict[str, Any]:
    from super_resolution_gans.io.describe import describe_scan
    from super_resolution_gans.prediction.provenance import sha256

    return {"file": name, **describe_scan(name, max_pixels=max_pixels), "sha256": sha256(name)}


def _lines(words: dict[str, str]) -> str:
    from super_resolution_gans.scan import printable

    width = max(map(len, words))
    return "\n".join(f"{name:<{width}}  {printable(text)}" for name, text in words.items())


def _model_in_words(document: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in document.items() if name != "card"}


def _scan_in_words(scan: dict[str, Any]) -> dict[str, str]:
    count, numbers = scan["slices"], scan["numbers"]
    low, high = scan["value_range"]
    words = {
        "file": scan["file"],
        "format": scan["format"],
        "size": f"{count} slice{'s' * (count > 1)} of {scan['width']} x {scan['height']} pixels, "
        + ("colour" if scan["channels"] == 3 else "grey"),
        "numbers": f"{scan['dtype']}, {low:g} is black and {high:g} is white",
        "minimum": f"{numbers['minimum']:g}",
        "maximum": f"{numbers['maximum']:g}",
        "mean": f"{numbers['mean']:.6g}",
        "exactly black": f"{numbers['black']:.4%} of pixels",
        "exactly white": f"{numbers['white']:.4%} of pixels",
        "spacing": _in_mm(scan["spacing_mm"], "between slices", "between rows", "between columns"),
        "in mm": _in_mm(scan["size_mm"], "across slices", "high", "wide"),
        **{str(name): str(text) for name, text in scan["details"].items()},
    }
    for name, value in scan["about"].items():
        words[f"made: {name}"] = value if isinstance(value, str) else json.dumps(value)
    return {**words, "sha256": scan["sha256"]}


def _in_mm(sizes: list[float | None], *names: str) -> str:
    known = [f"{mm:.4g} mm {name}" for mm, name in zip(sizes, names, strict=True) if mm]
    missing = [name for mm, name in zip(sizes, names, strict=True) if not mm]
    if not known:
        return "unknown"
    return ", ".join([*known, *(f"unknown {name}" for name in missing)])
