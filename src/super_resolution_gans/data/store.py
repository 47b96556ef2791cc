"""The packed store: every scan decoded once, memory-mapped ever after.

A store is a folder of three files:

``pixels.bin``
    all scans one behind the other, (channels, height, width), uint8 or little-endian uint16.
``blocks.bin``
    for every 8x8 block of every scan one uint8: its mean grey (0..254), or 255 where the whole
    block is white padding. Crops are judged by it without touching the pixels.
``index.json``
    what lies where, whose it is, which split it belongs to, and the SHA-256 of its pixels.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.data.inventory import DataError, Entry
from super_resolution_gans.io import ReadError, read_scan
from super_resolution_gans.scan import Scan

FORMAT = 1
BLOCK = 8
PADDING = 255  # in blocks.bin
_LUMINANCE = np.array([0.299, 0.587, 0.114], dtype=np.float32)


@dataclass(frozen=True)
class Record:
    """One slice of one scan in the store; ``offset`` counts pixels, ``blocks`` block bytes."""

    name: str
    slice: int
    patient: str
    dataset: str
    split: str
    height: int
    width: int
    offset: int
    blocks: int
    sha256: str
    low_offset: int | None = None
    low_height: int = 0
    low_width: int = 0


@dataclass(frozen=True)
class Store:
    """An opened store. ``pixels`` and ``block_grid`` are read-only memory maps (flat)."""

    path: Path
    channels: int
    records: tuple[Record, ...]
    pixels: NDArray[Any]
    block_grid: NDArray[np.uint8]

    @property
    def levels(self) -> int:
        """The stored value of white: 255 or 65535."""
        return int(np.iinfo(self.pixels.dtype).max)

    @property
    def has_pairs(self) -> bool:
        """Whether every scan has its own ready-made LR twin."""
        return all(record.low_offset is not None for record in self.records)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything that training sees: names, people, splits and pixels."""
        lines = (
            f"{r.name}\t{r.slice}\t{r.patient}\t{r.split}\t{r.height}x{r.width}\t{r.sha256}"
            for r in self.records
        )
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def of_split(self, split: str) -> list[Record]:
        """The records of one split, in store order."""
        return [record for record in self.records if record.split == split]

    def read(self, record: Record) -> NDArray[Any]:
        """The stored pixels of a record, (channels, height, width), a view of the memory map."""
        return self._view(record.offset, record.height, record.width)

    def read_low(self, record: Record) -> NDArray[Any]:
        """The ready-made LR twin, (channels, low_height, low_width).

        Raises:
            ValueError: if the record has none.
        """
        if record.low_offset is None:
            raise ValueError(f"{record.name} has no LR twin")
        return self._view(record.low_offset, record.low_height, record.low_width)

    def _view(self, offset: int, height: int, width: int) -> NDArray[Any]:
        count = self.channels * height * width
        return self.pixels[offset : offset + count].reshape(self.channels, height, width)

    def blocks_of(self, record: Record) -> NDArray[np.uint8]:
        """The block grid of a record, (ceil(height/8), ceil(width/8))."""
        rows, columns = -(-record.height // BLOCK), -(-record.width // BLOCK)
        return self.block_grid[record.blocks : record.blocks + rows * columns].reshape(
            rows, columns
        )


def pack(
    entries: Sequence[Entry],
    path: str | os.PathLike[str],
    *,
    channels: int = 1,
    overwrite: bool = False,
    on_error: Callable[[str], None] | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> Store:
    """Decode all entries into a new store at ``path``.

    Args:
        entries: with splits assigned.
        path: the folder to make; it appears only when it is complete.
        channels: 1 (colour becomes luminance, Rec. 601) or 3 (grey is replicated).
        overwrite: replace an existing store.
        on_error: called with one line for every unreadable scan, which is then left out; without
            it the first such scan ends the packing.
        on_progress: called with the number of entries done.

    Raises:
        DataError: if ``path`` exists, nothing could be read, or a scan is unreadable (see above).
    """
    target = Path(path)
    if target.exists() and not overwrite:
        raise DataError(target, "exists already; remove it or ask to overwrite")
    if target.exists() and not (target / "index.json").is_file():
        raise DataError(target, "is not a store, and is not overwritten")
    target.parent.mkdir(parents=True, exist_ok=True)
    working = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    try:
        dtype: np.dtype[Any] = np.dtype("u1")
        try:
            scans = _readable(entries, on_error, on_progress)
            records = _write_pixels(scans, working, channels, dtype)
        except _TooNarrow:  # rare, and cheaper than looking at every file twice
            dtype = np.dtype("<u2")
            scans = _readable(entries, on_error, on_progress)
            records = _write_pixels(scans, working, channels, dtype)
        if not records:
            raise DataError(target, "none of the scans could be read")
        index = {
            "format": FORMAT,
            "channels": channels,
            "dtype": dtype.str,
            "records": [asdict(record) for record in records],
        }
        (working / "index.json").write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")
        working.chmod(0o755)
        if target.exists():
            shutil.rmtree(target)
        working.rename(target)
    except BaseException:
        shutil.rmtree(working, ignore_errors=True)
        raise
    return open_store(target)


def _readable(
    entries: Iterable[Entry],
    on_error: Callable[[str], None] | None,
    on_progress: Callable[[int], None] | None,
) -> Iterable[tuple[Entry, Scan, Scan | None]]:
    for done, entry in enumerate(entries, start=1):
        try:
            scan = read_scan(entry.path)
            low = read_scan(entry.low_path) if entry.low_path else None
        except ReadError as error:
            if on_error is None:
                raise DataError(error.source, error.reason) from error
            on_error(str(error))
        else:
            yield entry, scan, low
        if on_progress is not None:
            on_progress(done)


class _TooNarrow(Exception):  # noqa: N818 - a signal, not a fault
    """A scan has more than 8 bits and the store was begun with 8."""


def _write_pixels(
    scans: Iterable[tuple[Entry, Scan, Scan | None]],
    folder: Path,
    channels: int,
    dtype: np.dtype[Any],
) -> list[Record]:
    records: list[Record] = []
    offset = blocks = 0
    with (folder / "pixels.bin").open("wb") as pixels, (folder / "blocks.bin").open("wb") as grid:
        for entry, scan, low in scans:
            if scan.dtype.itemsize > dtype.itemsize and dtype.itemsize == 1:
                raise _TooNarrow
            if low is not None and low.slices != scan.slices:
                raise DataError(entry.path, "LR and HR have different numbers of slices")
            for index in range(scan.slices):
                stored = _stored(scan.slice_pixels(index), channels, dtype)
                stored_blocks = block_means(stored)
                pixels.write(stored.tobytes())
                grid.write(stored_blocks.tobytes())
                twin = None if low is None else _stored(low.slice_pixels(index), channels, dtype)
                if twin is not None:
                    pixels.write(twin.tobytes())
                records.append(
                    Record(
                        name=entry.name,
                        slice=index,
                        patient=entry.person,
                        dataset=entry.dataset,
                        split=entry.split or "train",
                        height=stored.shape[1],
                        width=stored.shape[2],
                        offset=offset,
                        blocks=blocks,
                        sha256=hashlib.sha256(stored.tobytes()).hexdigest(),
                        low_offset=None if twin is None else offset + stored.size,
                        low_height=0 if twin is None else twin.shape[1],
                        low_width=0 if twin is None else twin.shape[2],
                    )
                )
                offset += stored.size + (0 if twin is None else twin.size)
                blocks += stored_blocks.size
    return records


def _stored(pixels: NDArray[np.float32], channels: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """(H, W[, 3]) in [0, 1] -> (channels, H, W) in the store's dtype."""
    if pixels.ndim == 3 and channels == 1:
        pixels = pixels @ _LUMINANCE
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], channels, axis=-1)
    scaled = np.rint(np.clip(pixels, 0, 1) * np.float32(np.iinfo(dtype).max))
    return np.ascontiguousarray(scaled.astype(dtype).transpose(2, 0, 1))


def block_means(stored: NDArray[Any]) -> NDArray[np.uint8]:
    """(channels, H, W) -> mean grey of every 8x8 block in 0..254, 255 where all of it is white.

    Blocks cut by the lower and right border are judged by the part that exists. White means at
    least 254/255, which survives mild JPEG compression.
    """
    levels = np.iinfo(stored.dtype).max
    grey = stored.mean(axis=0, dtype=np.float32) / np.float32(levels)
    rows = np.arange(0, grey.shape[0], BLOCK)
    columns = np.arange(0, grey.shape[1], BLOCK)

    def per_block(values: NDArray[Any]) -> NDArray[np.float64]:
        summed = np.add.reduceat(values.astype(np.float64), rows, axis=0)
        total: NDArray[np.float64] = np.add.reduceat(summed, columns, axis=1)
        return total

    area = per_block(np.ones_like(grey))
    means = np.minimum(np.rint(per_block(grey) / area * 254), 254).astype(np.uint8)
    means[per_block(grey >= 254 / 255) == area] = PADDING
    return means


def open_store(path: str | os.PathLike[str]) -> Store:
    """Open a store made by :func:`pack`.

    Raises:
        DataError: if it is missing, damaged or of another format.
    """
    folder = Path(path)
    try:
        index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
        if index["format"] != FORMAT:
            raise DataError(folder, f"has store format {index['format']}, not {FORMAT}; pack again")
        records = tuple(Record(**record) for record in index["records"])
        pixels = np.memmap(folder / "pixels.bin", dtype=index["dtype"], mode="r")
        grid = np.memmap(folder / "blocks.bin", dtype=np.uint8, mode="r")
        channels = int(index["channels"])
    except FileNotFoundError as error:
        raise DataError(
            folder, "is not a store; make one with: srgan data pack DIR -o STORE"
        ) from error
    except (OSError, KeyError, TypeError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(folder, f"is damaged ({error!r}); pack again") from error
    store = Store(folder, channels, records, pixels, grid)
    _check_sizes(store)
    return store


def _check_sizes(store: Store) -> None:
    last = max(
        (
            r.offset + store.channels * (r.height * r.width + r.low_height * r.low_width)
            for r in store.records
        ),
        default=0,
    )
    if last != store.pixels.size or not store.records:
        raise DataError(store.path, "is damaged (index and pixels differ in size); pack again")
