"""What stands between a store and the library that decodes it: no chunk is larger than announced.

The decompressors behind zarr make as many bytes as their input says, so this is looked at first.
"""

import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
from zarr.abc.store import RangeByteRequest
from zarr.storage import WrapperStore

from super_resolution_gans.io.errors import ReadError
from super_resolution_gans.io.zarr_files import Files, is_metadata
from super_resolution_gans.io.zarr_meta import ArrayMeta
from super_resolution_gans.scan import printable

if TYPE_CHECKING:
    from zarr.abc.store import ByteRequest, Store
    from zarr.core.buffer import Buffer, BufferPrototype

_STEP = 1 << 20
_NO_CHUNK = (1 << 64) - 1


class GuardedStore(WrapperStore["Store"]):
    """A store whose files are looked at before they are read and before they are decoded.

    Its ``get`` raises a ReadError for what lies outside the store, is larger than the metadata
    allow, or would decode to more than a chunk.
    """

    def __init__(self, store: "Store", files: Files, meta: ArrayMeta, source: str) -> None:
        super().__init__(store)
        self._files, self._meta, self._source = files, meta, source

    def _with_store(self, store: "Store") -> "GuardedStore":
        return GuardedStore(store, self._files, self._meta, self._source)

    async def get(
        self,
        key: str,
        prototype: "BufferPrototype",
        byte_range: "ByteRequest | None" = None,
    ) -> "Buffer | None":
        size = self._files.size(key)
        if size is None:
            return None
        if is_metadata(key):
            return await super().get(key, prototype, byte_range)
        if size > self._meta.largest_file:
            raise ReadError(self._source, f"damaged zarr ({printable(key)} of {size} bytes)")
        found = await super().get(key, prototype, byte_range)
        if found is not None:
            self._look(key, found.to_bytes(), byte_range)
        return found

    def _look(self, key: str, data: bytes, byte_range: "ByteRequest | None") -> None:
        pieces = [data]
        if self._meta.index_bytes:
            if byte_range is None:
                pieces = list(_inner(data, self._meta))
            elif not isinstance(byte_range, RangeByteRequest):
                return  # the index
        for piece in pieces:
            announced = decoded_bytes(piece, self._meta)
            if announced > self._meta.chunk_bytes:
                raise ReadError(
                    self._source,
                    f"damaged zarr ({printable(key)} would decode to more than the "
                    f"{self._meta.chunk_bytes} bytes of a chunk)",
                )


def _inner(shard: bytes, meta: ArrayMeta) -> "list[bytes]":
    """The chunks of a shard that is there in one piece."""
    table = shard[len(shard) - meta.index_bytes :][: 16 * meta.in_a_shard]
    places = np.frombuffer(table, "<u8").reshape(-1, 2).tolist()
    return [shard[at : at + count] for at, count in places if (at, count) != (_NO_CHUNK,) * 2]


def decoded_bytes(data: bytes, meta: ArrayMeta) -> int:
    """How many bytes a stored chunk would become, or one more than fit.

    Raises:
        ValueError: if it breaks off; and whatever the decoder raises for damaged data.
    """
    from numcodecs import Zstd

    data = data[: len(data) - 4 * meta.checksum]
    if meta.compressor == "blosc":
        if int.from_bytes(data[12:16], "little") != len(data):
            raise ValueError("a chunk breaks off")  # and the library might read on
        return int.from_bytes(data[4:8], "little")
    if meta.compressor == "lz4":
        return int.from_bytes(data[:4], "little")
    if meta.compressor == "zstd":
        # Into a buffer of the right size nothing else fits, whatever the header says.
        Zstd().decode(data, np.empty(meta.chunk_bytes, np.uint8))
        return meta.chunk_bytes
    if meta.compressor in ("zlib", "gzip"):
        return _inflated(data, meta.chunk_bytes)
    return len(data)


def _inflated(data: Any, most: int) -> int:
    """Bytes in all members of a gzip or zlib stream, counted up to one more than ``most``."""
    count = 0
    while data:
        stream = zlib.decompressobj(wbits=47)
        while not stream.eof and count <= most:
            piece = stream.decompress(data, _STEP)
            if not piece and not stream.unconsumed_tail:
                break
            count += len(piece)
            data = stream.unconsumed_tail
        if count > most or not stream.eof:
            break
        data = stream.unused_data
    return count
