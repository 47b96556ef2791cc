"""Small networks on disk."""

import pytest
import torch

from super_resolution_gans.models.checkpoint import save_generator
from super_resolution_gans.models.generator import SRResNet


@pytest.fixture(scope="session")
def grey_model(tmp_path_factory):
    """A randomly initialised x4 network of one channel."""
    return _save(tmp_path_factory.mktemp("models") / "grey.safetensors", channels=1)


@pytest.fixture(scope="session")
def colour_model(tmp_path_factory):
    """The same with three channels, vertical 2, lateral 3."""
    path = tmp_path_factory.mktemp("models") / "colour.safetensors"
    return _save(path, channels=3, scale=(2, 3))


def _save(path, **numbers):
    torch.manual_seed(0)
    save_generator(SRResNet(blocks=2, width=8, **numbers), path)
    return path
