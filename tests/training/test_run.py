"""Whole runs on a tiny network: training, resuming, refusing."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from typer.testing import CliRunner

from super_resolution_gans.cli.commands import app
from super_resolution_gans.models.checkpoint import load_generator, save_generator
from super_resolution_gans.models.generator import SRResNet
from super_resolution_gans.prediction.catalogue import find_weights
from super_resolution_gans.training.checkpoint import NAME, PREVIOUS, TrainingError
from super_resolution_gans.training.curves import draw_curves
from super_resolution_gans.training.hooks import Report
from super_resolution_gans.training.logbook import read_metrics
from super_resolution_gans.training.recipe import Recipe, parse_recipe
from super_resolution_gans.training.run import recalibrate, train

pytest.importorskip("lightning", reason="training needs the extra [train]")


def changed(recipe: Recipe, **schedule: object) -> Recipe:
    values = recipe.model_dump()
    values["schedules"]["cpu"].update(schedule)
    return parse_recipe(values, "changed")


def train_command(recipe: Path, store: Path, out: Path) -> list[str]:
    start = [sys.executable, "-m", "super_resolution_gans.cli", "train", str(recipe)]
    return [*start, "--data", str(store), "--out", str(out), "--device", "cpu"]


def stopped_after(updates: int) -> tuple[threading.Event, object]:
    """An event that is set when ``updates`` updates have been reported."""
    stop = threading.Event()

    def watch(report: Report) -> None:
        if report.done >= updates:
            stop.set()

    return stop, watch


def test_a_run_leaves_a_model_its_story_curves_and_pictures(
    tiny: Recipe, store_path: Path, tmp_path: Path
) -> None:
    outcome = train(tiny, store_path, tmp_path / "run", device="cpu")
    assert outcome.finished
    model = load_generator(outcome.model)
    assert model.network.blocks == 1
    assert model.card["updates"] == 12
    assert model.card["recipe"]["name"] == "tiny"
    assert model.card["validation"]["psnr"] > 5
    rows = read_metrics(tmp_path / "run")
    assert [r["update"] for r in rows if r["split"] == "train"] == [2, 4, 6, 8, 10, 12]
    assert [r["update"] for r in rows if r["split"] == "val"] == [6, 12]
    with Image.open(tmp_path / "run" / "panels" / "0000012.png") as panel:
        assert panel.size[0] % 3 == 0
    draw_curves(tmp_path / "run", tmp_path / "curves.png")
    with Image.open(tmp_path / "curves.png") as curves:
        assert curves.size[0] > 1000


def test_training_learns(tiny: Recipe, store_path: Path, tmp_path: Path) -> None:
    longer = changed(tiny, updates=80, learning_rate=3e-3, validate_every=10)
    train(longer, store_path, tmp_path / "run", device="cpu")
    psnr = [r["psnr"] for r in read_metrics(tmp_path / "run") if r["split"] == "val"]
    assert psnr[-1] > psnr[0] + 3


def test_the_same_recipe_twice_gives_the_same_bytes(
    tiny: Recipe, store_path: Path, tmp_path: Path
) -> None:
    first = train(tiny, store_path, tmp_path / "a", device="cpu").model.read_bytes()
    second = train(tiny, store_path, tmp_path / "b", device="cpu").model.read_bytes()
    assert first == second


def test_a_finished_run_started_again_leaves_the_same_bytes(
    tiny: Recipe, store_path: Path, tmp_path: Path
) -> None:
    first = train(tiny, store_path, tmp_path / "run", device="cpu").model.read_bytes()
    again = train(tiny, store_path, tmp_path / "run", device="cpu")
    assert again.finished
    assert again.model.read_bytes() == first


@pytest.mark.parametrize("interrupted_after", [2, 4, 10])
def test_a_stopped_run_goes_on_to_the_same_bytes(
    tiny: Recipe, store_path: Path, tmp_path: Path, interrupted_after: int
) -> None:
    whole = train(tiny, store_path, tmp_path / "whole", device="cpu").model.read_bytes()
    stop, watch = stopped_after(interrupted_after)
    part = train(tiny, store_path, tmp_path / "part", device="cpu", stop=stop, on_report=watch)
    assert not part.finished
    assert not load_generator(part.model).card["finished"]
    rest = train(tiny, store_path, tmp_path / "part", device="cpu")
    assert rest.model.read_bytes() == whole
    rows = read_metrics(tmp_path / "part")
    assert rows[-1] == read_metrics(tmp_path / "whole")[-1]


@pytest.mark.slow
@pytest.mark.long
def test_a_run_killed_at_a_random_moment_goes_on_to_the_same_bytes(
    tiny: Recipe, store_path: Path, tmp_path: Path
) -> None:
    recipe = changed(tiny, updates=400, checkpoint_every=7, log_every=5, validate_every=100)
    described = tmp_path / "killed.yaml"
    described.write_text(yaml.safe_dump(recipe.model_dump(mode="json")), encoding="utf-8")

    def command(out: str) -> list[str]:
        return train_command(described, store_path, tmp_path / out)

    subprocess.run(command("whole"), check=True, capture_output=True)
    moment = random.Random()
    kills = 0
    for _ in range(3):
        process = subprocess.Popen(command("killed"), stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        for line in process.stdout:
            if line.lstrip()[:1].isdigit() and "/" in line:  # the first log line: it is training
                break
        time.sleep(moment.uniform(0, 1.0))
        kills += process.poll() is None
        process.kill()
        process.wait()
        process.stdout.close()
    assert kills > 0, "the run was over before it could be killed"
    assert (tmp_path / "killed" / NAME).is_file()
    subprocess.run(command("killed"), check=True, capture_output=True)
    whole = (tmp_path / "whole" / "model.safetensors").read_bytes()
    assert (tmp_path / "killed" / "model.safetensors").read_bytes() == whole


@pytest.mark.slow
def test_sigterm_writes_a_checkpoint_and_exits_143(
    tiny: Recipe, store_path: Path, tmp_path: Path
) -> None:
    recipe = changed(tiny, updates=100_000, checkpoint_every=100_000, log_every=5)
    described = tmp_path / "long.yaml"
    described.write_text(yaml.safe_dump(recipe.model_dump(mode="json")), encoding="utf-8")
    process = subprocess.Popen(
        train_command(described, store_path, tmp_path / "run"), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "loss" in line:
            break
    os.kill(process.pid, signal.SIGTERM)
    rest = process.stdout.read()
    process.stdout.close()
    assert process.wait(timeout=60) == 143
    assert "goes on from there" in rest
    state = torch.load(tmp_path / "run" / NAME, weights_only=True)
    assert state["done"] > 0


def test_another_recipe_or_other_data_in_the_same_folder_is_refused(
    tiny: Recipe, store_path: Path, tmp_path: Path
) -> None:
    train(changed(tiny, updates=3), store_path, tmp_path / "run", device="cpu")
    before = {p: p.read_bytes() for p in (tmp_path / "run").glob("*.*")}
    with pytest.raises(TrainingError, match="another recipe"):
        train(changed(tiny, updates=4), store_path, tmp_path / "run", device="cpu")
    assert {p: p.read_bytes() for p in (tmp_path / "run").glob("*.*")} == before


def test_a_folder_that_is_no_run_is_left_alone(
    tiny: Recipe, store_path: Path, tmp_path: Path
) -> None:
    (tmp_path / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(TrainingError, match="not empty and not a run"):
        train(tiny, store_path, tmp_path, device="cpu")
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_torn_state_is_said_and_the_one_before_ends_in_the_same_bytes(
    tiny: Recipe, store_path: Path, tmp_path: Path
) -> None:
    whole = train(tiny, store_path, tmp_path / "run", device="cpu").model.read_bytes()
    state = tmp_path / "run" / NAME
    state.write_bytes(state.read_bytes()[: state.stat().st_size // 2])
    said: list[str] = []
    again = train(tiny, store_path, tmp_path / "run", device="cpu", on_warning=said.append)
    assert again.model.read_bytes() == whole
    assert "state.pt is torn" in said[0]
    assert "after update 9" in said[0]


def test_a_state_without_a_readable_one_before_is_said_not_trained_over(
    tiny: Recipe, store_path: Path, tmp_path: Path
) -> None:
    train(tiny, store_path, tmp_path / "run", device="cpu")
    for name in (NAME, PREVIOUS):
        (tmp_path / "run" / name).write_bytes(b"PK")
    with pytest.raises(TrainingError, match=r"no readable training state, state\.pt is torn"):
        train(tiny, store_path, tmp_path / "run", device="cpu")


def test_a_diverging_run_stops_with_the_reason_and_keeps_its_last_state(
    tiny: Recipe, store_path: Path, tmp_path: Path
) -> None:
    hopeless = changed(tiny, learning_rate=1e30, updates=50, log_every=1)
    with pytest.raises(TrainingError, match="losses or gradients are not finite"):
        train(hopeless, store_path, tmp_path / "run", device="cpu")
    state = tmp_path / "run" / NAME
    generator = torch.load(state, weights_only=True)["step"]["generator"]
    assert all(torch.isfinite(t).all() for t in generator.values())


def test_init_starts_from_the_given_weights(tiny: Recipe, store_path: Path, tmp_path: Path) -> None:
    torch.manual_seed(5)
    network = SRResNet(blocks=1, width=8)
    save_generator(network, tmp_path / "start.safetensors")
    still = changed(tiny, updates=1, learning_rate=1e-12)
    outcome = train(
        still, store_path, tmp_path / "run", init=tmp_path / "start.safetensors", device="cpu"
    )
    trained = load_generator(outcome.model).network
    assert torch.allclose(trained.head.weight, network.head.weight, atol=1e-6)
    assert load_generator(outcome.model).card["init_sha256"]


def test_a_shipped_model_is_started_from_by_its_name(
    tiny: Recipe, store_path: Path, tmp_path: Path
) -> None:
    same = {**tiny.model_dump(mode="json"), "model": {"blocks": 16, "width": 64}}
    same["schedules"]["cpu"].update(updates=1, batch=1, learning_rate=1e-12)
    described = tmp_path / "same.yaml"
    described.write_text(yaml.safe_dump(same), encoding="utf-8")
    command = ["train", str(described), "--data", str(store_path), "--device", "cpu"]
    command += ["--out", str(tmp_path / "run"), "--init", "oct-srresnet-x4"]
    assert CliRunner().invoke(app, command).exit_code == 0
    trained = load_generator(tmp_path / "run" / "model.safetensors").network.state_dict()
    shipped = load_generator(find_weights("oct-srresnet-x4")).network.state_dict()
    for name, parameter in shipped.items():
        if "running" not in name and "tracked" not in name:
            assert torch.allclose(trained[name], parameter, atol=1e-6), name


def test_init_of_another_shape_is_refused(tiny: Recipe, store_path: Path, tmp_path: Path) -> None:
    save_generator(SRResNet(blocks=2, width=8), tmp_path / "other.safetensors")
    with pytest.raises(TrainingError, match=r"other\.safetensors: has .* the recipe wants"):
        train(tiny, store_path, tmp_path / "r", init=tmp_path / "other.safetensors", device="cpu")
    assert not (tmp_path / "r").exists()


def test_recalibration_gives_the_plain_statistics_of_the_batches() -> None:
    torch.manual_seed(0)
    network = SRResNet(blocks=1, width=4)
    batches = [torch.rand(4, 1, 12, 12) for _ in range(3)]
    recalibrate(network, iter(batches))
    with torch.no_grad():
        maps = [network.body[0].conv1(network.head_act(network.head(b))) for b in batches]
    expected = torch.stack([m.mean(dim=(0, 2, 3)) for m in maps]).mean(dim=0)
    assert torch.allclose(network.body[0].norm1.running_mean, expected, atol=1e-6)
    assert not network.training


def test_the_run_folder_says_what_was_asked(tiny: Recipe, store_path: Path, tmp_path: Path) -> None:
    train(changed(tiny, updates=1), store_path, tmp_path / "run", device="cpu")
    described = yaml.safe_load((tmp_path / "run" / "recipe.yaml").read_text(encoding="utf-8"))
    assert parse_recipe(described, "run").model == tiny.model
    identity = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    assert len(identity["data_sha256"]) == 64


def test_rows_after_the_last_checkpoint_are_not_kept_twice(
    tiny: Recipe, store_path: Path, tmp_path: Path
) -> None:
    stop, watch = stopped_after(4)
    train(tiny, store_path, tmp_path / "run", device="cpu", stop=stop, on_report=watch)
    with (tmp_path / "run" / "metrics.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"update": 9, "split": "train", "loss": 1.0}\n{"update": 1')
    train(tiny, store_path, tmp_path / "run", device="cpu")
    updates = [r["update"] for r in read_metrics(tmp_path / "run") if r["split"] == "train"]
    assert updates == sorted(set(updates))
    assert updates[-1] == 12


def test_panels_show_grey_images(tiny: Recipe, store_path: Path, tmp_path: Path) -> None:
    train(changed(tiny, updates=6), store_path, tmp_path / "run", device="cpu")
    with Image.open(tmp_path / "run" / "panels" / "0000006.png") as panel:
        assert np.asarray(panel).std() > 5
