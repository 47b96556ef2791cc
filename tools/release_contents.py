"""What must be in a wheel and in an sdist, and what must not."""

import subprocess
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

PACKAGE = "super_resolution_gans"
NOTICES = ("LICENSE", "THIRD_PARTY_NOTICES.md")
MOST_BYTES = 100 << 20  # what PyPI takes of a file

# Data that the code opens by name: an empty kind is a mistake in how the package is built.
KINDS = {
    "trained weights": "weights/*.safetensors",
    "model cards": "weights/*.md",
    "numbers measured for models": "weights/*.json",
    "recipes": "recipes/*.yaml",
    "pages": "web/templates/**/*.html",
    "styles of pages": "web/static/**/*.css",
    "scripts of pages": "web/static/**/*.js",
    "scans of srgan app": "web/look/examples/*.jpeg",
    "style of reports": "evaluation/page/*.css",
    "script of reports": "evaluation/page/*.js",
    "the mark of typed packages": "py.typed",
}
# Only for those who change the repository, or written by the build itself.
_NOT_IN_SDIST = frozenset((".gitignore",))
_ADDED_TO_SDIST = frozenset((".gitignore", "PKG-INFO"))
_LITTER = ("__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis")


def tracked(root: Path) -> set[str] | None:
    """The files that git knows of a clone; None if this is none."""
    if not (root / ".git").exists():
        return None
    done = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z"], capture_output=True, text=True, check=True
    )
    return {name for name in done.stdout.split("\0") if name and (root / name).is_file()}


def of_wheel(wheel: Path) -> set[str]:
    """The files in a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if not name.endswith("/")}


def of_sdist(sdist: Path) -> set[str]:
    """The files in an sdist, without the folder that all of them lie in."""
    with tarfile.open(sdist) as archive:
        names = [entry.name for entry in archive.getmembers() if entry.isfile()]
    return {name.partition("/")[2] for name in names}


def sdist_problems(names: set[str], expected: set[str] | None) -> list[str]:
    """What is wrong with the files of an sdist.

    Args:
        expected: what git knows; None where it cannot be asked.
    """
    problems = [f"litter in the sdist: {name}" for name in _litter(names)]
    problems += [f"not in the sdist: {name}" for name in NOTICES if name not in names]
    if expected is not None:
        missing = expected - names - _NOT_IN_SDIST
        problems += [f"not in the sdist: {name}" for name in sorted(missing)]
        stray = names - expected - _ADDED_TO_SDIST
        problems += [f"in the sdist, but unknown to git: {name}" for name in sorted(stray)]
    return problems


def wheel_problems(names: set[str], sources: set[str]) -> list[str]:
    """What is wrong with the files of a wheel.

    Args:
        sources: the files of the sdist or clone that it was built from.
    """
    own = {name for name in names if name.startswith(f"{PACKAGE}/")}
    described = {name for name in names if name.partition("/")[0].endswith(".dist-info")}
    prefix = f"src/{PACKAGE}/"
    expected = {name.removeprefix("src/") for name in sources if name.startswith(prefix)}
    problems = [f"litter in the wheel: {name}" for name in _litter(names)]
    problems += [f"not in the wheel: {name}" for name in sorted(expected - own)]
    problems += [f"in the wheel, but no source: {name}" for name in sorted(own - expected)]
    problems += [f"beside the package: {name}" for name in sorted(names - own - described)]
    inside = [PurePosixPath(name).relative_to(PACKAGE) for name in own]
    for kind, pattern in KINDS.items():
        if not any(_matches(name, pattern) for name in inside):
            problems.append(f"not in the wheel: {kind} ({pattern})")
    problems += [
        f"weights without a card: {name}"
        for name in sorted(own)
        if name.endswith(".safetensors") and f"{name.removesuffix('.safetensors')}.md" not in own
    ]
    licences = {name.partition("/licenses/")[2] for name in described}
    missing = [name for name in NOTICES if name not in licences]
    return problems + [f"not among the wheel's licences: {name}" for name in missing]


def size_problems(paths: Iterable[Path]) -> list[str]:
    """Files that PyPI would not take."""
    return [
        f"{path.name} has {path.stat().st_size / 2**20:.1f} MiB, PyPI takes {MOST_BYTES >> 20}"
        for path in paths
        if path.stat().st_size > MOST_BYTES
    ]


def _litter(names: Iterable[str]) -> list[str]:
    return sorted(
        name
        for name in names
        if name.endswith((".pyc", ".pyo", ".orig", ".rej", "~"))
        or any(part in _LITTER for part in name.split("/"))
    )


def _matches(name: PurePosixPath, pattern: str) -> bool:
    """As Path.glob would: ** is any number of folders."""
    head, deep, tail = pattern.partition("**/")
    if not deep:
        return len(name.parts) == len(PurePosixPath(pattern).parts) and name.match(pattern)
    return str(name).startswith(head) and name.match(tail)
