"""The device, precision and processes of a run, by Lightning Fabric."""

import logging
import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from super_resolution_gans.training.checkpoint import TrainingError
from super_resolution_gans.training.recipe import Precision, Recipe, Schedule

if TYPE_CHECKING:
    from lightning.fabric import Fabric


def make_fabric(recipe: Recipe, device: str) -> "tuple[Fabric, Schedule]":
    """Lightning Fabric on the wanted device, and the schedule that belongs to it.

    Under torchrun there is one process per device and gradients are averaged over all of them.

    Raises:
        TrainingError: if Lightning is not installed or the device does not exist.
    """
    try:
        from lightning.fabric import Fabric
    except ImportError as error:
        raise TrainingError(
            'training needs Lightning Fabric: pip install "SuperResolution-GANs[train]"'
        ) from error
    usable = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if device == "auto":
        device = next(name for name in ("cuda", "mps", "cpu") if usable[name])
    if device not in usable:
        raise TrainingError(f"device {device}: unknown; known are auto, {', '.join(usable)}")
    if not usable[device]:
        raise TrainingError(f"device {device}: this machine has none that PyTorch can use")
    schedule = recipe.schedules.cpu if device == "cpu" else recipe.schedules.gpu
    precision = _precision(device) if schedule.precision == "auto" else schedule.precision
    for name in ("lightning.fabric", "lightning.pytorch"):
        # They announce the precision, which the run says itself.
        logging.getLogger(name).setLevel(logging.WARNING)
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    fabric = Fabric(
        accelerator=device,
        devices=processes,
        num_nodes=int(os.environ.get("GROUP_WORLD_SIZE", "1")),
        strategy="ddp" if processes > 1 else "auto",
        precision=precision,
    )
    fabric.launch()
    return fabric, schedule.model_copy(update={"precision": precision})


def _precision(device: str) -> Precision:
    """bf16 where the hardware multiplies it faster than float32."""
    if device == "cuda":
        return "bf16-mixed" if torch.cuda.is_bf16_supported(False) else "16-mixed"
    if device == "cpu":
        able = torch.cpu.get_capabilities()
        return "bf16-mixed" if able.get("avx512_bf16") or able.get("amx_bf16") else "32-true"
    return "32-true"


def can_fuse(fabric: "Fabric") -> bool:
    """Whether Adam has a fused kernel on the device."""
    return fabric.device.type in {"cpu", "cuda"}


def stopping(fabric: "Fabric", stop: threading.Event) -> Callable[[], bool]:
    """Whether the run should stop, asked once after every update.

    A signal reaches several processes at different updates; they agree at every tenth.
    """
    if fabric.world_size == 1:
        return stop.is_set
    asked = 0

    def agreed() -> bool:
        nonlocal asked
        asked += 1
        if asked % 10:
            return False
        wants = torch.tensor(float(stop.is_set()), device=fabric.device)
        return bool(fabric.all_reduce(wants, reduce_op="sum"))

    return agreed


def describe(fabric: "Fabric", schedule: Schedule) -> str:
    """One line about where and how the run computes."""
    processes = f", {fabric.world_size} processes" if fabric.world_size > 1 else ""
    return f"{fabric.device}, precision {schedule.precision}, batch {schedule.batch}{processes}"
