"""PNG, JPEG, BMP, WebP and GIF: depth, colour, alpha, orientation, against Pillow or by hand."""

import struct
import threading
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from super_resolution_gans.io import ReadError, read_scan
from super_resolution_gans.io.quiet import quiet


def _random(shape: tuple[int, ...], dtype: str = "u1") -> NDArray[np.generic]:
    top = np.iinfo(dtype).max
    return np.random.default_rng(3).integers(0, top, shape, dtype, endpoint=True)


def _save(path: Path, values: NDArray[np.generic], **options: object) -> Path:
    Image.fromarray(values).save(path, **options)
    return path


def _png(path: Path, values: NDArray[np.uint16], colour_type: int, *extra: bytes) -> Path:
    """A 16-bit PNG, its rows filtered in turn by None, Sub, Up, Average and Paeth."""
    height, width = values.shape[:2]
    rows = values.astype(">u2").reshape(height, -1).view(np.uint8).astype(int)
    step = rows.shape[1] // width
    lines = b""
    for y, row in enumerate(rows):
        kind = y % 5
        left = np.concatenate([np.zeros(step, int), row[:-step]])
        above = rows[y - 1] if y else np.zeros_like(row)
        corner = np.concatenate([np.zeros(step, int), above[:-step]])
        guess = left + above - corner
        distance = np.abs(guess - np.stack([left, above, corner]))
        paeth = np.choose(distance.argmin(axis=0), [left, above, corner])
        predicted = [np.zeros_like(row), left, above, (left + above) // 2, paeth][kind]
        lines += bytes([kind]) + ((row - predicted) % 256).astype(np.uint8).tobytes()

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    body = [chunk(b"IHDR", header), *(chunk(data[:4], data[4:]) for data in extra)]
    body += [chunk(b"IDAT", zlib.compress(lines)), chunk(b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(body))
    return path


@pytest.mark.parametrize("suffix", ["png", "bmp", "webp", "gif"])
def test_eight_bit_grey_is_read_exactly(tmp_path: Path, suffix: str) -> None:
    values = _random((9, 13))
    path = _save(tmp_path / f"a.{suffix}", values, lossless=True)
    scan = read_scan(path)
    assert (scan.channels, scan.dtype, scan.value_range) == (1, np.uint8, (0, 255))
    np.testing.assert_array_equal(scan.to_array()[0], values)
    assert scan.source == str(path)


@pytest.mark.parametrize("suffix", ["png", "bmp", "webp"])
def test_eight_bit_colour_is_read_exactly(tmp_path: Path, suffix: str) -> None:
    values = _random((9, 13, 3))
    scan = read_scan(_save(tmp_path / f"a.{suffix}", values, lossless=True))
    np.testing.assert_array_equal(scan.to_array()[0], values)


def test_sixteen_bit_grey_stays_sixteen_bit(tmp_path: Path) -> None:
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    scan = read_scan(_save(tmp_path / "a.png", values))
    assert scan.dtype == np.uint16
    np.testing.assert_array_equal(scan.to_array()[0], values)


def test_sixteen_bit_colour_stays_sixteen_bit_through_every_filter(tmp_path: Path) -> None:
    values = _random((11, 7, 3), "u2")
    scan = read_scan(_png(tmp_path / "a.png", values, 2))
    assert scan.dtype == np.uint16
    np.testing.assert_array_equal(scan.to_array()[0], values)


def test_sixteen_bit_alpha_is_composited_in_sixteen_bit(tmp_path: Path) -> None:
    rgba, la = _random((11, 7, 4), "u2"), _random((11, 7, 2), "u2")
    wide = rgba.astype(np.int64)
    expected = np.rint(wide[..., :3] * wide[..., 3:] / 65535)
    np.testing.assert_array_equal(
        read_scan(_png(tmp_path / "a.png", rgba, 6)).to_array()[0], expected
    )
    wide = la.astype(np.int64)
    expected = np.rint(wide[..., 0] * wide[..., 1] / 65535)
    np.testing.assert_array_equal(
        read_scan(_png(tmp_path / "b.png", la, 4)).to_array()[0], expected
    )


def test_the_transparent_colour_of_sixteen_bit_png_is_black(tmp_path: Path) -> None:
    values = _random((6, 5, 3), "u2")
    hole = b"tRNS" + values[2, 3].astype(">u2").tobytes()
    expected = values.copy()
    expected[2, 3] = 0
    scan = read_scan(_png(tmp_path / "a.png", values, 2, hole))
    np.testing.assert_array_equal(scan.to_array()[0], expected)


def test_colour_that_is_grey_everywhere_is_read_as_grey(tmp_path: Path) -> None:
    grey = _random((9, 13))
    for suffix in ("png", "bmp", "webp"):
        path = _save(tmp_path / f"a.{suffix}", np.dstack([grey] * 3), lossless=True)
        np.testing.assert_array_equal(read_scan(path).to_array()[0], grey)
    almost = np.dstack([grey] * 3)
    almost[4, 5, 2] ^= 1
    assert read_scan(_save(tmp_path / "b.png", almost)).channels == 3


def test_opaque_alpha_is_dropped_and_other_alpha_is_over_black(tmp_path: Path) -> None:
    values = _random((9, 13, 4))
    opaque = values.copy()
    opaque[..., 3] = 255
    scan = read_scan(_save(tmp_path / "a.png", opaque))
    np.testing.assert_array_equal(scan.to_array()[0], values[..., :3])
    black = Image.new("RGBA", (13, 9), (0, 0, 0, 255))
    expected = Image.alpha_composite(black, Image.fromarray(values)).convert("RGB")
    seen = read_scan(_save(tmp_path / "b.png", values)).to_array()[0].astype(int)
    assert np.abs(seen - np.asarray(expected)).max() <= 1  # Pillow rounds by shifting


def test_grey_with_alpha_is_grey(tmp_path: Path) -> None:
    values = _random((9, 13, 2))
    values[..., 1] = 255
    Image.fromarray(values, "LA").save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_scan(tmp_path / "a.png").to_array()[0], values[..., 0])


def test_a_palette_becomes_its_colours_or_grey_if_they_are_grey(tmp_path: Path) -> None:
    index = _random((9, 13)) % 4
    image = Image.fromarray(index, "L").convert("P")
    image.putdata(index.ravel().tolist())
    image.putpalette([10, 20, 30, 200, 0, 0, 5, 5, 5, 255, 255, 255])
    image.save(tmp_path / "a.png")
    colours = np.array([[10, 20, 30], [200, 0, 0], [5, 5, 5], [255, 255, 255]])
    np.testing.assert_array_equal(read_scan(tmp_path / "a.png").to_array()[0], colours[index])
    image.putpalette([10, 10, 10, 200, 200, 200, 5, 5, 5, 255, 255, 255])
    image.save(tmp_path / "b.png")
    greys = np.array([10, 200, 5, 255])
    np.testing.assert_array_equal(read_scan(tmp_path / "b.png").to_array()[0], greys[index])
    image.save(tmp_path / "c.png", transparency=bytes([255, 0, 128]))
    seen = np.array([10, 0, 3, 255])  # 5 * 128 / 255 = 2.5, rounded up
    np.testing.assert_array_equal(read_scan(tmp_path / "c.png").to_array()[0], seen[index])


def test_one_bit_is_black_and_white(tmp_path: Path) -> None:
    values = _random((9, 13)) > 127
    Image.fromarray(values).save(tmp_path / "a.png")
    scan = read_scan(tmp_path / "a.png")
    assert scan.dtype == np.uint8
    np.testing.assert_array_equal(scan.to_array()[0], values * 255)


def test_cmyk_becomes_rgb(tmp_path: Path) -> None:
    image = Image.fromarray(_random((16, 16, 4)), "CMYK")
    image.save(tmp_path / "a.jpg", quality=95)
    with Image.open(tmp_path / "a.jpg") as again:
        expected = np.asarray(again.convert("RGB"))
    np.testing.assert_array_equal(read_scan(tmp_path / "a.jpg").to_array()[0], expected)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int) -> None:
    values = _random((5, 8))
    exif = Image.Exif()
    exif[274] = orientation
    path = _save(tmp_path / "a.png", values, exif=exif)
    upright = {
        1: values,
        2: values[:, ::-1],
        3: np.rot90(values, 2),
        4: values[::-1],
        5: values.T,
        6: np.rot90(values, -1),
        7: np.rot90(values, 2).T,
        8: np.rot90(values),
    }[orientation]
    np.testing.assert_array_equal(read_scan(path).to_array()[0], upright)


def test_pixel_size_is_believed_only_where_it_is_not_about_paper(tmp_path: Path) -> None:
    values = _random((5, 8))
    path = _save(tmp_path / "a.png", values, dpi=(25.4 / 0.0114, 25.4 / 0.0039))
    assert read_scan(path).spacing == (
        None,
        pytest.approx(0.0039, rel=1e-4),
        pytest.approx(0.0114, rel=1e-4),
    )
    for dpi in (72, 96, 300, 600, 0, 1):
        path = _save(tmp_path / "b.png", values, dpi=(dpi, dpi))
        assert read_scan(path).spacing == (None, None, None)
    exif = Image.Exif()
    exif[274] = 6
    path = _save(tmp_path / "c.png", values, dpi=(25.4 / 0.0114, 25.4 / 0.0039), exif=exif)
    assert read_scan(path).spacing[1] == pytest.approx(0.0114, rel=1e-4)


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "webp", "gif"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.9])
def test_a_truncated_file_is_an_error(tmp_path: Path, suffix: str, share: float) -> None:
    path = _save(tmp_path / f"a.{suffix}", _random((64, 64)))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ReadError) as caught:
        read_scan(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_flipped_bit_in_png_data_is_an_error(tmp_path: Path) -> None:
    path = _save(tmp_path / "a.png", _random((64, 64)), compress_level=0)
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    path.write_bytes(bytes(damaged))
    with pytest.raises(ReadError, match="checksum of IDAT"):
        read_scan(path)


def test_too_many_pixels_are_refused_before_decoding(tmp_path: Path) -> None:
    path = _save(tmp_path / "a.png", _random((64, 64)))
    with pytest.raises(ReadError, match=r"64 x 64 .* limit of 4095"):
        read_scan(path, max_pixels=4095)
    assert read_scan(path, max_pixels=4096).shape == (1, 64, 64)


def test_pillows_own_limit_is_neither_met_nor_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _save(tmp_path / "a.png", _random((64, 64)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert read_scan(path).shape == (1, 64, 64)
    assert Image.MAX_IMAGE_PIXELS == 100


def test_warnings_are_as_before_after_threads_were_quiet_at_once() -> None:
    filters = list(warnings.filters)
    inside, leave = threading.Barrier(3), threading.Barrier(3)

    def work() -> None:
        with quiet():
            inside.wait()
            warnings.warn("not heard", UserWarning, stacklevel=1)
            leave.wait()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    inside.wait()
    leave.wait()
    for thread in threads:
        thread.join()
    assert list(warnings.filters) == filters
