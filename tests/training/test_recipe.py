"""Recipes: what may be written, and what is said when it may not."""

import re
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
        ("content.pixel=l1", ("content", "pixel"), "l1"),
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
        ("content.pixel=mae", "content.pixel = 'mae'"),
        ("content.pixel", "key=value"),
        ("phase.kind=mse", "is a value, not a section"),
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
        load_recipe("oct-srresnet-x44")


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


@pytest.mark.parametrize(
    ("override", "section", "value"),
    [
        ("augment.gamma=[0.8, 1.25]", ("augment", "gamma"), (0.8, 1.25)),
        ("augment.gain=[0.9, 1]", ("augment", "gain"), (0.9, 1.0)),
        ("augment.rotation=5", ("augment", "rotation"), 5.0),
        ("augment.speckle=[0, 0.1]", ("augment", "speckle"), (0.0, 0.1)),
        ("augment.padding=0.2", ("augment", "padding"), 0.2),
        ("model.norm=none", ("model", "norm"), "none"),
    ],
)
def test_an_experiment_is_one_line(override: str, section: tuple[str, str], value: object) -> None:
    recipe = load_recipe("oct-srresnet-x4", [override])
    found = recipe.model_dump()[section[0]][section[1]]
    assert found == value
    plain = load_recipe("oct-srresnet-x4").model_dump()
    plain[section[0]][section[1]] = value
    assert parse_recipe(plain, "plain") == recipe


@pytest.mark.parametrize(
    "override",
    [
        "augment.gamma=[0, 1]",
        "augment.gain=[1, .inf]",
        "augment.gain=1.5",
        "augment.rotation=46",
        "augment.rotation=.nan",
        "augment.speckle=[-1, 0]",
        "augment.padding=1.5",
        "augment.gamma=[1.25, 0.8]",
        "augment.speckle=[0.2, 0.1]",
        "degradation.blur=[2, 1]",
        "degradation.noise=[0, .inf]",
        "degradation.kernels=[]",
        "content.features_scale=.inf",
        "schedules.cpu.learning_rate=.inf",
    ],
)
def test_a_value_that_makes_no_sense_is_one_line(override: str) -> None:
    key = re.escape(override.partition("=")[0])
    with pytest.raises(RecipeError, match=rf"^[^\n]*{key}.* = [^\n]*$"):
        load_recipe("oct-srresnet-x4", [override])


def test_an_interval_the_wrong_way_round_is_said_to_be_so() -> None:
    told = r"augment\.gamma = \[1\.25, 0\.8\]: an interval is \[low, high\], the lower number first"
    with pytest.raises(RecipeError, match=told):
        load_recipe("oct-srresnet-x4", ["augment.gamma=[1.25, 0.8]"])


def test_known_keys_are_those_of_a_full_recipe() -> None:
    keys = set(known_keys())
    assert {"name", "model.scale", "schedules.gpu.compile", "crops"} <= keys


def write(folder: Path, name: str, text: str) -> str:
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return str(folder / f"{name}.yaml")


def test_a_variant_is_the_lines_that_differ(tmp_path: Path) -> None:
    mine = write(
        tmp_path, "mine", "base: oct-srgan-x4\nname: mine\ncontent: {features: vgg16.relu4_3}\n"
    )
    recipe, base = load_recipe(mine), load_recipe("oct-srgan-x4")
    assert recipe.content.features == "vgg16.relu4_3"
    assert recipe.content.pixel == base.content.pixel
    assert recipe.adversarial == base.adversarial
    assert recipe.schedules == base.schedules


def test_a_base_may_be_a_file_beside_the_recipe(tmp_path: Path) -> None:
    write(tmp_path, "parent", "name: parent\nseed: 7\n")
    assert load_recipe(write(tmp_path, "child", "base: parent.yaml\nname: child\n")).seed == 7


def test_other_features_replace_those_of_the_base(tmp_path: Path) -> None:
    write(
        tmp_path, "parent", "name: p\ncontent: {features: {vgg16.relu2_2: 1, vgg16.relu3_3: 1}}\n"
    )
    child = "base: parent.yaml\nname: c\ncontent: {features: {vgg19.relu2_2: 1}}\n"
    assert load_recipe(write(tmp_path, "child", child)).content.features == {"vgg19.relu2_2": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("base: oct-srgan-vgg53-x4\n", "did you mean 'oct-srgan-vgg54-x4'"),
        ("base: a.yaml\n", "in turn based on it"),
        ("base: [oct-srgan-x4]\n", "name one recipe"),
    ],
)
def test_a_base_that_cannot_be_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        load_recipe(write(tmp_path, "a", text))


@pytest.mark.parametrize("name", sorted(shipped_recipes()))
def test_every_shipped_recipe_says_what_it_is_and_has_both_schedules(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    assert recipe.description
    assert recipe.schedules.gpu.updates > recipe.schedules.cpu.updates
    assert (recipe.phase == "adversarial") == ("srgan" in name)
    assert recipe.model.channels == (3 if name.startswith("rgb") else 1)


@pytest.mark.parametrize("prefix", ["oct", "rgb"])
def test_the_papers_variants_differ_in_what_the_paper_says(prefix: str) -> None:
    names = ("srresnet-mse", "srresnet-vgg22", "srgan-mse", "srgan-vgg22", "srgan-vgg54")
    found = {name: load_recipe(f"{prefix}-{name}-x4") for name in names}
    features = {name: recipe.content.features for name, recipe in found.items()}
    assert features == {
        "srresnet-mse": None,
        "srresnet-vgg22": "vgg19.relu2_2",
        "srgan-mse": None,
        "srgan-vgg22": "vgg19.relu2_2",
        "srgan-vgg54": "vgg19.relu5_4",
    }
    for name, recipe in found.items():
        assert (recipe.content.pixel_weight == 0) == ("vgg" in name)
        assert recipe.content.features_scale == pytest.approx(1 / 12.75)
        assert recipe.adversarial.weight == 1e-3
        assert recipe.adversarial.discriminator.kind == "paper"
        assert (recipe.content.total_variation > 0) == (name == "srresnet-vgg22")
    assert found["srgan-vgg54"].schedules.gpu.updates == 200_000
    assert found["srgan-vgg54"].schedules.gpu.decay == "half"
    assert found["srresnet-mse"].schedules.gpu.updates == 1_000_000
