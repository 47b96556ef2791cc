"""What made a result, for the journal: enough to make it again."""

import hashlib
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Provenance:
    """The model and the settings behind a result."""

    model: str
    weights_sha256: str | None  # None for interpolation
    scale: tuple[int, int]  # (vertical, lateral)
    precision: str
    device: str
    version: str
    engine: str = ""  # the library that computed it, and its version
    fidelity: float | None = None  # the share of the faithful partner; None: no mixture
    faithful_sha256: str | None = None  # of the partner's weights

    def computed_in(self, precision: str) -> "Provenance":
        """The same with another precision."""
        return replace(self, precision=precision)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal.

    Raises:
        OSError: if the file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
