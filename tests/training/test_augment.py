"""Runs on varied crops."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from super_resolution_gans.data.inventory import find_entries
from super_resolution_gans.data.split import assign_splits
from super_resolution_gans.data.store import pack
from super_resolution_gans.models.checkpoint import load_generator
from super_resolution_gans.training.recipe import Recipe, load_recipe, parse_recipe
from super_resolution_gans.training.run import train

pytest.importorskip("lightning", reason="training needs the extra [train]")
AUGMENT = {"gamma": [0.8, 1.25], "gain": [0.9, 1.1], "rotation": 4, "speckle": [0, 0.1]}
SMALL = {"blocks": 1, "width": 8, "norm": "none"}


def varied(recipe: Recipe, augment: dict[str, Any], **values: Any) -> Recipe:
    return parse_recipe({**recipe.model_dump(), "augment": augment, **values}, "varied")


def test_a_varied_run_is_another_and_the_same_again(
    tiny: Recipe, store_path: Path, tmp_path: Path
) -> None:
    schedule = tiny.schedules.cpu.model_copy(update={"updates": 2, "validate_every": 2})
    values = {"schedules": {"cpu": schedule.model_dump()}, "model": SMALL}
    heads = {}
    for name, augment in (("none", {}), ("all", AUGMENT), ("again", AUGMENT)):
        recipe = varied(tiny, augment, **values)
        model = load_generator(train(recipe, store_path, tmp_path / name, device="cpu").model)
        assert model.card["recipe"]["augment"] == recipe.augment.model_dump(mode="json")
        heads[name] = model.network.head.weight
    assert torch.equal(heads["again"], heads["all"])
    assert not torch.equal(heads["none"], heads["all"])


def test_scans_too_small_for_a_rotation_are_named(
    tiny: Recipe, store_path: Path, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="no scan of split 'train' is as large as a crop with its"):
        train(
            varied(tiny, {"rotation": 45}, crops={"size": 80}),
            store_path,
            tmp_path / "run",
            device="cpu",
        )
    assert not (tmp_path / "run").exists()


def ready_pairs(scans: Path, folder: Path) -> Path:
    """A store of the scans and of LR twins that nobody degraded here."""
    for part in ("HR", "LR"):
        (folder / part).mkdir(parents=True)
    for path in sorted(scans.iterdir()):
        pixels = np.asarray(Image.open(path))
        Image.fromarray(pixels).save(folder / "HR" / path.name)
        Image.fromarray(pixels[1::4, 1::4]).save(folder / "LR" / path.name)
    pack(assign_splits(find_entries(folder), (4 / 6, 1 / 6, 1 / 6)), folder / "store")
    return folder / "store"


SHORT = [
    "pairs=ready",
    "crops.size=48",
    *(f"model.{key}" for key in ("blocks=1", "width=8")),
    *(f"schedules.cpu.{key}" for key in ("updates=2", "validate_every=2", "batch=2")),
]


def test_the_shipped_recipe_trains_on_ready_pairs_without_the_padding_it_makes_up(
    scans: Path, tmp_path: Path
) -> None:
    store = ready_pairs(scans, tmp_path / "pairs")
    heads = []
    for share in (0.0, 1.0):
        recipe = load_recipe("oct-srresnet-x4", [*SHORT, f"augment.padding={share}"])
        run = train(recipe, store, tmp_path / f"run-{share}", device="cpu")
        heads.append(load_generator(run.model).network.head.weight)
    assert load_recipe("oct-srresnet-x4").augment.padding > 0
    assert torch.equal(*heads)


def test_other_variations_of_ready_pairs_are_refused(scans: Path, tmp_path: Path) -> None:
    store = ready_pairs(scans, tmp_path / "pairs")
    recipe = load_recipe("oct-srresnet-x4", [*SHORT, "augment.gain=[0.9, 1.1]"])
    with pytest.raises(ValueError, match="LR twins that are ready-made would not follow"):
        train(recipe, store, tmp_path / "run", device="cpu")
