"""zarr stores that lie, lead elsewhere or blow up: one line each, before harm is done."""

import json
import os
import pickle
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import google_crc32c
import numcodecs
import numpy as np
import pytest
import zarr
from zarr.codecs import GzipCodec
from zarr.storage import ZipStore

from super_resolution_gans.io import ReadError, read_scan

VOLUME = np.random.default_rng(0).integers(0, 256, (4, 30, 50), dtype=np.uint8)
CHUNKS = (2, 30, 50)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A plain array of version 2, compressed by zlib."""
    return _made(tmp_path / "a.zarr", numcodecs.Zlib())


def _made(path: Path, compressor: Any, version: Any = 2, **options: Any) -> Path:
    array = zarr.create_array(
        path,
        shape=VOLUME.shape,
        dtype="u1",
        chunks=CHUNKS,
        zarr_format=version,
        compressors=compressor,
        **options,
    )
    array[...] = VOLUME
    return path


def _changed(file: Path, **changes: Any) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


def _refusal(path: Path, **options: Any) -> str:
    with pytest.raises(ReadError) as caught:
        read_scan(path, **options).load()
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    assert len(message) < len(str(path)) + 300
    return message


class _Loud:
    def __reduce__(self) -> Any:
        return (pytest.fail, ("was unpickled",))


@pytest.mark.parametrize("place", ["filters", "compressor"])
def test_a_store_that_names_pickle_as_a_codec_is_refused(store: Path, place: str) -> None:
    codec = {"id": "pickle", "protocol": 5}
    _changed(store / ".zarray", **{place: [codec] if place == "filters" else codec})
    (store / "0.0.0").write_bytes(zlib.compress(pickle.dumps(_Loud())))
    assert "pickle" in _refusal(store)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"dtype": "|O"}, "numbers of type |O"),
        ({"dtype": "<c8"}, "numbers of type <c8"),
        ({"dtype": "<U9"}, "numbers of type <U9"),
        ({"dtype": [["a", "<f4"]]}, "numbers of type"),
        ({"dtype": None}, "numbers of type"),
        ({"shape": [4, 30]}, "chunks of 3 axes in an array of 2"),
        ({"shape": [4, 30, -50]}, "shape of [4, 30, -50]"),
        ({"shape": [4, 30, 0]}, "shape of [4, 30, 0]"),
        ({"shape": "big"}, "shape of big"),
        ({"shape": [True, 30, 50]}, "shape of [True, 30, 50]"),
        ({"chunks": [2, 30, 0]}, "chunks of [2, 30, 0]"),
        ({"chunks": [1 << 20, 1 << 20, 50]}, "the limit is 1073741824"),
        ({"shape": [4, 300_000, 300_000]}, "files of chunks are announced, 2 found"),
        ({"shape": [2, 30_000, 30_000], "chunks": [2, 10_000, 10_000]}, "over the limit of"),
        ({"shape": [10**9, 30, 50]}, "500000000 files of chunks are announced, 2 found"),
        ({"filters": [{"id": "packbits"}]}, "filters not supported: packbits"),
        ({"compressor": {"id": "lzma"}}, "compression by lzma is not supported (known are blosc"),
        ({"compressor": {"id": "zlib\x1b[2J" + "x" * 500}}, "compression by zlib\\x1b"),
        ({"zarr_format": 7}, ""),
    ],
)
def test_metadata_of_version_2_that_make_no_sense(
    store: Path, changes: dict[str, Any], words: str
) -> None:
    _changed(store / ".zarray", **changes)
    if words:
        assert words in _refusal(store)
    else:
        _refusal(store)


def _bytes_to(name: str) -> list[dict[str, Any]]:
    return [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": name}]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"codecs": _bytes_to("numcodecs.pickle")}, "compression by numcodecs.pickle"),
        ({"codecs": [*_bytes_to("gzip"), {"name": "gzip"}]}, "codecs not supported: bytes, gzip"),
        ({"codecs": [{"name": "vlen-utf8"}]}, "codecs not supported: vlen-utf8"),
        ({"codecs": []}, "codecs not supported"),
        ({"codecs": 3}, "codecs not supported"),
        ({"data_type": "string"}, "numbers of type string"),
        ({"data_type": {"name": "numpy.datetime64"}}, "numbers of type"),
        ({"chunk_grid": {"name": "rectangular"}}, "irregular grid"),
        ({"storage_transformers": [{"name": "x"}]}, "transformed"),
        ({"node_type": "stone"}, "no array at /"),
        ({"shape": None}, "shape of None"),
    ],
)
def test_metadata_of_version_3_that_make_no_sense(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    path = _made(tmp_path / "a.zarr", GzipCodec(), 3)
    _changed(path / "zarr.json", **changes)
    assert words in _refusal(path)


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", "[" * 100_000, "\xff\xfe"])
def test_metadata_that_are_no_json(store: Path, text: str) -> None:
    (store / ".zarray").write_bytes(text.encode("latin-1"))
    assert ".zarray" in _refusal(store)


def test_metadata_of_many_megabytes_are_not_read(store: Path) -> None:
    with (store / ".zarray").open("wb") as file:
        file.truncate(1 << 30)
    assert ".zarray of 1073741824 bytes" in _refusal(store)


@pytest.mark.parametrize("path", ["../b.zarr", "/etc", "0/../../b.zarr", "a\\b", "", "."])
def test_a_path_that_leads_out_of_the_store(tmp_path: Path, path: str) -> None:
    _made(tmp_path / "b.zarr", None)
    group = zarr.open_group(tmp_path / "a.zarr", mode="w", zarr_format=2)
    axes = [{"name": name} for name in "zyx"]
    group.attrs["multiscales"] = [{"axes": axes, "datasets": [{"path": path}]}]
    assert "is no array of this store" in _refusal(tmp_path / "a.zarr")


@pytest.mark.parametrize(
    "described",
    [
        [],
        [{}],
        3,
        {"0": 1},
        [{"datasets": [], "axes": []}],
        [{"datasets": [{"path": "0"}], "axes": ["z", "y"]}],
        [{"datasets": [{"path": "0"}], "axes": ["z", "y", "y"]}],
        [{"datasets": [{"path": "0"}], "axes": ["z", "y", "x", "w"]}],
        [{"datasets": [{"path": "0"}], "axes": ["c", "y", "x"]}],
        [{"datasets": [{"path": "0"}], "axes": ["t", "y", "x"]}],
        [{"datasets": [{"path": "0"}], "axes": ["y", "x"]}],
        [{"datasets": [{"path": "1"}], "axes": ["z", "y", "x"]}],
        [{"datasets": [{"path": "0", "coordinateTransformations": [3]}], "axes": ["z", "y", "x"]}],
    ],
)
def test_descriptions_of_images_that_make_no_sense(tmp_path: Path, described: Any) -> None:
    group = zarr.open_group(tmp_path / "a.zarr", mode="w", zarr_format=2)
    group.create_array("0", shape=VOLUME.shape, dtype="u1")[...] = VOLUME
    group.attrs["multiscales"] = described
    _refusal(tmp_path / "a.zarr")


@pytest.mark.skipif(os.name == "nt", reason="links and pipes of POSIX")
def test_links_that_lead_out_and_pipes_are_refused(store: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(zlib.compress(bytes(3000)))
    (store / "0.0.0").unlink()
    (store / "0.0.0").symlink_to(tmp_path / "secret")
    assert "0.0.0 leads out of the store" in _refusal(store)
    (store / "0.0.0").unlink()
    os.mkfifo(store / "0.0.0")
    assert "0.0.0 in the store is no regular file" in _refusal(store)


def _zstd_without_size(data: bytes) -> bytes:
    """A frame of raw blocks that does not say how large it is."""
    window = bytes([0x70])
    blocks = b""
    step = 1 << 16
    for start in range(0, len(data), step):
        piece = data[start : start + step]
        last = start + step >= len(data)
        blocks += struct.pack("<I", int(last) | len(piece) << 3)[:3] + piece
    return b"\x28\xb5\x2f\xfd\x00" + window + blocks


_BOMB = bytes(50_000_000)
_BOMBS: dict[str, tuple[Any, Callable[[], bytes]]] = {
    "zlib": (numcodecs.Zlib(), lambda: zlib.compress(_BOMB)),
    "gzip": (numcodecs.GZip(), lambda: bytes(numcodecs.GZip().encode(_BOMB))),
    "gzip in pieces": (
        numcodecs.GZip(),
        lambda: bytes(numcodecs.GZip().encode(bytes(3000))) * 200,
    ),
    "blosc": (numcodecs.Blosc(), lambda: bytes(numcodecs.Blosc().encode(_BOMB))),
    "zstd": (numcodecs.Zstd(), lambda: bytes(numcodecs.Zstd().encode(_BOMB))),
    "zstd without a size": (numcodecs.Zstd(), lambda: _zstd_without_size(bytes(4000))),
    "lz4": (numcodecs.LZ4(), lambda: bytes(numcodecs.LZ4().encode(_BOMB))),
}


@pytest.mark.parametrize("name", _BOMBS)
def test_a_chunk_that_would_decode_to_more_is_not_decoded(tmp_path: Path, name: str) -> None:
    compressor, bomb = _BOMBS[name]
    path = _made(tmp_path / "a.zarr", compressor)
    # Small enough for a file of chunks, as the worst compressors make them.
    data = bomb()
    (path / "0.0.0").write_bytes(data)
    tracemalloc.start()
    _refusal(path)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 10_000_000


def test_a_chunk_file_that_is_too_large_is_not_even_read(store: Path) -> None:
    with (store / "0.0.0").open("wb") as file:
        file.truncate(1 << 40)
    assert "damaged zarr (0.0.0 of 1099511627776 bytes)" in _refusal(store)


def test_a_bomb_within_a_shard(tmp_path: Path) -> None:
    path = tmp_path / "a.zarr"
    zarr.create_array(
        path,
        shape=VOLUME.shape,
        dtype="u1",
        chunks=(1, 30, 50),
        shards=(4, 30, 50),
        zarr_format=3,
        compressors=GzipCodec(),
    )[...] = VOLUME
    file = path / "c" / "0" / "0" / "0"
    bomb = bytes(numcodecs.GZip().encode(bytes(2_000_000)))
    index = struct.pack("<QQ", 0, len(bomb)) + struct.pack("<QQ", 2**64 - 1, 2**64 - 1) * 3
    checksum = google_crc32c.value(index).to_bytes(4, "little")
    file.write_bytes(bomb + index + checksum)
    assert "would decode to more than the 1500 bytes of a chunk" in _refusal(path)
    zarr.open_array(path, mode="r")[3]  # the library itself finds its way in this file


@pytest.mark.parametrize("name", ["None", "Zlib", "Blosc", "Zstd"])
def test_truncated_and_damaged_chunks_are_one_line(tmp_path: Path, name: str) -> None:
    compressor = None if name == "None" else getattr(numcodecs, name)()
    path = _made(tmp_path / "a.zarr", compressor)
    data = (path / "1.0.0").read_bytes()
    for broken in (b"", data[:3], data[: len(data) // 2], data[:-1], data[:40] + data[60:]):
        (path / "1.0.0").write_bytes(broken)
        _refusal(path)


def test_nan_is_refused_in_pixels_and_as_fill_value(tmp_path: Path) -> None:
    path = tmp_path / "a.zarr"
    array = zarr.create_array(
        path, shape=(4, 8, 8), chunks=(1, 8, 8), dtype="f4", zarr_format=2, fill_value=np.nan
    )
    array[:3] = 0.5
    assert "NaN or infinite" in _refusal(path)


def test_a_bomb_in_a_zip_archive_is_known_by_its_header(tmp_path: Path) -> None:
    with ZipStore(tmp_path / "a.zarr.zip", mode="w") as store:
        options: dict[str, Any] = {"zarr_format": 2, "compressors": None, "dtype": "u1"}
        array = zarr.create_array(store, shape=(2, 30, 50), chunks=(1, 30, 50), **options)
        array[...] = VOLUME[:2]
    with (
        zipfile.ZipFile(tmp_path / "a.zarr.zip") as old,
        zipfile.ZipFile(tmp_path / "b.zarr.zip", "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, _BOMB if name == "0.0.0" else old.read(name))
    assert "damaged zarr (0.0.0 of 50000000 bytes)" in _refusal(tmp_path / "b.zarr.zip")


def test_a_zip_archive_that_breaks_off(tmp_path: Path) -> None:
    with ZipStore(tmp_path / "a.zarr.zip", mode="w") as store:
        zarr.create_array(store, shape=(2, 3), dtype="u1", zarr_format=2)[...] = 1
    data = (tmp_path / "a.zarr.zip").read_bytes()
    (tmp_path / "a.zarr.zip").write_bytes(data[:-10])
    assert "damaged ZIP" in _refusal(tmp_path / "a.zarr.zip")


def test_groups_without_end(tmp_path: Path) -> None:
    group = zarr.open_group(tmp_path / "a.zarr", mode="w", zarr_format=2)
    for name in "abcdefgh":
        group = group.create_group(name)
    assert "nested deeper than 5" in _refusal(tmp_path / "a.zarr")
