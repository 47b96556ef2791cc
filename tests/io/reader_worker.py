"""Reads files named on stdin, one JSON answer a line: run by test_corpus.py in a child process."""

import json
import resource
import sys
import traceback

from super_resolution_gans.io import ReadError, read_scan

_MEMORY = 4 << 30


def _answer(path: str) -> dict[str, object]:
    try:
        scan = read_scan(path)
        # A lazy scan has read nothing yet.
        scan.window(scan.slices - 1, slice(0, 64), slice(0, 64))
    except ReadError as error:
        return {"outcome": "error", "message": str(error)}
    except BaseException:
        return {"outcome": "crash", "message": traceback.format_exc()}
    return {"outcome": "ok", "message": "", "shape": scan.shape, "dtype": str(scan.dtype)}


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_answer(json.loads(line))) + "\n")
        sys.stdout.flush()
