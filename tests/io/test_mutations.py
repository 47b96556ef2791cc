"""Damaged files of every format: a refusal in one line or a scan, and nothing else.

``tools/mutate_readers.py`` does the same with as many files as one likes.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

COUNT = 200
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def worker(reader_process: ModuleType) -> Iterator[Any]:
    with reader_process.ReaderProcess(HERE / "mutation_worker.py") as process:
        yield process


READERS = (
    *("vol", "xml", "e2e", "fda", "fds", "img", "oct", "npz", "nifti", "zarr"),
    *("png", "jpeg", "bmp", "webp", "gif", "tiff", "npy", "dicom"),
)


@pytest.mark.parametrize("reader", READERS)
def test_damaged_files_are_refused_or_read(reader: str, worker: Any) -> None:
    answers = {seed: worker.ask({"reader": reader, "seed": seed}) for seed in range(COUNT)}
    counts = Counter(answer["outcome"] for answer in answers.values())
    bad = {s: a for s, a in answers.items() if a["outcome"] not in ("ok", "refused")}
    assert bad == {}
    # Of files that are all refused, or none, little would have been tried.
    assert min(counts["ok"], counts["refused"]) > 2  # of PNG, whose checksums see nearly all, few


def test_damage_is_the_same_for_the_same_seed(mutations: ModuleType) -> None:
    data = bytes(range(256)) * 4
    damaged = [mutations.mutated(data, f"seed {n}") for n in range(50)]
    assert damaged == [mutations.mutated(data, f"seed {n}") for n in range(50)]
    assert len(set(damaged)) > 45
    assert {len(one) < len(data) for one in damaged} == {True, False}
    assert all(isinstance(mutations.mutated(b"", f"{n}"), bytes) for n in range(50))


def test_a_worker_that_dies_or_hangs_is_counted_and_started_again(
    reader_process: ModuleType, tmp_path: Path
) -> None:
    script = tmp_path / "worker.py"
    script.write_text(
        "import os, sys, time\n"
        "for line in sys.stdin:\n"
        "    if 'die' in line: os._exit(3)\n"
        "    if 'hang' in line: time.sleep(60)\n"
        '    print(\'{"outcome": "ok"}\', flush=True)\n'
    )
    with reader_process.ReaderProcess(script, seconds=3) as process:
        asked = ("go", "die", "go", "hang", "go")
        outcomes = [process.ask(question)["outcome"] for question in asked]
    assert outcomes == ["ok", "crash", "ok", "hang", "ok"]
