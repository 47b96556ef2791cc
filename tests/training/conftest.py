"""A small store of drawn scans and a recipe that trains in a second."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from super_resolution_gans.data.inventory import find_entries
from super_resolution_gans.data.split import assign_splits
from super_resolution_gans.data.store import pack
from super_resolution_gans.training.recipe import Recipe, parse_recipe


def drawn_scan(seed: int, height: int = 112, width: int = 128) -> np.ndarray:
    """Bright layers of changing depth under a dark vitreous, with speckle."""
    generator = np.random.default_rng(seed)
    depth = np.arange(height)[:, None]
    surface = 30 + 8 * np.sin(np.arange(width) / 17 + seed)[None, :]
    layers = (depth > surface) * (0.4 + 0.3 * np.sin((depth - surface) / 5))
    speckled = layers * generator.gamma(8, 1 / 8, (height, width)) + 0.03
    return np.rint(np.clip(speckled, 0, 0.95) * 255).astype(np.uint8)


@pytest.fixture(scope="session")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve scans of six people."""
    folder = tmp_path_factory.mktemp("scans")
    for patient in range(6):
        for number in range(2):
            name = f"NORMAL-{1000 + patient}-{number}.png"
            Image.fromarray(drawn_scan(10 * patient + number)).save(folder / name)
    return folder


@pytest.fixture(scope="session")
def store_path(scans: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scans, packed, split 4 / 1 / 1."""
    target = tmp_path_factory.mktemp("stores") / "store"
    pack(assign_splits(find_entries(scans), (4 / 6, 1 / 6, 1 / 6)), target)
    return target


TINY = {
    "name": "tiny",
    "model": {"blocks": 1, "width": 8},
    "crops": {"size": 48},
    "schedules": {
        "cpu": {
            "updates": 12,
            "batch": 4,
            "learning_rate": 1e-3,
            "precision": "32-true",
            "log_every": 2,
            "validate_every": 6,
            "checkpoint_every": 3,
            "panel_every": 6,
        }
    },
}


@pytest.fixture(scope="session")
def tiny() -> Recipe:
    """One block of eight channels, twelve updates."""
    return parse_recipe(TINY, "tiny")
