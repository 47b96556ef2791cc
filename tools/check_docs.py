"""Check the documentation: links and anchors, and the commands that its pages show.

    python tools/check_docs.py links               # every internal link leads somewhere
    python tools/check_docs.py commands [PAGE ...] # every block of commands works

A fenced block of `sh`, `bash` or `python` is run and must succeed. A block of `console` is run
command by command ($ ...), and what follows is what each must print; `...` stands for anything. The
blocks of a page run one after the other in a folder of its own, in which `examples/` lies. A
comment directly before a block says otherwise:

    <!-- not run: why -->         the block is left out
    <!-- before: commands -->     run these first; a reader would have what they make. $REPOSITORY
                                  is the clone
"""

import argparse
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parents[1]
RUN = ("sh", "bash", "python", "console")
LIMIT = 600  # seconds a block may take

_PARSER = MarkdownIt("commonmark").enable("table")
_MARK = re.compile(r"<!-- (not run|before): (.+?) -->\s*", re.DOTALL)
_EXTERNAL = re.compile(r"^(?:[a-z][a-z0-9+.-]*:|//)", re.IGNORECASE)


@dataclass(frozen=True)
class Block:
    """A fenced block of commands on a page, and what the comment before it says."""

    line: int
    language: str
    code: str
    reason: str = ""
    before: str = ""


def pages(root: Path = ROOT) -> list[Path]:
    """All pages of the documentation, those outside docs/ included."""
    package = root / "src" / "super_resolution_gans"
    singles = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"]
    singles += ["THIRD_PARTY_NOTICES.md", "examples/README.md"]
    found = [root / name for name in singles if (root / name).is_file()]
    return [*found, *sorted((root / "docs").rglob("*.md")), *sorted(package.rglob("*.md"))]


def slug(heading: str) -> str:
    """The anchor that GitHub, and here the site, gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    """All anchors of a page; the second heading of a name ends in -1."""
    found: set[str] = set()
    for token, following in _pairs(page):
        if token.type == "heading_open" and following is not None:
            name = base = slug("".join(_words(following)))
            number = 0
            while name in found:
                number += 1
                name = f"{base}-{number}"
            found.add(name)
    return found


def broken_links(page: Path) -> Iterator[str]:
    """A line for each internal link of a page that leads nowhere."""
    for token in _PARSER.parse(page.read_text(encoding="utf-8")):
        line = token.map[0] + 1 if token.map else 0
        for child in token.children or ():
            target = child.attrGet("href") or child.attrGet("src")
            if not isinstance(target, str) or _EXTERNAL.match(target):
                continue
            name, _, anchor = target.partition("#")
            path = page if not name else page.parent / name
            if not path.exists():
                yield f"{_shown(page)}:{line}: {target}: no such file"
            elif anchor and (path.suffix != ".md" or anchor not in anchors(path)):
                yield f"{_shown(page)}:{line}: {target}: no such heading"


def blocks(page: Path) -> list[Block]:
    """The blocks of commands of a page, in order.

    Raises:
        ValueError: if a comment looks like a mark and is none, or stands before no block.
    """
    found: list[Block] = []
    mark: re.Match[str] | None = None
    for token in _PARSER.parse(page.read_text(encoding="utf-8")):
        line = token.map[0] + 1 if token.map else 0
        language = token.info.split(" ")[0] if token.type == "fence" else ""
        if language in RUN:
            kind, words = (mark[1], mark[2].strip()) if mark else ("", "")
            reason, before = words * (kind == "not run"), words * (kind == "before")
            found.append(Block(line, language, token.content, reason, before))
            mark = None
        elif mark is not None:
            raise ValueError(f"{_shown(page)}:{line}: the comment before it belongs to no block")
        if token.type == "html_block" and re.match(r"<!--\s*(?:not.run|before)", token.content):
            mark = _MARK.fullmatch(token.content)
            if mark is None:
                raise ValueError(f"{_shown(page)}:{line}: a mark is <!-- not run: why -->")
    return found


def run_page(page: Path) -> Iterator[str]:
    """Run the blocks of a page; a line for each that does not do what it should."""
    todo = blocks(page)
    if all(block.reason for block in todo):
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "work"
        shutil.copytree(ROOT / "examples", folder / "examples")
        environment = _environment(Path(name) / "bin")
        for block in todo:
            where = f"{_shown(page)}:{block.line}"
            if block.reason:
                continue
            started = time.monotonic()
            wrong = "".join(_failures(block, folder, environment))
            print(f"{where}: {time.monotonic() - started:.1f} s", flush=True)
            if wrong:
                yield f"{where}: {wrong}"


def matches(expected: str, printed: str) -> bool:
    """Whether what was printed is what the page says, `...` standing for anything."""
    parts = [re.escape(part) for part in expected.strip().split("...")]
    return re.fullmatch(".*".join(parts), printed.strip(), re.DOTALL) is not None


def _failures(block: Block, folder: Path, environment: dict[str, str]) -> Iterator[str]:
    if block.before:
        status, printed = _run(["bash", "-ec", block.before], folder, environment)
        if status:
            yield f"what comes before it ended with {status}\n{printed}"
            return
    if block.language == "console":
        for command, expected in _sessions(block.code):
            _, printed = _run(["bash", "-c", command], folder, environment)
            if not matches(expected, printed):
                yield f"$ {command}\nprinted\n{printed}\nand not\n{expected}\n"
        return
    shell = ["python", "-c"] if block.language == "python" else ["bash", "-ec"]
    status, printed = _run([*shell, block.code], folder, environment)
    if status:
        yield f"ended with {status}\n{printed[-2000:]}"


def _sessions(code: str) -> Iterator[tuple[str, str]]:
    for part in re.split(r"^\$ ", code, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        yield command, expected


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> tuple[int, str]:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return 124, f"more than {LIMIT} s"
    return done.returncode, done.stdout


def _environment(binaries: Path) -> dict[str, str]:
    """`srgan` and `python` of this checkout, whatever is installed."""
    binaries.mkdir()
    for name, call in {"srgan": " -m super_resolution_gans.cli", "python": ""}.items():
        path = binaries / name
        path.write_text(f'#!/bin/sh\nexec "{sys.executable}"{call} "$@"\n')
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return {
        **os.environ,
        "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "src"),
        "REPOSITORY": str(ROOT),
        "MPLBACKEND": "agg",
        "COLUMNS": "100",
        "NO_COLOR": "1",
    }


def _pairs(page: Path) -> Iterator[tuple[Token, Token | None]]:
    tokens = _PARSER.parse(page.read_text(encoding="utf-8"))
    yield from zip(tokens, [*tokens[1:], None], strict=True)


def _words(inline: Token) -> Iterator[str]:
    for child in inline.children or ():
        if child.type in ("text", "code_inline"):
            yield child.content


def _shown(page: Path) -> str:
    return str(page.relative_to(ROOT)) if page.is_relative_to(ROOT) else page.name


def main(arguments: list[str] | None = None) -> int:
    """0 if all is well, else 1 after a line for each fault."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("what", choices=("links", "commands"))
    parser.add_argument("pages", nargs="*", type=Path, help="by default all")
    given = parser.parse_args(arguments)
    chosen = [page.resolve() for page in given.pages] or pages()
    check = broken_links if given.what == "links" else run_page
    faults = [fault for page in chosen for fault in check(page)]
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"{given.what} of {len(chosen)} pages: {len(faults)} faults")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
