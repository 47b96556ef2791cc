"""The files of a zarr store, in a folder or a ZIP archive: nothing outside, nothing oversized."""

import json
import os
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from super_resolution_gans.io.errors import ReadError
from super_resolution_gans.scan import printable

MARKERS = ("zarr.json", ".zarray", ".zgroup")
"""Names of files by which a store is known."""

_METADATA = frozenset((*MARKERS, ".zattrs", ".zmetadata"))
_LARGEST_METADATA = 1 << 24


def is_store(path: str | os.PathLike[str]) -> bool:
    """Whether a folder is a zarr store, an array or a group of one."""
    return any(os.path.isfile(os.path.join(path, name)) for name in MARKERS)  # noqa: PTH113, PTH118


def is_metadata(key: str) -> bool:
    """Whether a key names something else than chunks."""
    return PurePosixPath(key).name in _METADATA


class Files(Protocol):
    """What is needed of a store; keys are paths from its root, with slashes."""

    def size(self, key: str) -> int | None:
        """Bytes of a file; None if there is none.

        Raises:
            ReadError: if it lies outside the store, or is something else than a file.
        """

    def read(self, key: str) -> bytes: ...

    def children(self, key: str) -> list[str]:
        """Names of the nodes below a group."""

    def chunks(self, key: str) -> Iterator[str]:
        """Whatever lies below an array and is no metadata."""


class FolderFiles:
    """A store in a folder."""

    def __init__(self, root: Path, source: str) -> None:
        self._root, self._source = root, source
        self._inside = os.path.realpath(root) + os.sep

    def size(self, key: str) -> int | None:
        path = os.path.realpath(self._root / key)
        if not path.startswith(self._inside):
            raise ReadError(self._source, f"{printable(key)} leads out of the store")
        try:
            status = os.stat(path)  # noqa: PTH116
        except (FileNotFoundError, NotADirectoryError):
            return None
        if not stat.S_ISREG(status.st_mode):
            raise ReadError(self._source, f"{printable(key)} in the store is no regular file")
        return status.st_size

    def read(self, key: str) -> bytes:
        return (self._root / key).read_bytes()

    def children(self, key: str) -> list[str]:
        folder = self._root / key
        return sorted(entry.name for entry in folder.iterdir() if is_store(entry))

    def chunks(self, key: str) -> Iterator[str]:
        for _, _, names in os.walk(self._root / key):
            yield from (name for name in names if name not in _METADATA)


class ZipFiles:
    """A store in a ZIP archive."""

    def __init__(self, path: Path, source: str) -> None:
        self._source, self._archive = source, zipfile.ZipFile(path)
        self._infos = {info.filename: info for info in self._archive.infolist()}

    def size(self, key: str) -> int | None:
        info = self._infos.get(key)
        if info is not None and info.flag_bits & 1:
            raise ReadError(self._source, f"{printable(key)} in the store is encrypted")
        return None if info is None else info.file_size

    def read(self, key: str) -> bytes:
        return self._archive.read(key)

    def children(self, key: str) -> list[str]:
        start = f"{key}/" if key else ""
        below = (PurePosixPath(name.removeprefix(start)).parts for name in self._under(start))
        return sorted({parts[0] for parts in below if len(parts) == 2 and parts[1] in MARKERS})

    def chunks(self, key: str) -> Iterator[str]:
        for name in self._under(f"{key}/" if key else ""):
            if not name.endswith("/") and not is_metadata(name):
                yield name

    def _under(self, start: str) -> Iterator[str]:
        return (name for name in self._infos if name.startswith(start))


def read_json(files: Files, key: str) -> dict[str, Any] | None:
    """A file of metadata; None if there is none.

    Raises:
        ValueError: if it is no JSON object, or larger than 16 MiB.
    """
    size = files.size(key)
    if size is None:
        return None
    if size > _LARGEST_METADATA:
        raise ValueError(f"{key} of {size} bytes")
    try:
        document = json.loads(files.read(key))
    except (ValueError, RecursionError):
        raise ValueError(f"{key} is no JSON") from None
    if not isinstance(document, dict):
        raise ValueError(f"{key} is no JSON object")
    return document
