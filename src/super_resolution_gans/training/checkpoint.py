"""The state of a run on disk: written atomically, read with nothing but tensors and numbers.

The checkpoint before the newest is kept, for the day on which the newest cannot be read.
"""

import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from super_resolution_gans.io.atomic import replacing

NAME = "state.pt"
PREVIOUS = "state.previous.pt"


class TrainingError(RuntimeError):
    """Training cannot go on; the message says why and what to do."""


def save_state(folder: Path, state: dict[str, Any]) -> None:
    """Write ``state`` to ``folder/state.pt``, after moving what was there to the previous one.

    A reader sees whole files only. Killed between the two renames, there is only the previous one.
    """
    newest = folder / NAME
    with replacing(newest) as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())  # the old one moves only when the new one is whole on the disk
        if newest.exists():
            newest.replace(folder / PREVIOUS)


def load_state(
    folder: Path, on_warning: Callable[[str], None] | None = None
) -> dict[str, Any] | None:
    """The state of the run in ``folder``, or None if it has none yet.

    Where the newest cannot be read, the one before it is; the unreadable file is removed then, lest
    it should become the previous one.

    Args:
        folder: of the run.
        on_warning: called with a line that says so.

    Raises:
        TrainingError: if there are checkpoints and none can be read.
    """
    reasons: list[str] = []
    torn: list[Path] = []
    for path in (folder / NAME, folder / PREVIOUS):
        try:
            state = _read(path)
        except FileNotFoundError:
            reasons.append(f"{path.name} is missing")
            continue
        except Exception as error:
            reasons.append(f"{path.name} is torn ({_first_line(error)})")
            torn.append(path)
            continue
        if reasons:
            for other in torn:
                other.unlink(missing_ok=True)
            if on_warning is not None:
                on_warning(
                    f"{folder}: {reasons[0]}; going on from the checkpoint before it, after update "
                    f"{state['done']}"
                )
        return state
    if not torn:
        return None
    raise TrainingError(
        f"{folder}: no readable training state, {' and '.join(reasons)}; choose another --out to "
        "start anew"
    )


def _read(path: Path) -> dict[str, Any]:
    with zipfile.ZipFile(path) as archive:
        broken = archive.testzip()  # torch.load does not look at the checksums it wrote
    if broken is not None:
        raise ValueError(f"checksum of {broken}")
    loaded: object = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(loaded, dict) or not isinstance(loaded.get("done"), int):
        raise ValueError("not a training state")
    return loaded


def _first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0] or type(error).__name__
