"""PNG, JPEG, BMP and WebP through Pillow: one slice, as whole as it is."""

import json
from collections.abc import Mapping
from typing import Any, BinaryIO

from numpy.typing import NDArray

from super_resolution_gans.io.note import KEY, About
from super_resolution_gans.io.spacing import MM_PER_INCH
from super_resolution_gans.scan import Scan

IMAGE_DESCRIPTION = 270


def encode_png(file: BinaryIO, scan: Scan, about: About) -> None:
    pixels = scan.stored_slice(0)
    save_png(file, scan, pixels, about())


def save_png(file: BinaryIO, scan: Scan, pixels: NDArray[Any], facts: Mapping[str, Any]) -> None:
    """Stored numbers (h, w[, 3]) of one slice of a scan, with its pixel size."""
    from PIL.PngImagePlugin import PngInfo

    told = PngInfo()
    if facts:
        told.add_text(KEY, _json(facts))
    _save(file, pixels, "PNG", compress_level=6, pnginfo=told, **_dpi(scan))


def encode_jpeg(file: BinaryIO, scan: Scan, about: About) -> None:
    pixels, facts = scan.stored_slice(0), about()
    told = {"comment": _json(facts).encode()} if facts else {}
    _save(file, pixels, "JPEG", quality=95, subsampling=0, **told, **_dpi(scan))


def encode_bmp(file: BinaryIO, scan: Scan, _about: About) -> None:
    _save(file, scan.stored_slice(0), "BMP", **_dpi(scan))


def encode_webp(file: BinaryIO, scan: Scan, about: About) -> None:
    from PIL import Image

    pixels, exif = scan.stored_slice(0), Image.Exif()
    if facts := about():
        exif[IMAGE_DESCRIPTION] = _json(facts)
    _save(file, pixels, "WEBP", lossless=True, quality=80, method=4, exif=exif)


def _json(facts: Mapping[str, Any]) -> str:
    return json.dumps(facts, sort_keys=True)


def _save(file: BinaryIO, pixels: NDArray[Any], name: str, **options: Any) -> None:
    from PIL import Image

    Image.fromarray(pixels).save(file, name, **options)


def _dpi(scan: Scan) -> dict[str, Any]:
    _, rows, columns = scan.spacing
    if rows is None or columns is None:
        return {}
    return {"dpi": (MM_PER_INCH / columns, MM_PER_INCH / rows)}
