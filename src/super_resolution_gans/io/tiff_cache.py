"""Decoded strips, tiles and chunks that neighbouring windows share."""

import threading
from collections import OrderedDict
from typing import Any

from numpy.typing import NDArray

Key = tuple[int, ...]  # a page and its strip or tile; a chunk by its place


class SegmentCache:
    """The strips or tiles that were used last, up to ``room`` bytes, but always one.

    With room for two rows of them a page that is read in bands of rows is decoded once. One cache
    serves all pages of a file, so that pages which are done with are forgotten. Threads may share
    it; two that miss the same segment both decode it.
    """

    def __init__(self) -> None:
        self.room = 0
        self._kept: OrderedDict[Key, NDArray[Any]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: Key) -> NDArray[Any] | None:
        """The segment, if it is kept."""
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key]

    def put(self, key: Key, segment: NDArray[Any]) -> None:
        """Keep a segment, and forget those that were not used for longest."""
        with self._lock:
            if key not in self._kept:
                self._kept[key] = segment
                self._bytes += segment.nbytes
            while self._bytes > self.room and len(self._kept) > 1:
                _, oldest = self._kept.popitem(last=False)
                self._bytes -= oldest.nbytes
