"""Files that break off: an error, or all of the pixels; never a part of them without a word."""

import io
import struct
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from super_resolution_gans.io import ReadError, read_scan

OFFSETS = 50
EXAMPLES = sorted((Path(__file__).parents[2] / "examples" / "scans").glob("*.*"))


@cache
def picture(mode: str, side: int = 64) -> Image.Image:
    """Smooth and noisy, so that every codec has something to do."""
    rng = np.random.default_rng(0)
    ramp = np.add.outer(np.arange(side), np.arange(side)).astype(np.float64)
    bands = [ramp * k + rng.normal(0, 9, ramp.shape) for k in (1.7, 1.1, 0.6, 1.9)]
    image = Image.fromarray(np.clip(np.dstack(bands), 0, 255).astype(np.uint8), "RGBA")
    return image.convert("RGB").convert(mode) if mode in ("P", "CMYK") else image.convert(mode)


def deep(dtype: str, shape: tuple[int, ...] = (64, 64)) -> np.ndarray:
    values = np.random.default_rng(1).normal(0.5, 0.1, shape).clip(0, 1)
    return (values * (1 if dtype[-2] == "f" else np.iinfo(dtype).max)).astype(dtype)


def pillow(kind: str, mode: str, **options: object) -> bytes:
    stream = io.BytesIO()
    picture(mode).save(stream, kind, **options)
    return stream.getvalue()


def animated(kind: str, **options: object) -> bytes:
    return pillow(kind, "L", save_all=True, append_images=[picture("L").rotate(90)], **options)


def tiff(values: np.ndarray, **options: object) -> bytes:
    stream = io.BytesIO()
    options = {"photometric": "minisblack", **options}
    tifffile.imwrite(stream, values, maxworkers=1, **options)
    return stream.getvalue()


def npy(values: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, values)
    return stream.getvalue()


VOLUME = (3, 40, 48)
FILES: dict[str, Callable[[], bytes]] = {
    "grey.png": lambda: pillow("PNG", "L"),
    "bit.png": lambda: pillow("PNG", "1"),
    "palette.png": lambda: pillow("PNG", "P"),
    "rgb.png": lambda: pillow("PNG", "RGB"),
    "rgba.png": lambda: pillow("PNG", "RGBA"),
    "stored.png": lambda: pillow("PNG", "L", compress_level=0),
    "grey.jpg": lambda: pillow("JPEG", "L"),
    "rgb.jpg": lambda: pillow("JPEG", "RGB", quality=95),
    "progressive.jpg": lambda: pillow("JPEG", "RGB", progressive=True),
    "cmyk.jpg": lambda: pillow("JPEG", "CMYK"),
    "restarts.jpg": lambda: pillow("JPEG", "L", restart_marker_blocks=4),
    "grey.gif": lambda: pillow("GIF", "L"),
    "palette.gif": lambda: pillow("GIF", "P", interlace=0),
    "moving.gif": lambda: animated("GIF"),
    "lossy.webp": lambda: pillow("WEBP", "RGB"),
    "lossless.webp": lambda: pillow("WEBP", "RGB", lossless=True),
    "alpha.webp": lambda: pillow("WEBP", "RGBA"),
    "moving.webp": lambda: animated("WEBP", lossless=True),
    "grey.bmp": lambda: pillow("BMP", "L"),
    "bit.bmp": lambda: pillow("BMP", "1"),
    "rgb.bmp": lambda: pillow("BMP", "RGB"),
    "grey.tif": lambda: tiff(deep("u1")),
    "big-endian.tif": lambda: tiff(deep("u2"), byteorder=">"),
    "float.tif": lambda: tiff(deep("f4"), rowsperstrip=8),
    "volume.tif": lambda: tiff(deep("u2", VOLUME)),
    "big.tif": lambda: tiff(deep("u1", VOLUME), bigtiff=True),
    "imagej.tif": lambda: tiff(deep("u2", VOLUME), imagej=True),
    "tiles.tif": lambda: tiff(deep("u1", (80, 96)), tile=(16, 32)),
    "deflate.tif": lambda: tiff(deep("u2", VOLUME), compression="zlib", rowsperstrip=8),
    "predictor.tif": lambda: tiff(deep("u2"), compression="zlib", predictor=True),
    "planes.tif": lambda: tiff(deep("u1", VOLUME), photometric="rgb", planarconfig="separate"),
    "lzw.tif": lambda: pillow("TIFF", "L", compression="tiff_lzw"),
    "packbits.tif": lambda: pillow("TIFF", "RGB", compression="packbits"),
    "lzma.tif": lambda: pillow("TIFF", "L", compression="lzma"),
    "zstd.tif": lambda: pillow("TIFF", "L", compression="zstd"),
    "jpeg.tif": lambda: pillow("TIFF", "L", compression="jpeg"),
    "fax.tif": lambda: pillow("TIFF", "1", compression="group4"),
    "palette.tif": lambda: pillow("TIFF", "P"),
    "u1.npy": lambda: npy(deep("u1")),
    "f4.npy": lambda: npy(deep("f4", VOLUME)),
    "rgb.npy": lambda: npy(deep("u2", (40, 48, 3))),
}
OTHERS = [
    *("pngsuite/basi6a16.png", "pngsuite/basi3p04.png", "libpng/good/rgb-16.png"),
    *("pillow/modes/tiff_tiled_planar_lzw.tiff", "libtiff/rgb-3c-16b.tiff"),
]


def cut(path: Path, data: bytes) -> tuple[list[str], list[int]]:
    """Read the file at all its lengths; the errors, and the lengths that gave other pixels."""
    path.write_bytes(data)
    whole = read_scan(path)
    pixels = whole.to_array()
    lengths = {*np.linspace(0, len(data) - 1, OFFSETS - 2, dtype=int), len(data) - 1, len(data) - 2}
    errors, wrong = [], []
    for length in sorted(int(n) for n in lengths):
        path.write_bytes(data[:length])
        try:
            scan = read_scan(path)
            values = scan.to_array()
        except ReadError as error:
            errors.append(str(error))
            continue
        known = (scan.dtype, scan.value_range) == (whole.dtype, whole.value_range)
        if not known or not np.array_equal(values, pixels):
            wrong.append(length)
    return errors, wrong


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, the one for temporary files as well, in which nothing else may appear."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def check(path: Path, data: bytes) -> None:
    errors, wrong = cut(path, data)
    assert wrong == []
    assert all(e.startswith(f"{path}: ") and e.isprintable() for e in errors)
    # Behind the first picture of several nothing is needed.
    assert len(errors) >= (0.4 if "moving" in path.name else 0.7) * OFFSETS
    assert list(path.parent.iterdir()) == [path]


def test_there_are_enough_of_them() -> None:
    assert len(FILES) + len(EXAMPLES) >= 40


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_breaks_off_is_an_error(alone: Path, name: str) -> None:
    check(alone / name, FILES[name]())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_a_scan_that_breaks_off_is_an_error(alone: Path, path: Path) -> None:
    check(alone / path.name, path.read_bytes())


@pytest.mark.parametrize("name", OTHERS)
def test_a_file_of_others_that_breaks_off_is_an_error(alone: Path, shared: Path, name: str) -> None:
    path = shared / "corpus" / name
    check(alone / path.name, path.read_bytes())


def test_pillow_is_not_told_to_forgive() -> None:
    from PIL import ImageFile

    assert not ImageFile.LOAD_TRUNCATED_IMAGES


def jpeg_page(width: int, height: int, strip: bytes) -> bytes:
    """A whole TIFF file around a JPEG."""
    tags = {256: width, 257: height, 258: 8, 259: 7, 262: 1, 273: 8, 277: 1, 278: height}
    tags[279] = len(strip)
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, n) for tag, n in sorted(tags.items()))
    head = struct.pack("<2sHI", b"II", 42, 8 + len(strip))
    return head + strip + struct.pack("<H", len(tags)) + entries + bytes(4)


def test_a_jpeg_strip_that_is_not_all_there_is_an_error(tmp_path: Path) -> None:
    """libtiff fills up with grey or black, and says so to nobody."""
    path, whole = tmp_path / "a.tif", pillow("JPEG", "L")
    path.write_bytes(jpeg_page(64, 64, whole))
    assert read_scan(path).shape == (1, 64, 64)
    for length in np.linspace(0, len(whole) - 1, OFFSETS, dtype=int):
        path.write_bytes(jpeg_page(64, 64, whole[:length]))
        with pytest.raises(ReadError, match=r"damaged|truncated"):
            read_scan(path)
    for width, height in ((64, 65), (65, 64), (128, 128)):
        path.write_bytes(jpeg_page(width, height, whole))
        with pytest.raises(ReadError, match=f"{width} x {height} pixels in a JPEG of 64 x 64"):
            read_scan(path)
