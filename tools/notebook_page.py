"""A notebook as a page of Markdown: its words, its code, and what that showed."""

import base64
import json
from pathlib import Path
from typing import Any

PICTURES = {"image/png": "png", "image/jpeg": "jpeg"}
COVER = "cover"  # the tag of the cell whose picture stands for the notebook
_NOTE = "*A notebook, with what it showed when it was last run: `notebooks/{name}`.*"


def page(notebook: Path) -> tuple[str, dict[str, bytes]]:
    """The page of a notebook, and its pictures by the names that the page has for them.

    Raises:
        ValueError: if an output is neither text nor a picture; the message names the notebook.
    """
    parts: list[str] = []
    pictures: dict[str, bytes] = {}
    for cell in _cells(notebook):
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source)
            if len(parts) == 1:
                parts.append(_NOTE.format(name=notebook.name))
            continue
        parts.append(_fenced(source, "python"))
        for output in cell["outputs"]:
            found = picture(output)
            if found is None:
                parts.append(_fenced(_text(output, notebook), "{.text .output}"))
            else:
                suffix, content = found
                name = f"{notebook.stem}-{len(pictures) + 1}.{suffix}"
                pictures[name] = content
                parts.append(f"![Drawn by the code above]({name})")
    return "\n\n".join(parts) + "\n", pictures


def cover(notebook: Path) -> bytes:
    """The JPEG of the cell that is tagged as the cover.

    Raises:
        ValueError: if there is no such cell, or it drew no JPEG.
    """
    for cell in _cells(notebook):
        if COVER in cell["metadata"].get("tags", ()):
            for output in cell["outputs"]:
                found = picture(output)
                if found is not None and found[0] == "jpeg":
                    return found[1]
    raise ValueError(f"{notebook.name}: no cell with a JPEG is tagged {COVER!r}")


def picture(output: dict[str, Any]) -> tuple[str, bytes] | None:
    """Suffix and bytes of the picture that an output is; None if it is none."""
    for kind, suffix in PICTURES.items():
        if kind in output.get("data", ()):
            return suffix, base64.b64decode("".join(output["data"][kind]))
    return None


def _cells(notebook: Path) -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return cells


def _text(output: dict[str, Any], notebook: Path) -> str:
    if output["output_type"] == "stream":
        return "".join(output["text"])
    if list(output.get("data", ())) != ["text/plain"]:
        raise ValueError(f"{notebook.name}: an output is neither text nor a picture")
    return "".join(output["data"]["text/plain"])


def _fenced(text: str, language: str) -> str:
    return f"````{language}\n{text.rstrip()}\n````"
