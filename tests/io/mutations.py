"""Damaged copies of valid files: the same for the same seed.

Loaded by the ``mutations`` fixture and by ``mutation_worker.py``.
"""

import struct
from random import Random

# What sizes, counts and positions are when they hurt.
_NUMBERS = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def mutated(data: bytes, seed: str) -> bytes:
    """The data with one to six changes, of which few keep the length and most hit headers."""
    random, changed = Random(seed), bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 3, 6))):
        random.choice(_CHANGES)(changed, random)
    return bytes(changed)


def _place(data: bytearray, random: Random) -> int:
    """Anywhere, or near either end, where headers and directories are."""
    length = len(data)
    if random.random() < 0.4 or length < 2:
        return random.randrange(max(1, length))
    distance = min(int(length ** random.random()), length - 1)
    return distance if random.random() < 0.8 else length - 1 - distance


def _byte(data: bytearray, random: Random) -> None:
    if data:
        data[_place(data, random)] = random.randrange(256)


def _bit(data: bytearray, random: Random) -> None:
    if data:
        data[_place(data, random)] ^= 1 << random.randrange(8)


def _number(data: bytearray, random: Random) -> None:
    """A number of 2, 4 or 8 bytes, large, small, or near what it was."""
    size, code = random.choice(((2, "H"), (4, "I"), (4, "I"), (8, "Q")))
    at, order = _place(data, random), random.choice("<<<>")
    if at + size > len(data):
        return
    old = struct.unpack_from(order + code, data, at)[0]
    near = old + random.choice((-2, -1, 1, 2, old, 1 << random.randrange(8 * size)))
    number = near if random.random() < 0.5 else random.choice((*_NUMBERS, len(data)))
    struct.pack_into(order + code, data, at, number % (1 << 8 * size))


def _cut(data: bytearray, random: Random) -> None:
    del data[_place(data, random) :]


def _remove(data: bytearray, random: Random) -> None:
    at = _place(data, random)
    del data[at : at + random.choice((1, 2, 4, 16, 1024))]


def _repeat(data: bytearray, random: Random) -> None:
    at, length = _place(data, random), random.choice((1, 2, 4, 16, 1024))
    data[at:at] = data[at : at + length]


def _move(data: bytearray, random: Random) -> None:
    """A piece over another one."""
    length = random.choice((1, 2, 4, 8, 44, 512))
    to, piece = _place(data, random), _place(data, random)
    copied = data[piece : piece + length]
    data[to : to + len(copied)] = copied


def _fill(data: bytearray, random: Random) -> None:
    at, length = _place(data, random), random.choice((4, 8, 64, 512))
    end = min(at + length, len(data))
    data[at:end] = random.choice((b"\0", b"\xff")) * (end - at)


_CHANGES = (
    _byte,
    _byte,
    _bit,
    _bit,
    _number,
    _number,
    _number,
    _cut,
    _remove,
    _repeat,
    _move,
    _fill,
)
