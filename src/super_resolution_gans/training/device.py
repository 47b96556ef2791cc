"""The device, precision and processes of a run, by Lightning Fabric."""

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

import torch

from super_resolution_gans.training.checkpoint import TrainingError
from super_resolution_gans.training.processes import TIME_LIMIT, LostError, join, placement
from super_resolution_gans.training.recipe import Recipe
from super_resolution_gans.training.sections import Precision, Schedule

if TYPE_CHECKING:
    from lightning.fabric import Fabric


def make_fabric(
    recipe: Recipe, device: str, time_limit: float = TIME_LIMIT
) -> "tuple[Fabric, Schedule]":
    """Lightning Fabric on the wanted device, and the schedule that belongs to it.

    Under torchrun or srun there is one process per device, gradients are averaged over all of them
    (by gloo on CPUs, NCCL on GPUs), and ``time_limit`` is how many seconds one waits for another.

    Raises:
        TrainingError: if Lightning is not installed or the device does not exist.
        LostError: if the processes do not find each other.
    """
    try:
        from lightning.fabric import Fabric
        from lightning.fabric.strategies.ddp import DDPStrategy
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
    per_machine, machines = placement()
    several = per_machine * machines > 1
    try:
        fabric = Fabric(
            accelerator=device,
            devices=per_machine,
            num_nodes=machines,
            strategy=DDPStrategy(timeout=timedelta(seconds=time_limit)) if several else "auto",
            precision=precision,
        )
        if several:
            join("nccl" if device == "cuda" else "gloo", time_limit)
        fabric.launch()
    except (RuntimeError, ValueError) as error:
        reason = str(error).split("\n", 1)[0]
        kind = LostError if isinstance(error, RuntimeError) else TrainingError
        raise kind(
            f"{machines} x {per_machine} processes on {device} cannot work together: {reason}"
        ) from error
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


def describe(fabric: "Fabric", schedule: Schedule) -> str:
    """One line about where and how the run computes."""
    processes = f", {fabric.world_size} processes" if fabric.world_size > 1 else ""
    parts = f" in parts of {schedule.batch // fabric.world_size // schedule.accumulate}"
    batch = f"batch {schedule.batch}{parts if schedule.accumulate > 1 else ''}"
    return f"{fabric.device}, precision {schedule.precision}, {batch}{processes}"
