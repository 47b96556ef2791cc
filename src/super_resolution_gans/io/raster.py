"""PNG, JPEG, BMP, WebP and GIF through Pillow: one still image, upright, grey or RGB."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.io import jpeg, orientation, png
from super_resolution_gans.io.errors import ReadError
from super_resolution_gans.io.quiet import quiet
from super_resolution_gans.io.spacing import from_dpi
from super_resolution_gans.io.stored import (
    Limits,
    check_size,
    explain,
    is_grey,
    too_many_pixels,
)
from super_resolution_gans.scan import Scan, Spacing

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

_ROWS_AT_ONCE = 1 << 20
_PILLOWS_LIMIT = 178_956_970


def read_png(path: Path, source: str, limits: Limits) -> Scan:
    """Read a PNG as :func:`read_raster` does; its checksums are verified first."""
    from PIL.PngImagePlugin import PngImageFile

    # Before the checksums, for which the whole file is read.
    check_size(source, *png.announced_size(path, source), 1, limits)
    png.check_chunks(path, source)
    return read_raster(PngImageFile, path, source, limits)


def read_jpeg(path: Path, source: str, limits: Limits) -> Scan:
    """Read a JPEG as :func:`read_raster` does, unless it has more scans than any real one."""
    from PIL.JpegImagePlugin import JpegImageFile

    return read_raster(JpegImageFile, path, source, limits, check=jpeg.check_scans)


def read_bmp(path: Path, source: str, limits: Limits) -> Scan:
    from PIL.BmpImagePlugin import BmpImageFile

    return read_raster(BmpImageFile, path, source, limits)


def read_webp(path: Path, source: str, limits: Limits) -> Scan:
    from PIL.WebPImagePlugin import WebPImageFile

    return read_raster(WebPImageFile, path, source, limits)


def read_gif(path: Path, source: str, limits: Limits) -> Scan:
    from PIL.GifImagePlugin import GifImageFile

    return read_raster(GifImageFile, path, source, limits)


def read_raster(
    plugin: Callable[[Path], "ImageFile"],
    path: Path,
    source: str,
    limits: Limits,
    check: Callable[[Path, str], None] | None = None,
) -> Scan:
    """Read the first image of a file.

    EXIF orientation is applied. Palettes become their colours, CMYK and YCbCr become RGB, one-bit
    pixels 0 and 255. An opaque alpha channel is dropped, any other is composited over black, the
    background of a B-scan. Sixteen bits stay sixteen, in colour too. Colour in which red, green
    and blue agree everywhere becomes grey: most exported scans are stored that way. Nothing of
    the file's text or EXIF is kept but a believable pixel size.

    Args:
        plugin: Pillow's class for the format. Called directly, because ``Image.open`` would try
            other formats as well, and has a limit on pixels of its own that is a global.
        check: what to look for in the file before it is decoded.

    Raises:
        ReadError: if the file is damaged, truncated or over the limit, which is checked before a
            pixel is decoded.
    """
    from PIL.Image import DecompressionBombError

    with quiet():
        try:
            with plugin(path) as image:
                channels = 3 if image.mode == "P" else len(image.getbands())
                check_size(source, image.height, image.width, channels, limits)
                if check is not None:
                    check(path, source)
                values = decode(image, path)
                turned = _turned(image)
                spacing = _spacing(image.info.get("dpi"), turned)
        except ReadError:
            raise
        except DecompressionBombError as error:
            # Of GIF and WebP, Pillow's own limit is met while they are opened.
            if limits.max_pixels < _PILLOWS_LIMIT:
                raise too_many_pixels(source, "its pixels", limits) from None
            raise ReadError(source, f"too large for Pillow ({explain(error)})") from None
        except MemoryError:
            raise ReadError(source, "too large for the memory of this machine") from None
        except Exception as error:  # decoders of damaged data raise whatever comes
            raise ReadError(source, f"damaged or not supported ({explain(error)})") from None
    values = orientation.upright(values, turned)
    if values.ndim == 2 or is_grey(values):
        values = values.reshape(*values.shape[:2], -1)[..., :1]
    return Scan.from_array(values, spacing=spacing, source=source)


def decode(image: "ImageFile", path: Path) -> NDArray[Any]:
    """Pixels as stored: uint8 or uint16, (h, w) or (h, w, 3); alpha composited over black."""
    if image.format == "PNG" and png.is_deep_colour(image):  # type: ignore[arg-type]
        return _decode_deep(png.decode_deep_colour(path), image.info.get("transparency"))
    image.load()
    hole = image.info.get("transparency")
    if image.mode == "P":
        return _through_palette(image, hole)
    if image.mode.startswith("I;16"):
        values = np.array(image).astype(np.uint16)
        if isinstance(hole, int):
            values[values == hole] = 0
        return values
    if image.mode in ("L", "1") and not isinstance(hole, int | bytes):
        return np.asarray(image if image.mode == "L" else image.convert("L"))
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or hole is not None:
        values = np.array(image.convert("RGBA"))
        return over_black(values[..., :3], values[..., 3])
    return np.array(image.convert("RGB"))


def over_black(colour: NDArray[Any], alpha: NDArray[Any]) -> NDArray[Any]:
    """``colour`` (h, w[, c]) seen through ``alpha`` (h, w) before black; uint8 or uint16."""
    full = np.uint32(np.iinfo(alpha.dtype).max)
    if bool((alpha == full).all()):
        return colour
    seen = np.empty_like(colour)
    step = max(1, _ROWS_AT_ONCE // max(1, colour[0].size))
    for top in range(0, len(colour), step):
        rows = slice(top, top + step)
        share = alpha[rows] if colour.ndim == 2 else alpha[rows, :, np.newaxis]
        seen[rows] = (colour[rows].astype(np.uint32) * share + full // 2) // full
    return seen


def _decode_deep(values: NDArray[np.uint16], hole: Any) -> NDArray[np.uint16]:
    if values.shape[2] in (2, 4):
        colour = values[..., 0] if values.shape[2] == 2 else values[..., :3]
        return over_black(colour, values[..., -1])
    if isinstance(hole, tuple) and len(hole) == 3:
        values[(values == np.array(hole, np.uint16)).all(axis=2)] = 0
    return values


def _through_palette(image: "ImageFile", hole: Any) -> NDArray[np.uint8]:
    colours = np.zeros((256, 3), np.uint8)
    listed = np.array(image.getpalette("RGB") or [], np.uint8).reshape(-1, 3)[:256]
    colours[: len(listed)] = listed
    alpha = np.full(256, 255, np.uint8)
    if isinstance(hole, bytes):
        alpha[: len(hole)] = np.frombuffer(hole[:256], np.uint8)
    elif isinstance(hole, int) and 0 <= hole < 256:
        alpha[hole] = 0
    colours = over_black(colours[np.newaxis], alpha[np.newaxis])[0]
    pixels = np.array(image)
    used = np.unique(pixels)
    values: NDArray[np.uint8] = (colours[:, 0] if is_grey(colours[used]) else colours)[pixels]
    return values


def _turned(image: "ImageFile") -> int:
    try:
        return int(image.getexif().get(orientation.TAG, 1))
    except Exception:  # unreadable EXIF says nothing about the pixels
        return 1


def _spacing(dpi: Any, turned: int) -> Spacing:
    try:
        columns, rows = (float(n) for n in dpi)
    except (TypeError, ValueError, ZeroDivisionError):
        return (None, None, None)
    if orientation.swaps_axes(turned):
        columns, rows = rows, columns
    return (None, *from_dpi(columns, rows))
