"""The packed store: every scan decoded once, memory-mapped ever after.

A store is a folder of three files:

``pixels.bin``
    all scans one behind the other, (channels, height, width), uint8 or little-endian uint16; a
    ready-made LR twin follows its scan.
``blocks.bin``
    for every 8x8 block of every scan one uint8: its mean grey (0..254), or 255 where it holds
    white padding. Crops are judged by it without touching the pixels.
``index.json``
    what lies where, whose it is, which split it belongs to, and the SHA-256 of its pixels; one
    line a record.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.data.blocks import BLOCK
from super_resolution_gans.data.decode import Slice, TooNarrowError, decoded
from super_resolution_gans.data.inventory import DataError, Entry

FORMAT = 2
_READABLE = (1, 2)  # in 1, only blocks that are white throughout were marked as padding
_DTYPES = ("|u1", "<u2")


class Record(NamedTuple):
    """One slice of one scan in the store; ``offset`` counts pixels, ``blocks`` block bytes.

    ``sha256`` is that of the stored pixels and of those of the LR twin, if there is one.
    """

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
    format: int = FORMAT

    @property
    def levels(self) -> int:
        """The stored value of white: 255 or 65535."""
        return int(np.iinfo(self.pixels.dtype).max)

    @cached_property
    def has_pairs(self) -> bool:
        """Whether every scan has its own ready-made LR twin."""
        return all(record.low_offset is not None for record in self.records)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything that training sees: names, people, splits, pixels and format."""
        lines = [
            f"{r.name}\t{r.slice}\t{r.patient}\t{r.split}\t{r.height}x{r.width}\t{r.sha256}"
            for r in self.records
        ]
        if self.format > 1:
            lines.insert(0, f"format {self.format}")
        return hashlib.sha256("\n".join(lines).encode(errors="surrogatepass")).hexdigest()

    def of_split(self, split: str) -> list[Record]:
        """The records of one split, in store order."""
        return [record for record in self.records if record.split == split]

    def read(self, record: Record) -> NDArray[Any]:
        """The stored pixels of a record, (channels, height, width), a view of the memory map."""
        return self._view(record.offset, record.height, record.width)

    def read_low(self, record: Record) -> NDArray[Any]:
        """The ready-made LR twin, (channels, low_height, low_width).

        Raises:
            DataError: if the record has none.
        """
        if record.low_offset is None:
            raise DataError(self.path, f"{record.name} has no LR twin")
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
    """Decode all entries into a new store at ``path``: 8 bit, or 16 if a scan has more than 8.

    Args:
        entries: with splits assigned.
        path: the folder to make; it appears only when it is complete.
        channels: 1 (colour becomes luminance, Rec. 601) or 3 (grey is replicated).
        overwrite: replace an existing store, once the new one is complete.
        on_error: called with one line for every unreadable scan, which is then left out; without
            it the first such scan ends the packing.
        on_progress: called with the number of entries done; it begins anew if 8 bits turn out to
            be too few.

    Raises:
        DataError: if ``path`` exists or cannot be written, nothing could be read, or a scan is
            unreadable (see above).
    """
    target = Path(path)
    working: Path | None = None
    try:
        if target.exists() and not overwrite:
            raise DataError(target, "exists already; remove it, or replace it with --overwrite")
        if target.exists() and not (target / "index.json").is_file():
            raise DataError(target, "is not a store, and is not overwritten")
        target.parent.mkdir(parents=True, exist_ok=True)
        working = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
        if not _fill(working, entries, channels, on_error, on_progress):
            raise DataError(target, "none of the scans could be read")
        working.chmod(0o755)
        _put_in_place(working, target)
    except OSError as error:
        raise DataError(target, f"cannot be written ({error.strerror or error})") from error
    finally:
        if working is not None:
            shutil.rmtree(working, ignore_errors=True)
    return open_store(target)


def _fill(
    folder: Path,
    entries: Sequence[Entry],
    channels: int,
    on_error: Callable[[str], None] | None,
    on_progress: Callable[[int], None] | None,
) -> int:
    """Write the three files; returns the number of records."""
    told: set[str] = set()

    def report(error: DataError) -> None:
        if on_error is None:
            raise error
        if str(error) not in told:
            told.add(str(error))
            on_error(str(error))

    dtype: np.dtype[Any] = np.dtype("u1")
    try:
        records = _write(folder, entries, channels, dtype, report, on_progress)
    except TooNarrowError:  # rare, and cheaper than looking at every file twice
        dtype = np.dtype("<u2")
        records = _write(folder, entries, channels, dtype, report, on_progress)
    head = {"format": FORMAT, "channels": channels, "dtype": dtype.str, "columns": Record._fields}
    with (folder / "index.json").open("w", encoding="utf-8") as file:
        file.write(json.dumps(head)[:-1] + ', "records": [\n')
        file.write(",\n".join(json.dumps(record) for record in records))
        file.write("\n]}\n")
        _sync(file)
    return len(records)


def _write(
    folder: Path,
    entries: Iterable[Entry],
    channels: int,
    dtype: np.dtype[Any],
    report: Callable[[DataError], None],
    on_progress: Callable[[int], None] | None,
) -> list[Record]:
    records: list[Record] = []
    with (
        (folder / "pixels.bin").open("wb") as pixels,
        (folder / "blocks.bin").open("wb") as grid,
        closing(decoded(entries, channels, dtype)) as scans,
    ):
        for done, (entry, slices) in enumerate(scans, start=1):
            before = (len(records), pixels.tell(), grid.tell())
            try:
                if isinstance(slices, DataError):
                    raise slices
                for index, one in enumerate(slices):
                    records.append(_append(entry, index, one, pixels, grid))
            except DataError as error:
                report(error)
                # A scan that is read piece by piece can fail in the middle: take it out again.
                del records[before[0] :]
                for file, end in zip((pixels, grid), before[1:], strict=True):
                    file.seek(end)
                    file.truncate()
            if on_progress is not None:
                on_progress(done)
        _sync(pixels)
        _sync(grid)
    return records


def _append(entry: Entry, index: int, one: Slice, pixels: IO[bytes], grid: IO[bytes]) -> Record:
    low, size = one.low, one.pixels.itemsize
    offset, blocks = pixels.tell() // size, grid.tell()
    pixels.write(one.pixels.data)
    grid.write(one.blocks.data)
    if low is not None:
        pixels.write(low.data)
    return Record(
        name=entry.name,
        slice=index,
        patient=entry.person,
        dataset=entry.dataset,
        split=entry.split or "train",
        height=one.pixels.shape[1],
        width=one.pixels.shape[2],
        offset=offset,
        blocks=blocks,
        sha256=one.sha256,
        low_offset=None if low is None else offset + one.pixels.size,
        low_height=0 if low is None else low.shape[1],
        low_width=0 if low is None else low.shape[2],
    )


def _sync(file: IO[Any]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _put_in_place(working: Path, target: Path) -> None:
    if not target.exists():
        working.rename(target)
        return
    aside = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    try:
        old = target.rename(aside / "old")
        try:
            working.rename(target)
        except BaseException:
            old.rename(target)
            raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def open_store(path: str | os.PathLike[str]) -> Store:
    """Open a store made by :func:`pack`.

    Raises:
        DataError: if it is missing, damaged or of another format.
    """
    folder = Path(path)
    try:
        index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
        if index["format"] not in _READABLE:
            raise DataError(
                folder, f"has store format {index['format']!r}, not {FORMAT}; pack again"
            )
        store = _open(folder, index)
        _check_sizes(store)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DataError(
            folder, "is not a store; make one with: srgan data pack DIR -o STORE"
        ) from error
    except DataError:
        raise
    except (OSError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise DataError(folder, f"is damaged ({error!r}); pack again") from error
    return store


def _open(folder: Path, index: dict[str, Any]) -> Store:
    if index["dtype"] not in _DTYPES or index["channels"] not in (1, 3):
        raise ValueError("unknown dtype or channels")
    if index["format"] == 1:
        records = tuple(Record(**record) for record in index["records"])
    elif tuple(index["columns"]) != Record._fields:
        raise ValueError("unknown columns")
    else:
        records = tuple(map(Record._make, index["records"]))
    pixels = np.memmap(folder / "pixels.bin", dtype=index["dtype"], mode="r")
    grid = np.memmap(folder / "blocks.bin", dtype=np.uint8, mode="r")
    # Plain arrays: every slice of a memmap object costs microseconds more.
    maps = np.asarray(pixels), np.asarray(grid)
    return Store(folder, int(index["channels"]), records, *maps, format=int(index["format"]))


def _check_sizes(store: Store) -> None:
    """Every record lies inside the files, and nothing is left over."""
    last = blocks = 0
    for r in store.records:
        low = (r.low_offset or 0, r.low_height, r.low_width)
        numbers = (r.slice, r.offset, r.blocks, r.height, r.width, *low)
        if any(type(n) is not int or n < 0 for n in numbers) or not r.height * r.width:
            raise ValueError(f"record {r.name!r} makes no sense")
        last = max(
            last,
            r.offset + store.channels * r.height * r.width,
            low[0] + store.channels * r.low_height * r.low_width,
        )
        blocks = max(blocks, r.blocks + -(-r.height // BLOCK) * -(-r.width // BLOCK))
    if (last, blocks) != (store.pixels.size, store.block_grid.size):
        raise ValueError("index, pixels and blocks differ in size")
