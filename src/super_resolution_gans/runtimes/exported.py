"""Exported files as models: read whole, checked as far as that goes, and handed to a library.

**Trust such a file as you trust the library that runs it.** ONNX Runtime and OpenVINO read it with
native code that was not written for hostile input; what is checked here keeps their more dangerous
features out of reach (other files, operations of others, nested graphs), not their mistakes.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from super_resolution_gans.models.checkpoint import ModelFileError
from super_resolution_gans.models.upsampler import Scale
from super_resolution_gans.runtimes.facts import Facts

SUFFIXES = {".onnx": "onnxruntime", ".xml": "openvino"}
"""Of exported files, and the library that runs each unless told otherwise."""
_LARGEST = 1 << 31


@dataclass(frozen=True)
class Exported:
    """An exported network; what engines ask of it is named as in ``Upsampler``.

    Attributes:
        path: of the file.
        graph: ONNX, or OpenVINO's XML.
        weights: of OpenVINO's XML; None if ``graph`` is ONNX.
    """

    path: Path
    facts: Facts
    graph: bytes
    weights: bytes | None = None

    @property
    def channels(self) -> int:
        """In and out."""
        return self.facts.channels

    @property
    def scale(self) -> Scale:
        """(vertical, lateral) factors."""
        return self.facts.scale

    def receptive_radius(self) -> Scale | None:
        """In input pixels (vertical, lateral); None looks at the whole image."""
        return self.facts.receptive_radius


def read_exported(path: str | os.PathLike[str]) -> Exported:
    """Read what ``srgan export`` wrote (.onnx, or .xml with its .bin beside it).

    Raises:
        ModelFileError: if the file is missing, damaged, or not one of ours.
        LibraryError: if ONNX is needed to look into the file and not installed.
    """
    from super_resolution_gans.runtimes.onnx_file import check_onnx
    from super_resolution_gans.runtimes.openvino_file import check_openvino

    path = Path(path)
    graph = read_whole(path)
    if path.suffix.lower() == ".onnx":
        return Exported(path, check_onnx(path, graph), graph)
    weights = read_whole(path.with_suffix(".bin"))
    return Exported(path, check_openvino(path, graph, weights), graph, weights)


def read_whole(path: Path) -> bytes:
    """The bytes of a file.

    Raises:
        ModelFileError: if there are none, or too many.
    """
    try:
        if not path.is_file():
            raise ModelFileError(path, "not a file" if path.exists() else "no such file")
        if path.stat().st_size > _LARGEST:
            raise ModelFileError(path, "is larger than 2 GiB")
        return path.read_bytes()
    except OSError as error:
        raise ModelFileError(path, f"cannot be read ({error.strerror or error})") from error
