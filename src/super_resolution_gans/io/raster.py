"""PNG, JPEG, BMP, WebP and GIF through Pillow: one still image, upright, grey or RGB."""

import struct
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.io.errors import ReadError
from super_resolution_gans.io.spacing import from_dpi
from super_resolution_gans.scan import Scan, Spacing

if TYPE_CHECKING:
    from PIL.Image import Image

_SIXTEEN_BIT_COLOUR = ("RGB;16B", "RGBA;16B", "LA;16B")


def read_raster(path: Path, source: str, *, max_pixels: int) -> Scan:
    """Read the first image of a file that Pillow knows.

    EXIF orientation is applied. Palettes become their colours, CMYK and YCbCr become RGB, one-bit
    pixels 0 and 255. An opaque alpha channel is dropped, any other is composited over black, the
    background of a B-scan. Sixteen bits stay sixteen, in colour too. Colour in which red, green
    and blue agree everywhere becomes grey: most exported scans are stored that way. Nothing of
    the file's text or EXIF is kept.

    Raises:
        ReadError: if the file is damaged, truncated or larger than ``max_pixels``.
    """
    from PIL import Image

    try:
        with warnings.catch_warnings():
            # Our own limit decides, from the header, before a pixel is decoded.
            warnings.simplefilter("ignore")
            with Image.open(path) as image:
                check_size(source, image.height, image.width, len(image.getbands()), max_pixels)
                dpi = image.info.get("dpi")
                turned = image.getexif().get(0x0112, 1)
                values = _decode(image)
    except ReadError:
        raise
    except Image.DecompressionBombError:
        raise ReadError(source, "larger than Pillow is willing to open") from None
    except MemoryError:
        raise ReadError(source, "too large for the memory of this machine") from None
    except Exception as error:
        raise ReadError(source, f"damaged or not supported ({_reason(error)})") from None
    values = _upright(values, turned)
    return Scan.from_array(
        grey_if_grey(values)[np.newaxis], spacing=_spacing(dpi, turned), source=source
    )


def check_size(source: str, height: int, width: int, channels: int, max_pixels: int) -> None:
    """Refuse an image without pixels, or with more numbers than ``max_pixels``."""
    if height < 1 or width < 1:
        raise ReadError(source, f"an image of {width} x {height} pixels has nothing to read")
    if height * width * channels > max_pixels:
        raise ReadError(
            source,
            f"{width} x {height} pixels with {channels} channel(s) are more than the limit of "
            f"{max_pixels} values; raise max_pixels to read it",
        )


def grey_if_grey(values: NDArray[Any]) -> NDArray[Any]:
    """(..., 3) becomes (...) where red, green and blue agree in every pixel."""
    if values.ndim < 3 or values.shape[-1] != 3:
        return values
    red, green, blue = values[..., 0], values[..., 1], values[..., 2]
    if np.array_equal(red, green) and np.array_equal(red, blue):
        return np.ascontiguousarray(red)
    return values


def over_black(colour: NDArray[Any], alpha: NDArray[Any]) -> NDArray[Any]:
    """``colour`` (h, w[, 3]) seen through ``alpha`` (h, w) before black; both unsigned integers."""
    full = int(np.iinfo(alpha.dtype).max)
    if bool((alpha == full).all()):
        return colour
    if colour.ndim == 3:
        alpha = alpha[..., np.newaxis]
    seen = (colour.astype(np.uint64) * alpha + full // 2) // full
    return seen.astype(colour.dtype)


def _decode(image: "Image") -> NDArray[Any]:
    """Pixels as stored: uint8 or uint16 (h, w) or (h, w, 3)."""
    if image.format == "PNG" and image.tile and image.tile[0][3] in _SIXTEEN_BIT_COLOUR:
        image.load()
    if image.mode in ("I;16", "I;16L", "I;16B", "I;16N"):
        return np.asarray(image).astype(np.uint16)
    if image.mode in ("1", "L"):
        return np.array(image.convert("L"))
    if image.mode in ("P", "PA", "LA", "La", "RGBA", "RGBa") or "transparency" in image.info:
        values = np.array(image.convert("RGBA"))
        return over_black(values[..., :3], values[..., 3])
    return np.array(image.convert("RGB"))


def _upright(values: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Undo EXIF orientation 1 to 8."""
    if orientation in (5, 6, 7, 8):
        values = np.swapaxes(values, 0, 1)
    if orientation in (2, 3, 6, 7):
        values = values[:, ::-1]
    if orientation in (3, 4, 7, 8):
        values = values[::-1]
    return values


def _spacing(dpi: Any, orientation: int) -> Spacing:
    try:
        columns, rows = (float(n) for n in dpi)
    except (TypeError, ValueError, ZeroDivisionError):
        return (None, None, None)
    if orientation in (5, 6, 7, 8):
        columns, rows = rows, columns
    return from_dpi(columns, rows)


def _reason(error: Exception) -> str:
    if isinstance(error, struct.error):
        return "its header is cut short"
    return str(error) or type(error).__name__
