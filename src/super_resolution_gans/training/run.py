"""Where numbers meet modules: a recipe, a store and a folder become a run.

A run folder holds ``recipe.yaml`` and ``run.json`` (what was asked), ``metrics.jsonl`` and
``panels/`` (how it went), ``state.pt`` and the one before (to go on from) and
``model.safetensors`` (the generator so far). The same call again goes on where the last checkpoint
was, and ends in the same weights.
"""

import os
import threading
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from super_resolution_gans.data.crops import CropSampler
from super_resolution_gans.models.checkpoint import save_generator
from super_resolution_gans.models.generator import SRResNet
from super_resolution_gans.training.adversarial import AdversarialStep, Judge
from super_resolution_gans.training.checkpoint import TrainingError
from super_resolution_gans.training.content import ContentLoss
from super_resolution_gans.training.device import can_fuse, describe, make_fabric
from super_resolution_gans.training.guard import Guard
from super_resolution_gans.training.hooks import Report, RunHooks
from super_resolution_gans.training.identity import claim
from super_resolution_gans.training.logbook import Logbook, last_measured
from super_resolution_gans.training.loop import Batches, Rhythm, fit, learning_rate
from super_resolution_gans.training.material import Material, prepare
from super_resolution_gans.training.processes import TIME_LIMIT, Processes
from super_resolution_gans.training.recipe import Recipe
from super_resolution_gans.training.sections import Schedule
from super_resolution_gans.training.steps import PretrainStep
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
    """How a run ended: the model file, the updates done and whether that was all of them.

    ``leads``: whether this is the first of its processes, the one that wrote the files.
    """

    model: Path
    done: int
    finished: bool
    leads: bool = True


def train(
    recipe: Recipe,
    store_path: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    init: str | os.PathLike[str] | None = None,
    vgg: str | os.PathLike[str] | None = None,
    device: str = "auto",
    force: bool = False,
    time_limit: float = TIME_LIMIT,
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
        force: go on with a run although recipe, data, start or processes have changed since.
        time_limit: seconds for which one process waits for another.
        on_report: called at log points and validations, and with sentences.
        on_start: called once with (updates done, updates in all, a line about the device).
        on_warning: called with a line about what is wrong with the folder but can be lived with.
        stop: when set, the run writes its state after the current update and returns; with several
            processes, after the next one that all of them start.

    Only the first of several processes calls back. An error on one ends all of them.

    Raises:
        DataError: if the store cannot be used with the recipe.
        FeatureError: if the recipe's features cannot be had.
        ModelFileError: if ``init`` or ``vgg`` cannot be used.
        DivergedError: if losses stop being finite again and again.
        LostError: if another process died, or did not come within the time limit.
        ElsewhereError: if another process raised one of these.
        TrainingError: if ``out`` belongs to another run.
    """
    fabric, schedule = make_fabric(recipe, device, time_limit)
    processes = Processes(fabric, time_limit, stop or threading.Event())
    folder = Path(out)
    with processes.naming():
        for first in (True, False):  # what one has to fetch, the others on its machine find
            with processes.alone("the start"):
                if first == (fabric.local_rank == 0):
                    material = prepare(
                        recipe,
                        schedule,
                        store_path,
                        init,
                        vgg,
                        device=fabric.device,
                        processes=processes.count,
                    )
        state = None
        with processes.alone("the start"):
            # Only now, when everything fits, does the folder become this run.
            if processes.rank == 0:
                state = claim(folder, material.identity, recipe, force=force, on_warning=on_warning)
        state = processes.share(state)
        step = _step(recipe, schedule, fabric, material)
        hooks = RunHooks(
            folder=folder,
            updates=schedule.updates,
            panel_every=schedule.panel_every,
            step=step,
            validation=material.validation,
            logbook=Logbook(folder, int(state["done"]) if state else 0)
            if not processes.rank
            else None,
            precision=fabric.strategy.precision,
            processes=processes,
            on_report=on_report,
        )
        if processes.count > 1:
            _rehearse(step, _batches(material.sampler, schedule, processes), fabric)
        start = _resumed(hooks, state, folder) if state else 0
        if on_start is not None and processes.rank == 0:
            on_start(start, schedule.updates, describe(fabric, schedule))
        if not state:
            _begin(step, material.sampler, hooks)
        done = fit(
            step,
            _batches(material.sampler, schedule, processes),
            start=start,
            updates=schedule.updates,
            learning_rate=learning_rate(schedule),
            rhythm=Rhythm(schedule.log_every, schedule.validate_every, schedule.checkpoint_every),
            hooks=hooks,
            attempt=int(state["attempt"]) if state else 0,
        )
        with processes.alone("the end"):
            if processes.rank == 0:
                _ship(folder, step, recipe, schedule, material, done, fabric.device)
                hooks.close()
    return Outcome(folder / MODEL, done, done == schedule.updates, processes.rank == 0)


def _rehearse(step: PretrainStep, batches: Batches, fabric: "Fabric") -> None:
    """Do an update and undo it.

    After its first one PyTorch rearranges what processes exchange, and so the order in which three
    or more add up their gradients. A run that goes on must not have another first one.
    """
    precision = fabric.strategy.precision
    before = deepcopy((step.state(), precision.state_dict()))
    step.update(0, *batches(0, 0), 0.0)
    step.load_state(before[0])
    precision.load_state_dict(before[1])


def _begin(step: PretrainStep, sampler: CropSampler, hooks: RunHooks) -> None:
    if step.content.measures:
        units = step.calibrate(sampler.batch(i, 16) for i in range(_MEASURED_BATCHES))
        means = ", ".join(f"{name} {value:.4g}" for name, value in units.items())
        hooks.note(0, f"content losses at the start, their units from now on: {means}")
    hooks.checkpoint(0, 0)  # something to return to


def _batches(sampler: CropSampler, schedule: Schedule, processes: Processes) -> Batches:
    """This process's share of the batch of an update."""
    share = schedule.batch // processes.count

    def batches(update: int, attempt: int) -> tuple[Tensor, Tensor]:
        number, first = update + attempt * _APART, processes.rank * share
        with processes.alone(f"update {update + 1}"):
            return sampler.batch(number, share, first=first, total=schedule.batch)

    return batches


def _ship(
    folder: Path,
    step: PretrainStep,
    recipe: Recipe,
    schedule: Schedule,
    material: Material,
    done: int,
    device: torch.device,
) -> None:
    """Write the averaged generator, with statistics of its own if the run is finished."""
    network = _averaged(step, material.generator)
    if done == schedule.updates and not recipe.freeze_batch_norm:
        lows = (material.sampler.batch(i, 16)[0] for i in range(_RECALIBRATION_BATCHES))
        recalibrate(network, lows, step.draws.generator(done, 3))
    card = {
        **material.identity,
        "recipe": recipe.model_dump(mode="json"),
        "features": material.extractor.label() if material.extractor else None,
        "updates": done,
        "finished": done == schedule.updates,
        "device": device.type,
        "precision": schedule.precision,
        "version": __version__,
        "torch": torch.__version__,
        "validation": last_measured(folder),
    }
    save_generator(network, folder / MODEL, card)


def recalibrate(
    network: nn.Module, batches: Iterable[Tensor], noise: torch.Generator | None = None
) -> None:
    """Replace BatchNorm's running statistics by plain means over ``batches`` of LR images.

    The averages kept during training belong to weights that were still moving. A network without
    BatchNorm stays as it is, and no batch is asked for.

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


def _step(recipe: Recipe, schedule: Schedule, fabric: "Fabric", material: Material) -> PretrainStep:
    """Put the networks on the device and under the phase's rules."""
    plain, extractor = material.generator, material.extractor
    discriminator = material.discriminator

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
        "draws": Draws(recipe.seed, fabric.global_rank * schedule.accumulate),
        "hold": fabric.no_backward_sync,
        "accumulate": schedule.accumulate,
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
    network = SRResNet(
        plain.channels, plain.scale, plain.blocks, plain.width, plain.noise, plain.norm
    )
    network.load_state_dict(step.average.module.state_dict())
    device = next(plain.parameters()).device
    network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network.eval()
