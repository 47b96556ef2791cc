"""The folder that belongs to one run."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from super_resolution_gans.data.store import open_store
from super_resolution_gans.training.checkpoint import NAME, TrainingError, save_state
from super_resolution_gans.training.identity import claim, identify
from super_resolution_gans.training.recipe import Recipe

IDENTITY = {
    "recipe_sha256": "1",
    "data_sha256": "2",
    "init_sha256": None,
    "seed": 3,
    "processes": 1,
}


def test_a_new_folder_says_what_run_it_is_and_what_was_asked(tiny: Recipe, tmp_path: Path) -> None:
    assert claim(tmp_path / "run", IDENTITY, tiny) is None
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["recipe.yaml", "run.json"]


def test_a_run_that_was_killed_while_its_folder_was_made_can_go_on(
    tiny: Recipe, tmp_path: Path
) -> None:
    claim(tmp_path, IDENTITY, tiny)
    asked = (tmp_path / "recipe.yaml").read_bytes()
    (tmp_path / "recipe.yaml").unlink()
    assert claim(tmp_path, IDENTITY, tiny) is None
    assert (tmp_path / "recipe.yaml").read_bytes() == asked


def test_what_a_killed_run_was_writing_is_swept(tiny: Recipe, tmp_path: Path) -> None:
    claim(tmp_path, IDENTITY, tiny)
    save_state(tmp_path, {"done": 4})
    code = (
        "import os, sys\n"
        "from super_resolution_gans.io.atomic import replacing\n"
        "with replacing(sys.argv[1]): os._exit(1)"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path / NAME], timeout=60)
    assert len(list(tmp_path.iterdir())) == 4
    assert claim(tmp_path, IDENTITY, tiny) == {"done": 4}
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("text", ["", "no JSON", "[1]", "null"])
def test_a_damaged_run_is_one_line_that_names_the_file(
    tiny: Recipe, tmp_path: Path, text: str
) -> None:
    claim(tmp_path, IDENTITY, tiny)
    (tmp_path / "run.json").write_text(text, encoding="utf-8")
    with pytest.raises(TrainingError, match=r"run\.json: does not say what run it is"):
        claim(tmp_path, IDENTITY, tiny)


def test_an_empty_state_is_named_with_a_reason_and_a_cure(tiny: Recipe, tmp_path: Path) -> None:
    claim(tmp_path, IDENTITY, tiny)
    (tmp_path / NAME).write_bytes(b"")
    with pytest.raises(TrainingError, match=r"state\.pt is torn \(.+\) .+; choose another --out"):
        claim(tmp_path, IDENTITY, tiny)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("data_sha256", "another data"),
        ("init_sha256", "another start"),
        ("features_sha256", "another file of features"),
        ("seed", "another seed"),
        ("processes", r"another number of processes \(1 -> other\)"),
    ],
)
def test_what_changed_is_named_refused_and_can_be_forced(
    tiny: Recipe, tmp_path: Path, key: str, words: str
) -> None:
    claim(tmp_path, {**IDENTITY, "features_sha256": "4"}, tiny)
    save_state(tmp_path, {"done": 4})
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    changed = {**IDENTITY, "features_sha256": "4", key: "other"}
    with pytest.raises(TrainingError, match=f"{words}.*--force"):
        claim(tmp_path, changed, tiny)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before

    said: list[str] = []
    assert claim(tmp_path, changed, tiny, force=True, on_warning=said.append) == {"done": 4}
    assert re.search(words, said[0])
    told = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert told[key] == "other"
    assert told["forced"][0][key] == {**IDENTITY, "features_sha256": "4"}[key]
    assert told["forced"][0]["until_update"] == 4
    assert claim(tmp_path, changed, tiny) == {"done": 4}, "forced once, it is this run"


def test_a_changed_recipe_is_refused_with_the_keys_that_differ(
    tiny: Recipe, tmp_path: Path
) -> None:
    claim(tmp_path, IDENTITY, tiny)
    other = tiny.model_copy(update={"seed": 5, "ema_decay": 0.5})
    with pytest.raises(
        TrainingError, match=r"another recipe \(ema_decay: 0\.999 -> 0\.5, seed: 1 -> 5\)"
    ):
        claim(tmp_path, {**IDENTITY, "recipe_sha256": "9"}, other)


def test_a_recipe_is_known_by_what_differs_from_the_defaults(
    store_path: Path, tiny: Recipe
) -> None:
    """So that a run can go on after its package has learned a new key."""
    store = open_store(store_path)

    def digest(recipe: Recipe) -> str:
        found: str = identify(recipe, store, None)["recipe_sha256"]
        return found

    written_out = Recipe.model_validate(tiny.model_dump())
    assert digest(written_out) == digest(tiny)
    assert digest(tiny.model_copy(update={"jitter": 3})) != digest(tiny)

    class Later(Recipe):
        new_key: int = 5

    assert digest(Later.model_validate(tiny.model_dump(exclude_defaults=True))) == digest(tiny)
