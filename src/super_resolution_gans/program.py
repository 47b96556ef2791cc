"""What a program owes to the terminal and the system it runs in."""

import io
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

_STOPS = ("SIGTERM", "SIGHUP")  # Windows has no SIGHUP


@contextmanager
def as_program() -> Iterator[None]:
    """Around a whole program: nothing that the world outside does ends in a traceback.

    - SIGTERM and SIGHUP raise SystemExit(128 + number), as Ctrl-C raises KeyboardInterrupt, so that
      what is being written is cleaned up; where they are ignored (nohup) they stay ignored.
    - Ctrl-C that nobody has caught is one line and status 130.
    - Characters that the encoding of stdout or stderr lacks are escaped.
    - A stream that was closed from the start swallows everything.
    - If a reader goes away (``| head -1``) the program ends with status 1; so it does, after one
      line, on any other error of the operating system that nobody has caught.
    """
    with _stops_unwind():
        _prepare_streams()
        try:
            try:
                yield
            finally:
                sys.stdout.flush()
        except KeyboardInterrupt:
            with suppress(OSError):
                sys.stderr.write("interrupted\n")
            raise SystemExit(130) from None
        except BrokenPipeError:
            _discard_output()
            raise SystemExit(1) from None
        except OSError as error:
            _discard_output()
            with suppress(OSError):
                sys.stderr.write(
                    f"error: {error.filename or 'output'}: {error.strerror or error}\n"
                )
            raise SystemExit(1) from None


@contextmanager
def _stops_unwind() -> Iterator[None]:
    numbers = [getattr(signal, name) for name in _STOPS if hasattr(signal, name)]
    if threading.current_thread() is not threading.main_thread():
        numbers = []
    taken = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, _unwind)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


def _unwind(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _prepare_streams() -> None:
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115  it stays
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _discard_output() -> None:
    """What is still buffered must not be tried again when Python ends."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def processors() -> int:
    """How many this process may use, where the system tells; else how many there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
