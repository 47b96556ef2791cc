"""Fixtures for all tests."""

import os
from pathlib import Path

import hypothesis
import pytest

# No test asserts times, and a busy machine must not fail one.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real scans, weights and nasty files; tests skip where it is missing."""
    default = Path(__file__).resolve().parents[2] / "shared"
    path = Path(os.environ.get("SRGAN_SHARED", default))
    if not (path / "data").is_dir():
        pytest.skip(f"no shared test data at {path} (set SRGAN_SHARED)")
    return path
