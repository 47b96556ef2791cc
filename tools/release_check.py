"""Check what a release would publish: what is built, what is in it, and that it works installed.

    python tools/release_check.py --quick            # build, metadata, contents
    python tools/release_check.py [--only EXTRA ...] # then installed, base and each extra alone

The wheel is built from the clone and once more from the sdist; both must be the same bytes. In fresh
environments, made with uv if it is there and pip otherwise, the wheel is installed by constraints.txt
and does what it is for (release_smoke.py); without extras, what is missing must name its cure
(release_cures.py). Nothing is published. What the network refuses is said and fails nothing: audits
ask elsewhere. --pip-flags "--extra-index-url URL" goes to whatever installs.

Exit status: 0 all is well, 1 something is not.
"""

import argparse
import importlib.util
import os
import shlex
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

import release_contents as contents
from release_environments import EXTRAS, Environment, audit, bill_of_materials

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ROOT / "tools"


class Refused(Exception):
    """A step that shows that this is not fit for publication; the message says why."""


def run(command: list[str], folder: Path, **environment: str) -> str:
    """What a command printed.

    Raises:
        Refused: if it fails.
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
        raise Refused(f"{shlex.join(command)} ended with {done.returncode}:\n{last}")
    return done.stdout


def build(folder: Path) -> tuple[Path, Path, Path]:
    """Wheel, sdist and the unpacked sdist, built into a folder."""
    installer = "uv" if importlib.util.find_spec("uv") else "pip"
    build = [sys.executable, "-m", "build", "--installer", installer, "--outdir"]
    run([*build, str(folder / "dist"), "--sdist", "--wheel"], ROOT)
    (wheel,) = (folder / "dist").glob("*.whl")
    (sdist,) = (folder / "dist").glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    (unpacked,) = (folder / "unpacked").iterdir()
    run([*build, str(folder / "again"), "--wheel"], unpacked)
    (again,) = (folder / "again").glob("*.whl")
    if again.read_bytes() != wheel.read_bytes():
        raise Refused("the wheel built from the sdist is not the one built from the clone")
    return wheel, sdist, unpacked


def check_contents(wheel: Path, sdist: Path) -> None:
    """Hold what is in the archives against the clone."""
    sources = contents.tracked(ROOT)
    of_sdist = contents.of_sdist(sdist)
    problems = contents.sdist_problems(of_sdist, sources)
    problems += contents.wheel_problems(contents.of_wheel(wheel), sources or of_sdist)
    problems += contents.size_problems((wheel, sdist))
    if problems:
        raise Refused("\n".join(problems))


def check_collection(unpacked: Path) -> str:
    """Let pytest find the tests of an unpacked sdist; what it says last."""
    if importlib.util.find_spec("pytest") is None:
        return "not possible here: pytest is not installed"
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    source = str(unpacked / "src")
    said = run(command, unpacked, PYTHONPATH=source, PYTHONDONTWRITEBYTECODE="1")
    return said.strip().splitlines()[-1]


def check_installed(extra: str, wheel: Path, clone: Path, folder: Path, flags: list[str]) -> None:
    """Install the wheel with one extra, or none, into a fresh environment, and use it there."""
    with Environment(folder / (extra or "base"), flags) as environment:
        environment.install(wheel, extra, ROOT / "constraints.txt")
        say(environment.run("-m", "pip", "check").strip())
        name = extra or "base"
        say(environment.run(str(TOOLS / "release_smoke.py"), name, str(clone)).rstrip())
        if not extra:
            say(environment.run(str(TOOLS / "release_cures.py"), str(clone)).rstrip())
        say(bill_of_materials(environment, folder / f"sbom-{name}.json"))
        say(audit(environment))


def say(text: str) -> None:
    """Indented under the step that said it, at once."""
    print("\n".join(f"    {line}" for line in text.splitlines()), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="only what needs no environments")
    parser.add_argument("--only", action="append", choices=("base", *EXTRAS), metavar="EXTRA")
    parser.add_argument("--pip-flags", type=shlex.split, default=[], metavar="FLAGS")
    given = parser.parse_args()
    wanted = [] if given.quick else given.only or ["base", *EXTRAS]
    start = time.monotonic()

    def step(text: str) -> None:
        print(f"{time.monotonic() - start:6.0f} s  {text}", flush=True)

    with tempfile.TemporaryDirectory(prefix="srgan-release-") as temporary:
        folder = Path(temporary)
        try:
            step("build: sdist, wheel, wheel from the sdist")
            wheel, sdist, unpacked = build(folder)
            for path in (wheel, sdist):
                say(f"{path.name}: {path.stat().st_size / 2**20:.1f} MiB")
            step("metadata: twine check --strict")
            twine = [sys.executable, "-m", "twine", "--no-color", "check", "--strict"]
            run([*twine, str(wheel), str(sdist)], folder)
            step("contents")
            check_contents(wheel, sdist)
            if not given.quick:
                step("tests of the sdist are found")
                say(check_collection(unpacked))
            for extra in wanted:
                step(f"installed: {extra}")
                name = "" if extra == "base" else extra
                check_installed(name, wheel, unpacked, folder, given.pip_flags)
        except Refused as refusal:
            print(f"refused: {refusal}", file=sys.stderr)
            return 1
    step("fit for a release" if not given.quick else "fit, as far as --quick looks")
    return 0


if __name__ == "__main__":
    sys.exit(main())
