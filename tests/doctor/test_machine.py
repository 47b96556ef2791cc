"""The machine and its folders."""

import os
import platform
from pathlib import Path

import pytest

from super_resolution_gans.doctor.machine import look_at_folders, look_at_machine


def test_the_machine_says_what_it_is() -> None:
    machine = look_at_machine()
    assert machine.python == platform.python_version()
    assert 1 <= machine.processors <= (os.cpu_count() or 1)
    assert machine.memory_free is None or machine.memory_free > 1 << 20


def test_a_folder_that_is_not_there_yet_is_judged_by_where_it_would_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SRGAN_CACHE", str(tmp_path / "deep" / "down"))
    _, downloads = look_at_folders()
    assert (downloads.path, downloads.fault) == (str(tmp_path / "deep" / "down"), "")
    assert downloads.free is not None
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_has_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SRGAN_CACHE", str(tmp_path / "file" / "down"))
    _, downloads = look_at_folders()
    assert downloads.fault == "cannot be written to (Not a directory)"


def test_no_place_for_temporary_files_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr("tempfile.gettempdir", none)
    temporary, _ = look_at_folders()
    assert "No usable temporary directory" in temporary.fault
