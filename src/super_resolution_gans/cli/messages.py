"""How commands speak to people."""

from typing import NoReturn

import typer


def fail(message: str, status: int = 1) -> NoReturn:
    """Print one line ``error: ...`` to stderr and end the command."""
    typer.echo(f"error: {' '.join(message.split())}", err=True)
    raise typer.Exit(status)


def duration(seconds: float) -> str:
    """A length of time in words: 45 s, 12 min, 3 h 05 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"
