"""Where numbers meet modules: a recipe, a store and a folder become a run.

A run folder holds ``recipe.yaml`` and ``run.json`` (what was asked), ``metrics.jsonl`` and
``panels/`` (how it went), ``state.pt`` (to go on from) and ``model.safetensors`` (the generator so
far). The same call again goes on where the last checkpoint was, and ends in the same weights.
"""

import os
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from super_resolution_gans import losses
from super_resolution_gans.data.crops import CropRules, CropSampler
from super_resolution_gans.data.store import open_store
from super_resolution_gans.degrade import DegradationRange
from super_resolution_gans.models.checkpoint import load_generator, save_generator
from super_resolution_gans.models.generator import SRResNet
from super_resolution_gans.training.checkpoint import TrainingError
from super_resolution_gans.training.device import can_fuse, describe, make_fabric
from super_resolution_gans.training.hooks import Report, RunHooks
from super_resolution_gans.training.identity import claim, identify
from super_resolution_gans.training.logbook import Logbook, last_measured
from super_resolution_gans.training.loop import Rhythm, constant_rate, cosine_rate, fit
from super_resolution_gans.training.recipe import Recipe
from super_resolution_gans.training.steps import PretrainStep
from super_resolution_gans.training.validation import Validation
from super_resolution_gans.version import __version__

MODEL = "model.safetensors"
_RECALIBRATION_BATCHES = 50


@dataclass(frozen=True)
class Outcome:
    """How a run ended: the model file, the updates done and whether that was all of them."""

    model: Path
    done: int
    finished: bool


def train(
    recipe: Recipe,
    store_path: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    init: str | os.PathLike[str] | None = None,
    device: str = "auto",
    on_report: Callable[[Report], None] | None = None,
    on_start: Callable[[int, int, str], None] | None = None,
    stop: threading.Event | None = None,
) -> Outcome:
    """Train by ``recipe`` on a store, or go on with the run that is in ``out``.

    Args:
        recipe: what to train and how long.
        store_path: made by ``srgan data pack``.
        out: the run folder; made if missing.
        init: a generator (.safetensors) to start from, of the recipe's architecture.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        on_report: called at log points and validations.
        on_start: called once with (updates done, updates in all, a line about the device).
        stop: when set, the run writes its state after the current update and returns.

    Raises:
        DataError: if the store cannot be used with the recipe.
        ModelFileError: if ``init`` cannot be used.
        TrainingError: if ``out`` belongs to another run, or the loss stops being finite.
    """
    fabric, schedule = make_fabric(recipe, device)
    store = open_store(store_path)
    if store.channels != recipe.model.channels:
        raise TrainingError(
            f"the recipe wants {recipe.model.channels} channel(s), the store has {store.channels}; "
            "pack it again with --channels"
        )
    torch.manual_seed(recipe.seed)
    plain = SRResNet(
        recipe.model.channels, recipe.model.scale, recipe.model.blocks, recipe.model.width
    )
    if init is not None:
        _start_from(plain, init)

    degradation = _degradation(recipe)
    sampler = CropSampler(
        store,
        "train",
        rules=CropRules(**recipe.crops.model_dump()),
        degradation=degradation,
        scale=recipe.model.scale,
        seed=recipe.seed,
        device=fabric.device,
    )
    validation = Validation(
        store, degradation=degradation, scale=recipe.model.scale, device=fabric.device
    )
    share, rank, world = schedule.batch // fabric.world_size, fabric.global_rank, fabric.world_size
    if share * world != schedule.batch:
        raise TrainingError(f"a batch of {schedule.batch} cannot be shared by {world} processes")

    # Only now, when everything fits, does the folder become this run.
    folder = Path(out)
    identity = identify(recipe, store, init)
    with fabric.rank_zero_first():
        state = claim(folder, identity, recipe)
    start = int(state["done"]) if state else 0

    plain.to(device=fabric.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    if schedule.compile:
        plain.compile()
    optimizer = torch.optim.Adam(
        plain.parameters(), lr=schedule.learning_rate, betas=recipe.betas, fused=can_fuse(fabric)
    )
    generator, prepared = fabric.setup(plain, optimizer)
    step = PretrainStep(
        generator, prepared, fabric.backward, getattr(losses, recipe.loss), recipe.ema_decay, plain
    )
    if state:
        step.load_state(state["step"])
        fabric.strategy.precision.load_state_dict(state["precision"])

    def batches(update: int) -> tuple[Tensor, Tensor]:
        return sampler.batch(update, share, first=rank * share, total=schedule.batch)

    hooks = RunHooks(
        folder=folder,
        updates=schedule.updates,
        panel_every=schedule.panel_every,
        step=step,
        validation=validation,
        logbook=Logbook(folder, start) if fabric.is_global_zero else None,
        precision_state=fabric.strategy.precision.state_dict,
        on_report=on_report,
        stop=stop or threading.Event(),
    )
    if on_start is not None and fabric.is_global_zero:
        on_start(start, schedule.updates, describe(fabric, schedule))
    peak, updates, warmup = schedule.learning_rate, schedule.updates, schedule.warmup
    decays = schedule.decay == "cosine"
    done = fit(
        step,
        batches,
        start=start,
        updates=updates,
        learning_rate=cosine_rate(peak, updates, warmup) if decays else constant_rate(peak, warmup),
        rhythm=Rhythm(schedule.log_every, schedule.validate_every, schedule.checkpoint_every),
        hooks=hooks,
    )
    model = folder / MODEL
    if fabric.is_global_zero:
        network = _averaged(step, plain)
        if done == schedule.updates:
            recalibrate(network, (sampler.batch(i, 16)[0] for i in range(_RECALIBRATION_BATCHES)))
        card = {
            **identity,
            "recipe": recipe.model_dump(mode="json"),
            "updates": done,
            "finished": done == schedule.updates,
            "device": fabric.device.type,
            "precision": schedule.precision,
            "version": __version__,
            "torch": torch.__version__,
            "validation": last_measured(folder),
        }
        save_generator(network, model, card)
        hooks.close()
    return Outcome(model, done, done == schedule.updates)


def recalibrate(network: nn.Module, batches: Iterable[Tensor]) -> None:
    """Replace BatchNorm's running statistics by plain means over ``batches`` of LR images.

    The averages kept during training belong to weights that were still moving.
    """
    torch.optim.swa_utils.update_bn(batches, network)
    network.eval()


def _averaged(step: PretrainStep, plain: SRResNet) -> SRResNet:
    network = SRResNet(plain.channels, plain.scale, plain.blocks, plain.width)
    network.load_state_dict(step.average.module.state_dict())
    device = next(plain.parameters()).device
    network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network.eval()


def _degradation(recipe: Recipe) -> DegradationRange | None:
    if recipe.pairs == "ready":
        return None
    return DegradationRange(scale=recipe.model.scale, **recipe.degradation.model_dump())


def _start_from(network: SRResNet, init: str | os.PathLike[str]) -> None:
    source = load_generator(init).network
    wanted = (network.channels, network.scale, network.blocks, network.width)
    found = (source.channels, source.scale, source.blocks, source.width)
    if wanted != found:
        raise TrainingError(
            f"{os.fspath(init)}: has (channels, scale, blocks, width) = {found}, "
            f"the recipe wants {wanted}"
        )
    network.load_state_dict(source.state_dict())
