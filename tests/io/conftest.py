"""Fixtures for reading and writing."""

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest

_SECONDS = 20.0


@pytest.fixture(scope="session")
def answer() -> Iterator[Callable[[Path], dict[str, Any]]]:
    """Reads a file in a child process with limits, and says what became of it."""
    with _Reader() as reader:
        yield reader.read


class _Reader:
    """The worker process, started again when it dies or hangs."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def read(self, path: Path) -> dict[str, Any]:
        process = self._started()
        assert process.stdin is not None
        process.stdin.write(json.dumps(str(path)) + "\n")
        process.stdin.flush()
        try:
            line = self._lines.get(timeout=_SECONDS)
        except queue.Empty:
            self.stop()
            return {"outcome": "hang", "message": f"no answer in {_SECONDS:g} seconds"}
        if not line:
            code = process.wait()
            self.stop()
            return {"outcome": "crash", "message": f"the process died with {code}"}
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _started(self) -> "subprocess.Popen[str]":
        if self._process is None:
            self._process = process = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("reader_worker.py"))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,  # a printed warning would be no JSON and fail the test
                text=True,
            )
            lines = self._lines = queue.Queue[str]()
            self._listener = threading.Thread(target=_listen, args=(process, lines))
            self._listener.start()
        return self._process

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._listener.join()
            for stream in (self._process.stdin, self._process.stdout):
                assert stream is not None
                stream.close()
            self._process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _listen(process: "subprocess.Popen[str]", lines: "queue.Queue[str]") -> None:
    assert process.stdout is not None
    for line in process.stdout:
        lines.put(line)
    lines.put("")
