"""Bioptigen's .OCT: keys and values, one frame after the other.

Layout: Bioptigen's own reader, ``extractOctFunction.m`` of 2010 as others have published it, and
LibOctData, ``octfileread.cpp``. A key is its length, its letters, the length of its value and the
value; a key without letters ends a list. Samples of an A-scan lie side by side.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from construct import BytesInteger, Float64l, Int16ul, Int32ul, Padding, Struct

from super_resolution_gans.io.stored import Limits
from super_resolution_gans.io.vendor.source import Source
from super_resolution_gans.io.vendor.volume import (
    UNVERIFIED,
    Volume,
    check_volume,
    known,
    millimetres,
)
from super_resolution_gans.scan import Spacing

_HEADER = Struct(Padding(4), "version" / Int16ul)
_LENGTH = Struct("bytes" / Int32ul)
_NUMBER = Struct("value" / Float64l)

_LONGEST_KEY, _MOST_KEYS = 64, 256
_LINEAR, _RECTANGULAR = 0, 1
_PATTERNS = {_LINEAR: "linear", _RECTANGULAR: "rectangular volume", 3: "radial", 5: "M-mode"}
_MIXED = 6  # frames of different sizes
_SAMPLES = {1: "u1", 2: "<u2"}


@dataclass(frozen=True)
class _Value:
    at: int
    size: int


def read_oct(source: Source, limits: Limits) -> Volume:
    """All frames in the order of the file, uint8 or uint16 as stored; rows are samples in depth.

    Raises:
        ReadError: if the file is damaged, truncated or too large, or has fewer frames than it
            announces.
    """
    head, at = _list(source, _enter(source, _HEADER.sizeof(), b"FRAMEHEADER"))
    count = [_whole(source, head, key) for key in (b"FRAMECOUNT", b"LINELENGTH", b"LINECOUNT")]
    frames, depth, lines = shape = (count[0], count[1], count[2])
    pattern = _whole(source, head, b"SCANTYPE")
    if pattern == _MIXED:
        raise source.refusal("not supported: a mixed density scan")
    code = _whole(source, head, b"SAMPLEFORMAT")
    if code not in _SAMPLES:
        raise source.refusal(f"not supported: sample format {code}")
    sample = np.dtype(_SAMPLES[code])
    check_volume(source.name, shape, sample.itemsize, limits)
    size = depth * lines * sample.itemsize
    if frames * size > source.size:
        announced = f"{frames} frames of {lines} x {depth} pixels"
        raise source.refusal(f"truncated: {announced} do not fit into {source.size} bytes")
    pixels = np.empty(shape, sample.newbyteorder("="))
    for index in range(frames):
        what = f"frame {index + 1} of {frames}"
        frame, at = _list(source, _enter(source, at, b"FRAMEDATA"))
        stored = frame.get(b"FRAMESAMPLES")
        if stored is None or stored.size != size:
            raise source.refusal(f"damaged: {what} does not have {lines} x {depth} pixels")
        values = source.numbers(stored.at, sample, depth * lines, what)
        pixels[index] = values.reshape(lines, depth).T
    details = known(
        format="Bioptigen .OCT",
        device="Bioptigen",
        scan_pattern=_PATTERNS.get(pattern),
        version=str(source.record(_HEADER, 0, "the header").version),
        verified=UNVERIFIED,
    )
    return Volume(pixels, _spacing(source, head, shape, pattern), details)


def _enter(source: Source, at: int, expected: bytes) -> int:
    """Where the list called ``expected`` starts."""
    key, at = _key(source, at)
    if key != expected:
        raise source.refusal(f"truncated or damaged: no {expected.decode()} where one should be")
    return at + _LENGTH.sizeof()  # of the list; its end shows where it ends


def _list(source: Source, at: int) -> tuple[Mapping[bytes, _Value], int]:
    """Keys and where their values are, and the position behind the list."""
    found: dict[bytes, _Value] = {}
    for _ in range(_MOST_KEYS):
        key, at = _key(source, at)
        if not key:
            return found, at
        size = source.record(_LENGTH, at, "the length of a value").bytes
        found[key] = _Value(at + _LENGTH.sizeof(), size)
        at += _LENGTH.sizeof() + size
    raise source.refusal(f"damaged: more than {_MOST_KEYS} keys in one list")


def _key(source: Source, at: int) -> tuple[bytes, int]:
    """A key, and the position behind it."""
    length = source.record(_LENGTH, at, "a key").bytes
    if length > _LONGEST_KEY:
        raise source.refusal("damaged: no key where there should be one")
    return source.read(at + _LENGTH.sizeof(), length, "a key"), at + _LENGTH.sizeof() + length


def _whole(source: Source, head: Mapping[bytes, _Value], key: bytes) -> int:
    """A whole number of the header."""
    value = head.get(key)
    if value is None or not 1 <= value.size <= 8:
        raise source.refusal(f"damaged: its header has no {key.decode()}")
    number = BytesInteger(value.size, swapped=True)
    return int(number.parse(source.read(value.at, value.size, key.decode())))


def _number(source: Source, head: Mapping[bytes, _Value], key: bytes) -> float:
    """A length of the header, in mm; 0 if there is none."""
    value = head.get(key)
    if value is None or value.size != _NUMBER.sizeof():
        return 0.0
    return float(source.record(_NUMBER, value.at, key.decode()).value)


def _spacing(
    source: Source, head: Mapping[bytes, _Value], shape: tuple[int, int, int], pattern: int
) -> Spacing:
    """Extents divided by what lies along them, in the two patterns whose extents are clear."""
    frames, depth, lines = shape
    row = millimetres(_number(source, head, b"SCANDEPTH") / depth)
    if pattern == _LINEAR:
        return (None, row, millimetres(_number(source, head, b"SCANLENGTH") / lines))
    if pattern == _RECTANGULAR:
        repeated = b"FRAMES" in head and _whole(source, head, b"FRAMES") != 1
        slices = _number(source, head, b"ELSCANLENGTH") / frames
        return (
            millimetres(slices) if frames > 1 and not repeated else None,
            row,
            millimetres(_number(source, head, b"AZSCANLENGTH") / lines),
        )
    return (None, row, None)
