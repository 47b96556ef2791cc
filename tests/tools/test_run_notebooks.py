"""What runs the notebooks: a fresh kernel in a copy, and only what may be kept is kept."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


def stored(folder, name, *cells):
    notebook = nbformat.v4.new_notebook()
    notebook.metadata = {"kernelspec": {"name": "python3", "display_name": "mine"}, "mine": "x"}
    notebook.cells = [nbformat.v4.new_code_cell(cell, metadata={"mine": 1}) for cell in cells]
    path = folder / f"{name}.ipynb"
    nbformat.write(notebook, path)
    return path


def run(folder, *arguments):
    return subprocess.run(
        [sys.executable, str(ROOT / "tools/run_notebooks.py"), "--folder", str(folder), *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def load(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    return importlib.import_module("run_notebooks")


def test_what_ran_is_kept_without_a_trace_of_the_machine(tmp_path):
    path = stored(
        tmp_path,
        "good-one",
        "from pathlib import Path\nimport super_resolution_gans",
        "Path('output-x').write_text('x')\nprint(sorted(p.name for p in Path('..').iterdir()))",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2]);",
    )
    stored(tmp_path, "other", "raise ValueError('not asked for')")
    done = run(tmp_path, "--write", "good")
    assert (done.returncode, done.stderr) == (0, "")
    notebook = nbformat.read(path, as_version=4)
    assert [cell.execution_count for cell in notebook.cells] == [1, 2, 3]
    assert notebook.cells[1].outputs[0].text == "['.home', 'examples', 'notebooks']\n"
    assert "image/jpeg" in notebook.cells[2].outputs[0].data
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata.kernelspec.display_name == "Python 3"
    assert all(not cell.metadata for cell in notebook.cells)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["good-one.ipynb", "other.ipynb"]


def test_an_error_and_a_path_of_the_machine_are_refused_and_nothing_is_kept(tmp_path):
    paths = [
        stored(tmp_path, "bad", "1 / 0"),
        stored(tmp_path, "telling", "from pathlib import Path\nprint(Path.cwd())"),
    ]
    before = [path.read_bytes() for path in paths]
    done = run(tmp_path, "--write")
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert lines[0] == "error: bad.ipynb: ZeroDivisionError: division by zero"
    assert any("1 / 0" in line for line in lines)
    assert "\x1b" not in done.stderr
    assert lines[-1] == "error: telling.ipynb: its outputs name a folder of this machine"
    assert [path.read_bytes() for path in paths] == before


def test_without_write_nothing_is_kept(tmp_path, monkeypatch, capsys):
    path = stored(tmp_path, "some", "1")
    before = path.read_bytes()
    tool = load(monkeypatch)
    changed = nbformat.read(path, as_version=4)
    changed.cells[0].source = "2"
    monkeypatch.setattr(tool, "execute", lambda _: changed)
    assert tool.main(["--folder", str(tmp_path)]) == 0
    assert path.read_bytes() == before
    assert tool.main(["--folder", str(tmp_path), "--write"]) == 0
    assert nbformat.read(path, as_version=4).cells[0].source == "2"
    assert capsys.readouterr().out == "some.ipynb: 0 s\n" * 2


@pytest.mark.parametrize("words", [(), ("nothing",)])
def test_no_notebook_is_an_error_in_one_line(tmp_path, words, monkeypatch, capsys):
    if words:
        stored(tmp_path, "some")
    assert load(monkeypatch).main(["--folder", str(tmp_path), *words]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line == (
        "error: nothing: no such notebook; there is some.ipynb"
        if words
        else f"error: {tmp_path}: holds no notebooks"
    )
