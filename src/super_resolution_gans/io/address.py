"""What is an address rather than a path, and how it is shown."""

import os
import re

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)


def is_address(source: str | os.PathLike[str]) -> bool:
    """Whether a source is a URL, of whatever scheme, rather than a path."""
    return isinstance(source, str) and _ADDRESS.match(source) is not None


def shown(source: str | os.PathLike[str]) -> str:
    """A source for messages: an address without user, password, query and fragment, or a path."""
    if not is_address(source):
        return os.fspath(source)
    assert isinstance(source, str)
    scheme, _, rest = re.split(r"[?#]", source, maxsplit=1)[0].partition("://")
    host, slash, path = rest.partition("/")
    host = host.rpartition("@")[2]
    name, colon, port = host.partition(":")
    if colon and not name.startswith("[") and not port.isdecimal():
        host = f"{name}:..."  # perhaps the beginning of a password with a slash in it
    return f"{scheme}://{host}{slash}{path}"
