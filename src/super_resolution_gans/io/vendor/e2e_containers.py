"""Where the containers of an .E2E are: by its directory, or by looking for them.

The directory is a chain of tables, the last one first; each entry names a container. Layout:
uocte's wiki, "Heidelberg File Format".
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
from construct import Bytes, Int32sl, Int32ul, Padding, Struct

from super_resolution_gans.io.vendor.source import Source

_MULTIPLE = b"E2EMultipleVolumeFile"
_MULTIPLE_BASE = 64  # such a file has that much in front, and does not count it (OCT-Converter)
_VERSION_BYTES = 36
_TABLE, _CONTAINER = b"MDbDir\0\0\0\0\0\0", b"MDbData\0\0\0\0\0"
_MOST_ENTRIES, _MOST_CONTAINERS = 1 << 22, 1 << 16

_DIRECTORY = Struct(
    "magic" / Bytes(12), Padding(24), "entries" / Int32ul, "last" / Int32ul,
    "previous" / Int32ul, Padding(4),
)  # fmt: skip
# numpy reads a table of them at once.
_ENTRY = np.dtype(
    {
        "names": ["at", "start", "type"],
        "formats": ["<u4", "<u4", "<u4"],
        "offsets": [0, 4, 36],
        "itemsize": 44,
    }
)
_HEADER = Struct(
    "magic" / Bytes(12),
    Padding(12),
    "size" / Int32ul,
    Padding(4),
    # Numbers of the clinic's database: they tell series apart, and are not told to anyone.
    "person" / Int32ul,
    "study" / Int32ul,
    "series" / Int32ul,
    "slice" / Int32sl,
    Padding(4),
    "type" / Int32ul,
    Padding(4),
)

SeriesKey = tuple[int, int, int]


@dataclass(frozen=True)
class Container:
    """One container: ``size`` bytes from position ``at``, without its header."""

    at: int
    size: int
    type: int
    series: SeriesKey
    slice: int


def containers(source: Source, types: Collection[int]) -> tuple[list[Container], bool]:
    """Containers of these types in the order of the file, and whether a directory lists them.

    If the directory lies behind the end of the file, they are looked for instead. The last one then
    has to end where the file ends: otherwise the file was cut, and who knows what is missing.

    Raises:
        ReadError: if the directory is damaged or leads in a circle, or the file was cut.
    """
    base = _MULTIPLE_BASE if source.read(0, 21, "the header") == _MULTIPLE else 0
    starts = _listed(source, base, types)
    if starts is not None:
        return [_container(source, base + start) for start in starts], True
    found = _all(source, source.places(_CONTAINER))
    if not found or found[-1].at + found[-1].size != source.size:
        raise source.refusal("truncated: its directory is not in the file")
    return [one for one in found if one.type in types], False


def _listed(source: Source, base: int, types: Collection[int]) -> list[int] | None:
    """Where containers start, by the directory; None if it lies behind the end of the file."""
    main = source.record(_DIRECTORY, base + _VERSION_BYTES, "the main directory")
    at, seen, starts, entries = main.last, set[int](), set[int](), 0
    while at:
        if at in seen:
            raise source.refusal("damaged: its directory leads back to itself")
        seen.add(at)
        first = base + at + _DIRECTORY.sizeof()
        if first > source.size:
            return None
        table = source.record(_DIRECTORY, base + at, "its directory")
        if table.magic != _TABLE:
            raise source.refusal("damaged: no directory where there should be one")
        if first + table.entries * _ENTRY.itemsize > source.size:
            return None
        entries += table.entries
        if entries > _MOST_ENTRIES:
            raise source.refusal(f"its directory has more than {_MOST_ENTRIES} entries")
        listed = source.numbers(first, _ENTRY, table.entries, "its directory")
        used = np.isin(listed["type"], list(types)) & (listed["start"] > listed["at"])
        starts.update(listed["start"][used].tolist())
        at = table.previous
    if len(starts) > _MOST_CONTAINERS:
        raise source.refusal(f"holds more than {_MOST_CONTAINERS} containers")
    return sorted(starts)


def _all(source: Source, places: Iterable[int]) -> list[Container]:
    found: list[Container] = []
    for place in places:
        if len(found) == _MOST_CONTAINERS:
            raise source.refusal(f"holds more than {_MOST_CONTAINERS} containers")
        found.append(_container(source, place))
    return found


def _container(source: Source, place: int) -> Container:
    header = source.record(_HEADER, place, "a container")
    if header.magic != _CONTAINER:
        raise source.refusal("damaged: no container where its directory says there is one")
    series = (header.person, header.study, header.series)
    return Container(place + _HEADER.sizeof(), header.size, header.type, series, header.slice)
