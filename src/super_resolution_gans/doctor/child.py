"""What may go wrong in any way, tried in a process of its own: run by ``processes.py``.

An import can raise anything, print, wait for ever, or end Python; so can the code of libraries.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

LONGEST = 300


def in_a_line(error: BaseException) -> str:
    """What was raised: our own errors as they are, others with their class."""
    text = " ".join(str(error).split())[:LONGEST]
    ours = type(error).__module__.startswith("super_resolution_gans")
    return text if ours and text else f"{type(error).__name__}: {text}"


def imports(modules: list[str]) -> Iterator[str]:
    """For each module what its import raises, in one line; an empty text if nothing."""
    from super_resolution_gans.runtimes.libraries import RUNTIMES, library

    for module in modules:
        try:
            library(module) if module in RUNTIMES else import_module(module)
        except BaseException as error:  # SystemExit and KeyboardInterrupt too
            yield in_a_line(error.__cause__ or error)
        else:
            yield ""


def upscaling(whole: bool) -> Iterator[dict[str, Any]]:
    """``default`` if the ``whole`` is asked for, and each of ``checks``; or a ``fault``."""
    from dataclasses import asdict

    if whole:
        try:
            from super_resolution_gans.doctor.selfcheck import find_default

            yield {"default": asdict(find_default())}
        except BaseException as error:
            yield {"fault": in_a_line(error)}
    try:
        from super_resolution_gans.doctor.selfcheck import check_engines

        for check in check_engines():
            yield {"check": asdict(check)}
    except BaseException as error:
        yield {"fault": in_a_line(error)}


TASKS: dict[str, Callable[..., Iterator[Any]]] = {"imports": imports, "upscaling": upscaling}


def main() -> None:
    """Answer a request in lines of JSON, each as soon as it is known."""
    request = json.loads(sys.argv[1])
    sys.path[:] = request["search"]
    # Modules may print, also from C.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    for answer in TASKS[request["task"]](**request["given"]):
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
    os._exit(0)  # what libraries do at the end is not asked about


if __name__ == "__main__":
    main()
