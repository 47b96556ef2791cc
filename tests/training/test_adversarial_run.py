"""Whole adversarial runs on tiny networks: killed, shared by processes, diverging, drifting."""

import json
import math
import os
import subprocess
import sys
import threading
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch import Tensor

from super_resolution_gans.cli import main as command
from super_resolution_gans.data.crops import CropRules, CropSampler
from super_resolution_gans.data.store import open_store
from super_resolution_gans.degrade import DegradationRange
from super_resolution_gans.models.checkpoint import load_generator, save_generator
from super_resolution_gans.models.generator import SRResNet
from super_resolution_gans.training import run as run_module
from super_resolution_gans.training.adversarial import AdversarialStep
from super_resolution_gans.training.checkpoint import TrainingError
from super_resolution_gans.training.hooks import Report
from super_resolution_gans.training.logbook import read_metrics
from super_resolution_gans.training.loop import ROLL_BACKS, DivergedError
from super_resolution_gans.training.recipe import Recipe, parse_recipe
from super_resolution_gans.training.run import train

pytest.importorskip("lightning", reason="training needs the extra [train]")
HERE = Path(__file__).parent


@pytest.fixture
def game(tiny: Recipe) -> Recipe:
    """The tiny recipe with a tiny discriminator, weights measured at the start."""
    return varied(
        tiny,
        phase="adversarial",
        content={"weighing": "measured", "spectrum": 0.1, "grid": 0.1},
        adversarial={
            "weight": 0.1,
            "ramp": 3,
            "discriminator": {"kind": "patch", "width": 4, "layers": 2, "noise": 0.05},
        },
        jitter=4,
    )


def varied(recipe: Recipe, **values: Any) -> Recipe:
    schedule = values.pop("schedule", {})
    merged = {**recipe.model_dump(), **values}
    merged["schedules"]["cpu"] = {**merged["schedules"]["cpu"], **schedule}
    return parse_recipe(merged, "varied")


def write(recipe: Recipe, path: Path) -> str:
    path.write_text(yaml.safe_dump(recipe.model_dump(mode="json")), encoding="utf-8")
    return str(path)


@pytest.fixture
def start(tmp_path: Path) -> Path:
    """Weights to start from."""
    torch.manual_seed(3)
    save_generator(SRResNet(blocks=1, width=8), tmp_path / "start.safetensors")
    return tmp_path / "start.safetensors"


def test_a_game_leaves_a_model_that_says_what_made_it(
    game: Recipe, store_path: Path, tmp_path: Path
) -> None:
    notes: list[str] = []

    def hear(report: Report) -> None:
        if report.split == "note":
            notes.append(report.text)

    outcome = train(game, store_path, tmp_path / "run", device="cpu", on_report=hear)
    assert outcome.finished
    assert load_generator(outcome.model).card["recipe"]["adversarial"]["weight"] == 0.1
    rows = [r for r in read_metrics(tmp_path / "run") if r["split"] == "train"]
    assert {"accuracy", "term_adversarial", "term_pixel", "term_grid", "gradient"} <= set(rows[0])
    assert rows[0]["term_pixel"] == pytest.approx(1, abs=0.9), "measured: it begins at its weight"
    assert "content losses at the start" in notes[0]


def test_a_stopped_game_goes_on_to_the_same_bytes(
    game: Recipe, store_path: Path, tmp_path: Path
) -> None:
    whole = train(game, store_path, tmp_path / "whole", device="cpu").model.read_bytes()
    for updates in (5, 9):
        stop = threading.Event()
        train(
            game,
            store_path,
            tmp_path / "part",
            device="cpu",
            stop=stop,
            on_report=lambda report, n=updates, s=stop: s.set() if report.done >= n else None,
        )
    rest = train(game, store_path, tmp_path / "part", device="cpu")
    assert rest.model.read_bytes() == whole


@pytest.mark.slow
def test_a_game_killed_ten_times_ends_in_the_same_bytes(
    game: Recipe, store_path: Path, tmp_path: Path
) -> None:
    long = {"updates": 600, "checkpoint_every": 7, "log_every": 5, "validate_every": 200}
    recipe = write(varied(game, schedule=long), tmp_path / "long.yaml")
    whole = train(
        varied(game, schedule=long), store_path, tmp_path / "whole", device="cpu"
    ).model.read_bytes()
    program = [sys.executable, str(HERE / "killing.py"), recipe, str(store_path)]
    out = tmp_path / "killed"
    done = subprocess.run([*program, str(out)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    kills = json.loads((out / "kills.json").read_text(encoding="utf-8"))
    assert kills["between"] >= 2
    assert kills["saving"] >= 1
    assert sum(kills.values()) >= 6, "the run was over before it could be killed often enough"
    assert (out / "model.safetensors").read_bytes() == whole
    assert not list(out.glob(".srgan-*")), "half a checkpoint was left behind"


@pytest.mark.slow
def test_two_processes_end_in_identical_weights_and_in_those_of_one(
    game: Recipe, store_path: Path, tmp_path: Path, start: Path
) -> None:
    # What depends on a batch as a whole (BatchNorm) or is drawn per process (noise) is another
    # function of half a batch; all the rest, spectra too, must be the same.
    spectral = {"kind": "patch", "width": 4, "layers": 2, "spectral": True}
    recipe = varied(
        game,
        freeze_batch_norm=True,
        content={"weighing": "measured", "spectrum": 0.1, "grid": 0.1},
        adversarial={"weight": 0.1, "discriminator": spectral},
        schedule={"updates": 8, "validate_every": 8},
    )
    described = write(recipe, tmp_path / "recipe.yaml")
    program = [str(HERE / "ranks.py"), described, str(store_path)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    for out, launcher in (
        ("two", [*torchrun, "--nproc-per-node", "2"]),
        ("one", [sys.executable]),
    ):
        done = subprocess.run(
            [*launcher, *program, str(tmp_path / out), str(start)],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
        )
        assert done.returncode == 0, done.stderr[-2000:]
    first, second, alone = (
        torch.load(tmp_path / out / f"weights-{rank}.pt", weights_only=True)
        for out, rank in (("two", 0), ("two", 1), ("one", 0))
    )
    begun = load_generator(start).network.state_dict()
    for name, tensor in first.items():
        assert torch.equal(tensor, second[name]), name
        assert torch.allclose(tensor, alone[name], rtol=1e-4, atol=1e-5), name
    assert any(not torch.equal(first[name], tensor) for name, tensor in begun.items())


def poisoned(monkeypatch: pytest.MonkeyPatch, when: Any) -> None:
    """Make SR of the updates that ``when(number, life)`` names NaN; ``life`` counts roll-backs."""
    original = AdversarialStep.generate
    seen: list[int] = []

    def generate(self: AdversarialStep, number: int, low: Tensor) -> Tensor:
        life = sum(after <= before for before, after in pairwise([*seen, number]))
        seen.append(number)
        sr = original(self, number, low)
        return sr * math.nan if when(number, life) else sr

    monkeypatch.setattr(AdversarialStep, "generate", generate)


def test_a_few_bad_updates_are_skipped_and_counted(
    game: Recipe, store_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    poisoned(monkeypatch, lambda number, _: number in {3, 4, 8})
    outcome = train(game, store_path, tmp_path / "run", device="cpu")
    assert outcome.finished
    rows = {r["update"]: r for r in read_metrics(tmp_path / "run") if r["split"] == "train"}
    assert [rows[done]["skipped"] for done in (2, 4, 6, 8, 10, 12)] == [0, 0.5, 0.5, 0, 0.5, 0]
    network = load_generator(outcome.model).network
    assert all(torch.isfinite(t).all() for t in network.state_dict().values())


def test_three_in_a_row_return_to_the_checkpoint_and_the_run_ends_well(
    game: Recipe, store_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    poisoned(monkeypatch, lambda number, life: life == 0 and number in {6, 7, 8})
    notes: list[str] = []

    def hear(report: Report) -> None:
        if report.split == "note":
            notes.append(report.text)

    outcome = train(game, store_path, tmp_path / "run", device="cpu", on_report=hear)
    assert outcome.finished
    assert any("back to the checkpoint after update 6" in note for note in notes)
    rows = [r for r in read_metrics(tmp_path / "run") if r["split"] == "train"]
    assert [r["update"] for r in rows] == [2, 4, 6, 8, 10, 12]
    state = torch.load(tmp_path / "run" / "state.pt", weights_only=True)
    assert state["attempt"] == 1
    assert all(torch.isfinite(t).all() for t in state["step"]["generator"].values())


def test_after_three_returns_the_command_ends_with_5_and_keeps_a_good_checkpoint(
    game: Recipe,
    store_path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    poisoned(monkeypatch, lambda number, _: number >= 3)
    recipe = write(game, tmp_path / "recipe.yaml")
    out = str(tmp_path / "run")
    arguments = ["srgan", "train", recipe, "--data", str(store_path), "--out", out]
    monkeypatch.setattr(sys, "argv", [*arguments, "--device", "cpu"])
    with pytest.raises(SystemExit) as ended:
        command()
    assert ended.value.code == 5
    said = capsys.readouterr()
    assert said.out.count("back to the checkpoint after update 3") == ROLL_BACKS
    assert "not finite" in said.err
    state = torch.load(tmp_path / "run" / "state.pt", weights_only=True)
    assert state["done"] == 3
    assert all(torch.isfinite(t).all() for t in state["step"]["generator"].values())


def test_a_run_that_explodes_at_once_returns_to_its_start(
    game: Recipe, store_path: Path, tmp_path: Path
) -> None:
    hopeless = varied(game, schedule={"learning_rate": 1e30, "updates": 50, "log_every": 1})
    with pytest.raises(DivergedError, match="lower learning rate"):
        train(hopeless, store_path, tmp_path / "run", device="cpu")


def drift(model: Path, store_path: Path) -> float:
    """Largest difference in grey between statistics kept and those of a batch."""
    sampler = CropSampler(
        open_store(store_path),
        "train",
        rules=CropRules(size=48),
        degradation=DegradationRange(scale=(4, 4)),
        scale=(4, 4),
        seed=9,
        device=torch.device("cpu"),
    )
    network = load_generator(model).network
    low, _ = sampler.batch(0, 64)
    with torch.no_grad():
        kept = network.eval()(low)
        return float((network.train()(low) - kept).abs().mean())


def test_statistics_of_the_exported_model_do_not_drift_from_those_of_batches(
    tiny: Recipe, store_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = varied(tiny, schedule={"updates": 40, "learning_rate": 1e-2})
    good = train(recipe, store_path, tmp_path / "good", device="cpu").model
    monkeypatch.setattr(run_module, "recalibrate", lambda *_: None)
    bad = train(recipe, store_path, tmp_path / "bad", device="cpu").model
    assert drift(good, store_path) < 0.02
    assert drift(bad, store_path) > 2 * drift(good, store_path)


def test_frozen_statistics_are_those_of_the_start(
    game: Recipe, store_path: Path, tmp_path: Path, start: Path
) -> None:
    recipe = varied(game, freeze_batch_norm=True)
    model = train(recipe, store_path, tmp_path / "run", device="cpu", init=start).model
    before, after = load_generator(start).network, load_generator(model).network
    assert torch.equal(before.body[0].norm1.running_var, after.body[0].norm1.running_var)
    assert not torch.equal(before.head.weight, after.head.weight)


def test_any_term_is_enough_to_train_on(game: Recipe, store_path: Path, tmp_path: Path) -> None:
    recipe = varied(game, content={"pixel_weight": 0, "consistency": 1})
    assert train(recipe, store_path, tmp_path / "run", device="cpu").model.is_file()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"freeze_batch_norm": True}, "--init"),
        ({"content": {"pixel_weight": 0}}, "every weight is 0"),
        ({"jitter": 40}, r"adversarial\.discriminator: needs 12 pixels"),
        ({"jitter": 40, "adversarial": {}}, r"adversarial\.discriminator"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_the_folder_is_touched(
    game: Recipe, store_path: Path, tmp_path: Path, values: dict[str, Any], message: str
) -> None:
    with pytest.raises(TrainingError, match=message):
        train(varied(game, **values), store_path, tmp_path / "run", device="cpu")
    assert not (tmp_path / "run").exists()
