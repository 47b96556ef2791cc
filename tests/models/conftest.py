"""What several tests of models share: definitions of others, files of Keras, changed copies."""

import importlib.util
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import h5py
import pytest


class Change(Protocol):
    """Copies a golden file, changed: its description, the file itself, or both."""

    def __call__(
        self,
        name: str,
        config: Callable[[dict[str, Any]], Any] | None = None,
        file: Callable[[h5py.File], Any] | None = None,
    ) -> Path: ...


@pytest.fixture(scope="session")
def golden() -> Path:
    """Where the files are that Keras wrote (`tools/keras_golden.py`)."""
    return Path(__file__).parent / "golden"


@pytest.fixture
def changed(golden: Path, tmp_path: Path) -> Change:
    """See :class:`Change`; ``config`` gets layers by name."""

    def change(
        name: str,
        config: Callable[[dict[str, Any]], Any] | None = None,
        file: Callable[[h5py.File], Any] | None = None,
    ) -> Path:
        path = tmp_path / "model.h5"
        shutil.copyfile(golden / name, path)
        with h5py.File(path, "r+") as opened:
            if config is not None:
                stored = json.loads(opened.attrs["model_config"])
                config({layer["config"]["name"]: layer for layer in stored["config"]["layers"]})
                opened.attrs["model_config"] = json.dumps(stored)
            if file is not None:
                file(opened)
        return path

    return change


@pytest.fixture(scope="session")
def peers() -> ModuleType:
    """Plain definitions of other people's networks, from ``peers.py`` beside this file."""
    spec = importlib.util.spec_from_file_location("peers", Path(__file__).with_name("peers.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
