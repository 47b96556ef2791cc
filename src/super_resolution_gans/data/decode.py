"""Scans in files -> slices as they are stored, several files at a time.

Decoding is what packing spends its time on, and the decoders run outside Python's lock.
"""

import hashlib
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.data.blocks import block_means
from super_resolution_gans.data.inventory import DataError, Entry
from super_resolution_gans.io import read_scan
from super_resolution_gans.program import processors
from super_resolution_gans.scan import Scan

_LUMINANCE = np.array([0.299, 0.587, 0.114], dtype=np.float32)
_MOST_THREADS = 16


class TooNarrowError(Exception):
    """A scan has more than 8 bits and the store was begun with 8."""


@dataclass(frozen=True)
class Slice:
    """One slice as stored: (channels, H, W), its block grid, its LR twin, and their SHA-256."""

    pixels: NDArray[Any]
    blocks: NDArray[np.uint8]
    low: NDArray[Any] | None
    sha256: str


def decoded(
    entries: Iterable[Entry], channels: int, dtype: np.dtype[Any]
) -> Generator[tuple[Entry, Iterable[Slice] | DataError]]:
    """Decode entries, in their order; one that cannot be read comes with its error.

    The slices of a scan that is too large for memory are decoded when they are asked for, and may
    raise DataError then.

    Raises:
        TooNarrowError: if a scan does not fit into ``dtype``.
    """
    threads = min(_MOST_THREADS, processors())
    waiting: deque[tuple[Entry, Future[Iterable[Slice]]]] = deque()
    pool = ThreadPoolExecutor(threads)
    try:
        for entry in entries:
            waiting.append((entry, pool.submit(_slices, entry, channels, dtype)))
            if len(waiting) > threads:
                yield _result(*waiting.popleft())
        while waiting:
            yield _result(*waiting.popleft())
    finally:
        pool.shutdown(cancel_futures=True)


def _result(
    entry: Entry, future: Future[Iterable[Slice]]
) -> tuple[Entry, Iterable[Slice] | DataError]:
    try:
        return entry, future.result()
    except DataError as error:
        return entry, error


def _slices(entry: Entry, channels: int, dtype: np.dtype[Any]) -> Iterable[Slice]:
    try:
        scan = read_scan(entry.path)
        low = None if entry.low_path is None else read_scan(entry.low_path)
    except ValueError as error:
        raise _as_data_error(entry, error) from error
    widest = max(scan.dtype.itemsize, 0 if low is None else low.dtype.itemsize)
    if widest > 1 and dtype.itemsize == 1:
        raise TooNarrowError
    if low is not None and low.slices != scan.slices:
        raise DataError(
            entry.path, f"has {scan.slices} slices, its LR twin has {low.slices}: {entry.low_path}"
        )
    slices = _each(entry, scan, low, channels, dtype)
    lazy = scan.is_lazy or (low is not None and low.is_lazy)
    return slices if lazy else list(slices)


def _each(
    entry: Entry, scan: Scan, low: Scan | None, channels: int, dtype: np.dtype[Any]
) -> Iterator[Slice]:
    for index in range(scan.slices):
        try:
            pixels = _stored(scan.slice_pixels(index), channels, dtype)
            twin = None if low is None else _stored(low.slice_pixels(index), channels, dtype)
        except ValueError as error:
            raise _as_data_error(entry, error) from error
        digest = hashlib.sha256(pixels.data)
        if twin is not None:
            digest.update(twin.data)
        yield Slice(pixels, block_means(pixels), twin, digest.hexdigest())


def _as_data_error(entry: Entry, error: ValueError) -> DataError:
    source = getattr(error, "source", None) or entry.path
    return DataError(source, getattr(error, "reason", None) or str(error))


def _stored(pixels: NDArray[np.float32], channels: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """(H, W[, 3]) in [0, 1] -> (channels, H, W) in the store's dtype."""
    if pixels.ndim == 3 and channels == 1:
        pixels = np.minimum(pixels @ _LUMINANCE, 1)
    scaled = np.rint(pixels * np.float32(np.iinfo(dtype).max)).astype(dtype)
    if scaled.ndim == 2:
        return np.repeat(scaled[None], channels, axis=0)
    return np.ascontiguousarray(scaled.transpose(2, 0, 1))
