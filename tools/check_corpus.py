"""`srgan upscale` on a thousand files that readers have choked on, held against their manifest.

Runs the command on the whole corpus, as anybody would, and then on the files that it left out by
their names. Checked are: no traceback, no crash, no 20 seconds of work without a word, at most
4 GiB of memory; for every `error` one line that names the file, for every `ok` a result of the
exact size and depth, if `read.readable()` has its format and the extra it needs is installed;
nothing in the folder of results or of temporary files but results; no canary. Prints what is wrong
and exits with 1 if anything is.

    python tools/check_corpus.py [CORPUS] [--model NAME] [--up-to SIDE] [--only PREFIX ...]
"""

import argparse
import csv
import json
import os
import queue
import re
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from corpus_truth import Truth, result_of, truth_of

from super_resolution_gans.io import ReadError, read_scan
from super_resolution_gans.io.read import readable
from super_resolution_gans.scan import printable

SECONDS, MEMORY, SCALE = 20.0, 4 << 30, 4
PATIENCE = 600.0  # for a process that waits, on a machine that may be busy
CANARY = "SRGAN_CANARY_EXECUTED"
JOURNAL = "srgan-journal.jsonl"
# Valid files that are refused on purpose, with the words of the refusal.
REFUSED = {"pillow/modes/multipage-mmap.tiff": "its pages are not slices of one scan"}


@dataclass
class Run:
    """What a call of the command did.

    Attributes:
        lines: of stderr.
        silence: the most seconds of processor time between two lines, import of libraries included.
        memory: the peak, in bytes.
    """

    status: int
    lines: list[str]
    silence: float
    memory: int


@dataclass
class Report:
    """What is wrong, and how many files of each expectation became what."""

    problems: list[str] = field(default_factory=list)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, path: str, problem: str) -> None:
        self.problems.append(f"{path}: {problem}")


def upscale(inputs: list[str], out: Path, model: str, temporary: Path) -> Run:
    """Run the command until it ends, or is silent for too long."""
    command = [sys.executable, "-m", "super_resolution_gans.cli", "upscale", *inputs]
    child = subprocess.Popen(
        [*command, "-o", f"{out}/", "--model", model, "--scale", str(SCALE)],
        env={**os.environ, "TMPDIR": str(temporary), "PYTHONUNBUFFERED": "1"},
        cwd=temporary,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    said: queue.Queue[str | None] = queue.Queue()
    errors: list[str] = []

    def listen(stream: object, kept: list[str]) -> None:
        for line in stream:  # type: ignore[attr-defined]
            kept.append(line.rstrip("\n"))
            said.put(line)
        said.put(None)

    for stream, kept in ((child.stdout, []), (child.stderr, errors)):
        threading.Thread(target=listen, args=(stream, kept), daemon=True).start()
    silence, open_streams, last = 0.0, 2, (time.monotonic(), 0.0)
    while open_streams:
        with suppress(queue.Empty):
            open_streams -= said.get(timeout=0.5) is None
            last = time.monotonic(), cpu_seconds(child.pid)
        silence = max(silence, cpu_seconds(child.pid) - last[1])
        if silence > SECONDS or time.monotonic() - last[0] > PATIENCE:
            child.kill()
            errors.append("HANG")
            break
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    unit = 1 if sys.platform == "darwin" else 1024
    return Run(child.returncode, errors, silence, usage.ru_maxrss * unit)


def cpu_seconds(process: int) -> float:
    """Of a running process, as far as it is known: on a busy machine the clock says little."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0 if Path("/proc/self/stat").exists() else time.monotonic()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def check_run(run: Run, report: Report) -> None:
    """The command itself: how it ended, and that all it said were lines of its own kind."""
    if run.status not in (0, 1, 3):
        report.add("srgan upscale", f"ended with status {run.status}")
    if run.memory > MEMORY:
        report.add("srgan upscale", f"took {run.memory >> 20} MiB")
    for line in run.lines:
        if not line.startswith(("error: ", "warning: ")):
            report.add("srgan upscale", f"said {line!r}")


def check_file(
    path: Path, expected: str, entry: dict | None, lines: list[str], out: Path
) -> Iterator[str]:
    """What is wrong with what became of one file."""
    if entry is None:
        yield "nothing became of it"
        return
    done, target = entry["status"] == "done", out / entry["output"]
    if done != target.is_file():
        yield f"is {entry['status']}, but its result {'is missing' if done else 'is there'}"
        return
    if len(lines) != (not done):
        yield f"is {entry['status']} with {len(lines)} lines of error"
    if not done and not entry["reason"]:
        yield "has failed without a reason"
    if expected == "error" and done:
        yield "should be an error"
    # Other libraries are asked about what was read only: on the rest they may hang themselves.
    if expected == "ok" and not done and not _may_be_refused(path, entry["reason"]):
        yield f"should be read, but: {entry['reason']}"
    if done:
        yield from _check_result(expected, truth_of(path), result_of(target))


def _may_be_refused(path: Path, reason: str) -> bool:
    unsupported = re.match(r"format not supported: ([^;]+)|not in a known format", reason)
    if unsupported:
        return truth_of(path).kind not in readable() and unsupported[1] not in readable()
    if extra := re.search(r'pip install "SuperResolution-GANs\[(\w+)\]"', reason):
        return extra_is_missing(extra[1])
    return any(str(path).endswith(name) and words in reason for name, words in REFUSED.items())


def extra_is_missing(extra: str) -> bool:
    """Whether a package of one of the extras is not installed."""
    with (Path(__file__).parents[1] / "pyproject.toml").open("rb") as file:
        wanted = tomllib.load(file)["project"]["optional-dependencies"].get(extra, [])
    for requirement in wanted:
        try:
            metadata.version(re.split(r"[^\w.-]", requirement)[0])
        except metadata.PackageNotFoundError:
            return True
    return False


def _check_result(expected: str, truth: Truth, result: Truth) -> Iterator[str]:
    if truth.size is None:
        if expected == "ok":
            yield f"no other library knows its size, which makes it {result.size}"
        return
    slices, height, width = truth.size
    wanted = (slices, SCALE * height, SCALE * width)
    if result.size != wanted:
        yield f"should be {wanted} large, but is {result.size}"
    if result.deep != truth.deep:
        yield f"more than 8 bits before: {truth.deep}, after: {result.deep}"


def check_folders(out: Path, temporary: Path, targets: set[Path], report: Report) -> None:
    """No file but results and the journal, and none that only executed code could have made."""
    for path in out.rglob("*"):
        if path.is_file() and path not in targets and path.name != JOURNAL:
            report.add(str(path), "is left over")
    for path in temporary.iterdir():
        report.add(str(path), "is left over")
    for folder in (Path.cwd(), Path.home(), out, temporary):
        if (folder / CANARY).exists():
            report.add(str(folder / CANARY), "code from a file was executed")


def groups(paths: list[Path]) -> list[list[Path]]:
    """Files in as few groups as need be so that no name comes twice in one."""
    split: list[dict[str, Path]] = []
    for path in paths:
        place = next((group for group in split if path.name not in group), None)
        if place is None:
            split.append(place := {})
        place[path.name] = path
    return [list(group.values()) for group in split]


def small_enough(path: Path, side: int | None) -> bool:
    """Whether it cannot be read, or has at most ``side`` pixels each way and four slices."""
    try:
        scan = read_scan(path) if side else None
    except ReadError:
        return True
    return scan is None or side is None or (scan.slices <= 4 and max(scan.shape[1:3]) <= side)


def check(
    corpus: Path, folder: Path, model: str, side: int | None, only: tuple[str, ...]
) -> Report:
    """Run everything, with results and temporary files in ``folder``."""
    report = Report()
    with (corpus / "manifest.tsv").open(encoding="utf-8", newline="") as file:
        rows = {r["path"]: r["expected"] for r in csv.DictReader(file, delimiter="\t")}
    chosen = [p for p in rows if p.startswith(only) and small_enough(corpus / p, side)]
    source = corpus
    if len(chosen) < len(rows):
        source = folder / "chosen"
        for path in chosen:
            (source / path).parent.mkdir(parents=True, exist_ok=True)
            (source / path).symlink_to(corpus / path)
    temporary = folder / "temporary"
    temporary.mkdir()
    rest, inputs, number = chosen, [[str(source)]], 0
    silence = memory = 0.0
    while inputs:
        out = folder / f"out-{number}"
        run = upscale(inputs.pop(0), out, model, temporary)
        check_run(run, report)
        silence, memory = max(silence, run.silence), max(memory, run.memory)
        entries = {}
        if (out / JOURNAL).is_file():
            text = (out / JOURNAL).read_text(encoding="utf-8")
            entries = {e["input"]: e for e in map(json.loads, text.splitlines())}
        for path in [p for p in rest if str(source / p) in entries]:
            entry = entries[str(source / path)]
            start = f"error: {printable(str(source / path))}: "
            lines = [line for line in run.lines if line.startswith(start)]
            for problem in check_file(source / path, rows[path], entry, lines, out):
                report.add(path, problem)
            report.counts[rows[path], entry["status"]] += 1
        rest = [path for path in rest if str(source / path) not in entries]
        if number == 0:
            inputs = [[str(path) for path in g] for g in groups([source / p for p in rest])]
        targets = {out / e["output"] for e in entries.values() if e["status"] == "done"}
        check_folders(out, temporary, targets, report)
        number += 1
    for path in rest:
        report.add(path, "nothing became of it")
    print(f"longest silence {silence:.1f} s of work, peak of memory {memory / 2**20:.0f} MiB")
    return report


def main() -> None:
    """Check, print, and exit with 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    default = Path(os.environ.get("SRGAN_SHARED", "../shared")) / "corpus"
    parser.add_argument("corpus", nargs="?", type=Path, default=default)
    parser.add_argument("--model", default="nearest")
    parser.add_argument("--up-to", type=int, metavar="SIDE", help="leave out larger images")
    parser.add_argument("--only", nargs="*", default=[""], metavar="PREFIX", help="of paths")
    given = parser.parse_args()
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = check(
            given.corpus.resolve(), Path(folder), given.model, given.up_to, tuple(given.only)
        )
    for (expected, status), count in sorted(report.counts.items()):
        print(f"{expected:6} {status:6} {count:4}")
    print(f"{sum(report.counts.values())} files in {time.monotonic() - start:.0f} s")
    print("\n".join(report.problems) or "nothing is wrong")
    sys.exit(bool(report.problems))


if __name__ == "__main__":
    main()
