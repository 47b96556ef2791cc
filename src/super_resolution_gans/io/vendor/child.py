"""Parses one vendor's file under limits: a program, which ``process.py`` starts.

    python -I -S child.py REQUEST(JSON)

Standard output, a file, gets the pixels from position ``PIXELS_AT``, and once they are complete one
line of JSON at its beginning: ``shape``, ``dtype``, ``spacing`` and ``details``; or ``refused`` and
a reason, ``missing`` and a library, or ``failed`` and the name of an error. The text of such an
error is not told: it can hold pieces of the file.
"""

import json
import os
import sys
from pathlib import Path
from typing import IO, Any

PIXELS_AT = 1 << 16
MEMORY = 4 << 30
SECONDS = 20


def main() -> None:
    """See the module."""
    request = json.loads(sys.argv[1])
    # Nothing but the answer may reach standard output.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.path += request["search"]
    _limit("RLIMIT_CORE", 0)
    _limit("RLIMIT_AS", MEMORY)
    _limit("RLIMIT_CPU", SECONDS)
    line = json.dumps(_answer(request, out)).encode() + b"\n"
    out.seek(0)
    out.write(line)
    out.flush()


def _answer(request: dict[str, Any], out: IO[bytes]) -> dict[str, Any]:
    try:
        import numpy as np

        from super_resolution_gans.io.errors import ReadError
        from super_resolution_gans.io.stored import Limits
        from super_resolution_gans.io.vendor.parse import parse
    except MemoryError:
        return {"failed": "MemoryError"}
    limits = Limits(request["max_pixels"], 0, 0)
    try:
        volume = parse(request["kind"], Path(request["path"]), request["name"], limits)
        out.seek(PIXELS_AT)
        for piece in volume.pixels:
            out.write(np.ascontiguousarray(piece).data)
    except ReadError as error:
        return {"refused": error.reason}
    except ModuleNotFoundError as error:
        return {"missing": error.name}
    except Exception as error:  # whatever; the parent says it in one line
        return {"failed": type(error).__name__}
    return {
        "shape": volume.pixels.shape,
        "dtype": volume.pixels.dtype.name,
        "spacing": volume.spacing,
        "details": dict(volume.details),
    }


def _limit(name: str, value: int) -> None:
    """Windows has none of these limits, and some systems refuse some of them."""
    try:
        import resource

        resource.setrlimit(getattr(resource, name), (value, value))
    except (ImportError, AttributeError, ValueError, OSError):
        pass


if __name__ == "__main__":
    main()
