"""Fixtures for all tests."""

import importlib.util
import os
import signal
from pathlib import Path
from types import ModuleType

import hypothesis
import pytest

# No test asserts times, and a busy machine must not fail one.
hypothesis.settings.register_profile("untimed", deadline=None)
# For tools/mutation.py: the same examples each time, and none is made smaller, which takes longest.
hypothesis.settings.register_profile(
    "mutation",
    deadline=None,
    derandomize=True,
    database=None,
    phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
)
hypothesis.settings.load_profile("untimed")

# Programs that the tests start and stop inherit signals that a shell in the background ignores.
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs that run with limits are not measured for coverage, which writes and takes time."""
    for name in [name for name in os.environ if name.startswith("COVERAGE_PROCESS")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real scans, weights and nasty files; tests skip where it is missing."""
    default = Path(__file__).resolve().parents[2] / "shared"
    path = Path(os.environ.get("SRGAN_SHARED", default))
    if not (path / "data").is_dir():
        pytest.skip(f"no shared test data at {path} (set SRGAN_SHARED)")
    return path


@pytest.fixture(scope="session")
def dicom_objects() -> ModuleType:
    """Makers of DICOM files."""
    return _helper(Path(__file__).parent / "io" / "dicom_objects.py")


@pytest.fixture(scope="session")
def retina() -> ModuleType:
    """Drawn B-scans whose boundaries are known."""
    return _helper(Path(__file__).with_name("drawn_retina.py"))


def _helper(path: Path) -> ModuleType:
    """A module beside the tests, which are imported by path and know no neighbours."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
