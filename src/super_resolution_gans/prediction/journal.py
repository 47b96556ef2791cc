"""What was done to which file: one line of JSON each, in the folder of the results.

There are no times in it, so that the same work leaves the same journal.
"""

import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any, Self

JOURNAL_NAME = "srgan-journal.jsonl"


class Journal:
    """Appends lines to ``srgan-journal.jsonl``; each is written whole, in one system call.

    Raises:
        OSError: if the journal cannot be opened or written.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / JOURNAL_NAME
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        size = os.fstat(self._file).st_size
        if size:
            os.lseek(self._file, size - 1, os.SEEK_SET)
            if os.read(self._file, 1) != b"\n":
                # A full disk cut the last line short; it must not swallow the next one.
                os.write(self._file, b"\n")

    def append(self, entry: dict[str, Any]) -> None:
        """Add one entry."""
        os.write(self._file, json.dumps(entry, sort_keys=True).encode() + b"\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        os.close(self._file)
