"""Heidelberg's XML export: a file that lists B-scans, which are images beside it.

Elements as in eyepy 0.21 (``io/he/xml_reader.py``): Series of Image, each with a type, a size, a
pixel size and the address that its file had when it was exported, of which the last part counts.
Elements about a person, and the names of files, are not told to anyone.
"""

import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.io import raster, tiff
from super_resolution_gans.io.errors import ReadError
from super_resolution_gans.io.stored import Limits
from super_resolution_gans.io.vendor.source import Source
from super_resolution_gans.io.vendor.volume import EYES, Volume, check_volume, known, millimetres
from super_resolution_gans.scan import Scan, Spacing

_LARGEST_XML = 64 << 20
_READERS: dict[str, Callable[[Path, str, Limits], Scan]] = {
    ".tif": tiff.read_tiff, ".tiff": tiff.read_tiff, ".png": raster.read_png,
    ".jpg": raster.read_jpeg, ".jpeg": raster.read_jpeg, ".bmp": raster.read_bmp,
}  # fmt: skip
_PATTERNS = ("Volume", "Line", "Circle", "Radial", "Star", "Single")
_CONTEXT = "OphthalmicAcquisitionContext"
_ROUNDING_MM = 0.0015  # positions are written with three digits
_UNEVEN = 0.1  # of the distance

_Element = ElementTree.Element


def read_xml(source: Source, folder: Path, limits: Limits) -> Volume:
    """The B-scans of the series that has most of them, in the order of the XML; as stored.

    Raises:
        ReadError: if the XML is damaged, or lists other images than it announces; if an image is
            missing, damaged, of another size than it should be, or in colour.
    """
    series = [s for s in _root(source).iter("Series") if s.find("Image") is not None]
    listed = [
        [i for i in s.findall("Image") if _text(i, "ImageType/Type") == "OCT"] for s in series
    ]
    if not any(listed):
        raise source.refusal("a Heidelberg XML export without B-scans")
    place = max(range(len(listed)), key=lambda n: len(listed[n]))
    chosen, bscans = series[place], listed[place]
    announced, held = _text(chosen, "NumImages"), len(chosen.findall("Image"))
    if announced not in (None, str(held)):
        said = announced if re.fullmatch("[0-9]{1,9}", announced) else "another number of"
        raise source.refusal(f"announces {said} images and lists {held}")
    sizes = {(_whole(b, "Height"), _whole(b, "Width")) for b in bscans}
    if len(sizes) != 1:
        raise source.refusal("its B-scans have different sizes")
    height, width = sizes.pop()
    check_volume(source.name, (len(bscans), height, width), 2, limits)
    images = _images(source, folder, bscans, (height, width), limits)
    pattern = _text(chosen, "Type")
    details = known(
        format="Heidelberg XML",
        device="Heidelberg Spectralis" if _model(chosen) == "Spectralis" else None,
        eye=EYES.get(_text(chosen, "Laterality") or ""),
        scan_pattern=pattern if pattern in _PATTERNS else None,
        volume=f"{place + 1} of {len(series)} (the largest)" if len(series) > 1 else None,
        verified="on one export of 10 B-scans, cut to 50 x 40 pixels",
    )
    return Volume(images, _spacing(bscans, pattern), details)


def _root(source: Source) -> _Element:
    if source.size > _LARGEST_XML:
        raise source.refusal(f"an XML of more than {_LARGEST_XML >> 20} MiB")
    data = source.read(0, source.size, "the XML")
    # Exports have none; entities that stand for others could grow without bound.
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise source.refusal("XML with a document type, which no Heidelberg export has")
    try:
        root = ElementTree.fromstring(data)
    except ElementTree.ParseError as error:
        line, column = error.position
        raise source.refusal(f"truncated or damaged XML (line {line}, column {column})") from None
    except (ValueError, LookupError):
        raise source.refusal("damaged XML (its encoding)") from None
    if root.tag != "HEDX":
        raise source.refusal("format not supported: XML that is no Heidelberg export")
    return root


def _images(
    source: Source, folder: Path, bscans: Sequence[_Element], size: tuple[int, int], limits: Limits
) -> NDArray[Any]:
    first = _image(source, folder, bscans[0], 1, limits)
    pixels = np.empty((len(bscans), *size), first.dtype)
    for number, bscan in enumerate(bscans, 1):
        image = first if number == 1 else _image(source, folder, bscan, number, limits)
        if image.shape != size or image.dtype != first.dtype:
            said = f"{image.shape[1]} x {image.shape[0]} pixels, {image.dtype}"
            expected = f"{size[1]} x {size[0]}, {first.dtype}"
            raise source.refusal(f"the image of B-scan {number} has {said}; expected {expected}")
        pixels[number - 1] = image
    return pixels


def _image(
    source: Source, folder: Path, bscan: _Element, number: int, limits: Limits
) -> NDArray[Any]:
    """One grey image, (height, width), uint8 or uint16."""
    what = f"the image of B-scan {number}"
    address = _text(bscan, "ImageData/ExamURL") or ""
    name = address.replace("\\", "/").rpartition("/")[2]
    reader = _READERS.get(Path(name).suffix.lower())
    if reader is None or set(name) & {"\0", ":"}:
        raise source.refusal(f"{what} has no name of a TIFF, PNG, JPEG or BMP")
    path = folder / name
    if not path.is_file():
        raise source.refusal(f"{what} is not in the folder of the XML")
    try:
        scan = reader(path, source.name, limits)
        values = scan.to_array()
    except (ReadError, OSError) as error:
        reason = error.reason if isinstance(error, ReadError) else "it cannot be read"
        raise source.refusal(f"{what}: {reason}") from None
    if scan.slices != 1 or scan.channels != 1 or values.dtype not in (np.uint8, np.uint16):
        raise source.refusal(f"{what} is not one grey image of 8 or 16 bits")
    image: NDArray[Any] = values[0]
    return image


def _spacing(bscans: Sequence[_Element], pattern: str | None) -> Spacing:
    rows = {_number(bscan, f"{_CONTEXT}/ScaleY") for bscan in bscans}
    columns = {_number(bscan, f"{_CONTEXT}/ScaleX") for bscan in bscans}
    return (
        _distance(bscans) if pattern == "Volume" and len(bscans) > 1 else None,
        _only(rows),
        _only(columns),
    )


def _distance(bscans: Sequence[_Element]) -> float | None:
    """Between neighbours in mm, if all of them are parallel and equally far apart."""
    ends = np.array(
        [
            [[_number(b, f"{_CONTEXT}/{end}/Coord/{axis}") for axis in "XY"] for b in bscans]
            for end in ("Start", "End")
        ]
    )  # (2, slices, 2)
    steps = np.linspace(0, 1, len(bscans))[:, np.newaxis]
    expected = ends[:, :1] + steps * (ends[:, -1:] - ends[:, :1])
    along = np.hypot(*(ends[:, -1] - ends[:, 0]).T) / (len(bscans) - 1)
    distance = float(along.mean())
    tolerance = _ROUNDING_MM + _UNEVEN * distance
    even = np.abs(ends - expected).max() <= tolerance and np.ptp(along) <= tolerance
    return millimetres(distance) if even else None  # NaN is not even


def _only(lengths: set[float]) -> float | None:
    return millimetres(lengths.pop()) if len(lengths) == 1 else None


def _model(series: _Element) -> str | None:
    return _text(series, "GeneralEquipment/ManufacturerModelName")


def _text(element: _Element, path: str) -> str | None:
    found = element.findtext(path)
    return None if found is None else found.strip()


def _whole(bscan: _Element, name: str) -> int:
    """A number of pixels; 0, which is refused, if it is none."""
    text = _text(bscan, f"{_CONTEXT}/{name}") or ""
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else 0


def _number(element: _Element, path: str) -> float:
    """A number, or NaN."""
    try:
        number = float(_text(element, path) or "nan")
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan
