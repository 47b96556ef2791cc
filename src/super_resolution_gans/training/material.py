"""What a run is made of, before it begins: networks, data, and what makes it this run."""

import os
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from super_resolution_gans.data.augment import Augmentation
from super_resolution_gans.data.crops import CropRules, CropSampler
from super_resolution_gans.data.store import Store, open_store
from super_resolution_gans.degrade import DegradationRange
from super_resolution_gans.models.features import FeatureExtractor
from super_resolution_gans.models.generator import SRResNet
from super_resolution_gans.training.checkpoint import TrainingError
from super_resolution_gans.training.identity import identify
from super_resolution_gans.training.players import (
    extractor_digest,
    make_discriminator,
    make_extractor,
    make_generator,
)
from super_resolution_gans.training.recipe import Recipe
from super_resolution_gans.training.sections import Schedule
from super_resolution_gans.training.validation import Validation


@dataclass(frozen=True)
class Material:
    """Networks on the CPU, data for the device, and what :func:`identify` says."""

    generator: SRResNet
    discriminator: nn.Module | None
    extractor: FeatureExtractor | None
    sampler: CropSampler
    validation: Validation
    identity: dict[str, Any]


def prepare(
    recipe: Recipe,
    schedule: Schedule,
    store_path: str | os.PathLike[str],
    init: str | os.PathLike[str] | None,
    vgg: str | os.PathLike[str] | None,
    *,
    device: torch.device,
    processes: int,
) -> Material:
    """Make and check everything that a run needs; nothing is written.

    Raises:
        DataError, FeatureError, ModelFileError: as in :func:`.run.train`.
        TrainingError: if recipe, store, start and number of processes do not fit each other.
    """
    store = open_store(store_path)
    if store.channels != recipe.model.channels:
        raise TrainingError(
            f"the recipe wants {recipe.model.channels} channel(s), the store has {store.channels}; "
            "pack it again with --channels"
        )
    torch.manual_seed(recipe.seed)
    generator = make_generator(recipe, init)
    if recipe.freeze_batch_norm and recipe.model.norm == "batch" and init is None:
        raise TrainingError(
            "freeze_batch_norm keeps the statistics of trained weights: give some with --init"
        )
    torch.manual_seed(recipe.seed + 1)  # the discriminator starts alike whatever the generator is
    discriminator = make_discriminator(recipe) if recipe.phase == "adversarial" else None
    extractor = make_extractor(recipe.content, vgg)
    if not _weighs(recipe):
        raise TrainingError("content: every weight is 0, there is nothing to train on")
    sampler, validation = _data(recipe, store, device)
    if schedule.batch % (processes * schedule.accumulate):
        parts = f" in {schedule.accumulate} parts each" if schedule.accumulate > 1 else ""
        raise TrainingError(
            f"a batch of {schedule.batch} cannot be shared by {processes} process"
            f"{'' if processes == 1 else 'es'}{parts}"
        )
    identity = identify(recipe, store, init, extractor_digest(extractor), processes)
    return Material(generator, discriminator, extractor, sampler, validation, identity)


def _weighs(recipe: Recipe) -> bool:
    content = recipe.content
    weights = [
        *(content.pixel_weight, content.total_variation, content.spectrum, content.grid),
        *(content.subpixel_bias, content.texture, content.consistency),
        0.0 if content.features is None else content.features_weight,
    ]
    return any(weights)


def _data(recipe: Recipe, store: Store, device: torch.device) -> tuple[CropSampler, Validation]:
    degradation, augment = None, recipe.augment.model_dump()
    if recipe.pairs == "ready":
        augment["padding"] = 0.0  # the shipped recipes have it, and LR twins would not follow
    else:
        degradation = DegradationRange(scale=recipe.model.scale, **recipe.degradation.model_dump())
    sampler = CropSampler(
        store,
        "train",
        rules=CropRules(**recipe.crops.model_dump()),
        degradation=degradation,
        scale=recipe.model.scale,
        seed=recipe.seed,
        device=device,
        augmentation=Augmentation(**augment),
    )
    validation = Validation(store, degradation=degradation, scale=recipe.model.scale, device=device)
    return sampler, validation
