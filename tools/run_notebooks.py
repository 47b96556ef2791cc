"""Run the notebooks, each from a fresh kernel in a copy of its folder.

    python tools/run_notebooks.py                  # all must run to their end
    python tools/run_notebooks.py --write 1        # and keep what the first one shows

A kernel sees `notebooks/` and `examples/` as in a clone, imports the package of this checkout, and
knows nothing of the home folder. What is kept has no times, no versions and no paths of a machine;
the picture of the cell that is tagged `cover` is kept for docs/notebooks.md, too.
"""

import argparse
import os
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import nbformat
import notebook_page
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).resolve().parents[1]
COVERS = ROOT / "docs" / "images"
LIMIT = 600  # seconds a cell may take
LARGEST = 700_000  # bytes of a stored notebook
# Grey speckle as PNG is four times as large as a JPEG that looks the same. The log would say that
# the kernel is talked to over loopback.
SETTINGS = [
    "--IPKernelApp.log_level=ERROR",
    "--InlineBackend.figure_formats={'jpeg'}",
    "--InlineBackend.print_figure_kwargs={'bbox_inches':'tight','dpi':100,'pil_kwargs':{'quality':85}}",
]
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


class NotebookError(ValueError):
    """A notebook that does not do what it should: a line, and for a cell that fails where."""


def notebooks(folder: Path, words: list[str]) -> list[Path]:
    """The notebooks of a folder whose names begin with one of these words; all of them without any.

    Raises:
        NotebookError: if there is none, or a word is the beginning of none.
    """
    every = sorted(folder.glob("*.ipynb"))
    if not every:
        raise NotebookError(f"{folder}: holds no notebooks")
    for word in words:
        if not any(path.name.startswith(word) for path in every):
            known = ", ".join(path.name for path in every)
            raise NotebookError(f"{word}: no such notebook; there is {known}")
    return [path for path in every if not words or path.name.startswith(tuple(words))]


def execute(path: Path) -> Any:
    """Run a notebook in a temporary clone; returns it with its outputs.

    Raises:
        NotebookError: if a cell fails, or what it shows tells of this machine or is too large.
    """
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as name:
        clone = Path(name)
        ignored = shutil.ignore_patterns("output-*", ".*")
        shutil.copytree(path.parent, clone / "notebooks", ignore=ignored)
        shutil.copytree(ROOT / "examples", clone / "examples")
        client = NotebookClient(
            notebook,
            timeout=LIMIT,
            startup_timeout=LIMIT,  # a busy machine starts a kernel slowly
            kernel_name="python3",
            resources={"metadata": {"path": str(clone / "notebooks")}},
            extra_arguments=SETTINGS,
            record_timing=False,
            coalesce_streams=True,
        )
        try:
            client.execute(env=_environment(clone))
        except CellExecutionError as error:
            where = _COLOUR.sub("", str(error)).strip()
            reason = f"{error.ename}: {error.evalue}"
            raise NotebookError(f"{path.name}: {reason}\n{where}") from error
        notebook.metadata = nbformat.from_dict(METADATA)
        for cell in notebook.cells:
            tags = cell.metadata.get("tags")
            cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})
        text = nbformat.writes(notebook)
        for place in (name, str(ROOT), str(Path.home()), sys.prefix):
            if len(place) > 1 and place in text:
                raise NotebookError(f"{path.name}: its outputs name a folder of this machine")
    if len(text.encode()) > LARGEST:
        raise NotebookError(f"{path.name}: {len(text.encode())} bytes; at most {LARGEST} are kept")
    return notebook


def _environment(clone: Path) -> dict[str, str]:
    """This checkout's package and its `srgan`; no settings of whoever runs it."""
    home = clone / ".home"
    home.mkdir()
    kept = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    return {
        **kept,
        "PYTHONPATH": str(ROOT / "src"),
        "HOME": str(home),
        "IPYTHONDIR": str(home / "ipython"),
        "MPLCONFIGDIR": str(home / "matplotlib"),
        "COLUMNS": "100",
        "NO_COLOR": "1",
    }


def main(arguments: list[str] | None = None) -> int:
    """0 if every notebook ran, else 1 after what went wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="keep what the notebooks show")
    parser.add_argument("--folder", type=Path, default=ROOT / "notebooks", help="others than ours")
    parser.add_argument("names", nargs="*", help="beginnings of names; by default all")
    given = parser.parse_args(arguments)
    failed = False
    try:
        chosen = notebooks(given.folder.resolve(), given.names)
    except NotebookError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for path in chosen:
        started = time.monotonic()
        try:
            notebook = execute(path)
        except NotebookError as error:
            print(f"error: {error}", file=sys.stderr)
            failed = True
            continue
        print(f"{path.name}: {time.monotonic() - started:.0f} s", flush=True)
        if given.write:
            nbformat.write(notebook, path)
            if path.parent == ROOT / "notebooks":
                (COVERS / f"notebook-{path.stem}.jpeg").write_bytes(notebook_page.cover(path))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
