"""The networks a recipe asks for."""

import hashlib
import os

import torch
from torch import nn

from super_resolution_gans.models.discriminator import (
    Discriminator,
    MultiScaleDiscriminator,
    PatchDiscriminator,
)
from super_resolution_gans.models.features import (
    FeatureExtractor,
    VGGFeatures,
    import_features,
    load_features,
)
from super_resolution_gans.models.generator import SRResNet
from super_resolution_gans.models.load import load_model
from super_resolution_gans.models.vgg import BLOCKS, FeatureError
from super_resolution_gans.models.vgg_download import cache_folder, download_vgg
from super_resolution_gans.training.checkpoint import TrainingError
from super_resolution_gans.training.recipe import Recipe
from super_resolution_gans.training.sections import ContentSection


def make_generator(recipe: Recipe, init: str | os.PathLike[str] | None) -> SRResNet:
    """The generator, started at random or from the weights of a file.

    Raises:
        ModelFileError: if ``init`` cannot be used.
        TrainingError: if it holds another architecture.
    """
    model = recipe.model
    network = SRResNet(
        model.channels, model.scale, model.blocks, model.width, model.noise, model.norm
    )
    if init is not None:
        _start_from(network, init)
    return network


def _start_from(network: SRResNet, init: str | os.PathLike[str]) -> None:
    source = load_model(init).network
    if not isinstance(source, SRResNet):
        raise TrainingError(f"{os.fspath(init)}: is no SRResNet, training cannot start from it")
    wanted = (network.channels, network.scale, network.blocks, network.width, network.norm)
    found = (source.channels, source.scale, source.blocks, source.width, source.norm)
    if wanted != found or (source.noise and not network.noise):
        raise TrainingError(
            f"{os.fspath(init)}: has (channels, scale, blocks, width, norm) = {found}"
            f"{' and noise' if source.noise else ''}, the recipe wants {wanted}"
            f"{'' if network.noise else ' without noise' if source.noise else ''}"
        )
    if network.noise and not source.noise:
        network.load_noiseless(source.state_dict())
    else:
        network.load_state_dict(source.state_dict())


def make_discriminator(recipe: Recipe) -> nn.Module:
    """The discriminator, for what it sees of a crop.

    Raises:
        TrainingError: if that is too small for it.
    """
    section, channels = recipe.adversarial.discriminator, recipe.model.channels
    size = recipe.crops.size - recipe.jitter
    try:
        if section.kind == "paper":
            return Discriminator(
                channels, size, section.width, section.dense, section.spectral, section.noise
            )
        if section.kind == "patch":
            made: PatchDiscriminator | MultiScaleDiscriminator = PatchDiscriminator(
                channels, section.width, section.layers, section.spectral, section.noise
            )
        else:
            made = MultiScaleDiscriminator(
                channels,
                section.scales,
                section.width,
                section.layers,
                section.spectral,
                section.noise,
            )
    except ValueError as error:
        raise TrainingError(f"adversarial.discriminator: {error}") from error
    if made.smallest > size:
        raise TrainingError(
            f"adversarial.discriminator: needs {made.smallest} pixels a side, crops.size less "
            f"jitter leaves {size}"
        )
    return made


def make_extractor(
    content: ContentSection, vgg: str | os.PathLike[str] | None
) -> FeatureExtractor | None:
    """What the features of the content loss come from; None where there are none.

    Args:
        content: of the recipe.
        vgg: a file of VGG weights; None takes the official ones, fetched once into the cache.

    Raises:
        FeatureError: if there is no such layer, or a module cannot be imported.
        ModelFileError: if the weights cannot be had or used.
    """
    wanted = content.features
    if wanted is None or not content.features_weight:
        return None
    if isinstance(wanted, str) and ":" in wanted:
        return import_features(wanted)
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    networks = {name.partition(".")[0] for name in names} & set(BLOCKS)
    if vgg is None and len(networks) == 1:
        vgg = download_vgg(networks.pop(), cache_folder())
    if vgg is None:
        raise FeatureError(", ".join(names), "layers are called like vgg19.relu5_4, of one network")
    return load_features(wanted, vgg)


def extractor_digest(extractor: FeatureExtractor | None) -> str | None:
    """What a run must find again: SHA-256 of the VGG weights in use; None for anything else."""
    if not isinstance(extractor, VGGFeatures):
        return None
    digest = hashlib.sha256(extractor.label().encode())
    for tensor in extractor.state_dict().values():
        digest.update(tensor.detach().to("cpu", torch.float32).contiguous().numpy().tobytes())
    return digest.hexdigest()
