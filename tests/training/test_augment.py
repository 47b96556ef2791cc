"""Runs on varied crops."""

from pathlib import Path
from typing import Any

import pytest
import torch

from super_resolution_gans.models.checkpoint import load_generator
from super_resolution_gans.training.recipe import Recipe, parse_recipe
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
