"""Pages of TIFF with compressions meant for pictures: decoded whole, by Pillow or tifffile."""

import math
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.io import jpeg, orientation
from super_resolution_gans.io.errors import ReadError
from super_resolution_gans.io.quiet import quiet
from super_resolution_gans.io.raster import decode
from super_resolution_gans.io.stored import explain
from super_resolution_gans.io.tiff_codecs import silence_libtiff
from super_resolution_gans.io.tiff_page import RGB, Meaning

_CURE = 'pip install "SuperResolution-GANs[tiff]"'

# Fax, JPEG old and new, WebP, and the lossless ones where the pixels are YCbCr, CMYK or Lab.
_PILLOW_KNOWS = frozenset((1, 2, 3, 4, 5, 6, 7, 8, 32771, 32773, 32946, 34925, 50000, 50001))
_NEW_JPEG = 7
_JPEG = frozenset((6, 7, 33007, 34892))


def problem(page: Any, data: memoryview) -> str | None:
    """Why a page cannot be decoded, as far as libtiff would not say it; None if there is nothing.

    Args:
        page: of tifffile.
        data: the file.
    """
    height = page.tilelength if page.is_tiled else min(page.rowsperstrip, page.imagelength)
    width = page.tilewidth if page.is_tiled else page.imagewidth
    down = math.ceil(page.imagelength / height)
    across = math.ceil(page.imagewidth / width)
    together = int(page.planarconfig) == 1
    for number, (offset, count) in enumerate(
        zip(page.dataoffsets, page.databytecounts, strict=False)
    ):
        if offset + count > len(data):
            return "truncated TIFF (pixels lie beyond the end of the file)"
        if page.compression == _NEW_JPEG and together:
            left = page.imagelength - number // across % down * height
            rows = height if page.is_tiled else min(height, left)
            if found := jpeg.strip_problem(bytes(data[offset : offset + count]), rows, width):
                return found
    return None


class WholePage:
    """A page that only a picture codec can decode; decoded when first needed, and kept."""

    def __init__(
        self, path: Path, source: str, index: int, compression: int, meaning: Meaning, turned: int
    ) -> None:
        self._path, self._source, self._index = path, source, index
        self._compression, self._meaning, self._turned = compression, meaning, turned
        first = self._pixels = self._decode()
        self.shape: tuple[int, ...] = first.shape
        self.dtype: np.dtype[Any] = first.dtype

    def read(self, rows: slice, columns: slice) -> NDArray[Any]:
        """A window of the upright page: (h, w) or (h, w, 3)."""
        return self._pixels[rows, columns]

    def _decode(self) -> NDArray[Any]:
        problem = "no decoder"
        if self._compression in _PILLOW_KNOWS:
            try:
                return self._by_pillow()
            except Exception as error:  # decoders of damaged data raise whatever comes
                problem = f"damaged or not supported ({explain(error)})"
        if find_spec("imagecodecs") is None:
            if self._compression in _PILLOW_KNOWS and self._meaning.bits <= 8:
                raise ReadError(self._source, problem)
            raise ReadError(
                self._source,
                f"TIFF with compression {self._compression} and {self._meaning.bits} bits needs "
                f"more decoders: {_CURE}",
            )
        try:
            return self._by_tifffile()
        except Exception as error:
            raise ReadError(self._source, f"damaged or not supported ({explain(error)})") from None

    def _by_pillow(self) -> NDArray[Any]:
        from PIL import ImageCms
        from PIL.TiffImagePlugin import TiffImageFile

        silence_libtiff()
        # From a stream, since Pillow maps uncompressed files by name and then turns them wrongly.
        with quiet(), self._path.open("rb") as file, TiffImageFile(file) as image:
            image.seek(self._index)
            image.load()  # upright from here on
            if self._meaning.bits > 8 and not image.mode.startswith("I;16"):
                raise ValueError("Pillow would cut it to 8 bits")
            if image.mode == "LAB":
                lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
                turned = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
                return np.array(turned)
            return decode(image, self._path)

    def _by_tifffile(self) -> NDArray[Any]:
        import tifffile

        with tifffile.TiffFile(self._path) as tiff:
            page = tiff.pages[self._index].aspage()
            values = page.asarray(maxworkers=1)
            if values.ndim == 3 and page.planarconfig == 2:
                values = np.moveaxis(values, 0, 2)
        samples = values.reshape(*values.shape[:2], -1)
        meaning = self._meaning
        if self._compression in _JPEG and samples.shape[2] == 3:
            meaning = Meaning(RGB, meaning.bits)  # its YCbCr has been converted
        return orientation.upright(meaning.apply(samples), self._turned)
