"""Equal recipe, seed and data: equal weights, whichever process trains."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from super_resolution_gans.data.inventory import find_entries
from super_resolution_gans.data.split import assign_splits
from super_resolution_gans.data.store import open_store, pack
from super_resolution_gans.models.checkpoint import Model, load_generator
from super_resolution_gans.models.generator import SRResNet

pytest.importorskip("lightning", reason="training needs the extra [train]")
SMALL = (
    "model.blocks=1",
    "model.width=8",
    "crops.size=24",
    "schedules.cpu.updates=3",
    "schedules.cpu.batch=2",
    "schedules.cpu.precision=32-true",
)


def trained_by_itself(store: Path, out: Path, hash_seed: str) -> Path:
    """The model of a process of its own, with its own order of sets and its own folder."""
    command = [sys.executable, "-m", "super_resolution_gans.cli", "train", "oct-srresnet-x4"]
    command += ["--data", str(store), "--out", str(out), "--device", "cpu"]
    for change in SMALL:
        command += ["--set", change]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    out.parent.mkdir()
    subprocess.run(command, check=True, capture_output=True, env=environment, cwd=out.parent)
    return out / "model.safetensors"


def weights(model: Model) -> dict[str, torch.Tensor]:
    return model.network.state_dict()


def test_two_processes_with_a_store_each_of_the_same_scans_give_equal_weights(
    scans: Path, store_path: Path, tmp_path: Path
) -> None:
    again = tmp_path / "again"
    pack(assign_splits(find_entries(scans), (4 / 6, 1 / 6, 1 / 6)), again)
    files = [
        trained_by_itself(store_path, tmp_path / "one" / "run", "1"),
        trained_by_itself(again, tmp_path / "other" / "run", "2"),
    ]
    one, other = map(load_generator, files)
    assert all(torch.equal(weights(one)[name], found) for name, found in weights(other).items())
    assert files[0].read_bytes() == files[1].read_bytes()
    assert one.card["data_sha256"] == open_store(store_path).digest == open_store(again).digest
    assert (one.card["seed"], one.card["updates"], one.card["finished"]) == (1, 3, True)
    torch.manual_seed(1)
    assert not torch.equal(SRResNet(blocks=1, width=8).head.weight, weights(one)["head.weight"])
