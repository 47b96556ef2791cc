"""The files of the shipped models."""

import hashlib
import shutil
from pathlib import Path

import pytest

from super_resolution_gans.prediction import shipped
from super_resolution_gans.prediction.catalogue import SHIPPED, WEIGHTS


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the shipped files that can be damaged."""
    folder = tmp_path / "weights"
    shutil.copytree(WEIGHTS, folder)
    monkeypatch.setattr(shipped, "WEIGHTS", folder)
    monkeypatch.setattr(shipped, "SUMS", folder / "SHA256SUMS")
    return folder


def test_the_shipped_files_are_those_that_were_published() -> None:
    found = shipped.shipped_files()
    assert [(file.name, file.fault) for file in found] == [(name, "") for name in SHIPPED]


def test_the_sums_are_of_all_weights_as_sha256sum_writes_them() -> None:
    digests = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(WEIGHTS.glob("*.safetensors"))
    }
    lines = [f"{digest}  {name}\n" for name, digest in digests.items()]
    assert shipped.SUMS.read_text() == "".join(lines), "sha256sum *.safetensors > SHA256SUMS"


def test_a_damaged_file_and_a_missing_one_are_told_apart(weights: Path) -> None:
    damaged, missing, *_ = (weights / f"{name}.safetensors" for name in SHIPPED)
    with damaged.open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"?")
    missing.unlink()
    first, second, *others = shipped.shipped_files()
    assert "is not the file that was published" in first.fault
    assert first.sha256 == hashlib.sha256(damaged.read_bytes()).hexdigest()
    assert second.sha256 is None
    assert second.fault == "cannot be read (No such file or directory)"
    assert [file.fault for file in others] == [""] * (len(SHIPPED) - 2)


@pytest.mark.parametrize("content", [None, "", "nonsense\n\n", "\xff"])
def test_without_sums_nothing_is_said_to_be_whole(weights: Path, content: str | None) -> None:
    if content is None:
        (weights / "SHA256SUMS").unlink()
    else:
        (weights / "SHA256SUMS").write_text(content, encoding="latin-1")
    assert all("cannot be compared" in file.fault for file in shipped.shipped_files())
