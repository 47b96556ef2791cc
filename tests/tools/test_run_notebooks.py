"""What runs the notebooks: a fresh kernel in a copy, and only what may be kept is kept."""

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


def test_what_ran_is_kept_without_a_trace_of_the_machine(tmp_path):
    path = stored(
        tmp_path,
        "good",
        "from pathlib import Path\nimport super_resolution_gans",
        "Path('output-x').write_text('x')\nprint(sorted(p.name for p in Path('..').iterdir()))",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2]);",
    )
    stored(tmp_path, "other", "raise ValueError('not asked for')")
    before = path.read_bytes()
    assert run(tmp_path, "good").returncode == 0
    assert path.read_bytes() == before
    done = run(tmp_path, "--write", "good")
    assert (done.returncode, done.stderr) == (0, "")
    notebook = nbformat.read(path, as_version=4)
    assert [cell.execution_count for cell in notebook.cells] == [1, 2, 3]
    assert notebook.cells[1].outputs[0].text == "['.home', 'examples', 'notebooks']\n"
    assert "image/jpeg" in notebook.cells[2].outputs[0].data
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata.kernelspec.display_name == "Python 3"
    assert all(not cell.metadata for cell in notebook.cells)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["good.ipynb", "other.ipynb"]


def test_an_error_and_a_path_of_the_machine_are_refused_and_nothing_is_kept(tmp_path):
    paths = [
        stored(tmp_path, "bad", "1 / 0"),
        stored(tmp_path, "telling", "from pathlib import Path\nprint(Path.cwd())"),
    ]
    before = [path.read_bytes() for path in paths]
    done = run(tmp_path, "--write")
    assert done.returncode == 1
    assert "error: bad.ipynb: ZeroDivisionError: division by zero" in done.stderr
    assert "error: telling.ipynb: its outputs name a folder of this machine" in done.stderr
    assert [path.read_bytes() for path in paths] == before


@pytest.mark.parametrize("words", [(), ("nothing",)])
def test_no_notebook_is_an_error_in_one_line(tmp_path, words):
    if words:
        stored(tmp_path, "some")
    done = run(tmp_path, *words)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 1
