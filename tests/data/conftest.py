"""Small folders of made-up scans."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

Draw = Callable[..., NDArray[np.uint8]]
Write = Callable[..., Path]


@pytest.fixture
def draw() -> Draw:
    """A scan with a bright, textured band in the middle and dark, noisy background."""

    def made(height: int = 160, width: int = 200, seed: int = 0) -> NDArray[np.uint8]:
        rng = np.random.default_rng(seed)
        y, x = np.mgrid[:height, :width].astype(np.float64)
        band = np.abs(y - height / 2 - 8 * np.sin(x / 30)) < height / 6
        layers = 120 + 80 * np.sin(y / 6 + x / 40)
        return np.where(band, layers, rng.uniform(0, 40, (height, width))).round().astype(np.uint8)

    return made


@pytest.fixture
def write(tmp_path: Path, draw: Draw) -> Write:
    """Write an image below the test's folder; by default a small drawn one."""

    def written(name: str, pixels: NDArray[Any] | None = None, **options: Any) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(draw(24, 32, seed=len(name)) if pixels is None else pixels)
        image.save(path, **options)
        return path

    return written
