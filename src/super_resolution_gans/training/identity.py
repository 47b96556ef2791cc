"""What makes a run this run and no other, and the folder that belongs to it."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import yaml

from super_resolution_gans.data.store import Store
from super_resolution_gans.io.atomic import replacing, sweep
from super_resolution_gans.training.checkpoint import TrainingError, load_state
from super_resolution_gans.training.recipe import Recipe


def identify(recipe: Recipe, store: Store, init: str | os.PathLike[str] | None) -> dict[str, Any]:
    """What makes a run this run and no other."""
    return {
        "recipe_sha256": hashlib.sha256(recipe.model_dump_json().encode()).hexdigest(),
        "data_sha256": store.digest,
        "init_sha256": None if init is None else _file_digest(init),
        "seed": recipe.seed,
    }


def _file_digest(path: str | os.PathLike[str]) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def claim(folder: Path, identity: dict[str, Any], recipe: Recipe) -> dict[str, Any] | None:
    """Make the run folder, or check that what lies there is this very run; returns its state.

    Raises:
        TrainingError: if something else lies there, or what does cannot be read.
    """
    described, asked = folder / "run.json", folder / "recipe.yaml"
    if described.is_file():
        known = _read(described)
        changed = [key.split("_")[0] for key in identity if known.get(key) != identity[key]]
        if changed:
            raise TrainingError(
                f"{folder}: holds a run with another {' and another '.join(changed)}; "
                "choose another --out to start a new one"
            )
        sweep(folder)
    else:
        if folder.exists() and any(folder.iterdir()):
            raise TrainingError(f"{folder}: is not empty and not a run; choose another --out")
        folder.mkdir(parents=True, exist_ok=True)
        # First, because from now on the folder is a run.
        with replacing(described) as file:
            file.write(json.dumps(identity, indent=1).encode() + b"\n")
    if not asked.is_file():
        with replacing(asked) as file:
            file.write(yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False).encode())
    return load_state(folder)


def _read(described: Path) -> dict[str, Any]:
    try:
        known = json.loads(described.read_text(encoding="utf-8"))
    except ValueError:
        known = None
    if not isinstance(known, dict):
        raise TrainingError(f"{described}: does not say what run it is; choose another --out")
    return known
