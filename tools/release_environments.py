"""Fresh environments to install into, and what is in them."""

import importlib.util
import json
import os
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parents[1]
# For those who work on the package.
NOT_INSTALLED_ALONE = ("docs", "notebooks", "dev", "mutation", "release")


class RefusedError(Exception):
    """A step that shows that this is not fit for publication; the message says why."""


def extras() -> list[str]:
    """The extras that users install, as pyproject.toml has them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [name for name in project["optional-dependencies"] if name not in NOT_INSTALLED_ALONE]


def run(command: list[str], folder: Path, **environment: str) -> str:
    """What a command printed.

    Raises:
        RefusedError: if it fails.
    """
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        last = "\n".join(done.stdout.splitlines()[-25:])
        raise RefusedError(f"{shlex.join(command)} ended with {done.returncode}:\n{last}")
    return done.stdout


class Environment:
    """A virtual environment of this Python's version, removed on leaving.

    Made and filled by uv, which links files out of its cache, where it is installed; by venv and
    pip otherwise.

    Args:
        folder: a new one.
        flags: for whatever installs, such as --extra-index-url URL.
    """

    def __init__(self, folder: Path, flags: list[str]) -> None:
        self.folder, self._flags = folder, flags
        self.python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        self._uv = [sys.executable, "-m", "uv"] if importlib.util.find_spec("uv") else []

    def __enter__(self) -> Self:
        if self._uv:
            made = [*self._uv, "venv", "--python", sys.executable, str(self.folder)]
        else:
            made = [sys.executable, "-m", "venv", str(self.folder)]
        run(made, ROOT)
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.folder)

    def install(self, wheel: Path, extra: str, constraints: Path) -> None:
        """Install a wheel with an extra, or "" for none, and check that all fits together.

        Raises:
            RefusedError: if it cannot be installed or does not fit together.
        """
        wanted = f"{wheel}[{extra}]" if extra else str(wheel)
        flags = ["-c", str(constraints), *self._flags]
        if self._uv:
            here = ["--python", str(self.python)]
            # As pip does: an extra index completes PyPI, it does not hide it.
            flags += ["--index-strategy", "unsafe-best-match", *_flags_of_pip()]
            run([*self._uv, "pip", "install", *here, *flags, wanted], ROOT)
            run([*self._uv, "pip", "check", *here], ROOT)
        else:
            run([str(self.python), "-m", "pip", "install", *flags, wanted], ROOT)
            run([str(self.python), "-m", "pip", "check"], ROOT)

    def execute(self, program: Path, *arguments: str) -> str:
        """What a program printed that this environment's Python ran, elsewhere than in the clone.

        Raises:
            RefusedError: if it fails.
        """
        command = [str(self.python), str(program), *arguments]
        return run(command, self.folder, PYTHONPATH="", PYTHONDONTWRITEBYTECODE="1")

    def bill_of_materials(self, path: Path) -> int:
        """Write what is installed as CycloneDX, validated; how many components it has.

        Raises:
            RefusedError: if it cannot be written or is not valid.
        """
        tool = [sys.executable, "-m", "cyclonedx_py", "environment", "--validate"]
        run([*tool, "--output-reproducible", "-o", str(path), str(self.python)], self.folder)
        return len(json.loads(path.read_text(encoding="utf-8"))["components"])


def _flags_of_pip() -> list[str]:
    """What the environment tells pip of where packages are, which uv does not ask."""
    names = ("index-url", "extra-index-url", "find-links")
    told = {name: os.environ.get(f"PIP_{name.upper().replace('-', '_')}", "") for name in names}
    return [part for name in names for value in told[name].split() for part in (f"--{name}", value)]


def audit(constraints: Path) -> str:
    """What pip-audit says about the pinned versions, in lines; also why it can say nothing.

    Weaknesses are told and refuse nothing: the pins are what the tests run with, not what users
    must install, and whether one concerns this package a person has to judge.
    """
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off"]
    command += ["--no-deps", "--disable-pip", "-r", str(constraints)]
    done = subprocess.run(command, capture_output=True, text=True)
    try:
        found = json.loads(done.stdout)["dependencies"]
    except ValueError:
        last = done.stderr.strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
        return f"not possible here: {last[0][:200]}"
    known = [one for one in found if "vulns" in one]
    lines = [f"{len(known)} of {len(found)} pinned packages could be looked up"]
    if not known:
        return f"not possible here: {lines[0]}"
    for one in known:
        for weakness in one["vulns"]:
            mended = ", ".join(weakness["fix_versions"]) or "nothing yet"
            lines.append(f"{one['name']} {one['version']}: {weakness['id']}, mended by {mended}")
    return "\n".join(lines if len(lines) > 1 else [f"{lines[0]}; no known weaknesses"])
