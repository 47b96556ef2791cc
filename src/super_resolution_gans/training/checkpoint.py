"""The state of a run on disk: written atomically, read with nothing but tensors and numbers."""

from pathlib import Path
from typing import Any

import torch

from super_resolution_gans.io.atomic import replacing

NAME = "state.pt"


class TrainingError(RuntimeError):
    """Training cannot go on; the message says why and what to do."""


def save_state(folder: Path, state: dict[str, Any]) -> None:
    """Write ``state`` to ``folder/state.pt``; a reader sees the old or the new file, never half."""
    with replacing(folder / NAME) as file:
        torch.save(state, file)


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
        first = str(error).split("\n", 1)[0] or type(error).__name__
        raise TrainingError(
            f"{path}: not a readable training state ({first}); choose another --out to start anew"
        ) from error
    return state
