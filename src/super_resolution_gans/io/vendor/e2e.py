"""Heidelberg's database export, .E2E: series of B-scans among containers of other things.

Layout: uocte's wiki, "Heidelberg File Format", eyepy 0.21 (``io/he/e2e_format.py``) and LibE2E.
Only the types of containers named here are opened; those about a person are not among them.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from construct import Bytes, Float32l, Int32ul, Padding, Struct

from super_resolution_gans.io.stored import Limits
from super_resolution_gans.io.vendor import heidelberg
from super_resolution_gans.io.vendor.e2e_containers import Container, SeriesKey, containers
from super_resolution_gans.io.vendor.source import Source
from super_resolution_gans.io.vendor.volume import (
    EYES,
    Volume,
    check_volume,
    known,
    millimetres,
    words,
)

_SIDE, _DEVICE, _PATTERN, _ABOUT_BSCAN, _IMAGE = 11, 9001, 9006, 10004, 0x40000000
_BSCAN = 0x02200201  # among images; others show the fundus
_WHOLE_STUDY = 0xFFFFFFFF  # in place of the number of a series

_IMAGE_HEADER = Struct(
    Padding(4), "type" / Int32ul, "pixels" / Int32ul, "height" / Int32ul, "width" / Int32ul
)
_BSCAN_FACTS = Struct(
    Padding(36), "row_mm" / Float32l, Padding(24), "slices" / Int32ul, Padding(4),
    "pattern" / Int32ul,
)  # fmt: skip
_SIDE_FACTS = Struct(Padding(14), "letter" / Bytes(1))
_TEXTS = Struct("count" / Int32ul, "size" / Int32ul)


@dataclass(frozen=True)
class _Kind:
    """What B-scans of one volume have in common; ``slices`` as announced, None if nothing is."""

    series: SeriesKey
    height: int
    width: int
    slices: int | None
    pattern: int | None


@dataclass(frozen=True)
class _Slice:
    number: int
    pixels_at: int
    row_mm: float | None


def read_e2e(source: Source, limits: Limits) -> Volume:
    """The volume with the most pixels, of several equal ones the first; float32 as HEYEX shows it.

    B-scans are ordered by their numbers. Only the distance of rows is known: where B-scans lie is
    stored in degrees.

    Raises:
        ReadError: if the file is damaged, truncated or too large, or holds fewer or more B-scans
            than it announces.
    """
    found, complete = containers(source, (_SIDE, _DEVICE, _PATTERN, _ABOUT_BSCAN, _IMAGE))
    volumes = _volumes(source, found)
    if not volumes:
        raise source.refusal("no B-scans in this file")
    kind, slices = max(volumes.items(), key=lambda v: v[0].height * v[0].width * len(v[1]))
    shape = (len(slices), kind.height, kind.width)
    _check_count(source, kind, slices, complete)
    check_volume(source.name, shape, 4, limits)
    shown = heidelberg.displayed_codes()
    pixels = np.empty(shape, np.float32)
    for index, one in enumerate(sorted(slices, key=lambda one: one.number)):
        what = f"B-scan {index + 1} of {shape[0]}"
        codes = source.numbers(one.pixels_at, "<u2", kind.height * kind.width, what)
        pixels[index] = shown[codes].reshape(shape[1:])
    place = list(volumes).index(kind) + 1
    details = known(
        format="Heidelberg .E2E",
        device=_text(source, found, _DEVICE, kind.series),
        eye=_eye(source, found, kind.series),
        scan_pattern=_text(source, found, _PATTERN, kind.series),
        volume=f"{place} of {len(volumes)} (the largest)" if len(volumes) > 1 else None,
        directory=None if complete else "missing; B-scans were found by searching the file",
        intensities=heidelberg.WORDS,
        verified="on one B-scan of a real file, which had lost its directory",
    )
    return Volume(pixels, (None, slices[0].row_mm, None), details)


def _volumes(source: Source, found: Iterable[Container]) -> dict[_Kind, list[_Slice]]:
    """B-scans by what they have in common, in the order of the file."""
    facts = {
        (one.series, one.slice): source.record(_BSCAN_FACTS, one.at, "what is said of a B-scan")
        for one in found
        if one.type == _ABOUT_BSCAN
    }
    volumes: dict[_Kind, list[_Slice]] = defaultdict(list)
    for one in found:
        if one.type != _IMAGE:
            continue
        image = source.record(_IMAGE_HEADER, one.at, "an image")
        if image.type != _BSCAN:
            continue
        needed = _IMAGE_HEADER.sizeof() + 2 * image.height * image.width
        if image.pixels != image.height * image.width or needed > one.size:
            raise source.refusal("damaged: a B-scan of another size than its container")
        told = facts.get((one.series, one.slice))
        announced = max(told.slices, 1) if told else None  # circles announce 0
        pattern = told.pattern if told else None
        kind = _Kind(one.series, image.height, image.width, announced, pattern)
        row_mm = millimetres(told.row_mm) if told else None
        volumes[kind].append(_Slice(one.slice, one.at + _IMAGE_HEADER.sizeof(), row_mm))
    return volumes


def _check_count(source: Source, kind: _Kind, slices: list[_Slice], complete: bool) -> None:
    if len({one.number for one in slices}) != len(slices):
        raise source.refusal("damaged: two B-scans with the same number in one series")
    if kind.slices not in (None, len(slices)):
        raise source.refusal(f"announces {kind.slices} B-scans and holds {len(slices)}")
    if kind.slices is None and not complete and len(slices) > 1:
        raise source.refusal("its directory is missing, and nothing says how many B-scans it had")


def _eye(source: Source, found: Iterable[Container], series: SeriesKey) -> str | None:
    for one in found:
        if one.type == _SIDE and one.series == series:
            facts = source.record(_SIDE_FACTS, one.at, "the side of the eye")
            return EYES.get(words(facts.letter) or "")
    return None


def _text(source: Source, found: Iterable[Container], kind: int, series: SeriesKey) -> str | None:
    """The first text in a container of texts of equal size, in UTF-16; of a series or its study."""
    for one in found:
        if one.type == kind and one.series in (series, (*series[:2], _WHOLE_STUDY)):
            texts = source.record(_TEXTS, one.at, "a text")
            if texts.count and texts.size <= one.size - _TEXTS.sizeof():
                raw = source.read(one.at + _TEXTS.sizeof(), texts.size, "a text")
                return words(raw, "utf-16-le")
    return None
