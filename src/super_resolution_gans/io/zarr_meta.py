"""What a zarr array says of itself, read and judged before the library sees it.

A codec is a program that a store names: one of them unpickles, others have no bound on what they
make of a byte. Only plain chains of well-known ones are let through.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

COMPRESSORS = {2: ("blosc", "zlib", "gzip", "zstd", "lz4"), 3: ("blosc", "gzip", "zstd")}
_LARGEST_CHUNK = 1 << 30
_MOST_IN_A_SHARD = 1 << 20
_V3_TYPES = frozenset(
    ("bool", *(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)))
) | {"float16", "float32", "float64"}


@dataclass(frozen=True)
class ArrayMeta:
    """An array of a store.

    Attributes:
        version: 2 or 3, of the format.
        chunk: shape of what is decoded at once.
        shard: shape of what a file holds: a chunk, or if ``sharded`` a grid of chunks with an index
            at its end.
        compressor: one of :data:`COMPRESSORS`, or None.
        checksum: whether four bytes of CRC-32C follow each chunk.
        index_checksum: whether they follow a shard's index.
    """

    version: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    chunk: tuple[int, ...]
    shard: tuple[int, ...]
    compressor: str | None
    checksum: bool = False
    sharded: bool = False
    index_checksum: bool = False

    @property
    def chunk_bytes(self) -> int:
        """Of a decoded chunk."""
        return math.prod(self.chunk) * self.dtype.itemsize

    @property
    def in_a_shard(self) -> int:
        """Chunks in a file."""
        return math.prod(n // m for n, m in zip(self.shard, self.chunk, strict=True))

    @property
    def index_bytes(self) -> int:
        """Of a shard's index, at the end of the file; 0 if there is none."""
        return 16 * self.in_a_shard + 4 * self.index_checksum if self.sharded else 0

    @property
    def files(self) -> int:
        """Of a store in which nothing was left out for being empty."""
        return math.prod(math.ceil(n / m) for n, m in zip(self.shape, self.shard, strict=True))

    @property
    def largest_file(self) -> int:
        """Bytes that no file of chunks exceeds, whatever was compressed badly."""
        return self.in_a_shard * (self.chunk_bytes + self.chunk_bytes // 8 + 4096) + (
            self.index_bytes
        )


def meta_of_v2(document: Mapping[str, Any]) -> ArrayMeta:
    """From a ``.zarray``.

    Raises:
        ValueError: if it is no array of numbers that can be read safely; without the file's name.
    """
    kind = document.get("dtype")
    if not (isinstance(kind, str) and re.fullmatch(r"[<>|][biuf][1248]", kind)):
        raise ValueError(f"numbers of type {str(kind)[:60]} are not supported")
    filters = [_id(entry) for entry in document.get("filters") or []]
    if set(filters) - {"shuffle"}:
        raise ValueError(f"filters not supported: {', '.join(filters)}")
    compressor = None if document.get("compressor") is None else _id(document["compressor"])
    chunk = _lengths(document.get("chunks"), "chunks")
    meta = ArrayMeta(
        2, _lengths(document.get("shape"), "shape"), np.dtype(kind), chunk, chunk, compressor
    )
    return _checked(meta)


def meta_of_v3(document: Mapping[str, Any]) -> ArrayMeta:
    """From a ``zarr.json`` of an array.

    Raises:
        ValueError: as :func:`meta_of_v2`.
    """
    kind = document.get("data_type")
    if not (isinstance(kind, str) and kind in _V3_TYPES):
        raise ValueError(f"numbers of type {str(kind)[:60]} are not supported")
    grid = document.get("chunk_grid")
    if _name(grid) != "regular" or document.get("storage_transformers"):
        raise ValueError("chunks in an irregular grid, or transformed, are not supported")
    shard = chunk = _lengths(_settings(grid).get("chunk_shape"), "chunks")
    codecs, index_checksum = _listed(document.get("codecs")), False
    sharded = [_name(codec) for codec in codecs] == ["sharding_indexed"]
    if sharded:
        settings = _settings(codecs[0])
        chunk = _lengths(settings.get("chunk_shape"), "chunks in shards")
        codecs = _listed(settings.get("codecs"))
        index = [_name(codec) for codec in _listed(settings.get("index_codecs"))]
        if settings.get("index_location", "end") != "end" or index not in (
            ["bytes"],
            ["bytes", "crc32c"],
        ):
            raise ValueError("shards with an index of another kind are not supported")
        index_checksum = len(index) == 2
    compressor, checksum = _chain([_name(codec) for codec in codecs])
    meta = ArrayMeta(
        3,
        _lengths(document.get("shape"), "shape"),
        np.dtype(kind),
        chunk,
        shard,
        compressor,
        checksum,
        sharded,
        index_checksum,
    )
    return _checked(meta)


def _chain(names: list[str]) -> tuple[str | None, bool]:
    """The compressor, and whether there is a checksum; all else must change no sizes."""
    rest = names[1:] if names[:1] == ["transpose"] else names
    if rest[:1] == ["bytes"]:
        rest = rest[1:]
        checksum = rest[-1:] == ["crc32c"]
        rest = rest[:-1] if checksum else rest
        if len(rest) <= 1:
            return (rest[0] if rest else None), checksum
    raise ValueError(f"codecs not supported: {', '.join(names)}")


def _checked(meta: ArrayMeta) -> ArrayMeta:
    if len(meta.chunk) != len(meta.shape) or len(meta.shard) != len(meta.shape):
        raise ValueError(f"chunks of {len(meta.chunk)} axes in an array of {len(meta.shape)}")
    known = COMPRESSORS[meta.version]
    if meta.compressor is not None and meta.compressor not in known:
        raise ValueError(
            f"compression by {meta.compressor} is not supported (known are {', '.join(known)})"
        )
    if any(n % m for n, m in zip(meta.shard, meta.chunk, strict=True)):
        raise ValueError("shards that are not whole chunks")
    if meta.in_a_shard > _MOST_IN_A_SHARD:
        raise ValueError(f"{meta.in_a_shard} chunks in a shard are more than {_MOST_IN_A_SHARD}")
    if meta.chunk_bytes > _LARGEST_CHUNK:
        raise ValueError(
            f"chunks of {' x '.join(map(str, meta.chunk))} numbers take {meta.chunk_bytes} bytes; "
            f"the limit is {_LARGEST_CHUNK}"
        )
    return meta


def _lengths(value: Any, what: str) -> tuple[int, ...]:
    if isinstance(value, list) and all(type(n) is int and n > 0 for n in value):
        return tuple(value)
    raise ValueError(f"{what} of {str(value)[:60]}")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _id(entry: Any) -> str:
    return str(entry.get("id"))[:60] if isinstance(entry, Mapping) else str(entry)[:60]


def _name(entry: Any) -> str:
    return str(entry.get("name"))[:60] if isinstance(entry, Mapping) else str(entry)[:60]


def _settings(entry: Any) -> Mapping[str, Any]:
    settings = entry.get("configuration") if isinstance(entry, Mapping) else None
    return settings if isinstance(settings, Mapping) else {}
