"""Hurt valid files at random and count what the readers make of them.

    python tools/mutate_readers.py --count 10000 --reader fda
    python tools/mutate_readers.py --count 1000            # every reader

``tests/io/samples.py`` has the readers and their valid files, to which a row can be added for a new
format; ``tests/io/mutations.py`` has the damage. Files are read in a worker process, which is used
again until it dies, or gives no answer for 20 seconds. The same seed is the same file. The exit
status is 1 if anything but a scan or a refusal in one line came of a file.
"""

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1] / "tests" / "io"
OUTCOMES = ("ok", "refused", "traceback", "crash", "hang")
SHOWN = 5


def main() -> int:
    sys.path.insert(0, str(TESTS))
    from reader_process import ReaderProcess
    from samples import READERS

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=1000, help="damaged files of each reader")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--reader", action="append", choices=sorted(READERS), help="default: all")
    asked = parser.parse_args()
    bad = 0
    print(f"{'reader':<8}" + "".join(f"{outcome:>11}" for outcome in OUTCOMES) + f"{'seconds':>10}")
    for name in asked.reader or READERS:
        counts, began, examples = Counter[str](), time.monotonic(), []
        with ReaderProcess(TESTS / "mutation_worker.py") as worker:
            for seed in range(asked.first, asked.first + asked.count):
                answer = worker.ask({"reader": name, "seed": seed})
                counts[answer["outcome"]] += 1
                if answer["outcome"] not in ("ok", "refused"):
                    examples.append(f"  {name}, seed {seed}: {answer['message']}")
        seconds = time.monotonic() - began
        numbers = "".join(f"{counts[outcome]:>11}" for outcome in OUTCOMES)
        print(f"{name:<8}{numbers}{seconds:>10.0f}", flush=True)
        print("\n".join(examples[:SHOWN]), end="\n" if examples else "", flush=True)
        bad += len(examples)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
