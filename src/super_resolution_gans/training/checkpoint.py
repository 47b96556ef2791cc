"""The state of a run on disk: written atomically, read with nothing but tensors and numbers."""

import os
from pathlib import Path
from typing import Any

import torch

NAME = "state.pt"


class TrainingError(RuntimeError):
    """Training cannot go on; the message says why and what to do."""


def save_state(folder: Path, state: dict[str, Any]) -> None:
    """Write ``state`` to ``folder/state.pt``; a reader sees the old or the new file, never half."""
    temporary = folder / f".{NAME}.new"
    with temporary.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(folder / NAME)


def load_state(folder: Path) -> dict[str, Any] | None:
    """The state of the run in ``folder``, or None if it has none yet.

    Raises:
        TrainingError: if there is one and it cannot be read.
    """
    path = folder / NAME
    if not path.exists():
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        first = str(error).split("\n", 1)[0]
        raise TrainingError(f"{path}: not a readable training state ({first})") from error
    return state
