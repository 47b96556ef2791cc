"""Reads damaged copies of valid files, one JSON answer a line: run in a child process.

A question is ``{"reader": name, "seed": number}``; the copy is that of one of the reader's samples,
in turn. Warnings count as traceback, as in the tests.
"""

import contextlib
import json
import sys
import tempfile
import traceback
import warnings
from pathlib import Path

from mutations import mutated
from samples import READERS, Reader
from vendor_files import PERSON

from super_resolution_gans.io import ReadError

_MEMORY = 4 << 30
_LONGEST = 600


class _Copies:
    """A folder for the samples of one reader and another one for a damaged copy."""

    def __init__(self, reader: Reader, folder: Path) -> None:
        self.reader = reader
        (folder / "samples").mkdir(parents=True)
        self.samples = reader.samples(folder / "samples")
        self.contents = [sample.read_bytes() for sample in self.samples]
        self.folders = [folder / str(number) for number in range(len(self.samples))]
        for sample, copies in zip(self.samples, self.folders, strict=True):
            copies.mkdir()
            # What lies beside an XML belongs to it.
            for neighbour in sample.parent.iterdir() if sample.suffix == ".xml" else ():
                if neighbour != sample:
                    (copies / neighbour.name).symlink_to(neighbour)

    def damaged(self, seed: int) -> Path:
        number = seed % len(self.samples)
        path = self.folders[number] / self.samples[number].name
        path.unlink(missing_ok=True)
        path.write_bytes(mutated(self.contents[number], f"{self.reader.name} {seed}"))
        return path


def _outcome(copies: _Copies, seed: int) -> dict[str, str]:
    path = copies.damaged(seed)
    try:
        scan = copies.reader.read(path)
        # A lazy scan has read nothing yet.
        scan.window(scan.slices - 1, slice(0, 64), slice(0, 64))
    except ReadError as error:
        message = str(error)
        proper = message.startswith(f"{path}: ") and message.isprintable()
        proper = proper and len(message) - len(str(path)) < _LONGEST and PERSON not in message
        return {"outcome": "refused" if proper else "traceback", "message": message}
    except BaseException:
        return {"outcome": "traceback", "message": traceback.format_exc()}
    if PERSON in repr((scan.details, scan.spacing)):
        return {"outcome": "traceback", "message": f"tells of a person: {scan.details}"}
    return {"outcome": "ok", "message": ""}


def _limit_memory() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))


def main() -> None:
    _limit_memory()
    warnings.simplefilter("error")
    known: dict[str, _Copies] = {}
    with tempfile.TemporaryDirectory() as folder:
        for line in sys.stdin:
            question = json.loads(line)
            name = question["reader"]
            if name not in known:
                known[name] = _Copies(READERS[name], Path(folder, name))
            answer = _outcome(known[name], question["seed"])
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
