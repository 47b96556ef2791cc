"""What made a result, for its file and for the journal: enough to make it again."""

import hashlib
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from super_resolution_gans.io import Selection
from super_resolution_gans.prediction.residual import Residual

NOTE = "computed super-resolution, not a measurement"


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
    consistency: str = "off"  # or the downsampling that results agree with the scan under
    fidelity: float | None = None  # the share of the faithful partner; None: no mixture
    faithful_sha256: str | None = None  # of the partner's weights
    ensemble: bool = False  # whether the mean with its mirror image

    def computed_in(self, precision: str) -> "Provenance":
        """The same with another precision."""
        return replace(self, precision=precision)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def about(
    provenance: Provenance,
    input_sha256: str | None,
    residual: Residual | None,
    selection: Selection | None = None,
) -> dict[str, Any]:
    """What a result says of itself in its file: how it was made, and what it is not.

    Args:
        input_sha256: of the input file's bytes, if there is a file.
        residual: of the image as it is stored, if the model's downsampling is known.
        selection: what of the input was upscaled, if not all of it.
    """
    part = {} if selection is None or selection.is_all else {"selection": selection.as_dict()}
    return {
        **part,
        "note": NOTE,
        "input_sha256": input_sha256,
        "consistency_residual": residual and {"rms": residual.rms, "largest": residual.largest},
        **provenance.as_dict(),
    }


def sha256(path: str | os.PathLike[str]) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal.

    Of a folder it is that of the list of its files, as these commands make it:
    ``find . -type f | LC_ALL=C sort | xargs sha256sum | sha256sum``.

    Raises:
        OSError: if a file cannot be read.
    """
    path = Path(path)
    if path.is_dir():
        below = (file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file())
        lines = (f"{sha256(path / name)}  ./{name}\n" for name in sorted(below, key=os.fsencode))
        return hashlib.sha256(b"".join(map(os.fsencode, lines))).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
