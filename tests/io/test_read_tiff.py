"""TIFF: layouts, depths and compressions against tifffile, Pillow, or by hand."""

import struct
import zlib
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from super_resolution_gans.io import ReadError, read_scan
from super_resolution_gans.io.tiff_codecs import undo_prediction, unpack_bits

DTYPES = ["u1", "u2", "u4", "u8", "i1", "i2", "i4", "f2", "f4", "f8"]


def _random(shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    rng = np.random.default_rng(5)
    if dtype[-2] == "f":
        return rng.random(shape).astype(dtype)
    limits = np.iinfo(dtype)
    return rng.integers(max(limits.min, -5000), min(limits.max, 5000), shape).astype(dtype)


def _both(path: Path) -> tuple[NDArray[Any], NDArray[Any]]:
    """The numbers, once read whole and once window by window."""
    whole, lazy = read_scan(path), read_scan(path, lazy_above=0)
    assert lazy.is_lazy
    assert not whole.is_lazy
    assert (lazy.shape, lazy.dtype, lazy.spacing) == (whole.shape, whole.dtype, whole.spacing)
    assert lazy.value_range == whole.value_range
    middle = slice(whole.height // 3, None), slice(1, whole.width // 2 + 1)
    window = lazy.window(whole.slices - 1, *middle)
    np.testing.assert_array_equal(window, whole.window(whole.slices - 1, *middle))
    return whole.to_array(), lazy.to_array()


def _check(path: Path, expected: NDArray[Any], tolerance: float = 0) -> None:
    for values in _both(path):
        assert values.dtype == expected.dtype.newbyteorder("=")
        np.testing.assert_allclose(values, expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_numbers_of_every_type_are_read(tmp_path: Path, dtype: str, order: str) -> None:
    values = _random((3, 21, 17), dtype)
    tifffile.imwrite(tmp_path / "a.tif", values, byteorder=order, photometric="minisblack")
    _check(tmp_path / "a.tif", values, 1e-7 if dtype == "f8" else 0)


@pytest.mark.parametrize("compression", [None, "zlib", "lzma"])
@pytest.mark.parametrize("tile", [None, (16, 32)])
@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
def test_colour_in_strips_tiles_and_planes_is_read(
    tmp_path: Path, compression: str | None, tile: tuple[int, int] | None, planar: str, dtype: str
) -> None:
    values = _random((2, 37, 41, 3), dtype)
    stored = values if planar == "contig" else np.moveaxis(values, -1, 1)
    tifffile.imwrite(
        tmp_path / "a.tif",
        stored,
        photometric="rgb",
        planarconfig=planar,
        compression=compression,
        tile=tile,
        rowsperstrip=None if tile else 10,
        bigtiff=planar == "separate",
    )
    _check(tmp_path / "a.tif", values)


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "i2"])
@pytest.mark.parametrize("tile", [None, (16, 16)])
def test_horizontal_differences_are_summed(
    tmp_path: Path, dtype: str, tile: tuple[int, int] | None
) -> None:
    values = _random((1, 37, 41, 3), dtype)
    options: dict[str, Any] = {"photometric": "rgb", "compression": "zlib", "predictor": 2}
    tifffile.imwrite(tmp_path / "a.tif", values, tile=tile, **options)
    _check(tmp_path / "a.tif", values)


def test_differences_of_floating_point_bytes_are_summed(tmp_path: Path) -> None:
    """Predictor 3 by the letter of Adobe's technical note 3, one row a strip."""
    values = _random((37, 41, 3), "f4")
    height, width, samples = values.shape
    strips = []
    for row in values:
        split = [row.astype(">f4").reshape(-1).view(np.uint8)[plane::4] for plane in range(4)]
        line = np.concatenate(split).astype(int)
        line[samples:] -= line[:-samples].copy()
        strips.append(zlib.compress((line % 256).astype(np.uint8).tobytes()))
    _write_tiff(
        tmp_path / "a.tif",
        strips,
        {256: width, 257: height, 259: 8, 262: 2, 277: samples, 278: 1, 317: 3},
        {258: [32] * samples, 339: [3] * samples},
    )
    _check(tmp_path / "a.tif", values[np.newaxis])


def _write_tiff(
    path: Path, strips: list[bytes], longs: dict[int, int], shorts: dict[int, list[int]]
) -> None:
    """A little-endian TIFF by hand, its pixels first."""
    body, offsets = b"", []
    for strip in strips:
        offsets.append(8 + len(body))
        body += strip
    entries: dict[int, tuple[int, list[int]]] = {tag: (4, [n]) for tag, n in longs.items()}
    entries |= {tag: (3, numbers) for tag, numbers in shorts.items()}
    entries |= {273: (4, offsets), 279: (4, [len(strip) for strip in strips])}
    body += bytes(len(body) % 2)
    directory = struct.pack("<H", len(entries))
    at = 8 + len(body)
    extra, extra_at = b"", at + 2 + 12 * len(entries) + 4
    for tag, (kind, numbers) in sorted(entries.items()):
        packed = struct.pack(f"<{len(numbers)}{'I' if kind == 4 else 'H'}", *numbers)
        if len(packed) > 4:
            pointer = struct.pack("<I", extra_at + len(extra))
            extra += packed + bytes(len(packed) % 2)
            packed = pointer
        directory += struct.pack("<HHI", tag, kind, len(numbers)) + packed.ljust(4, b"\0")
    path.write_bytes(struct.pack("<2sHI", b"II", 42, at) + body + directory + bytes(4) + extra)


@pytest.mark.parametrize(
    ("compression", "mode"),
    [
        *product(("tiff_lzw", "packbits", "tiff_deflate"), ("L", "RGB", "I;16", "1")),
        *(("jpeg", "L"), ("jpeg", "RGB"), ("group4", "1")),
    ],
)
def test_what_pillow_compresses_is_read(tmp_path: Path, compression: str, mode: str) -> None:
    values = _random((61, 53, 3), "u2") * 13 % 256
    image = Image.fromarray(values.astype(np.uint8))
    if mode == "I;16":
        image = Image.fromarray(_random((61, 53), "u2"))
    image = image if mode == "I;16" else image.convert(mode)
    image.save(tmp_path / "a.tif", compression=compression)
    with Image.open(tmp_path / "a.tif") as again:
        expected = np.asarray(again)
    if mode == "1":
        expected = expected.astype(np.uint8) * 255
    _check(tmp_path / "a.tif", expected[np.newaxis])


def test_lzw_with_sixteen_bit_colour_and_differences_keeps_sixteen_bits(tmp_path: Path) -> None:
    values = _random((9, 11, 3), "u2")
    differences = values.astype(int)
    differences[:, 1:] -= values[:, :-1].astype(int)
    raw = (differences % 65536).astype("<u2").tobytes()
    # Nine-bit codes only: a clear code before every 200 bytes keeps the table small.
    codes = []
    for start in range(0, len(raw), 200):
        codes += [256, *raw[start : start + 200]]
    bits = "".join(f"{code:09b}" for code in [*codes, 257])
    bits += "0" * (-len(bits) % 8)
    packed = int(bits, 2).to_bytes(len(bits) // 8, "big")
    _write_tiff(
        tmp_path / "a.tif",
        [packed],
        {256: 11, 257: 9, 259: 5, 262: 2, 277: 3, 278: 9, 317: 2},
        {258: [16] * 3},
    )
    _check(tmp_path / "a.tif", values[np.newaxis])


@pytest.mark.parametrize("bits", [1, 2, 4, 10, 12, 14])
def test_packed_bits_are_spread_or_keep_their_own_range(tmp_path: Path, bits: int) -> None:
    values = np.random.default_rng(1).integers(0, 1 << bits, (5, 7))
    rows = ["".join(f"{n:0{bits}b}" for n in row) for row in values]
    rows = [row + "0" * (-len(row) % 8) for row in rows]
    packed = b"".join(int(row, 2).to_bytes(len(row) // 8, "big") for row in rows)
    tags = {256: 7, 257: 5, 258: bits, 259: 1, 262: 1, 277: 1, 278: 5}
    _write_tiff(tmp_path / "a.tif", [packed], tags, {})
    scan = read_scan(tmp_path / "a.tif")
    np.testing.assert_allclose(scan.pixels[0], values / ((1 << bits) - 1), atol=1e-7)
    assert scan.dtype == (np.uint8 if bits < 8 else np.uint16)
    assert scan.value_range == (0, 255 if bits < 8 else (1 << bits) - 1)


@given(st.integers(1, 15), st.integers(1, 9), st.integers(1, 4), st.randoms())
def test_unpack_bits_reads_what_was_packed(bits: int, columns: int, rows: int, rng: Any) -> None:
    values = [[rng.randrange(1 << bits) for _ in range(columns)] for _ in range(rows)]
    lines = ["".join(f"{n:0{bits}b}" for n in row) for row in values]
    lines = [line.ljust(-(-len(line) // 8) * 8, "0") for line in lines]
    raw = [list(int(line, 2).to_bytes(len(line) // 8, "big")) for line in lines]
    assert unpack_bits(np.array(raw, np.uint8), columns, bits).tolist() == values


@pytest.mark.parametrize("dtype", ["<f8", ">f4", "<i4", ">u2", "u1"])
def test_differences_of_any_type_are_undone_as_integers(dtype: str) -> None:
    values = _random((4, 9, 2), dtype[-2:]).astype(dtype)
    whole = values.astype(np.dtype(dtype).newbyteorder("="))
    whole = whole.view(f"u{whole.itemsize}")
    steps = whole.copy()
    steps[:, 1:] -= whole[:, :-1]
    order = np.dtype(dtype).byteorder
    stored = steps.astype(np.dtype(f"u{whole.itemsize}").newbyteorder(order)).view(dtype)
    np.testing.assert_array_equal(undo_prediction(stored, 2), values)


@pytest.mark.parametrize("lazy_above", [0, 1 << 30])
def test_a_range_that_the_numbers_exceed_is_not_believed(tmp_path: Path, lazy_above: int) -> None:
    values = np.array([[0, 5000]], np.uint16)
    for told, expected in ((4095, 65535), (8191, 8191)):
        text = f'{{"srgan": {{"spacing_mm": [null, null, null], "value_range": [0, {told}]}}}}'
        tifffile.imwrite(tmp_path / "a.tif", values, description=text, metadata=None)
        scan = read_scan(tmp_path / "a.tif", lazy_above=lazy_above)
        assert scan.value_range == (0, expected)
        np.testing.assert_array_equal(scan.to_array(), [values])


@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_white_is_zero_is_inverted(tmp_path: Path, dtype: str) -> None:
    values = _random((1, 9, 7), dtype)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="miniswhite")
    _check(tmp_path / "a.tif", np.iinfo(dtype).max - values)


def test_a_palette_becomes_its_colours(tmp_path: Path) -> None:
    index = _random((9, 7), "u1")
    table = np.random.default_rng(2).integers(0, 65535, (3, 256), np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", index, photometric="palette", colormap=table)
    _check(tmp_path / "a.tif", (table >> 8).astype(np.uint8).T[index][np.newaxis])


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_alpha_is_over_black_and_other_extra_samples_are_dropped(
    tmp_path: Path, planar: str
) -> None:
    values = _random((9, 7, 4), "u1")
    stored = values if planar == "contig" else np.moveaxis(values, -1, 0)
    common: dict[str, Any] = {"photometric": "rgb", "planarconfig": planar}
    wide = values.astype(int)
    expected = np.rint(wide[..., :3] * wide[..., 3:] / 255).astype(np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", stored, extrasamples=["unassalpha"], **common)
    _check(tmp_path / "a.tif", expected[np.newaxis])
    for kind in ("assocalpha", "unspecified"):
        tifffile.imwrite(tmp_path / "b.tif", stored, extrasamples=[kind], **common)
        _check(tmp_path / "b.tif", values[np.newaxis, ..., :3])


def test_colour_that_is_grey_everywhere_is_read_as_grey(tmp_path: Path) -> None:
    grey = _random((3, 9, 7), "u2")
    tifffile.imwrite(tmp_path / "a.tif", np.stack([grey] * 3, -1), photometric="rgb")
    _check(tmp_path / "a.tif", grey)


def test_a_volume_three_columns_wide_is_not_taken_for_colour(tmp_path: Path) -> None:
    values = _random((5, 9, 3), "u1")
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="minisblack")
    _check(tmp_path / "a.tif", values)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("compression", [1, 7])
def test_orientation_is_applied(tmp_path: Path, orientation: int, compression: int) -> None:
    values = np.add.outer(np.arange(21) * 5, np.arange(33)).astype(np.uint8)
    Image.fromarray(values).save(
        tmp_path / "a.tif",
        tiffinfo={274: orientation},
        compression={1: None, 7: "jpeg"}[compression],
        quality=100,
    )
    expected = {
        1: values,
        2: values[:, ::-1],
        3: np.rot90(values, 2),
        4: values[::-1],
        5: values.T,
        6: np.rot90(values, -1),
        7: np.rot90(values, 2).T,
        8: np.rot90(values),
    }[orientation]
    _check(tmp_path / "a.tif", expected[np.newaxis], 8 if compression == 7 else 0)


def test_thumbnails_and_masks_are_skipped_and_other_sizes_refused(tmp_path: Path) -> None:
    values = _random((2, 32, 48), "u1")
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        tiff.write(values[0], contiguous=False)
        tiff.write(values[0, ::4, ::4], subfiletype=1, contiguous=False)
        tiff.write(values[1], contiguous=False)
        tiff.write(values[1] > 9, subfiletype=4, contiguous=False)
    _check(tmp_path / "a.tif", values)
    with tifffile.TiffWriter(tmp_path / "b.tif") as tiff:
        tiff.write(values[0])
        tiff.write(values[1, :31])
    with pytest.raises(ReadError, match=r"page 1 has 48 x 32 .* page 2 has 48 x 31"):
        read_scan(tmp_path / "b.tif")


@pytest.mark.parametrize(("unit", "per_mm"), [("CENTIMETER", 10.0), ("INCH", 25.4)])
def test_resolution_tags_give_the_spacing(tmp_path: Path, unit: str, per_mm: float) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif",
        np.zeros((4, 5), np.uint8),
        resolution=(per_mm / 0.0114, per_mm / 0.0039),
        resolutionunit=unit,
    )
    spacing = read_scan(tmp_path / "a.tif").spacing
    assert spacing == (None, pytest.approx(0.0039), pytest.approx(0.0114))


@pytest.mark.parametrize(
    ("resolution", "unit"),
    [((72, 72), "INCH"), ((300, 300), "INCH"), ((28.35, 28.35), "CENTIMETER"), ((5, 5), "NONE")],
)
def test_resolution_about_paper_or_without_unit_is_unknown(
    tmp_path: Path, resolution: tuple[float, float], unit: str
) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif",
        np.zeros((4, 5), np.uint8),
        resolution=resolution,
        resolutionunit=unit,
    )
    assert read_scan(tmp_path / "a.tif").spacing == (None, None, None)


@pytest.mark.parametrize(("unit", "mm"), [("um", 1e-3), ("\\u00B5m", 1e-3), ("mm", 1.0)])
def test_imagej_metadata_give_the_spacing(tmp_path: Path, unit: str, mm: float) -> None:
    values = _random((3, 9, 7), "u2")
    tifffile.imwrite(
        tmp_path / "a.tif",
        values,
        imagej=True,
        resolution=(mm / 0.0114, mm / 0.0039),
        metadata={"axes": "ZYX", "spacing": 0.12 / mm, "unit": unit},
    )
    scan = read_scan(tmp_path / "a.tif")
    assert scan.spacing == pytest.approx((0.12, 0.0039, 0.0114))
    np.testing.assert_array_equal(scan.to_array(), values)


def test_ome_metadata_give_the_spacing(tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / "a.ome.tif",
        np.zeros((3, 4, 5), np.uint8),
        metadata={
            "axes": "ZYX",
            "PhysicalSizeX": 11.4,
            "PhysicalSizeY": 0.0039,
            "PhysicalSizeYUnit": "mm",
            "PhysicalSizeZ": 120.0,
            "PhysicalSizeZUnit": "\u00b5m",
        },
    )
    spacing = read_scan(tmp_path / "a.ome.tif").spacing
    assert spacing == pytest.approx((0.12, 0.0039, 0.0114))


def test_a_large_imagej_stack_with_one_page_is_read_whole(tmp_path: Path) -> None:
    values = _random((5, 9, 7), "u2")
    tifffile.imwrite(tmp_path / "a.tif", values, imagej=True)
    data = bytearray((tmp_path / "a.tif").read_bytes())
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        at = tiff.pages.first.offset
        order, pixels = tiff.byteorder, tiff.pages.first.dataoffsets[0]
    count = struct.unpack_from(order + "H", data, at)[0]
    struct.pack_into(order + "I", data, at + 2 + 12 * count, 0)  # no next page
    (tmp_path / "b.tif").write_bytes(bytes(data))
    _check(tmp_path / "b.tif", values)
    (tmp_path / "c.tif").write_bytes(bytes(data[: pixels + 4 * 9 * 7 * 2]))
    with pytest.raises(ReadError, match=r"truncated|not in the file"):
        read_scan(tmp_path / "c.tif")


@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_truncated_volume_is_an_error_never_a_shorter_volume(
    tmp_path: Path, share: float, compression: str | None
) -> None:
    values = _random((8, 32, 48), "u1")
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        for page in values:
            tiff.write(page, contiguous=False, compression=compression)
    whole = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ReadError, match=r"truncated|damaged"):
        read_scan(tmp_path / "a.tif")


def test_a_loop_of_pages_ends(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((4, 5), np.uint8), byteorder="<")
    data = bytearray((tmp_path / "a.tif").read_bytes())
    at = struct.unpack_from("<I", data, 4)[0]
    count = struct.unpack_from("<H", data, at)[0]
    struct.pack_into("<I", data, at + 2 + 12 * count, at)
    (tmp_path / "a.tif").write_bytes(bytes(data))
    with pytest.raises(ReadError, match="loop"):
        read_scan(tmp_path / "a.tif")


@pytest.mark.parametrize("lazy_above", [0, 1 << 30])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(
    tmp_path: Path, bad: float, lazy_above: int
) -> None:
    values = _random((2, 9, 7), "f4")
    values[1, 8, 6] = bad
    tifffile.imwrite(tmp_path / "a.tif", values)
    with pytest.raises(ReadError, match="NaN or infinite"):
        read_scan(tmp_path / "a.tif", lazy_above=lazy_above)


def test_announced_sizes_are_checked_before_anything_is_decoded(tmp_path: Path) -> None:
    tags = {256: 1 << 20, 257: 1 << 20, 258: 8, 259: 8, 262: 1, 277: 1, 278: 1 << 20}
    _write_tiff(tmp_path / "a.tif", [b"x" * 99], tags, {})
    with pytest.raises(ReadError, match="over the limit"):
        read_scan(tmp_path / "a.tif")
    tags = {256: 10, 257: 10, 258: 8, 259: 8, 262: 1, 277: 1, 322: 65536, 323: 65536}
    _write_tiff(tmp_path / "b.tif", [b"x" * 99], tags, {})
    with pytest.raises(ReadError):
        read_scan(tmp_path / "b.tif")


def test_a_compression_that_needs_more_decoders_names_the_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tags = {256: 8, 257: 8, 258: 8, 259: 34712, 262: 1, 277: 1, 278: 8}
    _write_tiff(tmp_path / "a.tif", [b"x" * 99], tags, {})
    monkeypatch.setattr("super_resolution_gans.io.tiff_whole.find_spec", lambda _: None)
    with pytest.raises(ReadError, match=r'pip install "SuperResolution-GANs\[tiff\]"'):
        read_scan(tmp_path / "a.tif")


def test_a_volume_larger_than_memory_is_read_by_windows(tmp_path: Path) -> None:
    shape = (40, 20_000, 20_000)
    mapped = tifffile.memmap(tmp_path / "a.tif", shape=shape, dtype=np.uint8, bigtiff=True)
    mapped[39, 19_999, 3] = 255
    mapped.flush()
    scan = read_scan(tmp_path / "a.tif", max_pixels=400_000_000)
    assert scan.is_lazy
    assert scan.shape == shape
    window = scan.window(39, slice(19_998, 20_000), slice(2, 5))
    np.testing.assert_array_equal(window, [[0, 0, 0], [0, 1, 0]])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 40), st.integers(2, 40)),
    dtype=st.sampled_from(["u1", ">u2", "f4"]),
    tile=st.sampled_from([None, (16, 16), (32, 16)]),
    compression=st.sampled_from([None, "zlib"]),
    data=st.data(),
)
def test_a_window_is_the_same_part_of_the_whole(
    tmp_path: Path,
    shape: tuple[int, int, int],
    dtype: str,
    tile: tuple[int, int] | None,
    compression: str | None,
    data: st.DataObject,
) -> None:
    values = _random(shape, dtype)
    path = tmp_path / "a.tif"
    layout = {"tile": tile} if tile else {"rowsperstrip": 7}
    tifffile.imwrite(path, values, compression=compression, photometric="minisblack", **layout)
    scan = read_scan(path, lazy_above=0)
    index = data.draw(st.integers(0, shape[0] - 1))
    top = data.draw(st.integers(0, shape[1] - 1))
    left = data.draw(st.integers(0, shape[2] - 1))
    rows = slice(top, data.draw(st.integers(top + 1, shape[1])))
    columns = slice(left, data.draw(st.integers(left + 1, shape[2])))
    whole = read_scan(path).window(index, rows, columns)
    np.testing.assert_array_equal(scan.window(index, rows, columns), whole)


@pytest.mark.parametrize(
    "layout",
    [
        {"tile": (32, 48)},
        {"tile": (32, 48), "planarconfig": "separate", "photometric": "rgb"},
        {"rowsperstrip": 20},
        {"rowsperstrip": 200},
    ],
)
def test_reading_in_bands_decodes_every_strip_or_tile_once(
    tmp_path: Path, layout: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from super_resolution_gans.io import tiff_page

    shape = (2, 3, 200, 150) if "planarconfig" in layout else (2, 200, 150)
    values = np.random.default_rng(0).integers(0, 65536, shape, np.uint16)
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        for page in values:
            options = {"photometric": "minisblack", **layout}
            tiff.write(page, compression="zlib", metadata=None, **options)
    scan = read_scan(tmp_path / "a.tif", lazy_above=0)
    decoded, decode = [], tiff_page.Layout.decode

    def counting(self: tiff_page.Layout, data: memoryview, number: int) -> Any:
        decoded.append((self.offsets, number))
        return decode(self, data, number)

    monkeypatch.setattr(tiff_page.Layout, "decode", counting)
    for index in range(2):
        for top in range(0, 200, 10):
            rows = slice(max(0, top - 3), min(200, top + 13))
            for left in range(0, 150, 50):
                window = scan.window(index, rows, slice(left, left + 50))
                page = np.moveaxis(values[index], 0, 2) if len(shape) == 4 else values[index]
                expected = page[rows, left : left + 50] / np.float32(65535)
                np.testing.assert_array_equal(window, expected)
    assert len(decoded) == len(set(decoded))


def test_of_a_volume_only_strips_in_use_are_kept() -> None:
    from super_resolution_gans.io import tiff_cache

    cache = tiff_cache.SegmentCache()
    cache.room = 100
    for number in range(50):
        cache.put((number, 0), np.zeros(40, np.uint8))
    assert [number for number in range(50) if cache.get((number, 0)) is not None] == [48, 49]
    cache.put((50, 0), np.zeros(1000, np.uint8))
    assert [number for number in range(51) if cache.get((number, 0)) is not None] == [50]


@pytest.mark.parametrize(
    ("dtype", "colour", "lazy"),
    [("u1", False, True), ("u2", False, True), ("f4", False, False), ("u1", True, False)],
)
def test_what_need_not_be_searched_is_read_piece_by_piece_sooner(
    tmp_path: Path, dtype: str, colour: bool, lazy: bool
) -> None:
    shape = (2, 20, 30, 3) if colour else (2, 20, 30)
    values = np.random.default_rng(0).integers(0, 200, shape).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb" if colour else "minisblack")
    np.save(tmp_path / "a.npy", values)
    for suffix in (".tif", ".npy"):
        scan = read_scan(tmp_path / f"a{suffix}", stream_above=100)
        assert scan.is_lazy == lazy
        assert not read_scan(tmp_path / f"a{suffix}").is_lazy
        np.testing.assert_array_equal(scan.load().pixels, read_scan(tmp_path / f"a{suffix}").pixels)
