"""Compressed frames: where the fragments of each lie, and what size they say they have."""

from dataclasses import dataclass
from typing import BinaryIO

from super_resolution_gans.io.dicom_header import Opened
from super_resolution_gans.io.errors import ReadError

_ITEM, _END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
_MOST_FRAGMENTS = 1_000_000

Fragment = tuple[int, int]
"""Where it starts in the data set, and its length."""


@dataclass(frozen=True)
class Announced:
    """What a compressed frame says of itself: size, samples a pixel, bits a sample."""

    rows: int
    columns: int
    samples: int
    bits: int


def find_frames(opened: Opened, frames: int, source: str) -> list[list[Fragment]]:
    """The fragments of each frame (PS3.5 A.4): by the table of offsets, or one each.

    Raises:
        ReadError: if they are fewer than announced, or it cannot be told which belong together.
    """
    with opened.stream() as file:
        size = opened.start + opened.present
        items = _items(file, opened.start, size, source)
        table = _table(file, items, opened, source)
    fragments = items[1:]
    if len(table) >= frames:
        groups = _by_table(fragments, table)
    elif frames == 1:
        groups = [fragments]
    else:
        groups = [[fragment] for fragment in fragments]
        if len(fragments) > frames:
            raise ReadError(source, f"{len(fragments)} fragments are not told apart as frames")
    whole = [group for group in groups if group][:frames]
    if len(whole) < frames:
        raise ReadError(source, f"truncated: {len(whole)} frames of {frames}")
    return whole


def announced(frame: bytes) -> Announced | None:
    """The size in the codestream of JPEG, JPEG-LS or JPEG 2000; None if there is none."""
    if frame[:4] == b"\xff\x4f\xff\x51":
        return _announced_2000(frame)
    at = 2
    while frame[:2] == b"\xff\xd8" and at + 9 < len(frame) and frame[at] == 0xFF:
        marker, length = frame[at + 1], int.from_bytes(frame[at + 2 : at + 4], "big")
        if marker == 0xFF:
            at += 1
        elif marker == 0xF7 or (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)):
            rows, columns = frame[at + 5 : at + 7], frame[at + 7 : at + 9]
            samples, bits = frame[at + 9], frame[at + 4]
            return Announced(int.from_bytes(rows, "big"), _number(columns), samples, bits)
        elif marker == 0xDA:
            break
        else:
            at += 2 + length
    return None


def _announced_2000(frame: bytes) -> Announced | None:
    """From the SIZ marker, ISO/IEC 15444-1 A.5.1."""
    if len(frame) < 44:
        return None
    right, bottom, left, top = (_number(frame[at : at + 4]) for at in (8, 12, 16, 20))
    samples, bits = _number(frame[40:42]), (frame[42] & 127) + 1
    return Announced(bottom - top, right - left, samples, bits)


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _items(file: BinaryIO, start: int, size: int, source: str) -> list[Fragment]:
    """All items up to the delimiter; the first is the table of offsets."""
    items: list[Fragment] = []
    at = start
    while at + 8 <= size:
        file.seek(at)
        head = file.read(8)
        length = int.from_bytes(head[4:], "little")
        if head[:4] == _END:
            if items:
                return items
            break
        if head[:4] != _ITEM or at + 8 + length > size or len(items) > _MOST_FRAGMENTS:
            break
        items.append((at + 8, length))
        at += 8 + length
    raise ReadError(source, "truncated or damaged: its compressed frames have no proper end")


def _table(file: BinaryIO, items: list[Fragment], opened: Opened, source: str) -> list[int]:
    """Where each frame starts, counted from the item after the table; empty if not said."""
    at, length = items[0]
    file.seek(at)
    offsets = _words(file.read(length), 4)
    wide = opened.header.get("ExtendedOffsetTable")
    if not offsets and isinstance(wide, bytes):
        offsets = _words(wide, 8)
    if offsets != sorted(offsets):
        raise ReadError(source, "damaged: the table of frames is out of order")
    return offsets


def _words(data: bytes, size: int) -> list[int]:
    whole = len(data) - len(data) % size
    return [int.from_bytes(data[at : at + size], "little") for at in range(0, whole, size)]


def _by_table(fragments: list[Fragment], table: list[int]) -> list[list[Fragment]]:
    groups: list[list[Fragment]] = [[] for _ in table]
    origin = fragments[0][0] - 8 if fragments else 0
    frame = 0
    for start, length in fragments:
        while frame + 1 < len(table) and start - 8 - origin >= table[frame + 1]:
            frame += 1
        groups[frame].append((start, length))
    return groups
