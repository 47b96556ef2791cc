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
from pydantic import BaseModel, Field, ValidationError

from super_resolution_gans.scan import printable
from super_resolution_gans.training.sections import (
    AdversarialSection,
    AugmentSection,
    ContentSection,
    CropSection,
    DegradationSection,
    ModelSection,
    Schedules,
    Section,
    Share,
)

_ALIKE = 0.7  # similarity by difflib from which a name is taken for a misspelt one


class RecipeError(ValueError):
    """A recipe cannot be used; the message is one line that names it and the reason."""

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


class Recipe(Section):
    """One training run, without its data.

    ``jitter``: extractor and discriminator see SR and HR without a border of this many HR pixels in
    all, at an offset drawn for every update. Their strides draw gradients with periods of 2, 4, 8
    pixels; always at the same place, these would add up to a grid in the image.

    ``freeze_batch_norm``: BatchNorm of the generator keeps the statistics it started with
    (``--init``), so that the network trained is the network shipped. With ``model.norm: none`` it
    says nothing: there is none to freeze, and what is trained is shipped anyway.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
    description: str = ""
    phase: Literal["pretrain", "adversarial"] = "pretrain"
    pairs: Literal["degrade", "ready"] = "degrade"
    model: ModelSection = ModelSection()
    degradation: DegradationSection = DegradationSection()
    crops: CropSection = CropSection()
    augment: AugmentSection = AugmentSection()
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
    message = detail["msg"].removeprefix("Value error, ")
    return f"{key} = {detail['input']!r}: {message[:1].lower()}{message[1:]}"


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
