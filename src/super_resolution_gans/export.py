"""Networks as files for other programs: ONNX and OpenVINO, checked against torch before they exist.

The graph is that of the rearranged network in float32, of any batch, height and width: ``image``
(NCHW, float32, [0, 1]) -> ``upscaled``, not clipped. The file says what it holds, see
:class:`~super_resolution_gans.runtimes.facts.Facts`. It has no date: the same model gives the same
bytes.
"""

import contextlib
import copy
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from super_resolution_gans.io.atomic import replacing
from super_resolution_gans.models.checkpoint import ModelFileError
from super_resolution_gans.models.load import load_model
from super_resolution_gans.models.upsampler import Upsampler
from super_resolution_gans.runtimes.exported import Exported
from super_resolution_gans.runtimes.facts import KEY, Facts
from super_resolution_gans.runtimes.onnx_file import check_onnx
from super_resolution_gans.runtimes.onnx_graph import onnx_bytes
from super_resolution_gans.runtimes.openvino_file import check_openvino, openvino_files
from super_resolution_gans.runtimes.sessions import Session, onnx_session, openvino_session
from super_resolution_gans.scan import printable

KINDS = {"onnx": ".onnx", "openvino": ".xml"}
BOUND = 1e-4
"""The largest difference from torch that passes, of values in [0, 1]."""
SIZES = ((1, 1, 1), (2, 2, 3), (1, 17, 40), (3, 33, 25))
"""Of the images that are compared: (n, h, w)."""


class ExportError(ValueError):
    """A model cannot be exported; the message is one line, "target: reason"."""

    def __init__(self, message: str) -> None:
        super().__init__(printable(" ".join(message.split())))


class ExistsError(ExportError):
    """There is a file already."""


@dataclass(frozen=True)
class Export:
    """What was written.

    Attributes:
        files: the .onnx file, or the .xml and the .bin.
        difference: the largest from torch, of values in [0, 1].
        network: what people call it.
    """

    files: tuple[Path, ...]
    difference: float
    network: str


def export_model(
    network_or_path: Upsampler | str | os.PathLike[str],
    target: str | os.PathLike[str],
    kind: str = "onnx",
    *,
    overwrite: bool = False,
) -> Export:
    """Write a network as ONNX, or as OpenVINO's pair of .xml and .bin.

    Nothing is left behind unless the library that is to run the file agrees with torch on images
    of :data:`SIZES` within :data:`BOUND`.

    Args:
        network_or_path: a generator, which is not changed, or its file.
        target: ends in .onnx, or in .xml.
        kind: ``onnx`` or ``openvino``.
        overwrite: replace existing files.

    Raises:
        ValueError: if the model cannot be read or exported, the target exists or has another
            suffix, a library is missing, or the results differ. The message is one line.
        OSError: if the target cannot be written.
    """
    target = Path(target)
    if kind not in KINDS:
        raise ExportError(f"{kind}: no such kind; known are {', '.join(KINDS)}")
    if target.suffix.lower() != KINDS[kind]:
        raise ExportError(f"{target}: must end in {KINDS[kind]}")
    files = (target,) if kind == "onnx" else (target, target.with_suffix(".bin"))
    for file in files:
        if file.is_dir():
            raise ExportError(f"{file}: is a folder")
        if file.exists() and not overwrite:
            raise ExistsError(f"{file}: exists already")
    network, facts = _source(network_or_path)
    try:
        exported, session = _exported(network, facts, target, kind)
    except ModelFileError as error:
        raise ExportError(str(error)) from error
    difference = largest_difference(network, session)
    if not difference <= BOUND:
        raise ExportError(
            f"{target}: not written, the result differs from torch by {difference:.2g} "
            f"({BOUND:g} at most)"
        )
    _write(files, [exported.graph, exported.weights])
    return Export(files, difference, network.title())


def largest_difference(network: Upsampler, session: Session) -> float:
    """Between what a network gives in torch and in a session, on images of :data:`SIZES`."""
    reference = copy.deepcopy(network).cpu().eval()
    random, largest = np.random.default_rng(0), 0.0
    for count, height, width in SIZES:
        batch = random.random((count, network.channels, height, width), np.float32)
        with torch.inference_mode():
            expected = reference(torch.from_numpy(batch)).numpy()
        found = session(batch)
        if found.shape != expected.shape:
            return float("inf")
        largest = max(largest, _distance(found, expected))
    return largest


def _distance(found: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    """The largest; infinite if anything is not finite."""
    distance = float(np.abs(found - expected).max())
    return distance if np.isfinite(distance) else float("inf")


def _source(network_or_path: Upsampler | str | os.PathLike[str]) -> tuple[Upsampler, Facts]:
    if isinstance(network_or_path, Upsampler):
        network = network_or_path
        return network, Facts.of(network, network.title(), {})
    path = Path(network_or_path)
    model = load_model(path)
    return model.network, Facts.of(model.network, path.stem, model.card)


def _exported(
    network: Upsampler, facts: Facts, target: Path, kind: str
) -> tuple[Exported, Session]:
    """As it would be read again, and running."""
    try:
        graph = onnx_bytes(network, {KEY: facts.as_json()} if kind == "onnx" else None)
    except ValueError as error:
        raise ExportError(f"{target}: not written; {error}") from error
    if kind == "onnx":
        exported = Exported(target, check_onnx(target, graph), graph)
        return exported, onnx_session(exported)
    xml, weights = openvino_files(graph, facts)
    exported = Exported(target, check_openvino(target, xml, weights), xml, weights)
    return exported, openvino_session(exported)


def _write(files: tuple[Path, ...], payloads: list[bytes | None]) -> None:
    """The .xml comes last, and knows its .bin: what a crash leaves is refused."""
    with contextlib.ExitStack() as stack:
        for path, payload in zip(files, payloads, strict=False):
            stack.enter_context(replacing(path)).write(payload or b"")
