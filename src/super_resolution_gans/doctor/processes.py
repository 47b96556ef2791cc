"""What may go wrong in any way, asked of another process that may end over it."""

import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from super_resolution_gans.doctor import child
from super_resolution_gans.doctor.selfcheck import Check, Default

SECONDS = 300
"""How long a process may take, on a machine that has other things to do as well."""


def import_faults(modules: Sequence[str], seconds: float = SECONDS) -> dict[str, str]:
    """What goes wrong when each is imported, in one line; an empty text if nothing does.

    What one of them does to its process hides nothing of the others: they get another.
    """
    faults: dict[str, str] = {}
    while left := modules[len(faults) :]:
        answers, end = _ask("imports", {"modules": list(left)}, seconds)
        faults |= zip(left, answers, strict=False)
        if len(answers) < len(left):
            faults[left[len(answers)]] = f"its import {end}"
    return faults


def check_upscaling(
    seconds: float = SECONDS,
) -> tuple[Default | None, str, tuple[Check, ...]]:
    """What upscaling uses here; why it does not work, or nothing; every engine's check."""
    answers, end = _ask("upscaling", {"whole": True}, seconds)
    default: Default | None = None
    fault = "" if answers else f"upscaling a small image {end}"
    if fault:  # the engines one by one may tell which of them does that
        answers, end = _ask("upscaling", {"whole": False}, seconds)
    checks: dict[tuple[str, str], Check] = {}
    for answer in answers:
        if "default" in answer:
            default = Default(**answer["default"])
        elif "fault" in answer:
            fault = fault or str(answer["fault"])
        else:
            check = Check(**answer["check"])
            checks[check.engine, check.precision] = check
    if not checks:
        fault = fault or f"the plain network {end}"
    return default, fault, tuple(checks.values())


def _ask(task: str, given: dict[str, Any], seconds: float) -> tuple[list[Any], str]:
    """The answers, and how the process ended if there are fewer than there should be."""
    # Relative places stay out, as of all children.
    search = [place for place in sys.path if Path(place).is_absolute()]
    request = json.dumps({"task": task, "given": given, "search": search})
    try:
        done = subprocess.run(
            [sys.executable, "-P", child.__file__, request],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            timeout=seconds, check=False,
        )  # fmt: skip
        said, end = done.stdout, _death(done.returncode)
    except subprocess.TimeoutExpired as late:
        said, end = late.stdout or b"", f"takes more than {seconds:g} seconds"
    return [json.loads(line) for line in said.splitlines(True) if line.endswith(b"\n")], end


def _death(status: int) -> str:
    names = {-int(number): number.name for number in signal.Signals}
    return f"ends Python ({names.get(status, f'status {status}')})"
