"""What other libraries say of an image: its format, size and depth, for `check_corpus.py`."""

import logging
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image, ImageOps

logging.getLogger("tifffile").addHandler(logging.NullHandler())  # it reports what it finds odd

# What Pillow calls a format, and what `srgan` does.
_NAMES = {"MPO": "JPEG", "WEBP": "WebP", "DIB": "BMP"}
_REDUCED_OR_MASK = 1 | 4
_TRANSPOSED = (5, 6, 7, 8)


@dataclass(frozen=True)
class Truth:
    """An image as another library sees it.

    Attributes:
        kind: the format, named as `srgan` names it; "" if no library knows it.
        size: slices, height and width, upright; None if unknown.
        deep: whether it has more than 8 bits a number; None if unknown.
    """

    kind: str
    size: tuple[int, int, int] | None = None
    deep: bool | None = None


def truth_of(path: Path) -> Truth:
    """What Pillow, tifffile or pydicom say; nothing is decoded but EXIF."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        head = path.open("rb").read(132)
        if head[128:] == b"DICM" or path.suffix == ".dcm":
            return _by_pydicom(path)
        if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
            return _by_tifffile(path)
        return _by_pillow(path, head)


def _by_pillow(path: Path, head: bytes) -> Truth:
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        with Image.open(path) as image:
            kind = _NAMES.get(str(image.format), str(image.format))
            turned = image.getexif().get(ImageOps.ExifTags.Base.Orientation, 1)
            width, height = image.size[::-1] if turned in _TRANSPOSED else image.size
    except Exception:
        return Truth("")
    finally:
        Image.MAX_IMAGE_PIXELS = limit
    return Truth(kind, (1, height, width), kind == "PNG" and head[24] == 16)


def _by_tifffile(path: Path) -> Truth:
    try:
        with tifffile.TiffFile(path) as file:
            pages = [page.aspage() for page in file.pages]
            kept = [p for p in pages if not p.subfiletype & _REDUCED_OR_MASK] or pages
            first = kept[0]
            size = first.imagelength, first.imagewidth
            if int(first.tags.valueof(274, 1)) in _TRANSPOSED:
                size = size[::-1]
            return Truth("TIFF", (len(kept), *size), int(first.bitspersample) > 8)
    except Exception:
        return Truth("TIFF")


def _by_pydicom(path: Path) -> Truth:
    try:
        import pydicom

        file = pydicom.dcmread(path, stop_before_pixels=True, force=True)
        size = int(file.get("NumberOfFrames") or 1), int(file.Rows), int(file.Columns)
        return Truth("DICOM", size, int(file.BitsStored) > 8)
    except Exception:
        return Truth("DICOM")


def result_of(path: Path) -> Truth:
    """Size and depth of a file that `srgan` wrote, all of its pixels decoded."""
    match path.suffix.lower():
        case ".npy":
            values = np.load(path, mmap_mode="r")
        case ".tif" | ".tiff":
            values = tifffile.imread(path)
        case ".dcm":
            import pydicom

            values = pydicom.dcmread(path).pixel_array
        case _:
            truth = truth_of(path)
            with Image.open(path) as image:
                image.load()
            return truth
    colour = values.ndim > 2 and values.shape[-1] == 3
    shape = values.shape[:-1] if colour else values.shape
    slices = shape[0] if len(shape) == 3 else 1
    return Truth("", (slices, *shape[-2:]), values.dtype.itemsize > 1)
