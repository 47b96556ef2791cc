"""TIFF through tifffile."""

from pathlib import Path

import numpy as np

from super_resolution_gans.io.errors import ReadError
from super_resolution_gans.io.raster import check_size, grey_if_grey
from super_resolution_gans.scan import Scan


def read_tiff(path: Path, source: str, *, max_pixels: int) -> Scan:
    """Read the pages of a TIFF file as slices."""
    import tifffile

    try:
        with tifffile.TiffFile(path) as tiff:
            for page in tiff.pages:
                check_size(
                    source,
                    page.imagelength,  # type: ignore[union-attr]
                    page.imagewidth,  # type: ignore[union-attr]
                    page.samplesperpixel,  # type: ignore[union-attr]
                    max_pixels,
                )
            values = np.stack([page.asarray() for page in tiff.pages])
    except ReadError:
        raise
    except Exception as error:
        raise ReadError(source, f"damaged or not supported ({error})") from None
    return Scan.from_array(grey_if_grey(values), source=source)
