"""A volume as a folder of numbered PNG files beside ``series.json``, which says what they are."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.io.encode_raster import save_png
from super_resolution_gans.io.errors import ReadError
from super_resolution_gans.io.note import KEY, About, note_in, told_of
from super_resolution_gans.io.raster import read_png
from super_resolution_gans.io.stored import Limits, scan_of
from super_resolution_gans.scan import Scan

NAME = "series.json"
_PNG = re.compile(r"\d+\.png")
_LARGEST = 1 << 24


def is_series(folder: Path) -> bool:
    """Whether a folder is such a series: nothing else lies in it, and its ``series.json`` is ours.

    A folder with anything else in it is somebody's folder, and neither read as one scan nor
    replaced.
    """
    if not document_of(folder):
        return False
    return all(_PNG.fullmatch(path.name) or path.name == NAME for path in folder.iterdir())


def read_series(folder: Path, source: str, limits: Limits) -> Scan:
    """Read the numbered PNGs of a folder, in the order of their numbers, as slices of one scan.

    Spacing and range are those of ``series.json``; what it does not say is unknown, so that
    ``{"srgan": {"spacing_mm": [0.12, 0.0039, 0.0114]}}`` makes any such folder a volume.

    Raises:
        ReadError: if there are fewer than announced, or they are no slices of one scan.
    """
    document = document_of(folder)
    ours = note_in(document)
    files = sorted(
        (path for path in folder.iterdir() if _PNG.fullmatch(path.name)),
        key=lambda path: (int(path.stem), path.name),
    )
    announced = document.get("slices", len(files))
    if not files or announced != len(files):
        raise ReadError(source, f"{announced} numbered PNGs are announced, {len(files)} found")
    return scan_of(
        _Slices(files, source, limits, document.get("channels")),
        source,
        limits=limits,
        spacing=ours.spacing if ours else (None, None, None),
        told_range=ours.value_range if ours else None,
    )


def fill_series(folder: Path, scan: Scan, about: About, check: Callable[[], object]) -> None:
    """Write a scan into an empty folder: ``000.png``, ``001.png``, ... and ``series.json``."""
    digits = max(3, len(str(scan.slices - 1)))
    for index in range(scan.slices):
        check()
        with (folder / f"{index:0{digits}d}.png").open("xb") as file:
            save_png(file, scan, scan.stored_slice(index), {})
    document = {
        KEY: told_of(scan, about()),
        "slices": scan.slices,
        "channels": scan.channels,
    }
    text = json.dumps(document, sort_keys=True, indent=2) + "\n"
    (folder / NAME).write_text(text, encoding="utf-8")


class _Slices:
    """PNG files as the slices of a scan; the one that was read last is kept.

    Args:
        channels: 3 if some of the files may look grey, all their colours being equal.
    """

    def __init__(self, files: list[Path], source: str, limits: Limits, channels: Any) -> None:
        self._files, self._source, self._limits = files, source, limits
        self._last: tuple[int, NDArray[Any]] | None = None
        first = self._decoded(0)
        self._colour = channels == 3 or first.ndim == 3
        self.dtype = first.dtype
        self.shape = (len(files), *first.shape[:2], *((3,) if self._colour else ()))

    def read(self, index: int, rows: slice, columns: slice) -> NDArray[Any]:
        """A window of slice ``index``: (h, w) or (h, w, 3).

        Raises:
            ReadError: if its file cannot be read, or holds another kind of slice than the first.
        """
        last = self._last
        if last is None or last[0] != index:
            last = self._last = (index, self._decoded(index))
        values = last[1]
        if self._colour and values.ndim == 2:
            values = np.repeat(values[..., np.newaxis], 3, axis=2)
        if (values.shape, values.dtype) != (self.shape[1:], self.dtype):
            raise ReadError(
                self._source,
                f"{self._files[index].name} is no slice of the same scan as {self._files[0].name}",
            )
        return values[rows, columns]

    def _decoded(self, index: int) -> NDArray[Any]:
        path = self._files[index]
        try:
            return read_png(path, path.name, self._limits).stored_slice(0)
        except ReadError as error:
            raise ReadError(self._source, str(error)) from None


def document_of(folder: Path) -> Mapping[str, Any]:
    """``series.json``, if it is one of ours; otherwise empty."""
    try:
        path = folder / NAME
        if not path.is_file() or path.stat().st_size > _LARGEST:
            return {}
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return document if note_in(document) is not None else {}
