"""What makes a run this run and no other, and the folder that belongs to it."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from super_resolution_gans.data.store import Store
from super_resolution_gans.io.atomic import replacing
from super_resolution_gans.io.hidden import sweep
from super_resolution_gans.training.checkpoint import TrainingError, load_state
from super_resolution_gans.training.recipe import Recipe

_SHOWN = 3  # changed keys that a message names


def identify(
    recipe: Recipe,
    store: Store,
    init: str | os.PathLike[str] | None,
    features_sha256: str | None = None,
    processes: int = 1,
) -> dict[str, Any]:
    """What makes a run this run and no other: digests of recipe, data, start and extractor.

    So is the number of processes, since BatchNorm sees the part of a batch that one has. Keys of
    the recipe count where they differ from their defaults: a run outlives keys that are new.
    """
    told = recipe.model_dump_json(exclude_defaults=True)
    return {
        "recipe_sha256": hashlib.sha256(told.encode()).hexdigest(),
        "data_sha256": store.digest,
        "init_sha256": None if init is None else _file_digest(init),
        "features_sha256": features_sha256,
        "seed": recipe.seed,
        "processes": processes,
    }


def _file_digest(path: str | os.PathLike[str]) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def claim(
    folder: Path,
    identity: dict[str, Any],
    recipe: Recipe,
    *,
    force: bool = False,
    on_warning: Callable[[str], None] | None = None,
) -> dict[str, Any] | None:
    """Make the run folder, or check that what lies there is this very run; returns its state.

    Args:
        folder: of the run.
        identity: from :func:`identify`.
        recipe: kept beside it, for people.
        force: go on with a run of another identity; ``run.json`` then lists those it had.
        on_warning: called with a line about what was forced, or about a checkpoint that is torn.

    Raises:
        TrainingError: if something else lies there, or what does cannot be read.
    """
    warn = on_warning or (lambda _: None)
    described, asked = folder / "run.json", folder / "recipe.yaml"
    if not described.is_file():
        if folder.exists() and any(folder.iterdir()):
            raise TrainingError(f"{folder}: is not empty and not a run; choose another --out")
        folder.mkdir(parents=True, exist_ok=True)
        # First, because from now on the folder is a run.
        _describe(described, identity)
        _ask(asked, recipe)
        return None
    known = _read(described)
    changed = [key for key in identity if known.get(key) != identity[key]]
    if changed and not force:
        raise TrainingError(
            f"{folder}: holds a run with another {_words(changed, known, identity)}"
            f"{_differences(asked, recipe)}; choose another --out to start a new one, or go on "
            "with this one by --force"
        )
    sweep(folder)
    state = load_state(folder, on_warning)
    if changed:
        names = _words(changed, known, identity)
        warn(f"{folder}: going on with another {names}{_differences(asked, recipe)}")
        former = {key: known.get(key) for key in changed}
        former["until_update"] = int(state["done"]) if state else 0
        history = [*known.get("forced", []), former]
        _describe(described, {**identity, "forced": history})
        _ask(asked, recipe)
    elif not asked.is_file():
        _ask(asked, recipe)
    return state


def _words(changed: list[str], known: dict[str, Any], identity: dict[str, Any]) -> str:
    words = {
        "init_sha256": "start (--init)",
        "features_sha256": "file of features",
        "processes": f"number of processes ({known['processes']} -> {identity['processes']})",
    }
    return " and another ".join(words.get(key, key.removesuffix("_sha256")) for key in changed)


def _describe(path: Path, identity: dict[str, Any]) -> None:
    with replacing(path) as file:
        file.write(json.dumps(identity, indent=1).encode() + b"\n")


def _ask(path: Path, recipe: Recipe) -> None:
    with replacing(path) as file:
        file.write(yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False).encode())


def _differences(asked: Path, recipe: Recipe) -> str:
    """`` (key: old -> new, ...)`` for the first few keys; empty if the old ones are not known."""
    try:
        old = yaml.safe_load(asked.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return ""
    before, after = _flat(old), _flat(recipe.model_dump(mode="json"))
    changes = [
        f"{key}: {before.get(key)} -> {after.get(key)}"
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    ]
    if not changes:
        return ""
    more = f" and {len(changes) - _SHOWN} more" if len(changes) > _SHOWN else ""
    return f" ({', '.join(changes[:_SHOWN])}{more})"


def _flat(values: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(values, dict):
        return {prefix.removesuffix("."): values}
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat.update(_flat(value, f"{prefix}{key}."))
    return flat


def _read(described: Path) -> dict[str, Any]:
    try:
        known = json.loads(described.read_text(encoding="utf-8"))
    except ValueError:
        known = None
    if not isinstance(known, dict):
        raise TrainingError(f"{described}: does not say what run it is; choose another --out")
    known.setdefault("processes", 1)  # written before there were several
    return known
