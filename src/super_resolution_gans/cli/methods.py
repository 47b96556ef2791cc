"""What ``srgan evaluate`` measures: interpolations and models, one at several fidelities."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from super_resolution_gans.prediction.upscaler import Upscaler
    from super_resolution_gans.prediction.versions import Version

BASELINES = ("nearest", "bilinear", "bicubic", "lanczos")
PLAIN = ", no consistency"


def load_methods(
    load: "Callable[..., Upscaler]",
    models: Sequence[str] | None,
    fidelities: Sequence[float | None],
    faithful: str | None,
    *,
    baselines: bool,
    consistency: bool | None,
) -> "dict[str, Upscaler | Version]":
    """Interpolations, then the first model at each fidelity, then the other models.

    Args:
        load: makes an upscaler of a model, its consistency, a fidelity and its faithful partner.
        models: ``MODEL`` or ``NAME=MODEL``; by default the shipped one.
        fidelities: of the first model; None is the model by itself.
        faithful: its partner, if it is no shipped model.
        baselines: whether interpolations are wanted beside the models.
        consistency: see :func:`load_upscaler`; by default those that agree with the scan are
            measured without that too, unless there are several fidelities.

    Returns:
        {name: upscaler}; two of one name go by what was given for them.

    Raises:
        ValueError: if a model cannot be loaded, or mixed.
    """
    from super_resolution_gans.prediction import DEFAULT_MODEL
    from super_resolution_gans.prediction.versions import versions

    given = list(dict.fromkeys(models or [DEFAULT_MODEL]))
    plain = [name for name in BASELINES if baselines and name not in given]
    loaded = [(text, "", *_named(load, text)) for text in plain]
    for share in fidelities:
        mixed = partial(load, fidelity=share, faithful=faithful)
        suffix = "" if share is None else f" at fidelity {share:g}"
        loaded.append((given[0], suffix, *_named(mixed, given[0], consistency, suffix)))
    loaded += [(text, "", *_named(load, text, consistency)) for text in given[1:]]
    names = [name for _, _, name, _ in loaded]
    both = consistency is None and len(fidelities) == 1
    found: dict[str, Upscaler | Version] = {}
    for text, suffix, name, upscaler in loaded:
        row = name if names.count(name) == 1 else f"{text}{suffix}"
        if both and upscaler.agreement.enforced:
            found[row], found[row + PLAIN] = versions(upscaler)
        else:
            found[row] = upscaler
    return found


def _named(
    load: "Callable[..., Upscaler]", text: str, consistency: bool | None = None, suffix: str = ""
) -> "tuple[str, Upscaler]":
    """A model by ``MODEL`` or ``NAME=MODEL``, with the name it goes by."""
    label, equals, path = text.partition("=")
    plain = not (equals and label and path) or re.search(r"[/\\]", label) or Path(text).exists()
    path = text if plain else path
    # Interpolation is measured as everybody knows it.
    upscaler = load(path, consistency=None if path in BASELINES else consistency)
    return upscaler.name if plain else f"{label}{suffix}", upscaler
