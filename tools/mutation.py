"""Change the code in one place after another, and count the changes that no test notices.

    python tools/mutation.py                 # every group: hours on one core
    python tools/mutation.py losses tiles    # some of them

mutmut (the extra ``mutation``) makes the changes, the mutants: of an operator, a constant, an
argument. Each is met by those tests of its group that reach the changed function. It works in a
copy of the tree, without real data (SRGAN_SHARED leads nowhere) and with the same examples of
hypothesis each time, so that a count is that of the repository and not of the machine. mutmut
leaves alone what is outside of functions, and functions with a decorator (properties, what is
cached).

Printed for each group: a row of the table, and the survivors with what was changed. The exit status
is 1 if a group has less than ``--at-least`` percent of its mutants killed.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COPIED = ("src", "tests", "benchmarks", "pyproject.toml")
MUTMUT = "from mutmut.__main__ import cli; cli()"
SHOW = "import sys; from mutmut.__main__ import show; [show.callback(m) for m in sys.argv[1:]]"
PACKAGE = "super_resolution_gans"


@dataclass(frozen=True)
class Group:
    """What is changed, as paths in the package, and the tests that are to notice it."""

    sources: tuple[str, ...]
    tests: tuple[str, ...]


GROUPS = {
    "losses": Group(
        ("losses/*.py",), ("test_losses.py", "test_spectrum_loss.py", "test_subpixel_loss.py")
    ),
    "degrade": Group(("degrade.py",), ("test_degrade.py",)),
    "tiles": Group(("prediction/tiles.py",), ("prediction/test_tiles.py",)),
    "projection": Group(
        ("prediction/consistency.py", "prediction/shrinking.py", "prediction/banded.py"),
        ("prediction/test_consistency.py", "prediction/test_shrinking.py"),
    ),
    "keras": Group(
        ("models/keras_tensors.py", "models/keras_ranges.py", "models/keras_layers.py"),
        (
            "models/test_keras_tensors.py",
            "models/test_keras_ranges.py",
            "models/test_keras_layers.py",
        ),
    ),
}
# What mutmut says of a mutant -> the column in which it counts.
COLUMNS = {
    "killed": "killed",
    "timeout": "timed out",
    "survived": "survived",
    "no tests": "not covered",
}
SHOWN = ("survived", "no tests", "suspicious", "segfault")


def settings(group: Group) -> str:
    """The section of pyproject.toml that mutmut reads."""
    values = {
        "source_paths": ["src"],
        "only_mutate": [f"src/{PACKAGE}/{path}" for path in group.sources],
        "also_copy": ["benchmarks"],
        "timeout_constant": 4.0,  # times 15: a minute more than the tests took, for busy machines
        "pytest_add_cli_args": ["--hypothesis-profile=mutation", "-p", "no:cacheprovider"],
        "pytest_add_cli_args_test_selection": [f"tests/{path}" for path in group.tests],
    }
    return "\n".join(["", "[tool.mutmut]", *(f"{k} = {v!r}" for k, v in values.items()), ""])


def prepare(folder: Path, group: Group) -> None:
    """A copy of the tree, with the settings of a group."""
    for name in COPIED:
        source, ignored = ROOT / name, shutil.ignore_patterns("__pycache__")
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=ignored, dirs_exist_ok=True)
        else:
            shutil.copyfile(source, folder / name)
    # Python remembers of what is on its path and not there at the start that it is not there.
    (folder / "mutants" / "src").mkdir(parents=True, exist_ok=True)
    with (folder / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(settings(group))


def python(folder: Path, code: str, *arguments: str, shown: bool = False) -> str:
    """Run code of mutmut in the copy; what it prints.

    Raises:
        SystemExit: if it fails.
    """
    # Processes that tests start import what the tests import.
    changed = os.pathsep.join(filter(None, (f"{folder}/mutants/src", os.environ.get("PYTHONPATH"))))
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env=os.environ
        | {"OMP_NUM_THREADS": "1", "PYTHONPATH": changed, "SRGAN_SHARED": str(folder / "none")},
        stdout=None if shown else subprocess.PIPE,
        stderr=None if shown else subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"mutmut failed\n{(done.stdout or '')[-2000:]}".rstrip())
    return done.stdout or ""


def outcomes(listed: str) -> dict[str, str]:
    """Mutant -> what became of it, of what ``mutmut results --all true`` prints."""
    pairs = (line.strip().rsplit(": ", 1) for line in listed.splitlines() if "__mutmut_" in line)
    return dict(pairs)


def differences(shown: str) -> dict[str, str]:
    """Mutant -> ``old  ->  new`` in one line, of what ``mutmut show`` prints of several."""
    found = {}
    for part in re.split(r"^# (?=.*__mutmut_)", shown, flags=re.MULTILINE)[1:]:
        name, *lines = part.splitlines()
        sides = [
            " ".join(
                line[1:].strip() for line in lines if line[:1] == sign and line[:3] != 3 * sign
            )
            for sign in "-+"
        ]
        found[name.rpartition(": ")[0]] = "  ->  ".join(sides)
    return found


def share(counts: Counter[str]) -> float:
    """Percent killed; what never ended is killed too, by the time limit."""
    return 100 * (counts["killed"] + counts["timeout"]) / max(1, counts.total())


def row(name: str, counts: Counter[str]) -> str:
    """A row of the table."""
    known = [counts[outcome] for outcome in COLUMNS]
    numbers = [counts.total(), *known, counts.total() - sum(known)]
    return " | ".join(["", name, *map(str, numbers), f"{share(counts):.1f} %", ""]).strip()


def head() -> str:
    """The first two rows of the table."""
    columns = ("group", "mutants", *COLUMNS.values(), "other", "share killed")
    return f"| {' | '.join(columns)} |\n|---|{'---:|' * (len(columns) - 1)}"


def measure(name: str, folder: Path, jobs: int) -> tuple[Counter[str], Iterable[str]]:
    """How many mutants of a group ended how, and a line for each that was not noticed."""
    prepare(folder, GROUPS[name])
    python(folder, MUTMUT, "run", "--max-children", str(jobs), shown=sys.stderr.isatty())
    found = outcomes(python(folder, MUTMUT, "results", "--all", "true"))
    unnoticed = [mutant for mutant, outcome in found.items() if outcome in SHOWN]
    changes = differences(python(folder, SHOW, *unnoticed)) if unnoticed else {}
    lines = [f"{found[m]}: {m.removeprefix(PACKAGE + '.')}\n    {changes[m]}" for m in unnoticed]
    return Counter(found.values()), lines


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("group", nargs="*", help=f"of {', '.join(GROUPS)}; default: all")
    parser.add_argument("--at-least", type=float, default=80, metavar="PERCENT")
    parser.add_argument("--jobs", type=int, default=1, help="mutants at once")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="work in FOLDER/GROUP, keep it")
    asked = parser.parse_args(arguments)
    for name in asked.group:
        if name not in GROUPS:
            parser.error(f"no group {name!r}; there are {', '.join(GROUPS)}")
    rows, enough = [], True
    for name in asked.group or GROUPS:
        with (
            nullcontext(str(asked.keep / name)) if asked.keep
            else tempfile.TemporaryDirectory(prefix="mutation-")
        ) as folder:  # fmt: skip
            Path(folder).mkdir(parents=True, exist_ok=True)
            counts, lines = measure(name, Path(folder).resolve(), asked.jobs)
        print(f"{name}:", *lines, sep="\n", flush=True)
        rows.append(row(name, counts))
        enough &= share(counts) >= asked.at_least
    print("", head(), *rows, sep="\n", flush=True)
    return 0 if enough else 1


if __name__ == "__main__":
    sys.exit(main())
