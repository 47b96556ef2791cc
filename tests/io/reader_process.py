"""A worker process that answers questions, started again when it dies or hangs.

Loaded by the ``reader_process`` fixture and by ``tools/mutate_readers.py``.
"""

import json
import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Self


class ReaderProcess:
    """Runs a script that reads JSON from its stdin and writes JSON to its stdout, line by line."""

    def __init__(self, script: Path, seconds: float = 20.0) -> None:
        self._script, self._seconds = script, seconds
        self._process: subprocess.Popen[str] | None = None

    def ask(self, question: object) -> dict[str, Any]:
        """The answer; or an ``outcome`` of "hang" or "crash" and a ``message``."""
        process = self._started()
        assert process.stdin is not None
        process.stdin.write(json.dumps(question) + "\n")
        process.stdin.flush()
        try:
            line = self._lines.get(timeout=self._seconds)
        except queue.Empty:
            self.stop()
            return {"outcome": "hang", "message": f"no answer in {self._seconds:g} seconds"}
        if not line:
            code = process.wait()
            self.stop()
            return {"outcome": "crash", "message": f"the process died with {code}"}
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _started(self) -> "subprocess.Popen[str]":
        if self._process is None:
            self._process = process = subprocess.Popen(
                [sys.executable, str(self._script)],
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
