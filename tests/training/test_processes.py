"""Two processes of one run: what they end in, and what is said when one of them fails."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from super_resolution_gans.models.checkpoint import load_generator
from super_resolution_gans.training.checkpoint import NAME, TrainingError
from super_resolution_gans.training.logbook import read_metrics
from super_resolution_gans.training.processes import placement, restarts, speaks
from super_resolution_gans.training.recipe import Recipe

pytest.importorskip("lightning", reason="training needs the extra [train]")

HERE = Path(__file__).parent
KINDS = ("none-0", "file-1", "nan-1", "stuck-0", "stuck-1", "killed-1", "stopped-1", "again-0")


@pytest.fixture(scope="module")
def endings(
    tiny: Recipe, store_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any]]:
    """How a run of two processes ended, for each kind of trouble."""
    out = tmp_path_factory.mktemp("crew")
    recipe = out / "tiny.yaml"
    recipe.write_text(yaml.safe_dump(tiny.model_dump(mode="json")), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(HERE / "crew.py"), str(recipe), str(store_path), str(out), *KINDS],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return out, json.loads(done.stdout)


def errors(ending: dict[str, Any]) -> list[str]:
    return [line for line in ending["said"] if line.startswith("error:")]


def test_everything_is_said_and_written_once(endings: tuple[Path, dict[str, Any]]) -> None:
    out, found = endings
    whole = found["none-0"]
    assert whole["status"] == [0, 0]
    assert len(whole["said"]) == len(set(whole["said"]))
    assert sum(line.startswith("done:") for line in whole["said"]) == 1
    assert "2 processes" in whole["said"][0]
    updates = [r["update"] for r in read_metrics(out / "none-0") if r["split"] == "train"]
    assert updates == [2, 4, 6, 8, 10, 12]
    assert load_generator(out / "none-0" / "model.safetensors").card["processes"] == 2


def test_two_processes_end_in_the_same_bytes_again(endings: tuple[Path, dict[str, Any]]) -> None:
    out, _ = endings
    first, second = (out / name / "model.safetensors" for name in ("none-0", "again-0"))
    assert first.read_bytes() == second.read_bytes()


def test_a_file_that_one_cannot_read_ends_both_with_one_message(
    endings: tuple[Path, dict[str, Any]],
) -> None:
    ending = endings[1]["file-1"]
    assert ending["status"] == [1, 1]
    assert errors(ending) == ["error: store/high.bin: Input/output error"]


def test_what_is_not_finite_on_one_is_skipped_by_both(
    endings: tuple[Path, dict[str, Any]],
) -> None:
    out, found = endings
    assert found["nan-1"]["status"] == [0, 0]
    rows = {r["update"]: r for r in read_metrics(out / "nan-1") if r["split"] == "train"}
    assert [rows[done]["skipped"] for done in (4, 6, 8)] == [0, 0.5, 0]
    network = load_generator(out / "nan-1" / "model.safetensors").network
    assert all(torch.isfinite(t).all() for t in network.state_dict().values())


@pytest.mark.parametrize("stuck", [0, 1])
def test_one_that_does_not_come_is_named_with_the_limit(
    endings: tuple[Path, dict[str, Any]], stuck: int
) -> None:
    ending = endings[1][f"stuck-{stuck}"]
    assert ending["status"][1 - stuck] == 1
    assert errors(ending) == [
        f"error: rank {stuck} did not come to update 6 within 3 s (--time-limit); the last "
        "checkpoint is kept"
    ]


def test_one_that_dies_is_named(endings: tuple[Path, dict[str, Any]]) -> None:
    out, found = endings
    assert found["killed-1"]["status"] == [1, -9]
    assert errors(found["killed-1"]) == [
        "error: rank 1 was lost at update 6; the last checkpoint is kept"
    ]
    assert torch.load(out / "killed-1" / NAME, weights_only=True)["done"] == 3


def test_a_signal_to_one_stops_both_at_the_same_update(
    endings: tuple[Path, dict[str, Any]],
) -> None:
    out, found = endings
    ending = found["stopped-1"]
    assert ending["status"] == [130, 143]
    assert ending["said"][-1] == "stopped after update 6; the same command goes on from there"
    assert torch.load(out / "stopped-1" / NAME, weights_only=True)["done"] == 6


def test_processes_are_found_where_torchrun_or_srun_put_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("TORCHELASTIC_RUN_ID", "SLURM_NTASKS", "SLURM_NNODES", "SLURM_JOB_NAME"):
        monkeypatch.delenv(name, raising=False)
    assert placement() == (1, 1)
    assert speaks()
    monkeypatch.setenv("SLURM_NTASKS", "8")
    monkeypatch.setenv("SLURM_NNODES", "2")
    assert placement() == (4, 2)
    monkeypatch.setenv("SLURM_NNODES", "3")
    with pytest.raises(TrainingError, match="8 tasks on 3 nodes"):
        placement()
    monkeypatch.setenv("SLURM_JOB_NAME", "interactive")
    assert placement() == (1, 1)
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "x")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    monkeypatch.setenv("GROUP_WORLD_SIZE", "3")
    assert placement() == (2, 3)


def test_a_start_that_is_not_the_first_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TORCHELASTIC_RESTART_COUNT", raising=False)
    assert restarts() == ""
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "2")
    monkeypatch.setenv("TORCHELASTIC_MAX_RESTARTS", "3")
    assert restarts() == "restart 2 of 3: "


def srgan_train(recipe: Recipe, folder: Path, store: Path, *options: str) -> Any:
    described = folder / "recipe.yaml"
    described.write_text(yaml.safe_dump(recipe.model_dump(mode="json")), encoding="utf-8")
    command = [sys.executable, "-m", "super_resolution_gans.cli", "train", str(described)]
    command += ["--data", str(store), "--out", str(folder / "run"), "--device", "cpu", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


@pytest.mark.slow
def test_a_command_that_cannot_be_obeyed_is_refused_once_and_not_tried_again(
    tiny: Recipe, tmp_path: Path
) -> None:
    done = srgan_train(tiny, tmp_path, tmp_path / "none", "--processes", "2", "--max-restarts", "2")
    assert done.returncode == 1
    assert done.stderr.count("error:") == len(done.stderr.splitlines()) == 1
    assert "is not a store" in done.stderr


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("phase", [pytest.param("pretrain", marks=pytest.mark.long), "adversarial"])
def test_one_of_two_killed_and_started_again_ends_in_the_same_bytes(phase: str) -> None:
    tool = HERE.parents[1] / "tools" / "kill_ranks.py"
    done = subprocess.run(
        [sys.executable, str(tool), "--kills", "1", "--phase", phase, "--seed", str(os.getpid())],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 of 1 killed runs ended in the bytes of the undisturbed one" in done.stdout
