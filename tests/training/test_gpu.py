"""The same runs on a CUDA device, where there is one."""

from pathlib import Path

import pytest
import torch

from super_resolution_gans.data.crops import CropRules, CropSampler
from super_resolution_gans.data.store import open_store
from super_resolution_gans.degrade import DegradationRange
from super_resolution_gans.models.checkpoint import load_generator
from super_resolution_gans.training.recipe import Recipe, parse_recipe
from super_resolution_gans.training.run import train

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]


def sampler(store_path: Path, device: str) -> CropSampler:
    return CropSampler(
        open_store(store_path),
        "train",
        rules=CropRules(size=48),
        degradation=DegradationRange(),
        scale=(4, 4),
        seed=3,
        device=torch.device(device),
    )


def test_batches_on_the_gpu_are_those_of_the_cpu(store_path: Path) -> None:
    for step in range(3):
        low, high = sampler(store_path, "cpu").batch(step, 8)
        gpu_low, gpu_high = sampler(store_path, "cuda").batch(step, 8)
        assert torch.equal(gpu_high.cpu(), high)
        assert (gpu_low.cpu() - low).abs().max() <= 1 / 255 + 1e-6  # rounding may tip over


@pytest.mark.parametrize("compiled", [False, True])
def test_a_run_on_the_gpu_ends_and_goes_on(
    tiny: Recipe, store_path: Path, tmp_path: Path, compiled: bool
) -> None:
    values = tiny.model_dump()
    values["schedules"]["gpu"] = {**values["schedules"]["cpu"], "compile": compiled}
    recipe = parse_recipe(values, "gpu")
    outcome = train(recipe, store_path, tmp_path / "run", device="cuda")
    assert outcome.finished
    assert load_generator(outcome.model).card["device"] == "cuda"
    assert train(recipe, store_path, tmp_path / "run", device="cuda").finished
