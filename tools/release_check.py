"""Check what a release would publish: what is built, what is in it, and that it works installed.

    python tools/release_check.py --quick            # build, metadata, contents
    python tools/release_check.py [--only EXTRA ...] # then installed, base and each extra alone

The wheel is built from the clone and once more from the sdist; both must be the same bytes. In
fresh environments, made with uv if it is there and pip otherwise, the wheel is installed by
constraints.txt and does what it is for (release_smoke.py); without extras, what is missing must
name its cure (release_cures.py). Nothing is published. What an audit needs of the network, and does
not get, is said and fails nothing.

Exit status: 0 all is well, 1 something is not.
"""

import argparse
import importlib.util
import shlex
import shutil
import sys
import tarfile
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import release_contents as contents
from release_environments import Environment, RefusedError, audit, extras, run

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ROOT / "tools"


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
        raise RefusedError("the wheel built from the sdist is not the one built from the clone")
    return wheel, sdist, unpacked


def check_contents(wheel: Path, sdist: Path) -> None:
    """Hold what is in the archives against the clone."""
    sources = contents.tracked(ROOT)
    of_sdist = contents.of_sdist(sdist)
    problems = contents.sdist_problems(of_sdist, sources)
    problems += contents.wheel_problems(contents.of_wheel(wheel), sources or of_sdist)
    problems += contents.size_problems((wheel, sdist))
    if problems:
        raise RefusedError("\n".join(problems))


def check_collection(unpacked: Path) -> str:
    """Let pytest find the tests of an unpacked sdist; what it says last."""
    if importlib.util.find_spec("pytest") is None:
        return "not possible here: pytest is not installed"
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    source = str(unpacked / "src")
    said = run(command, unpacked, PYTHONPATH=source, PYTHONDONTWRITEBYTECODE="1")
    return said.strip().splitlines()[-1]


def check_installed(name: str, wheel: Path, clone: Path, kept: Path, flags: list[str]) -> None:
    """Install the wheel with one extra, or as "base", into a fresh environment; use it there."""
    with Environment(kept.parent / name, flags) as environment:
        environment.install(wheel, "" if name == "base" else name, ROOT / "constraints.txt")
        say(environment.execute(TOOLS / "release_smoke.py", name, str(clone)))
        if name == "base":
            say(environment.execute(TOOLS / "release_cures.py", str(clone)))
        bill = kept / f"sbom-{name}.json"
        say(f"{bill.name}: {environment.bill_of_materials(bill)} components")


def say(text: str) -> None:
    """Indented under the step that said it, at once."""
    print("\n".join(f"    {line}" for line in text.splitlines()), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="only what needs no environments")
    known = ("base", *extras())
    parser.add_argument("--only", action="append", choices=known, metavar="EXTRA")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="for wheel, sdist and SBOMs")
    parser.add_argument("--pip-flags", type=shlex.split, default=[], metavar="FLAGS")
    given = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="srgan-release-") as folder:
            check(Path(folder), [] if given.quick else given.only or known, given)
            if given.keep is not None:
                shutil.copytree(Path(folder) / "dist", given.keep, dirs_exist_ok=True)
    except RefusedError as refusal:
        print(f"refused: {refusal}", file=sys.stderr)
        return 1
    return 0


def check(folder: Path, wanted: Sequence[str], given: argparse.Namespace) -> None:
    """All steps, one after the other, in an empty folder."""
    start = time.monotonic()

    def step(text: str) -> None:
        print(f"{time.monotonic() - start:6.0f} s  {text}", flush=True)

    step("build: sdist, wheel, and the wheel once more from the sdist")
    wheel, sdist, unpacked = build(folder)
    for path in (wheel, sdist):
        say(f"{path.name}: {path.stat().st_size / 2**20:.1f} MiB")
    step("metadata: twine check --strict")
    twine = [sys.executable, "-m", "twine", "--no-color", "check", "--strict"]
    run([*twine, str(wheel), str(sdist)], folder)
    step("contents")
    check_contents(wheel, sdist)
    if given.quick:
        step("fit, as far as --quick looks")
        return
    if given.only is None:
        step("the tests of the sdist are found")
        say(check_collection(unpacked))
        step("known weaknesses of the pinned versions: pip-audit")
        say(audit(ROOT / "constraints.txt"))
    refused = []
    for name in wanted:
        step(f"installed: {name}")
        try:
            check_installed(name, wheel, unpacked, folder / "dist", given.pip_flags)
        except RefusedError as refusal:
            say(f"refused: {refusal}")
            refused.append(name)
    if refused:
        raise RefusedError(f"installed: {', '.join(refused)}")
    step("fit for a release" if given.only is None else "fit, as far as --only looks")


if __name__ == "__main__":
    sys.exit(main())
