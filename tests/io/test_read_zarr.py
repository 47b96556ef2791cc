"""zarr stores as the library writes them: plain arrays, OME-NGFF, chunk by chunk."""

import os
import shutil
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

import numcodecs
import numpy as np
import pytest
import zarr
from numpy.typing import NDArray
from zarr.codecs import BloscCodec, Crc32cCodec, GzipCodec, ZstdCodec
from zarr.storage import LocalStore, ZipStore

from super_resolution_gans.io import ReadError, is_scan_folder, read_scan

VOLUME = np.random.default_rng(0).integers(0, 256, (7, 50, 60), dtype=np.uint8)
CHUNKS = (3, 20, 33)
V2 = (None, *(getattr(numcodecs, name)() for name in ("Blosc", "Zlib", "GZip", "Zstd", "LZ4")))
V3 = (None, BloscCodec(), GzipCodec(), ZstdCodec(), (ZstdCodec(), Crc32cCodec()))


def _store(path: Any, values: NDArray[Any] = VOLUME, **options: Any) -> Any:
    given = {"chunks": CHUNKS[: values.ndim], "zarr_format": 2, **options}
    array = zarr.create_array(path, shape=values.shape, dtype=values.dtype, **given)
    array[...] = values
    return path


def _ngff(path: Path, values: NDArray[Any], axes: list[Any], **level: Any) -> Path:
    group = zarr.open_group(path, mode="w", zarr_format=2)
    array = group.create_array("0", shape=values.shape, dtype=values.dtype)
    array[...] = values
    scales = {"datasets": [{"path": "0", **level}]}
    group.attrs["multiscales"] = [{"version": "0.4", "axes": axes, **scales}]
    return path


def _space(names: str, unit: str | None = "micrometer") -> list[dict[str, str]]:
    named = {} if unit is None else {"unit": unit}
    return [{"name": name, "type": "space", **named} for name in names]


def _refusal(path: Path, **options: Any) -> str:
    with pytest.raises(ReadError) as caught:
        read_scan(path, **options).load()
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message


@pytest.mark.parametrize(("version", "compressor"), [*((2, c) for c in V2), *((3, c) for c in V3)])
@pytest.mark.parametrize("lazy_above", [0, 512 << 20])
def test_every_compressor_of_both_versions(
    tmp_path: Path, version: Any, compressor: Any, lazy_above: int
) -> None:
    path = _store(tmp_path / "a.zarr", zarr_format=version, compressors=compressor)
    scan = read_scan(path, lazy_above=lazy_above)
    assert scan.is_lazy == (lazy_above == 0)
    np.testing.assert_array_equal(scan.to_array(), VOLUME)
    window = scan.window(6, slice(3, 47), slice(30, 60))
    np.testing.assert_array_equal(window, VOLUME[6, 3:47, 30:60] / np.float32(255))


@pytest.mark.parametrize(("chunks", "shards"), [((2, 20, 20), (4, 40, 40)), (CHUNKS, CHUNKS)])
@pytest.mark.parametrize("compressor", [GzipCodec(), BloscCodec(), None])
def test_shards(tmp_path: Path, chunks: Any, shards: Any, compressor: Any) -> None:
    options = {"chunks": chunks, "shards": shards, "compressors": compressor}
    path = _store(tmp_path / "a.zarr", zarr_format=3, **options)
    for lazy_above in (0, 512 << 20):
        np.testing.assert_array_equal(read_scan(path, lazy_above=lazy_above).to_array(), VOLUME)


@pytest.mark.parametrize(
    "dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "f2", "f4", "f8", "?", ">u2"]
)
@pytest.mark.parametrize("version", [2, 3])
def test_types_are_kept(tmp_path: Path, dtype: str, version: Any) -> None:
    values = (VOLUME // 2 > 50).astype("?") if dtype == "?" else (VOLUME // 2).astype(dtype)
    path = _store(tmp_path / "a.zarr", values, zarr_format=version)
    scan = read_scan(path)
    expected = values.astype(np.uint8) * np.uint8(255) if dtype == "?" else values
    assert scan.dtype == expected.dtype.newbyteorder("=")
    np.testing.assert_allclose(scan.to_array(), expected, rtol=1e-7 * (dtype == "f8"))


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((30, 40), (1, 30, 40)),
        ((30, 40, 3), (1, 30, 40, 3)),
        ((5, 30, 40), (5, 30, 40)),
        ((5, 30, 40, 1), (5, 30, 40)),
        ((5, 30, 40, 3), (5, 30, 40, 3)),
    ],
)
def test_plain_arrays_have_the_axes_of_an_array(
    tmp_path: Path, shape: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    values = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    path = _store(tmp_path / "a", values, chunks=tuple(-(-n // 3) for n in shape), order="F")
    scan = read_scan(path)
    assert scan.shape == expected
    assert scan.spacing == (None, None, None)
    np.testing.assert_array_equal(scan.to_array(), values.reshape(expected))


def test_of_ngff_the_finest_level_with_axes_scale_and_units(tmp_path: Path) -> None:
    values = VOLUME[np.newaxis, np.newaxis]
    axes = [{"name": "t", "type": "time"}, {"name": "c", "type": "channel"}, *_space("zyx")]
    transform = [{"type": "scale", "scale": [1, 1, 120, 3.9, 11.4]}]
    path = _ngff(tmp_path / "a.zarr", values, axes, coordinateTransformations=transform)
    scan = read_scan(path)
    np.testing.assert_array_equal(scan.to_array(), VOLUME)
    assert scan.spacing == pytest.approx((0.12, 0.0039, 0.0114))
    assert scan.details["array"] == "0"


def test_channels_first_become_colour(tmp_path: Path) -> None:
    values = np.random.default_rng(1).integers(0, 60000, (3, 4, 30, 40), dtype=np.uint16)
    axes = [{"name": "c", "type": "channel"}, *_space("zyx")]
    path = _ngff(tmp_path / "a.zarr", values, axes)
    for lazy_above in (0, 512 << 20):
        scan = read_scan(path, lazy_above=lazy_above)
        np.testing.assert_array_equal(scan.to_array(), values.transpose(1, 2, 3, 0))


def test_axes_may_come_in_another_order_and_without_depth(tmp_path: Path) -> None:
    path = _ngff(tmp_path / "a.zarr", VOLUME.transpose(2, 0, 1).copy(), _space("xzy"))
    np.testing.assert_array_equal(read_scan(path).to_array(), VOLUME)
    flat = _ngff(tmp_path / "b.zarr", VOLUME[0], _space("yx"))
    np.testing.assert_array_equal(read_scan(flat).to_array(), VOLUME[:1])


def test_version_0_5_and_version_0_1_are_read(tmp_path: Path) -> None:
    group = zarr.open_group(tmp_path / "five.zarr", mode="w", zarr_format=3)
    group.create_array("s0", shape=VOLUME.shape, dtype="u1")[...] = VOLUME
    both = [
        {"type": "scale", "scale": [2, 2, 2]},
        {"type": "translation", "translation": [1, 1, 1]},
    ]
    level = {"path": "s0", "coordinateTransformations": [{"type": "scale", "scale": [1, 2, 3]}]}
    described = {"axes": _space("zyx", "millimeter"), "datasets": [level]}
    group.attrs["ome"] = {
        "version": "0.5",
        "multiscales": [{**described, "coordinateTransformations": both}],
    }
    scan = read_scan(tmp_path / "five.zarr")
    np.testing.assert_array_equal(scan.to_array(), VOLUME)
    assert scan.spacing == (2, 4, 6)
    old = _ngff(tmp_path / "one.zarr", VOLUME[np.newaxis, np.newaxis], [])
    np.testing.assert_array_equal(read_scan(old).to_array(), VOLUME)


@pytest.mark.parametrize(
    ("unit", "scale", "expected"),
    [
        (None, [1, 1, 1], (None, None, None)),
        ("parsec", [1, 1, 1], (None, None, None)),
        ("nanometer", [2000, 1000, 500], (0.002, 0.001, 0.0005)),
        ("millimeter", [0, -1, float("nan")], (None, None, None)),
        ("millimeter", [1, 1], (None, None, None)),
    ],
)
def test_spacing_is_never_invented(
    tmp_path: Path, unit: str | None, scale: list[float], expected: Any
) -> None:
    transform = [{"type": "scale", "scale": scale}]
    axes = _space("zyx", unit)
    path = _ngff(tmp_path / "a.zarr", VOLUME, axes, coordinateTransformations=transform)
    assert read_scan(path).spacing == (expected if expected[0] is None else pytest.approx(expected))


def test_a_group_of_one_array_is_that_array_and_several_are_named(tmp_path: Path) -> None:
    group = zarr.open_group(tmp_path / "a.zarr", mode="w", zarr_format=2)
    inner = group.create_group("eye")
    inner.create_array("raw", shape=VOLUME.shape, dtype="u1")[...] = VOLUME
    scan = read_scan(tmp_path / "a.zarr")
    np.testing.assert_array_equal(scan.to_array(), VOLUME)
    assert scan.details["array"] == "eye/raw"
    group.create_array("mask", shape=(2, 3), dtype="u1")[...] = 1
    assert "a zarr group of 2 arrays or groups; name one: eye, mask" in _refusal(
        tmp_path / "a.zarr"
    )
    np.testing.assert_array_equal(read_scan(tmp_path / "a.zarr" / "eye").to_array(), VOLUME)
    zarr.open_group(tmp_path / "empty.zarr", mode="w", zarr_format=2)
    assert "a zarr group of 0 arrays" in _refusal(tmp_path / "empty.zarr")


@pytest.mark.parametrize("version", [2, 3])
def test_a_store_in_a_zip_archive(tmp_path: Path, version: Any) -> None:
    with ZipStore(tmp_path / "a.zarr.zip", mode="w") as store:
        _store(store, zarr_format=version, compressors="auto")
    for lazy_above in (0, 512 << 20):
        scan = read_scan(tmp_path / "a.zarr.zip", lazy_above=lazy_above)
        np.testing.assert_array_equal(scan.to_array(), VOLUME)


def test_a_trailing_slash_and_a_link_are_the_same_store(tmp_path: Path) -> None:
    _store(tmp_path / "a.zarr")
    assert is_scan_folder(f"{tmp_path}/a.zarr/")
    np.testing.assert_array_equal(read_scan(f"{tmp_path}/a.zarr/").to_array(), VOLUME)
    if os.name != "nt":
        (tmp_path / "link").symlink_to(tmp_path / "a.zarr")
        np.testing.assert_array_equal(read_scan(tmp_path / "link").to_array(), VOLUME)


def test_missing_chunks_hold_the_fill_value_but_not_all_may_be_missing(tmp_path: Path) -> None:
    path = _store(tmp_path / "a.zarr", fill_value=9)
    (path / "0.0.0").unlink()
    expected = VOLUME.copy()
    expected[:3, :20, :33] = 9
    np.testing.assert_array_equal(read_scan(path).to_array(), expected)
    for chunk in path.glob("*.*.*"):
        chunk.unlink()
    assert "18 files of chunks are announced, none found" in _refusal(path)


class _Counting(LocalStore):
    """Counts how often each key is read."""

    read: ClassVar[Counter[str]] = Counter()

    async def get(self, key: str, *rest: Any, **options: Any) -> Any:
        _Counting.read[key.rsplit("/", 1)[-1]] += 1
        return await super().get(key, *rest, **options)


def test_each_chunk_is_decoded_once_if_slices_come_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _store(tmp_path / "a.zarr")
    monkeypatch.setattr(zarr.storage, "LocalStore", _Counting)
    monkeypatch.setattr(_Counting, "read", Counter())
    scan = read_scan(path, lazy_above=0)
    assert not [key for key in _Counting.read if key[0].isdigit()], "pixels were read early"
    scan.window(0, slice(0, 10), slice(0, 10))
    assert [key for key in _Counting.read if key[0].isdigit()] == ["0.0.0"]
    for index in range(scan.slices):
        for top in range(0, 50, 7):
            scan.window(index, slice(top, top + 7), slice(0, 60))
    chunks = {key: n for key, n in _Counting.read.items() if key[0].isdigit()}
    assert len(chunks) == 18
    assert set(chunks.values()) == {1}


def test_a_large_store_is_read_in_bounded_memory(tmp_path: Path) -> None:
    import tracemalloc

    path = tmp_path / "a.zarr"
    shape = (60, 300, 300)
    array = zarr.create_array(path, shape=shape, chunks=(1, 300, 300), dtype="u1", zarr_format=2)
    rows = np.arange(300, dtype=np.uint8)
    for index in range(shape[0]):
        array[index] = rows[:, None] ^ np.uint8(index)
    tracemalloc.start()
    scan = read_scan(path, lazy_above=0)
    for index in range(scan.slices):
        assert scan.stored_slice(index)[7, 9] == 7 ^ index
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < np.prod(shape) / 2


def test_without_zarr_the_cure_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _store(tmp_path / "a.zarr")
    monkeypatch.setitem(__import__("sys").modules, "zarr", None)
    assert 'pip install "SuperResolution-GANs[volumes]"' in _refusal(path)


def test_reading_leaves_the_store_alone(tmp_path: Path) -> None:
    path = _store(tmp_path / "a.zarr")
    shutil.copytree(path, tmp_path / "b.zarr")
    read_scan(path, lazy_above=0).load()
    before = {p.name: p.read_bytes() for p in (tmp_path / "b.zarr").iterdir()}
    assert {p.name: p.read_bytes() for p in path.iterdir()} == before
