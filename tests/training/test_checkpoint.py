"""The state on disk: whole, or the one before it, and never half of one taken for whole."""

import io
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

from super_resolution_gans.training import checkpoint
from super_resolution_gans.training.checkpoint import (
    NAME,
    PREVIOUS,
    TrainingError,
    load_state,
    save_state,
)


def state(done: int) -> dict[str, Any]:
    return {"done": done, "step": {"weight": torch.full((4000,), float(done))}}


def same(found: dict[str, Any] | None, done: int) -> bool:
    assert found is not None
    return found["done"] == done and torch.equal(
        found["step"]["weight"], state(done)["step"]["weight"]
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With the checkpoints after updates 3 and 6."""
    save_state(tmp_path, state(3))
    save_state(tmp_path, state(6))
    return tmp_path


def tear(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path) -> None:
    """Change one byte of a tensor: the archive's directory and sizes stay what they were."""
    payload = bytearray(path.read_bytes())
    at = payload.index(torch.full((8,), 6.0).numpy().tobytes())
    payload[at + 2000] ^= 1
    path.write_bytes(payload)


def no_state(path: Path) -> None:
    torch.save([1, 2], path)


def test_a_folder_without_checkpoints_has_no_state(tmp_path: Path) -> None:
    assert load_state(tmp_path) is None


def test_the_newest_comes_back_and_the_one_before_is_kept(folder: Path) -> None:
    said: list[str] = []
    assert same(load_state(folder, said.append), 6)
    assert {p.name for p in folder.iterdir()} == {NAME, PREVIOUS}
    assert not said


@pytest.mark.parametrize("harm", [tear, flip, Path.unlink, no_state])
def test_where_the_newest_is_torn_the_one_before_is_taken_loudly(folder: Path, harm: Any) -> None:
    harm(folder / NAME)
    said: list[str] = []
    assert same(load_state(folder, said.append), 3)
    assert len(said) == 1
    assert str(folder) in said[0]
    assert NAME in said[0]
    assert "after update 3" in said[0]


def test_a_torn_newest_never_becomes_the_one_before(folder: Path) -> None:
    tear(folder / NAME)
    load_state(folder)
    save_state(folder, state(4))
    tear(folder / NAME)
    assert same(load_state(folder), 3)


def test_two_torn_ones_are_named_with_their_reasons_and_left(folder: Path) -> None:
    tear(folder / NAME)
    tear(folder / PREVIOUS)
    with pytest.raises(TrainingError) as caught:
        load_state(folder)
    message = str(caught.value)
    assert f"{NAME} is torn" in message
    assert f"{PREVIOUS} is torn" in message
    assert "choose another --out" in message
    assert "\n" not in message
    assert len(list(folder.iterdir())) == 2


def test_nothing_in_a_state_is_executed(folder: Path, tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(tmp_path / "owned"),)

    for name in (NAME, PREVIOUS):
        torch.save({"done": 9, "step": Hostile()}, folder / name)
    with pytest.raises(TrainingError, match="no readable training state"):
        load_state(folder)
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("moment", ["writing", "before", "between", "after"])
def test_killed_at_any_moment_of_a_save_there_is_a_whole_state(folder: Path, moment: str) -> None:
    pid = os.fork()
    if pid == 0:
        _die(moment)
        try:
            save_state(folder, state(9))
        finally:
            os._exit(1)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status)
    found = load_state(folder)
    assert same(found, 9 if moment == "after" else 6)
    save_state(folder, state(12))
    assert same(load_state(folder), 12)


def _die(moment: str) -> None:
    """In this process, die at a moment of the next save."""
    real_save, real_replace = torch.save, Path.replace

    def save(value: Any, file: Any) -> None:
        if moment == "writing":
            whole = io.BytesIO()
            real_save(value, whole)
            file.write(whole.getvalue()[:1000])
            file.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        real_save(value, file)

    def replace(self: Path, target: Any) -> Any:
        if moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        done = real_replace(self, target)
        last = Path(target).name == NAME
        if moment == "between" or (moment == "after" and last):
            os.kill(os.getpid(), signal.SIGKILL)
        return done

    checkpoint.torch.save = save  # type: ignore[attr-defined]
    Path.replace = replace  # type: ignore[method-assign]
