"""What a measure raises for a file of learned weights that it cannot use."""

import os


class WeightsError(ValueError):
    """A file of metric weights cannot be used; the message is "path: reason", in one line."""

    def __init__(self, path: str | os.PathLike[str], reason: str) -> None:
        self.path, self.reason = os.fspath(path), reason
        line = f"{self.path}: {reason}"
        super().__init__(
            "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
        )
