"""Where numbers meet modules: a recipe, a store and a folder become a run.

A run folder holds ``recipe.yaml`` and ``run.json`` (what was asked), ``metrics.jsonl`` and
``panels/`` (how it went), ``state.pt`` and the one before (to go on from) and
``model.safetensors`` (the generator so far). The same call again goes on where the last checkpoint
was, and ends in the same weights.
"""

import os
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from super_resolution_gans.data.crops import CropRules, CropSampler
from super_resolution_gans.data.store import Store, open_store
from super_resolution_gans.degrade import DegradationRange
from super_resolution_gans.models.checkpoint import save_generator
from super_resolution_gans.models.features import FeatureExtractor
from super_resolution_gans.models.generator import SRResNet
from super_resolution_gans.training.adversarial import AdversarialStep, Judge
from super_resolution_gans.training.checkpoint import TrainingError
from super_resolution_gans.training.content import ContentLoss
from super_resolution_gans.training.device import can_fuse, describe, make_fabric, stopping
from super_resolution_gans.training.guard import Guard
from super_resolution_gans.training.hooks import Report, RunHooks
from super_resolution_gans.training.identity import claim, identify
from super_resolution_gans.training.logbook import Logbook, last_measured
from super_resolution_gans.training.loop import Rhythm, fit, learning_rate
from super_resolution_gans.training.players import (
    extractor_digest,
    make_discriminator,
    make_extractor,
    make_generator,
)
from super_resolution_gans.training.recipe import Recipe, Schedule
from super_resolution_gans.training.steps import PretrainStep
from super_resolution_gans.training.validation import Validation
from super_resolution_gans.training.view import Draws
from super_resolution_gans.version import __version__

if TYPE_CHECKING:
    from lightning.fabric import Fabric

MODEL = "model.safetensors"
_RECALIBRATION_BATCHES = 50
_MEASURED_BATCHES = 16
_APART = 1 << 40  # updates between the crops of one attempt and those of the next


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
    vgg: str | os.PathLike[str] | None = None,
    device: str = "auto",
    force: bool = False,
    on_report: Callable[[Report], None] | None = None,
    on_start: Callable[[int, int, str], None] | None = None,
    on_warning: Callable[[str], None] | None = None,
    stop: threading.Event | None = None,
) -> Outcome:
    """Train by ``recipe`` on a store, or go on with the run that is in ``out``.

    Args:
        recipe: what to train and how long.
        store_path: made by ``srgan data pack``.
        out: the run folder; made if missing.
        init: a generator (.safetensors) to start from, of the recipe's architecture.
        vgg: a file of VGG weights, where the recipe has features of one; None takes the official
            ones, fetched once.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        force: go on with a run although recipe, data or start have changed since.
        on_report: called at log points and validations, and with sentences.
        on_start: called once with (updates done, updates in all, a line about the device).
        on_warning: called with a line about what is wrong with the folder but can be lived with.
        stop: when set, the run writes its state after the current update and returns.

    Raises:
        DataError: if the store cannot be used with the recipe.
        FeatureError: if the recipe's features cannot be had.
        ModelFileError: if ``init`` or ``vgg`` cannot be used.
        DivergedError: if losses stop being finite again and again.
        TrainingError: if ``out`` belongs to another run.
    """
    fabric, schedule = make_fabric(recipe, device)
    store = open_store(store_path)
    if store.channels != recipe.model.channels:
        raise TrainingError(
            f"the recipe wants {recipe.model.channels} channel(s), the store has {store.channels}; "
            "pack it again with --channels"
        )
    torch.manual_seed(recipe.seed)
    plain = make_generator(recipe, init)
    if recipe.freeze_batch_norm and init is None:
        raise TrainingError(
            "freeze_batch_norm keeps the statistics of trained weights: give some with --init"
        )
    torch.manual_seed(recipe.seed + 1)  # the discriminator starts alike whatever the generator is
    discriminator = make_discriminator(recipe) if recipe.phase == "adversarial" else None
    extractor = make_extractor(recipe.content, vgg)
    if not _weighs(recipe):
        raise TrainingError("content: every weight is 0, there is nothing to train on")
    sampler, validation = _data(recipe, store, fabric.device)
    share, rank, world = schedule.batch // fabric.world_size, fabric.global_rank, fabric.world_size
    if share * world != schedule.batch:
        raise TrainingError(f"a batch of {schedule.batch} cannot be shared by {world} processes")

    # Only now, when everything fits, does the folder become this run.
    folder = Path(out)
    identity = identify(recipe, store, init, extractor_digest(extractor))
    with fabric.rank_zero_first():
        state = claim(folder, identity, recipe, force=force, on_warning=on_warning)

    step = _step(recipe, schedule, fabric, plain, discriminator, extractor)
    hooks = RunHooks(
        folder=folder,
        updates=schedule.updates,
        panel_every=schedule.panel_every,
        step=step,
        validation=validation,
        logbook=Logbook(folder, int(state["done"]) if state else 0) if rank == 0 else None,
        precision=fabric.strategy.precision,
        barrier=fabric.barrier,
        on_report=on_report,
        should_stop=stopping(fabric, stop or threading.Event()),
    )
    start = _resumed(hooks, state, folder) if state else 0
    if on_start is not None and rank == 0:
        on_start(start, schedule.updates, describe(fabric, schedule))
    if not state:
        if step.content.measures:
            units = step.calibrate(sampler.batch(i, 16) for i in range(_MEASURED_BATCHES))
            means = ", ".join(f"{name} {value:.4g}" for name, value in units.items())
            hooks.note(0, f"content losses at the start, their units from now on: {means}")
        hooks.checkpoint(0, 0)  # something to return to

    def batches(update: int, attempt: int) -> tuple[Tensor, Tensor]:
        number = update + attempt * _APART
        return sampler.batch(number, share, first=rank * share, total=schedule.batch)

    done = fit(
        step,
        batches,
        start=start,
        updates=schedule.updates,
        learning_rate=learning_rate(schedule),
        rhythm=Rhythm(schedule.log_every, schedule.validate_every, schedule.checkpoint_every),
        hooks=hooks,
        attempt=int(state["attempt"]) if state else 0,
    )
    model = folder / MODEL
    if rank == 0:
        network = _averaged(step, plain)
        if done == schedule.updates and not recipe.freeze_batch_norm:
            lows = (sampler.batch(i, 16)[0] for i in range(_RECALIBRATION_BATCHES))
            recalibrate(network, lows, step.draws.generator(done, 3))
        card = {
            **identity,
            "recipe": recipe.model_dump(mode="json"),
            "features": extractor.label() if extractor else None,
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


def recalibrate(
    network: nn.Module, batches: Iterable[Tensor], noise: torch.Generator | None = None
) -> None:
    """Replace BatchNorm's running statistics by plain means over ``batches`` of LR images.

    The averages kept during training belong to weights that were still moving.

    Args:
        network: left in evaluation mode.
        batches: (N, C, h, w) in [0, 1].
        noise: what a generator that adds noise draws it from.
    """
    drawing = _Drawing(network, noise) if getattr(network, "noise", False) else network
    torch.optim.swa_utils.update_bn(batches, drawing)
    network.eval()


class _Drawing(nn.Module):
    def __init__(self, network: nn.Module, noise: torch.Generator | None) -> None:
        super().__init__()
        self._network, self._noise = network, noise

    def forward(self, low: Tensor) -> Tensor:
        sr: Tensor = self._network(low, self._noise)
        return sr


def _weighs(recipe: Recipe) -> bool:
    content = recipe.content
    features = content.features is not None and content.features_weight > 0
    return bool(content.pixel_weight or features or content.total_variation)


def _data(recipe: Recipe, store: Store, device: torch.device) -> tuple[CropSampler, Validation]:
    degradation = None
    if recipe.pairs == "degrade":
        degradation = DegradationRange(scale=recipe.model.scale, **recipe.degradation.model_dump())
    sampler = CropSampler(
        store,
        "train",
        rules=CropRules(**recipe.crops.model_dump()),
        degradation=degradation,
        scale=recipe.model.scale,
        seed=recipe.seed,
        device=device,
    )
    validation = Validation(store, degradation=degradation, scale=recipe.model.scale, device=device)
    return sampler, validation


def _step(
    recipe: Recipe,
    schedule: Schedule,
    fabric: "Fabric",
    plain: SRResNet,
    discriminator: nn.Module | None,
    extractor: FeatureExtractor | None,
) -> PretrainStep:
    """Put the networks on the device and under the phase's rules."""

    def place(network: nn.Module) -> None:
        network.to(device=fabric.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        if schedule.compile:
            network.compile()

    def adam(network: nn.Module, betas: tuple[float, float]) -> torch.optim.Optimizer:
        return torch.optim.Adam(
            network.parameters(),
            lr=schedule.learning_rate,
            betas=betas,
            fused=can_fuse(fabric),
        )

    place(plain)
    if extractor is not None:
        place(extractor)
    generator, optimizer = fabric.setup(plain, adam(plain, recipe.betas))
    common: dict[str, Any] = {
        "guard": Guard(fabric, scaled=schedule.precision == "16-mixed"),
        "draws": Draws(recipe.seed, fabric.global_rank),
        "jitter": recipe.jitter,
        "freeze_batch_norm": recipe.freeze_batch_norm,
    }
    content = ContentLoss(recipe.content, extractor, fabric.autocast, recipe.model.scale)
    inputs = (generator, optimizer, fabric.backward, content, recipe.ema_decay, plain)
    if discriminator is None:
        return PretrainStep(*inputs, **common)
    place(discriminator)
    judge, judge_optimizer = fabric.setup(
        Judge(discriminator), adam(discriminator, recipe.adversarial.discriminator_betas)
    )
    return AdversarialStep(
        *inputs,
        **common,
        judge=judge,
        discriminator=discriminator,
        discriminator_optimizer=judge_optimizer,
        section=recipe.adversarial,
        autocast=fabric.autocast,
    )


def _resumed(hooks: RunHooks, state: dict[str, Any], folder: Path) -> int:
    try:
        return hooks.resume(state)
    except (KeyError, RuntimeError, ValueError, TypeError) as error:
        first = str(error).split("\n", 1)[0]
        raise TrainingError(
            f"{folder}: its checkpoint does not fit the recipe ({first}); choose another --out"
        ) from error


def _averaged(step: PretrainStep, plain: SRResNet) -> SRResNet:
    network = SRResNet(plain.channels, plain.scale, plain.blocks, plain.width, noise=plain.noise)
    network.load_state_dict(step.average.module.state_dict())
    device = next(plain.parameters()).device
    network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network.eval()
