"""Runs of a generator without BatchNorm."""

from pathlib import Path
from typing import Any

import pytest
import torch

from super_resolution_gans.models.checkpoint import load_generator, save_generator
from super_resolution_gans.models.generator import SRResNet
from super_resolution_gans.training.checkpoint import TrainingError
from super_resolution_gans.training.logbook import read_metrics
from super_resolution_gans.training.recipe import Recipe, RecipeError, parse_recipe
from super_resolution_gans.training.run import recalibrate, train

pytest.importorskip("lightning", reason="training needs the extra [train]")


def bare(recipe: Recipe, updates: int = 6, **values: Any) -> Recipe:
    changed = recipe.model_dump()
    changed["model"]["norm"] = "none"
    changed["schedules"]["cpu"].update(updates=updates)
    return parse_recipe({**changed, **values}, "bare")


def test_it_learns_and_comes_back_as_what_it_is(
    tiny: Recipe, store_path: Path, tmp_path: Path
) -> None:
    recipe = bare(tiny, updates=40)
    outcome = train(recipe, store_path, tmp_path / "run", device="cpu")
    model = load_generator(outcome.model)
    assert model.network.architecture()["norm"] == "none"
    assert model.card["recipe"]["model"]["norm"] == "none"
    psnr = [r["psnr"] for r in read_metrics(tmp_path / "run") if r["split"] == "val"]
    assert psnr[-1] > psnr[0] + 1


def test_a_game_goes_on_from_it_and_frozen_statistics_say_nothing(
    tiny: Recipe, store_path: Path, tmp_path: Path
) -> None:
    start = train(bare(tiny), store_path, tmp_path / "start", device="cpu").model
    discriminator = {"kind": "patch", "width": 4, "layers": 2}
    game = {"phase": "adversarial", "adversarial": {"discriminator": discriminator}}
    games = [bare(tiny, freeze_batch_norm=frozen, **game) for frozen in (False, True)]
    ends = [
        load_generator(train(r, store_path, tmp_path / f"{i}", init=start, device="cpu").model)
        for i, r in enumerate(games)
    ]
    plain, frozen = (end.network.state_dict() for end in ends)
    assert all(torch.equal(plain[name], frozen[name]) for name in plain)
    assert not torch.equal(plain["head.weight"], load_generator(start).network.head.weight)


def test_frozen_statistics_need_no_start_where_there_are_none(
    tiny: Recipe, store_path: Path, tmp_path: Path
) -> None:
    recipe = bare(tiny, updates=1, freeze_batch_norm=True)
    assert train(recipe, store_path, tmp_path / "run", device="cpu").finished


@pytest.mark.parametrize("norm", ["batch", "none"])
def test_weights_of_the_other_norm_are_no_start(
    tiny: Recipe, store_path: Path, tmp_path: Path, norm: str
) -> None:
    start = tmp_path / "start.safetensors"
    save_generator(SRResNet(blocks=1, width=8, norm=norm), start)
    recipe = tiny if norm == "none" else bare(tiny)
    with pytest.raises(TrainingError, match=rf"start\.safetensors: has .*'{norm}'\), the recipe"):
        train(recipe, store_path, tmp_path / "run", init=start, device="cpu")


def test_there_is_nothing_to_recalibrate() -> None:
    network = SRResNet(blocks=1, width=4, norm="none")
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    recalibrate(network, iter(()))
    assert not network.training
    assert all(torch.equal(before[name], found) for name, found in network.state_dict().items())


def test_a_norm_that_is_not_known_is_one_line(tiny: Recipe) -> None:
    with pytest.raises(RecipeError, match=r"^x: model\.norm = 'instance': .*'batch' or 'none'$"):
        parse_recipe({**tiny.model_dump(), "model": {"norm": "instance"}}, "x")
