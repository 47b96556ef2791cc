"""How long `read_scan` works on files that want too much: processor time and memory of each.

Reads the bombs and the nastiest images of the corpus in one process, and prints those that took the
most time, the peak of memory of all, and the time of the bombs that are refused by their header.

    python benchmarks/refusals.py [CORPUS]
"""

import os
import resource
import sys
import time
from pathlib import Path

from super_resolution_gans.io import ReadError, read_scan

FOLDERS = ("made/bombs", "pillow/nasty")
SHOWN = 5


def peak() -> float:
    """MiB of resident memory, at most so far."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def main() -> None:
    """Measure and print."""
    default = Path(os.environ.get("SRGAN_SHARED", "../shared")) / "corpus"
    corpus = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    paths = sorted(p for folder in FOLDERS for p in (corpus / folder).iterdir() if p.is_file())
    for path in paths:  # so that imports are not measured
        if path.name.startswith("hopper"):
            try:
                read_scan(path)
            except ReadError:
                continue
    before = peak()
    took: list[tuple[float, str, str]] = []
    for path in paths:
        start = time.process_time()
        try:
            scan = read_scan(path)
            outcome = f"read, {' x '.join(map(str, scan.shape))}"
        except ReadError as error:
            outcome = error.reason
        took.append((time.process_time() - start, path.name, outcome))
    for seconds, name, outcome in sorted(took, reverse=True)[:SHOWN]:
        print(f"{1000 * seconds:6.1f} ms  {name}: {outcome[:60]}")
    limited = [row for row in took if "over the limit" in row[2]]
    print(f"{len(limited)} over the limit on pixels: at most {1000 * max(limited)[0]:.1f} ms each")
    print(f"{len(took)} files: peak of memory {peak():.0f} MiB, {before:.0f} MiB before them")


if __name__ == "__main__":
    main()
