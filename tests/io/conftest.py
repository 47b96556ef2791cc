"""Fixtures for tests of readers and writers."""

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


def _loaded(name: str) -> ModuleType:
    """A module beside this file, under its own name, so that it can import its neighbours."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture(scope="session")
def vendor_files() -> ModuleType:
    """Writers of small vendors' files, from ``vendor_files.py``."""
    return _loaded("vendor_files")


@pytest.fixture(scope="session")
def reader_process() -> ModuleType:
    """A worker process that may die, from ``reader_process.py``."""
    return _loaded("reader_process")


@pytest.fixture(scope="session")
def mutations() -> ModuleType:
    """Damaged copies of files, from ``mutations.py``."""
    return _loaded("mutations")


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A server on loopback, from ``web_server.py``."""
    monkeypatch.setenv("NO_PROXY", "*")
    with _loaded("web_server").serving() as served:
        yield served


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Temporary files go here, and none may be left."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    yield tmp_path
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="session")
def answer(reader_process: ModuleType) -> Iterator[Callable[[Path], dict[str, Any]]]:
    """Reads a file in a child process with limits, and says what became of it."""
    with reader_process.ReaderProcess(Path(__file__).with_name("reader_worker.py")) as reader:
        yield lambda path: reader.ask(str(path))
