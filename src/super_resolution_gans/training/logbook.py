"""What a run writes down: ``metrics.jsonl`` always, TensorBoard events where it is installed."""

import importlib.util
import json
from pathlib import Path
from typing import Any

from super_resolution_gans.io.atomic import replacing

NAME = "metrics.jsonl"


class Logbook:
    """Appends rows ``{"update": n, "split": ..., **values}`` to ``folder/metrics.jsonl``.

    Args:
        folder: of the run.
        start: rows of updates after this one are dropped: a killed run may have logged further than
            its last checkpoint, and those updates are about to be made again.
    """

    def __init__(self, folder: Path, start: int) -> None:
        self._folder, self._path = folder, folder / NAME
        self.rewind(start)
        self._events: Any = None
        if importlib.util.find_spec("tensorboard") is not None:
            from torch.utils.tensorboard import SummaryWriter

            self._events = SummaryWriter(str(folder / "tensorboard"), purge_step=start + 1)

    def rewind(self, update: int) -> None:
        """Drop the rows of updates after this one."""
        kept = [row for row in read_metrics(self._folder) if row["update"] <= update]
        with replacing(self._path) as file:
            file.write("".join(json.dumps(row) + "\n" for row in kept).encode())

    def note(self, update: int, text: str) -> None:
        """Add a sentence."""
        self._append({"update": update, "split": "note", "text": text})
        if self._events is not None:
            self._events.add_text("notes", text, update)

    def write(self, update: int, split: str, values: dict[str, float]) -> None:
        """Add one row, and the same numbers as events."""
        self._append({"update": update, "split": split, **values})
        if self._events is not None:
            for name, value in values.items():
                self._events.add_scalar(f"{split}/{name}", value, update)

    def _append(self, row: dict[str, Any]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    def close(self) -> None:
        """Flush what is buffered."""
        if self._events is not None:
            self._events.close()


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """All complete rows of a run's ``metrics.jsonl``; a torn last line is left out."""
    path = folder / NAME
    rows: list[dict[str, Any]] = []
    if not path.is_file():
        return rows
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            continue
        if isinstance(row, dict) and isinstance(row.get("update"), int):
            rows.append(row)
    return rows


def last_measured(folder: Path) -> dict[str, float]:
    """The last row of the validation split, without its names; empty if there is none."""
    rows = [row for row in read_metrics(folder) if row.get("split") == "val"]
    return {k: v for k, v in rows[-1].items() if k != "split"} if rows else {}
