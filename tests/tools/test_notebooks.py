"""The stored notebooks: whole, run in order, without errors, and nothing of a machine in them.

That they run is shown by `make notebooks`, which takes minutes.
"""

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager

from super_resolution_gans.prediction.catalogue import find_weights
from super_resolution_gans.prediction.provenance import sha256

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LARGEST = 700_000
_MACHINE = re.compile(
    r"/(?:home|root|tmp|work|Users|usr|var|opt)/|[A-Za-z]:\\\\|site-packages|0x[0-9a-f]{6}"
)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


notebook_page = load("notebook_page")
check_docs = load("check_docs")


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def notebook(path):
    return nbformat.read(path, as_version=4)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_there_are_four():
    assert [path.name[:2] for path in NOTEBOOKS] == ["1-", "2-", "3-", "4-"]


def test_it_is_valid_and_small(path, notebook):
    nbformat.validate(notebook)
    assert path.stat().st_size < LARGEST


def test_it_begins_with_a_heading_and_an_installation_that_is_skipped(notebook):
    assert notebook.cells[0].cell_type == "markdown"
    assert notebook.cells[0].source.startswith("# ")
    first = code(notebook)[0].source
    assert "%pip install" in first
    assert 'find_spec("super_resolution_gans") is None' in first
    assert sum("%pip" in cell.source for cell in code(notebook)) == 1


def test_every_cell_compiles(path, notebook):
    transform = TransformerManager().transform_cell
    for number, cell in enumerate(code(notebook), 1):
        compile(transform(cell.source), f"{path.name}, cell {number}", "exec")


def test_every_cell_was_run_once_in_order_and_without_errors(notebook):
    counts = [cell.execution_count for cell in code(notebook)]
    assert counts == list(range(1, len(counts) + 1))
    outputs = [output for cell in code(notebook) for output in cell.outputs]
    assert any(notebook_page.picture(output) for output in outputs)
    for output in outputs:
        assert output.output_type in ("stream", "display_data", "execute_result")
        assert output.get("name") != "stderr", output.text


def test_nothing_of_a_machine_is_kept(notebook):
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata.language_info == {"name": "python"}
    for cell in notebook.cells:
        assert set(cell.metadata) <= {"tags"}
        for output in cell.get("outputs", ()):
            text = output.get("text", "") + output.get("data", {}).get("text/plain", "")
            assert not _MACHINE.search(text), text


def test_its_links_lead_somewhere(path, notebook):
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    links = [link for link in _LINK.findall(text) if "://" not in link]
    assert links
    for link in links:
        name, _, anchor = link.partition("#")
        target = path.parent / name
        assert target.is_file(), link
        assert not anchor or anchor in check_docs.anchors(target), link


def test_it_was_run_with_the_weights_that_ship():
    shown = (ROOT / "notebooks" / "1-super-resolve.ipynb").read_text(encoding="utf-8")
    assert f"weights: {sha256(find_weights('oct-srgan-x4'))[:12]}" in shown, (
        "tools/publish.py --only notebooks runs them again; read what they say"
    )


def test_the_page_has_all_words_and_pictures(path, notebook):
    text, pictures = notebook_page.page(path)
    outputs = [output for cell in code(notebook) for output in cell.outputs]
    assert len(pictures) == sum(notebook_page.picture(output) is not None for output in outputs)
    for name in pictures:
        assert f"]({name})" in text
    for cell in notebook.cells:
        assert cell.source in text
    for output in outputs:
        assert output.get("text", "").rstrip() in text


def test_the_picture_in_the_docs_is_that_of_the_notebook(path):
    kept = ROOT / "docs" / "images" / f"notebook-{path.stem}.jpeg"
    assert kept.read_bytes() == notebook_page.cover(path)


def test_every_notebook_is_on_the_site_and_on_its_page(path):
    assert f": notebooks/{path.stem}.md" in (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert f"](../notebooks/{path.name})" in (ROOT / "docs" / "notebooks.md").read_text("utf-8")
