"""From a model's name to upscaled images: the one way in for every command and script."""

import operator
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from super_resolution_gans.models.generator import SRResNet
from super_resolution_gans.models.upsampler import Upsampler
from super_resolution_gans.prediction.catalogue import DEFAULT_MODEL, INTERPOLATIONS, find_weights
from super_resolution_gans.prediction.devices import fast_precision, pick_device, pick_precision
from super_resolution_gans.prediction.domain_statistics import statistics_for
from super_resolution_gans.prediction.downsampling import agreement
from super_resolution_gans.prediction.engines import (
    Engine,
    Reduced,
    SelfEnsemble,
    make_engine,
    pick_engine,
)
from super_resolution_gans.prediction.errors import PredictionError
from super_resolution_gans.prediction.fidelity import Partner, find_partner, read_model
from super_resolution_gans.prediction.interpolation import Interpolation
from super_resolution_gans.prediction.provenance import Provenance, sha256
from super_resolution_gans.prediction.tiles import Pair
from super_resolution_gans.prediction.upscaler import Upscaler
from super_resolution_gans.runtimes.exported import SUFFIXES, Exported, read_exported
from super_resolution_gans.runtimes.libraries import library_version
from super_resolution_gans.version import __version__

__all__ = ["Upscaler", "load_upscaler"]


def load_upscaler(
    name_or_path: str | os.PathLike[str] = DEFAULT_MODEL,
    *,
    scale: int | Pair | None = None,
    device: str = "auto",
    precision: str = "auto",
    tile: int | None = None,
    engine: str = "auto",
    consistency: bool | None = None,
    noise: float = 0.0,
    fidelity: float | None = None,
    faithful: str | os.PathLike[str] | None = None,
    ensemble: bool = False,
) -> Upscaler:
    """Make a model ready.

    Args:
        name_or_path: a shipped model (``catalogue.SHIPPED``), an interpolation (``nearest``,
            ``bilinear``, ``bicubic``, ``lanczos``) or a file of weights: .safetensors, or what
            Keras (.h5, .keras) or PyTorch (.pth) wrote of a known kind of generator; or what
            ``srgan export`` wrote (.onnx, .xml), to be trusted like the library that runs it.
        scale: factor, or (vertical, lateral) factors. By default the network's own; 4 for
            interpolation. A network also gives every scale that divides its own: its result is
            downsampled by the antialiased bicubic kernel.
        device: ``auto`` (CUDA, else MPS, else CPU) or what torch calls it.
        precision: ``auto``, ``float32``, ``bfloat16`` or ``float16``: what the network computes
            in. Results are float32 always. ``auto`` is what the hardware is fast at for networks
            of ours on 8-bit images, and float32 for other networks and other images, in which the
            deviation could be seen (docs/speed.md).
        tile: largest side of a tile without its halo, in input pixels; smaller needs less memory.
        engine: what runs a network: ``auto``, ``torch``, ``openvino`` or ``onnxruntime``. The
            latter two run on the CPU; ``auto`` is the library that an exported file is made for;
            otherwise OpenVINO where it is installed and was measured to be faster, else torch.
        consistency: whether results are made to agree with the scan (docs/trust.md). By default
            where the model's file declares the downsampling that it inverts; of others that is
            taken to be the antialiased bicubic one if agreement is asked for.
        noise: standard deviation of the noise in the scan, in units of [0, 1]: the stronger, the
            less the result is drawn to it.
        fidelity: mixes the weights of the model with those of the faithful one it was trained
            from: 1 is the faithful network (SRResNet), 0 the model's own (SRGAN). By default
            nothing is mixed.
        faithful: that other model, a name or a file; shipped models know theirs.
        ensemble: a network's result is the mean of those of the image and its lateral mirror image
            (:class:`SelfEnsemble`): nearer to the truth in mean square, twice as slow.
            Interpolation stays what it is.

    Raises:
        ValueError: if there is no such model, device or precision, the model cannot be used, or
            it has no such scale or fidelity. The message is one line.
    """
    wanted = _pair(scale)
    if tile is not None and tile < 1:
        raise PredictionError("tile", f"must be at least 1 pixel, not {tile}")
    elsewhere = engine in ("openvino", "onnxruntime") or _is_exported(name_or_path)
    chosen = pick_device("cpu" if device == "auto" and elsewhere else device)
    dtype = pick_precision(precision)
    # Of the engines only torch knows float16.
    wish = "torch" if engine == "auto" and dtype == "float16" else engine
    kind = pick_engine(wish, chosen, Path(name_or_path).suffix)
    partner = find_partner(name_or_path, fidelity, faithful)
    if name_or_path in INTERPOLATIONS:
        name = os.fspath(name_or_path)
        interpolation = Interpolation(name, wanted or (4, 4))
        library = library_version("pillow")
        assumed = agreement({}, interpolation.scale, consistency, noise)
        story = Provenance(
            name, None, interpolation.scale, "float32", "cpu", __version__, library, str(assumed)
        )
        return Upscaler(interpolation, story, tile, agreement=assumed)
    path = find_weights(name_or_path)
    network, card = _network(path, partner)
    if network.channels not in (1, 3):
        raise PredictionError(path, f"has {network.channels} channels; images have 1 or 3")

    def make(dtype: str) -> Engine:
        runs = make_engine(network, kind, chosen, dtype)
        return _scaled(SelfEnsemble(runs) if ensemble else runs, wanted, path)

    fast = dtype
    if dtype == "auto":
        # Of other people's networks nobody has measured what a short type does to them.
        ours = isinstance(network, SRResNet) and kind != "onnxruntime"
        fast = fast_precision(chosen) if ours else "float32"
    runs = make(fast)
    exact = (lambda: make("float32")) if dtype == "auto" and fast != "float32" else None
    name = path.stem if path.suffix == ".safetensors" else path.name
    known = agreement(card, runs.scale, consistency, noise)
    library = library_version(kind)
    story = Provenance(
        name, sha256(path), runs.scale, fast, chosen.type, __version__, library, str(known)
    )
    story = replace(story, ensemble=ensemble)
    if partner is not None:
        story = partner.told(story)
    return Upscaler(runs, story, tile, exact, agreement=known, statistics=statistics_for(card))


def _network(path: Path, partner: Partner | None) -> tuple[Upsampler | Exported, Mapping[str, Any]]:
    """A network from a file, mixed if it has a partner, and its card."""
    if _is_exported(path):
        exported = read_exported(path)
        return exported, exported.facts.card
    model = read_model(path, partner)
    return model.network, model.card


def _is_exported(path: str | os.PathLike[str]) -> bool:
    return Path(path).suffix.lower() in SUFFIXES


def _scaled(engine: Engine, wanted: Pair | None, path: Path) -> Engine:
    if wanted is None or wanted == engine.scale:
        return engine
    try:
        return Reduced(engine, wanted)
    except ValueError:
        own = "x".join(map(str, engine.scale))
        raise PredictionError(
            path.stem,
            f"upscales {own}; a scale of {'x'.join(map(str, wanted))} does not divide that "
            "(interpolation takes any scale)",
        ) from None


def _pair(scale: int | Pair | None) -> Pair | None:
    if scale is None:
        return None
    given = tuple(scale) if isinstance(scale, tuple | list) else (scale, scale)
    try:
        vertical, lateral = (operator.index(factor) for factor in given)
    except (TypeError, ValueError):
        vertical, lateral = 0, 0
    if not 1 <= min(vertical, lateral) <= max(vertical, lateral) <= 64 or vertical * lateral == 1:
        shown = "x".join(map(str, given))
        raise PredictionError(
            "scale", f"{shown} is not one or two whole factors from 1 to 64, and more than 1x1"
        )
    return vertical, lateral
