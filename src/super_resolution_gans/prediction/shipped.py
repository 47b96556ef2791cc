"""The files of the shipped models: which they are, and whether they are whole. Loads no torch."""

import hashlib
from dataclasses import dataclass

from super_resolution_gans.prediction.catalogue import SHIPPED, WEIGHTS

SUMS = WEIGHTS / "SHA256SUMS"
"""What ``sha256sum`` says of the weights, as they were when they were published."""


@dataclass(frozen=True)
class ShippedFile:
    """The weights of a shipped model on disk.

    Attributes:
        name: of the model.
        path: of its file.
        sha256: of the file's bytes, in hexadecimal; None if it cannot be read.
        fault: why it is not as it was published, in words; empty if it is.
    """

    name: str
    path: str
    sha256: str | None
    fault: str


def shipped_files() -> list[ShippedFile]:
    """All shipped models' files, read to the end."""
    published = _published()
    return [_look_at(name, published.get(f"{name}.safetensors")) for name in SHIPPED]


def _published() -> dict[str, str]:
    """File names and digests in :data:`SUMS`; none if it cannot be read."""
    try:
        lines = SUMS.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeError):
        return {}
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def _look_at(name: str, published: str | None) -> ShippedFile:
    path = WEIGHTS / f"{name}.safetensors"
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        return ShippedFile(name, str(path), None, f"cannot be read ({error.strerror or error})")
    fault = ""
    if published is None:
        fault = f"cannot be compared: {SUMS} does not say what it should be"
    elif digest != published:
        fault = f"is not the file that was published (SHA-256 {published}): install again"
    return ShippedFile(name, str(path), digest, fault)
