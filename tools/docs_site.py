"""Hooks of the documentation site (mkdocs.yml): pages from outside docs/, notebooks, links,
equations.

The sources are written for both readers: on a forge, `../CHANGELOG.md` is a file and a `math` block
an equation; here the first becomes a page of the site and the second MathML, which browsers draw by
themselves.
"""

import html
import posixpath
import re
from pathlib import Path

from latex2mathml.converter import convert
from mkdocs.structure.files import File
from notebook_page import page as notebook_page  # beside this file

ROOT = Path(__file__).parents[1]
WEIGHTS = "src/super_resolution_gans/weights"
OUTSIDE = {
    "README.md": "index.md",  # the site's own first page stands for it
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
    "examples/README.md": "examples.md",
    "src/super_resolution_gans/web/look/examples/README.md": "app-examples.md",
    **{
        f"{WEIGHTS}/{card.name}": f"cards/{card.name}"
        for card in sorted((ROOT / WEIGHTS).glob("*.md"))
    },
    **{
        f"notebooks/{notebook.name}": f"notebooks/{notebook.stem}.md"
        for notebook in sorted((ROOT / "notebooks").glob("*.ipynb"))
    },
}
ORIGINS = {page: source for source, page in OUTSIDE.items() if source != "README.md"}

_LINK = re.compile(r"(?<=\]\()(?![a-z]+:)([^)\s#]+)(?=[)#])")  # not addresses: https://...
_DISPLAY = re.compile(r"^```math\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ROLE = re.compile(r":(?:class|func|meth|mod|attr|data):(?=<code>)")
_INLINE = re.compile(r"\$<code>(.*?)</code>\$", re.DOTALL)


def on_files(files, *, config):
    """Add the pages whose sources lie outside docs/."""
    for page, source in ORIGINS.items():
        if source.endswith(".ipynb"):
            content, pictures = notebook_page(ROOT / source)
            for name, picture in pictures.items():
                files.append(File.generated(config, f"notebooks/{name}", content=picture))
        else:
            content = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=content))
    return files


def on_page_markdown(markdown, *, page, **_):
    """Point links at pages of the site, and turn `math` blocks into MathML."""
    uri = page.file.src_uri
    folder = posixpath.dirname(ORIGINS.get(uri, f"docs/{uri}"))

    def linked(match):
        target = posixpath.normpath(posixpath.join(folder, match[1]))
        inside = target.removeprefix("docs/") if target.startswith("docs/") else None
        found = OUTSIDE.get(target, inside)
        return match[1] if found is None else posixpath.relpath(found, posixpath.dirname(uri))

    def displayed(match):
        return f'<div class="equation">{convert(match[1].strip(), display="block")}</div>'

    return _DISPLAY.sub(displayed, _LINK.sub(linked, markdown))


def on_page_content(content, **_):
    """Turn `$` code `$` into MathML, and drop the roles of docstrings, which only Sphinx reads."""
    content = _ROLE.sub("", content)
    return _INLINE.sub(lambda match: convert(html.unescape(match[1])), content)
