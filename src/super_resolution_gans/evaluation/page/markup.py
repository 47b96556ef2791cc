"""HTML and SVG as text: everything that is not ours is escaped here."""

import html
from collections.abc import Iterable

from super_resolution_gans.scan import printable


def escaped(words: object) -> str:
    """Text for an element or a quoted attribute; control characters are made visible."""
    return html.escape(printable(str(words)), quote=True)


def element(tag: str, content: str = "", /, **attributes: object) -> str:
    """One element around content that is markup already; None leaves an attribute out.

    Names of attributes have ``_`` for ``-``, and may end in it where Python needs the name.
    """
    given = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escaped(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    return f"<{tag}{given}>{content}</{tag}>"


def words(tag: str, text: object, /, **attributes: object) -> str:
    """One element around plain text."""
    return element(tag, escaped(text), **attributes)


def bullets(lines: Iterable[str], **attributes: object) -> str:
    """A list of plain sentences."""
    return element("ul", "".join(words("li", line) for line in lines), **attributes)


def facts(pairs: Iterable[tuple[str, object]]) -> str:
    """Names and values."""
    return element("dl", "".join(words("dt", name) + words("dd", value) for name, value in pairs))
