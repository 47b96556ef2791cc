"""Recipes: what may be written, and what is said when it may not."""

from pathlib import Path

import pytest
import yaml

from super_resolution_gans.training.recipe import (
    RecipeError,
    known_keys,
    load_recipe,
    parse_recipe,
    shipped_recipes,
)


@pytest.mark.parametrize("name", shipped_recipes())
def test_every_shipped_recipe_is_valid_and_named_like_its_file(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    assert recipe.description


def test_the_shipped_model_has_the_papers_generator() -> None:
    model = load_recipe("oct-srresnet-x4").model
    assert (model.channels, model.scale, model.blocks, model.width) == (1, (4, 4), 16, 64)


def test_no_shipped_recipe_holds_a_path() -> None:
    for path in shipped_recipes().values():
        assert "/" not in "".join(
            line.split("#")[0] for line in path.read_text(encoding="utf-8").splitlines()
        )


def test_a_path_to_a_yaml_works_too(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\nmodel: {scale: [1, 4]}\n", encoding="utf-8")
    assert load_recipe(str(path)).model.scale == (1, 4)


@pytest.mark.parametrize(
    ("override", "section", "value"),
    [
        ("schedules.cpu.updates=7", ("schedules", "cpu", "updates"), 7),
        ("schedules.cpu.learning_rate=1e-3", ("schedules", "cpu", "learning_rate"), 1e-3),
        ("model.scale=[2,2]", ("model", "scale"), (2, 2)),
        ("loss=l1", ("loss",), "l1"),
    ],
)
def test_set_changes_one_key(override: str, section: tuple[str, ...], value: object) -> None:
    found: object = load_recipe("oct-srresnet-x4", [override])
    for name in section:
        found = getattr(found, name)
    assert found == value


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("schedules.cpu.update=4", "did you mean 'schedules.cpu.updates'"),
        ("learning_rat=1", "did you mean 'schedules.cpu.learning_rate'"),
        ("schedule.cpu.updates=4", "did you mean 'schedules'"),
        ("crops.size=7", "crops.size = 7"),
        ("loss=mae", "loss = 'mae'"),
        ("loss", "key=value"),
        ("loss.kind=mse", "is a value, not a section"),
        ("seed=[1", "not readable as YAML"),
    ],
)
def test_what_cannot_be_set_is_said_in_one_line(override: str, expected: str) -> None:
    with pytest.raises(RecipeError) as caught:
        load_recipe("oct-srresnet-x4", [override])
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_misspelt_recipe_names_the_nearest() -> None:
    with pytest.raises(RecipeError, match="did you mean 'oct-srresnet-x4'"):
        load_recipe("oct-srresnet-4x")


@pytest.mark.parametrize("text", ["[1, 2]", "name: [", "name: A B", "", "\x00"])
def test_a_broken_file_is_said_in_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RecipeError) as caught:
        load_recipe(str(path))
    assert "broken.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_recipe_survives_being_written_and_read() -> None:
    recipe = load_recipe("oct-srresnet-x4")
    text = yaml.safe_dump(recipe.model_dump(mode="json"))
    assert parse_recipe(yaml.safe_load(text), "again") == recipe


def test_known_keys_are_those_of_a_full_recipe() -> None:
    keys = set(known_keys())
    assert {"name", "model.scale", "schedules.gpu.compile", "crops"} <= keys
