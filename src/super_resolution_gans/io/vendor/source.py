"""A file of known size, read by position."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import DTypeLike, NDArray

from super_resolution_gans.io.errors import ReadError

if TYPE_CHECKING:
    from construct import Struct

_BLOCK = 1 << 24


class Source:
    """The bytes of one file; what lies beyond its end is refused before it is read."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file, self.name = file, name
        self.size = file.seek(0, 2)

    def read(self, at: int, count: int, what: str) -> bytes:
        """``count`` bytes from position ``at``.

        Raises:
            ReadError: if the file ends before; it names ``what`` should have been there.
        """
        if at < 0 or count < 0 or at + count > self.size:
            raise self.refusal(f"truncated or damaged: {what} would end behind the end of the file")
        self._file.seek(at)
        data = self._file.read(count)
        if len(data) != count:
            raise self.refusal(f"could not be read to the end of {what}")
        return data

    def record(self, layout: "Struct", at: int, what: str) -> Any:
        """A record of fixed size, by its declared layout."""
        return layout.parse(self.read(at, layout.sizeof(), what))

    def numbers(self, at: int, dtype: DTypeLike, count: int, what: str) -> NDArray[Any]:
        """``count`` numbers or records, read-only."""
        kind = np.dtype(dtype)
        return np.frombuffer(self.read(at, count * kind.itemsize, what), kind)

    def places(self, pattern: bytes) -> Iterator[int]:
        """Every position at which ``pattern`` stands."""
        search = re.compile(re.escape(pattern))
        overlap = len(pattern) - 1
        for start in range(0, self.size, _BLOCK):
            block = self.read(start, min(_BLOCK + overlap, self.size - start), "a block")
            yield from (start + found.start() for found in search.finditer(block))

    def refusal(self, reason: str) -> ReadError:
        return ReadError(self.name, reason)


@contextmanager
def opened(path: Path, name: str) -> Iterator[Source]:
    """The file at ``path``, called ``name`` in messages."""
    with path.open("rb") as file:
        yield Source(file, name)
