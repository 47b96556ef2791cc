"""How commands speak to people, and what they understand."""

import logging
import math
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import typer

if TYPE_CHECKING:
    from super_resolution_gans.io import Fill

# The streams are handed over by name: typer would look up the ones behind those that rich puts in
# place while it draws a progress bar, and the text would be drawn over.


def say(message: str) -> None:
    """Print what a command is for to stdout."""
    typer.echo(message, file=sys.stdout)


def warn(message: str) -> None:
    """Print what is worth knowing besides to stderr."""
    typer.echo(message, file=sys.stderr)


class _Shown(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        warn(f"warning: {' '.join(record.getMessage().split())}")


@contextmanager
def warnings_shown() -> Iterator[None]:
    """Print what the package logs as warnings as lines ``warning: ...`` to stderr."""
    package, handler = logging.getLogger("super_resolution_gans"), _Shown(logging.WARNING)
    package.addHandler(handler)
    try:
        yield
    finally:
        package.removeHandler(handler)


def error(message: str) -> None:
    """Print one line ``error: ...`` to stderr."""
    warn(f"error: {' '.join(message.split())}")


def fail(problem: Exception | str, status: int = 1) -> NoReturn:
    """Say what went wrong in one line and end the command."""
    error(one_line(problem) if isinstance(problem, Exception) else problem)
    raise typer.Exit(status)


def one_line(problem: Exception) -> str:
    """An exception as ``name: reason``."""
    if isinstance(problem, FileExistsError) and problem.filename:
        return f"{problem.filename}: a file of this name exists already"
    if isinstance(problem, OSError) and problem.filename:
        return f"{problem.filename}: {problem.strerror}"
    return " ".join(str(problem).split())


def duration(seconds: float) -> str:
    """A length of time in words: 45 s, 12 min, 3 h 05 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"


def parse_fill(text: str) -> "Fill":
    """A finite number, or ``min``.

    Raises:
        typer.BadParameter: if it is neither.
    """
    if text == "min":
        return "min"
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise typer.BadParameter(f"{text!r} is neither a number nor min", param_hint="--fill")
    return value


def parse_scale(text: str) -> tuple[int, int]:
    """``4`` -> (4, 4), ``1x4`` -> (1, 4): vertical, then lateral.

    Raises:
        typer.BadParameter: if it is neither, or enlarges nothing.
    """
    match = re.fullmatch(r"(\d{1,2})(?:[xX](\d{1,2}))?", text)
    factors = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not 1 <= min(factors) <= max(factors) <= 64 or factors == (1, 1):
        raise typer.BadParameter(
            f"{text!r} is neither a whole number from 2 to 64 nor two such as 1x4",
            param_hint="--scale",
        )
    return factors
