"""``srgan train``, ``recipes``, ``plot``: what they print and how they end."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from super_resolution_gans.cli.messages import duration
from super_resolution_gans.training.recipe import shipped_recipes

Srgan = Callable[..., Result]


def test_help_names_every_command(srgan: Srgan) -> None:
    text = srgan("--help").stdout
    for command in ("upscale", "evaluate", "train", "plot", "recipes", "data"):
        assert f" {command} " in text


def test_wrong_usage_is_one_line_after_the_usage(srgan: Srgan) -> None:
    result = srgan("upscale", "a.png")
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == "Error: Missing option '--out' / '-o'."


def test_recipes_lists_the_shipped_model(srgan: Srgan) -> None:
    result = srgan("recipes")
    assert result.exit_code == 0
    assert "oct-srresnet-x4" in result.stdout


def test_recipes_as_json_are_one_document(srgan: Srgan) -> None:
    result = srgan("recipes", "--json")
    recipes = {recipe["name"]: recipe for recipe in json.loads(result.stdout)}
    assert (result.exit_code, result.stderr) == (0, "")
    assert list(recipes) == list(shipped_recipes())
    lateral = recipes["oct-srgan-x4-lateral"]
    assert (lateral["scale"], lateral["phase"], lateral["channels"]) == ([1, 4], "adversarial", 1)
    assert Path(lateral["file"]).is_file()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("oct-srresnet-4x", "--data", "s", "--out", "r"), "did you mean 'oct-srresnet-x4'"),
        (("oct-srresnet-x4", "--data", "missing", "--out", "r"), "srgan data pack"),
        (("oct-srresnet-x4", "--data", "s", "--out", "r", "--set", "sed=1"), "did you mean 'seed'"),
        (("oct-srresnet-x4", "--data", "s", "--out", "r", "--device", "tpu"), "tpu"),
        (
            ("oct-srgan-x4", "--data", "s", "--out", "r", "--init", "oct-srresnet-4"),
            "did you mean oct-srresnet-x4?",
        ),
    ],
)
def test_what_cannot_be_trained_is_said_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    reason: str,
    srgan: Srgan,
) -> None:
    monkeypatch.chdir(tmp_path)
    result = srgan("train", *arguments)
    assert result.exit_code == 1
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert reason in line
    assert list(tmp_path.iterdir()) == []


def test_plotting_a_folder_that_is_no_run_is_said_in_one_line(tmp_path: Path, srgan: Srgan) -> None:
    result = srgan("plot", tmp_path)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: {tmp_path}: holds no metrics")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("seconds", "words"), [(3.4, "3 s"), (89, "89 s"), (720, "12 min"), (11_100, "3 h 05 min")]
)
def test_durations_read_like_speech(seconds: float, words: str) -> None:
    assert duration(seconds) == words
