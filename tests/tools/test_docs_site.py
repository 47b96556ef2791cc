"""The site's hooks: links of sources become links of pages, and addresses stay as they are."""

import importlib
from pathlib import Path
from types import SimpleNamespace

import pytest

TOOLS = Path(__file__).parents[2] / "tools"


@pytest.fixture
def site(monkeypatch):
    for library in ("mkdocs", "latex2mathml"):
        pytest.importorskip(library, reason="needs the extra docs")
    monkeypatch.syspath_prepend(str(TOOLS))
    return importlib.import_module("docs_site")


@pytest.mark.parametrize(
    ("page", "link", "expected"),
    [
        ("index.md", "https://arxiv.org/abs/1609.04802", "https://arxiv.org/abs/1609.04802"),
        ("index.md", "https://jupyter.org", "https://jupyter.org"),
        ("index.md", "mailto:a@b.org", "mailto:a@b.org"),
        ("index.md", "trust.md#native", "trust.md#native"),
        ("index.md", "../CHANGELOG.md", "changelog.md"),
        ("notebooks.md", "../notebooks/2-train.ipynb", "notebooks/2-train.md"),
        ("notebooks/2-train.md", "../docs/srgan.md#loss", "../srgan.md#loss"),
        ("notebooks/2-train.md", "3-evaluate.ipynb", "3-evaluate.md"),
    ],
)
def test_links(site, page, link, expected):
    found = site.on_page_markdown(
        f"[words]({link})", page=SimpleNamespace(file=SimpleNamespace(src_uri=page))
    )
    assert found == f"[words]({expected})"
