"""Small files that want much memory or time: refused by their headers, before they are decoded."""

import io
import lzma
import re
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageFile

from super_resolution_gans.io import ReadError, jpeg, read_scan, tiff_codecs, tiff_page

LIMIT = r"over the limit of 100000000 a slice \(max_pixels, or --max-pixels of srgan upscale"


class DecodedError(BaseException):
    """No reader may catch it."""


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int) -> bytes:
    """Black pixels, all of them there."""
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    packer = zlib.compressobj(9)
    line = bytes(width + 1)
    pixels = b"".join(packer.compress(line) for _ in range(height)) + packer.flush()
    return b"\x89PNG\r\n\x1a\n" + header + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def saved(kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.new("L", (16, 16), 99).save(stream, kind, **options)
    return stream.getvalue()


def announcing(data: bytes, at: int, code: str, *numbers: int) -> bytes:
    """The same bytes with another size in the header."""
    size = struct.pack(code, *numbers)
    return data[:at] + size + data[at + len(size) :]


def jpeg_of(width: int, height: int) -> bytes:
    data = saved("JPEG")
    return announcing(data, data.index(b"\xff\xc0") + 5, ">HH", height, width)


def tiff(
    pages: int, width: int, height: int, strip: bytes, compression: int, bits: int = 8
) -> bytes:
    """Every page has the same strip."""
    tags = {256: width, 257: height, 258: bits, 259: compression, 262: 1, 273: 8}
    tags |= {277: 1, 278: height, 279: len(strip)}
    size, start = 2 + 12 * len(tags) + 4, 8 + len(strip)
    directories = b""
    for number in range(1, pages + 1):
        entries = b"".join(struct.pack("<HHII", tag, 4, 1, v) for tag, v in sorted(tags.items()))
        following = start + size * number if number < pages else 0
        directories += struct.pack("<H", len(tags)) + entries + struct.pack("<I", following)
    return struct.pack("<2sHI", b"II", 42, start) + strip + directories


def npy(height: int, width: int) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        stream, {"descr": "|u1", "fortran_order": False, "shape": (height, width)}
    )
    return stream.getvalue()


def webp() -> bytes:
    """Lossless; its width and height are 14 bits each behind the signature byte, less one."""
    data = saved("WEBP", lossless=True)
    at = data.index(b"VP8L") + 9
    (bits,) = struct.unpack_from("<I", data, at)
    return announcing(data, at, "<I", bits | (1 << 28) - 1)


BOMBS: dict[str, Callable[[], bytes]] = {
    "a.png": lambda: png(13_000, 8_000),
    "header.png": lambda: announcing(png(3, 3), 16, ">II", 2**31 - 1, 2**31 - 1),
    "a.jpg": lambda: jpeg_of(65_500, 65_500),
    "a.gif": lambda: announcing(saved("GIF"), 6, "<HH", 65_535, 65_535),
    "a.bmp": lambda: announcing(saved("BMP"), 18, "<ii", 60_000, 60_000),
    "a.webp": webp,
    "deflate.tif": lambda: tiff(1, 60_000, 60_000, zlib.compress(bytes(1 << 16)), 8),
    "lzw.tif": lambda: tiff(1, 4_000_000_000, 4_000_000_000, b"x" * 9, 5),
    "jpeg.tif": lambda: tiff(1, 65_000, 65_000, saved("JPEG"), 7),
    "thin.tif": lambda: tiff(1, 1, 200_000_000, b"x" * 9, 8, bits=1),
}


@pytest.fixture
def undecoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decoders that cannot be called."""

    def decode(*_: object, **__: object) -> None:
        raise DecodedError

    monkeypatch.setattr(ImageFile.ImageFile, "load", decode)
    for module in (tiff_codecs, tiff_page):
        monkeypatch.setattr(module, "decompress", decode)
    monkeypatch.setattr(tifffile.TiffPage, "asarray", decode)


def refusal(path: Path) -> str:
    """The message; numpy and Python may take 8 MiB for it."""
    np.save(path.with_name("warm.npy"), np.zeros((2, 2), np.uint8))
    read_scan(path.with_name("warm.npy"))  # what is imported only once is not counted
    tracemalloc.start()
    try:
        with pytest.raises(ReadError) as caught:
            read_scan(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 << 20, f"{peak} bytes"
    return str(caught.value)


@pytest.mark.usefixtures("undecoded")
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_by_its_header(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(BOMBS[name]())
    assert path.stat().st_size < 200_000
    assert re.search(LIMIT, refusal(path))


@pytest.mark.usefixtures("undecoded")
def test_an_array_with_holes_is_refused_by_its_header(tmp_path: Path) -> None:
    header = npy(20_000, 20_000)
    with (tmp_path / "a.npy").open("wb") as file:
        file.write(header)
        file.truncate(len(header) + 400_000_000)
    assert re.search(LIMIT, refusal(tmp_path / "a.npy"))


@pytest.mark.usefixtures("undecoded")
@pytest.mark.parametrize(
    "name",
    [
        "made/bombs/png_13000x13000_gray8_under_pillow_limit.png",
        "made/bombs/jpeg_sof_65500x65500.jpg",
        "pillow/nasty/decompression_bomb.gif",
    ],
)
def test_bombs_of_others_are_refused_by_their_headers(
    tmp_path: Path, shared: Path, name: str
) -> None:
    path = tmp_path / Path(name).name
    path.write_bytes((shared / "corpus" / name).read_bytes())
    assert re.search(LIMIT, refusal(path))


def test_the_limit_can_be_raised(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(64, 63))
    with pytest.raises(ReadError, match="64 x 63 pixels are over the limit of 4031 a slice"):
        read_scan(tmp_path / "a.png", max_pixels=4031)
    assert read_scan(tmp_path / "a.png", max_pixels=4032).shape == (1, 63, 64)


def test_channels_count_from_the_fifth(tmp_path: Path) -> None:
    for channels in (4, 5):
        values = np.zeros((10, 10, channels), np.uint8)
        extra = (0,) * (channels - 1)
        tifffile.imwrite(
            tmp_path / f"{channels}.tif",
            values,
            photometric="minisblack",
            planarconfig="contig",
            extrasamples=extra,
        )
    assert read_scan(tmp_path / "4.tif", max_pixels=100).shape == (1, 10, 10)
    with pytest.raises(
        ReadError, match=r"10 x 10 pixels of 5 channels, .*, are over the limit of 100 a"
    ):
        read_scan(tmp_path / "5.tif", max_pixels=100)


def test_a_jpeg_of_countless_scans_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = saved("JPEG", progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]
    scans = data.count(b"\xff\xda")
    for count in (100, 101):
        more = last * (count - scans)
        (tmp_path / f"{count}.jpg").write_bytes(data[:-2] + more + data[-2:])
    read_scan(tmp_path / "100.jpg")
    # Pieces may end anywhere.
    for step in (1, 2, 1 << 20):
        monkeypatch.setattr(jpeg, "_STEP", step)
        with pytest.raises(ReadError, match="a JPEG of more than 100 scans"):
            read_scan(tmp_path / "101.jpg")


@pytest.mark.usefixtures("undecoded")
def test_pages_that_share_one_strip_are_refused(tmp_path: Path) -> None:
    strip = zlib.compress(bytes(81_000_000))
    (tmp_path / "a.tif").write_bytes(tiff(1000, 9000, 9000, strip, 8))
    assert "damaged TIFF (78749000 bytes of pixels in " in refusal(tmp_path / "a.tif")


@pytest.mark.usefixtures("undecoded")
def test_a_volume_that_must_be_in_memory_has_a_limit(tmp_path: Path) -> None:
    strip = saved("JPEG") + bytes(9000)
    (tmp_path / "a.tif").write_bytes(tiff(27, 9000, 9000, strip, 7) + bytes(10_000))
    message = refusal(tmp_path / "a.tif")
    assert "its slices take 2187000000 bytes and have to be in memory together" in message
    assert "the limit is 2147483648 (max_memory of read_scan raises it; TIFF without" in message


def test_a_stack_cannot_be_announced_into_being(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((2, 8, 8), np.uint8), imagej=True)
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        counts, following = file.pages[0].tags[279].valueoffset, file.pages[1].offset
    data = bytearray((tmp_path / "a.tif").read_bytes())
    data = data.replace(b"images=2", b"images=9")
    data = data.replace(struct.pack("<I", following), bytes(4))  # one page
    data[counts : counts + 4] = struct.pack("<I", 1)
    (tmp_path / "a.tif").write_bytes(data)
    assert "9 images are announced, each smaller" in refusal(tmp_path / "a.tif")


def test_a_dictionary_of_gigabytes_is_refused(tmp_path: Path) -> None:
    strip = bytearray(lzma.compress(bytes(100), format=lzma.FORMAT_ALONE))
    strip[1:5] = (3 << 30).to_bytes(4, "little")
    (tmp_path / "a.tif").write_bytes(tiff(1, 10, 10, bytes(strip), 34925))
    with pytest.raises(ReadError, match=r"[Mm]emory"):
        read_scan(tmp_path / "a.tif")


def test_rows_of_one_bit_are_unpacked_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, unpack = [], np.unpackbits

    def unpackbits(*arguments: object, **options: object) -> object:
        calls.append(1)
        return unpack(*arguments, **options)

    monkeypatch.setattr(np, "unpackbits", unpackbits)
    bits = np.random.default_rng(0).integers(0, 2, 100_000, np.uint8)
    (tmp_path / "a.tif").write_bytes(tiff(1, 1, len(bits), zlib.compress(bytes(bits << 7)), 8, 1))
    np.testing.assert_array_equal(read_scan(tmp_path / "a.tif").to_array()[0, :, 0], bits * 255)
    assert len(calls) == 1


def test_a_strip_is_not_copied_beyond_what_it_can_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes, decompress = [], tiff_codecs.decompress

    def noting(data: bytes, *rest: int) -> bytes:
        sizes.append(len(data))
        return decompress(data, *rest)

    monkeypatch.setattr(tiff_page, "decompress", noting)
    strip = zlib.compress(bytes(100)) + bytes(1 << 20)
    (tmp_path / "a.tif").write_bytes(tiff(1, 10, 10, strip, 8))
    assert read_scan(tmp_path / "a.tif").shape == (1, 10, 10)
    assert sizes == [200 + 4096]


@pytest.mark.usefixtures("undecoded")
def test_pages_that_share_one_long_list_are_refused(tmp_path: Path) -> None:
    strips, pages = 10_000, 100
    table = struct.pack("<I", 8) * strips
    data = bytearray(tiff(pages, 8, 8, table, 1))
    for tag, value in ((273, 8), (279, len(table))):
        own = struct.pack("<HHII", tag, 4, 1, value)
        data = data.replace(own, struct.pack("<HHII", tag, 4, strips, 8))
    (tmp_path / "a.tif").write_bytes(data)
    assert "its pages list more than the file holds" in refusal(tmp_path / "a.tif")


@pytest.mark.usefixtures("undecoded")
def test_pages_that_overlap_are_refused(tmp_path: Path) -> None:
    """Each of the pages has nearly all of the file as its tags."""
    data = bytearray(60_000)
    struct.pack_into("<2sHI", data, 0, b"II", 42, 8)
    for number in range(20):
        at, tags = 8 + number * 10, 4000
        struct.pack_into("<H", data, at, tags)
        struct.pack_into("<I", data, at + 2 + 12 * tags, at + 10)
    (tmp_path / "a.tif").write_bytes(data)
    assert "its pages overlap" in refusal(tmp_path / "a.tif")
