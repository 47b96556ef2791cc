"""A recipe: everything a training run is, except the path to its data.

Recipes are YAML. Those of the package lie in ``super_resolution_gans/recipes``; a path to any other
file works as well. ``base`` names another recipe, whose keys hold where the file has none of its
own, so that a variant is the lines that differ. Unknown keys are errors that name the nearest known
one.
"""

import contextlib
import difflib
import importlib.resources
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from super_resolution_gans.losses import LEDIG_SCALE
from super_resolution_gans.scan import printable

Factor = Annotated[int, Field(ge=1, le=32)]
Scale = tuple[Factor, Factor]
Interval = tuple[Annotated[float, Field(ge=0)], Annotated[float, Field(ge=0)]]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Precision = Literal["32-true", "bf16-mixed", "16-mixed"]
_ALIKE = 0.7  # similarity by difflib from which a name is taken for a misspelt one


class RecipeError(ValueError):
    """A recipe cannot be used; the message is one line that names it and the reason."""

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelSection(_Section):
    """The generator (SRResNet); ``noise`` is injected into its features, by learned amounts."""

    channels: Literal[1, 3] = 1
    scale: Scale = (4, 4)
    blocks: Annotated[int, Field(ge=1, le=256)] = 16
    width: Annotated[int, Field(ge=1, le=1024)] = 64
    noise: bool = False


class DegradationSection(_Section):
    """How LR is made from HR; intervals are drawn from uniformly, once an update."""

    kernels: tuple[Literal["bicubic", "area", "decimate"], ...] = ("bicubic",)
    blur: Interval = (0.0, 0.0)
    speckle: Interval = (0.0, 0.0)
    noise: Interval = (0.0, 0.0)
    levels: Annotated[int, Field(ge=0, le=65535)] = 255


class CropSection(_Section):
    """Which crops are trained on; ``size`` in HR pixels.

    ``datasets``: ``equal`` to draw each dataset of the store as often, or {name: weight} of those
    to draw from; by their area if not given.
    """

    size: Annotated[int, Field(ge=8, le=1024)] = 96
    background_share: Share = 0.1
    padding_share: Share = 0.0
    flip_lateral: bool = True
    flip_axial: bool = False
    datasets: Literal["equal"] | dict[str, Weight] | None = None


class ContentSection(_Section):
    """What ties SR to HR: a pixel loss, features of a network, or both; a weight of 0 leaves out.

    ``pixel_weight`` and ``total_variation`` are for images in [0, 1]: those of a paper that works
    in [-1, 1] are 4 (MSE) or 2 (L1, total variation) times as large here.

    ``features``: a layer of VGG (``vgg19.relu2_2``), several of one network, several with weights,
    or the import path of a module of your own (``package.module:factory``). They are compared by
    ``features_distance`` after multiplication by ``features_scale`` (the paper's 1/12.75).

    ``spectrum`` and ``grid``: weights of the differences of power spectra in decades^2, over all
    frequencies and at those of a grid; see ``losses.spectrum``. ``subpixel_bias``: of the variance
    of the error between the pixels of a block, in grey levels^2 (of 8 bit). ``texture``: of the
    difference of power spectra in the same place, in decades^2. ``consistency``: of the mean
    difference after both images are shrunk by antialiased bicubic, in grey levels.

    ``weighing``: ``fixed`` takes the weights as they are. ``measured`` divides the pixel loss and
    each layer by what they are at the start of the phase, so that every weight is a share of the
    content loss and another extractor needs no other weights.
    """

    pixel: Literal["mse", "l1", "charbonnier"] = "mse"
    pixel_weight: Weight = 1.0
    features: str | tuple[str, ...] | dict[str, Weight] | None = None
    features_weight: Weight = 1.0
    features_distance: Literal["mse", "l1"] = "mse"
    features_scale: Annotated[float, Field(gt=0)] = LEDIG_SCALE
    total_variation: Weight = 0.0
    spectrum: Weight = 0.0
    grid: Weight = 0.0
    subpixel_bias: Weight = 0.0
    texture: Weight = 0.0
    consistency: Weight = 0.0
    weighing: Literal["fixed", "measured"] = "fixed"


class DiscriminatorSection(_Section):
    """Who tells SR from HR; see ``models/discriminator.py``.

    ``dense`` is of the paper's discriminator, ``layers`` of the others, ``scales`` of
    ``multiscale``; ``noise`` is a standard deviation in units of the image.
    """

    kind: Literal["paper", "patch", "multiscale"] = "paper"
    width: Annotated[int, Field(ge=1, le=1024)] = 64
    dense: Annotated[int, Field(ge=1, le=65536)] = 1024
    layers: Annotated[int, Field(ge=1, le=8)] = 3
    scales: Annotated[int, Field(ge=1, le=8)] = 3
    spectral: bool = False
    noise: Share = 0.0


class AdversarialSection(_Section):
    """The game of phase 2.

    ``weight`` multiplies the generator's adversarial loss, and rises to that from 0 over the first
    ``ramp`` updates. ``r1`` is the weight of the gradient penalty on HR in [0, 1] (0: none; a
    quarter of one for [-1, 1]). The discriminator learns at ``discriminator_rate`` times the
    generator's rate of the moment.
    """

    loss: Literal["vanilla", "least_squares", "hinge", "relativistic"] = "vanilla"
    weight: Weight = 1e-3
    ramp: Annotated[int, Field(ge=0)] = 0
    r1: Weight = 0.0
    discriminator_rate: Annotated[float, Field(gt=0)] = 1.0
    discriminator_betas: tuple[Share, Share] = (0.9, 0.999)
    discriminator: DiscriminatorSection = DiscriminatorSection()


class Schedule(_Section):
    """How long and how fast; a recipe has one for the CPU and one for a GPU.

    ``decay``: the learning rate rises linearly over ``warmup`` updates, then stays (``none``), is a
    tenth from half of the updates on (``half``, as the paper's SRGAN), or falls along half a cosine
    to a hundredth (``cosine``).

    ``batch`` is that of an update, over all processes. Each process computes its share of it in
    ``accumulate`` parts, for want of memory; see docs/training-scale.md for what then differs.
    """

    updates: Count = 100_000
    batch: Count = 16
    accumulate: Count = 1
    learning_rate: Annotated[float, Field(gt=0)] = 1e-4
    warmup: Annotated[int, Field(ge=0)] = 0
    decay: Literal["none", "half", "cosine"] = "none"
    precision: Precision | Literal["auto"] = "auto"
    compile: bool = False
    log_every: Count = 100
    validate_every: Count = 1000
    checkpoint_every: Count = 1000
    panel_every: Count = 5000


class Schedules(_Section):
    """One schedule per kind of device."""

    cpu: Schedule = Schedule()
    gpu: Schedule = Schedule()


class Recipe(_Section):
    """One training run, without its data.

    ``jitter``: extractor and discriminator see SR and HR without a border of this many HR pixels in
    all, at an offset drawn for every update. Their strides draw gradients with periods of 2, 4, 8
    pixels; always at the same place, these would add up to a grid in the image.

    ``freeze_batch_norm``: BatchNorm of the generator keeps the statistics it started with
    (``--init``), so that the network trained is the network shipped.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
    description: str = ""
    phase: Literal["pretrain", "adversarial"] = "pretrain"
    pairs: Literal["degrade", "ready"] = "degrade"
    model: ModelSection = ModelSection()
    degradation: DegradationSection = DegradationSection()
    crops: CropSection = CropSection()
    content: ContentSection = ContentSection()
    adversarial: AdversarialSection = AdversarialSection()
    jitter: Annotated[int, Field(ge=0, le=1024)] = 0
    freeze_batch_norm: bool = False
    betas: tuple[Share, Share] = (0.9, 0.999)
    ema_decay: Share = 0.999
    seed: Annotated[int, Field(ge=0)] = 1
    schedules: Schedules = Schedules()


def shipped_recipes() -> dict[str, Path]:
    """Name -> file of every recipe in the package."""
    folder = Path(str(importlib.resources.files("super_resolution_gans"))) / "recipes"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def load_recipe(name_or_path: str, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe by name or path and apply ``key=value`` overrides (keys with dots).

    Raises:
        RecipeError: if it or a ``base`` does not exist or is no YAML, or if it has unknown keys or
            impossible values.
    """
    values = _read(name_or_path, ())
    for override in overrides:
        _apply(values, override)
    return parse_recipe(values, str(name_or_path))


def _read(name_or_path: str, heirs: tuple[Path, ...]) -> dict[str, Any]:
    """The values of a recipe over those of its bases; ``heirs`` are the files that led here."""
    shipped = shipped_recipes()
    path = shipped.get(name_or_path) or Path(name_or_path)
    if heirs and name_or_path not in shipped:
        path = heirs[-1].parent / path  # beside the file that names it
    if not path.is_file():
        wanting = f"{heirs[-1]}: base " if heirs else ""
        raise RecipeError(
            f"{wanting}{name_or_path}: no such recipe or file{_nearest(name_or_path, shipped)}; "
            f"shipped are {', '.join(shipped)}"
        )
    if path.resolve() in heirs:
        raise RecipeError(f"{heirs[-1]}: base {name_or_path} is in turn based on it")
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        reason = " ".join(str(error).split())
        raise RecipeError(f"{path}: not readable as YAML ({reason})") from error
    if not isinstance(values, dict):
        raise RecipeError(f"{path}: a recipe is a mapping of keys to values")
    if "base" not in values:
        return values
    base = values.pop("base")
    if not isinstance(base, str):
        raise RecipeError(f"{path}: base = {base!r}: name one recipe")
    return _over(_read(base, (*heirs, path.resolve())), values)


def _over(base: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """``values`` where they are, those of ``base`` elsewhere; sections are merged key by key."""
    merged = dict(base)
    for key, value in values.items():
        old = merged.get(key)
        # Weights by name are one value: another extractor must not keep the layers of the old one.
        if (
            isinstance(old, dict)
            and isinstance(value, dict)
            and key not in ("features", "datasets")
        ):
            value = _over(old, value)
        merged[key] = value
    return merged


def parse_recipe(values: dict[str, Any], source: str) -> Recipe:
    """Check values against the schema.

    Raises:
        RecipeError: naming each wrong key, its value and the nearest known key.
    """
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        reasons = "; ".join(_reason(detail) for detail in error.errors())
        raise RecipeError(f"{source}: {reasons}") from error


def _apply(values: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key.strip():
        raise RecipeError(f"--set {override}: write it as key=value")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise RecipeError(f"--set {override}: the value is not readable as YAML") from error
    if isinstance(value, str):  # YAML 1.1 takes 1e-4 for text
        with contextlib.suppress(ValueError):
            value = float(value)
    *sections, last = key.strip().split(".")
    for section in sections:
        values = values.setdefault(section, {})
        if not isinstance(values, dict):
            raise RecipeError(f"--set {override}: {section!r} is a value, not a section")
    values[last] = value


def _reason(detail: Any) -> str:
    key = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        return f"unknown key {key!r}{_nearest(key, known_keys())}"
    if detail["type"] == "missing":
        return f"key {key!r} is missing"
    return f"{key} = {detail['input']!r}: {detail['msg'][:1].lower()}{detail['msg'][1:]}"


def known_keys(section: type[BaseModel] = Recipe, prefix: str = "") -> Iterator[str]:
    """All keys and sections a recipe may have, with dots."""
    for name, field in section.model_fields.items():
        yield prefix + name
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from known_keys(inner, f"{prefix}{name}.")


def _nearest(name: str, known: Iterable[str]) -> str:
    """`` (did you mean ...?)``: the nearest whole name, else the nearest last part of one."""
    names = list(known)
    near = _closest(name, names)
    if near is None:
        by_last = {key.rsplit(".", 1)[-1]: key for key in reversed(names)}
        last = _closest(name.rsplit(".", 1)[-1], by_last)
        near = None if last is None else by_last[last]
    return f" (did you mean {near!r}?)" if near else ""


def _closest(name: str, known: Iterable[str]) -> str | None:
    """The most similar; of several, the one with the same letters, so that ``4x`` is ``x4``."""

    def likeness(other: str) -> tuple[float, float]:
        matcher = difflib.SequenceMatcher(None, other, name)
        return matcher.ratio(), matcher.quick_ratio()

    alike = [(likeness(other), other) for other in known]
    (ratio, _), best = max(alike, default=((0.0, 0.0), ""))
    return best if ratio >= _ALIKE else None
