"""Distances between pixels and slices in a DICOM header, and only those that it states.

Between slices: from the positions of the frames (PlanePositionSequence), the vectors of slice
locations, or SpacingBetweenSlices. SliceThickness is how deep a slice reaches, not how far the next
one is, and is never used.
"""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from super_resolution_gans.scan import Scan, Spacing

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

# Slices count as evenly spaced if no step differs from the mean by more than this share.
_UNEVEN = 0.01
_LOCATIONS = ("SliceLocationVector", "GridFrameOffsetVector")
# In the order of belief, with what is to be said of the less sure ones.
_PIXEL_SIZES = {
    "PixelSpacing": "",
    "ImagerPixelSpacing": "at the detector, not in the patient",
    "NominalScannedPixelSpacing": "as the image was scanned",
}


def spacing_of(header: "Dataset") -> tuple[Spacing, str]:
    """mm between slices, rows and columns, None where the header does not state it.

    Returns:
        The spacing, and words about it if it is not simply that of the object.
    """
    between = _between(header)
    measures = _measures(header)
    if (pixel := _agreed(_numbers(m, "PixelSpacing") for m in measures)) is not None:
        return (between, *_plausible(pixel)), ""
    for keyword, words in _PIXEL_SIZES.items():
        rows, columns = _plausible(_numbers(header, keyword))
        if rows is not None or columns is not None:
            return (between, rows, columns), words
    return (between, None, None), ""


def pixel_size_keyword(header: "Dataset") -> str:
    """The attribute that :func:`spacing_of` believed, for a result to use the same."""
    measured = any(_numbers(item, "PixelSpacing") for item in _measures(header))
    stated = (keyword for keyword in _PIXEL_SIZES if len(_numbers(header, keyword)) == 2)
    return "PixelSpacing" if measured else next(stated, "PixelSpacing")


def shifted_position(header: "Dataset", scan: Scan) -> tuple[float, ...] | None:
    """Where the centre of a finer scan's first pixel is (ImagePositionPatient, mm).

    The outer edges stay where they were, so that the first of smaller pixels has its centre nearer
    to the corner. None if the header does not say where the first pixel was, or the scan is not the
    same field of view.
    """
    place = _first(header, "PlanePositionSequence", "ImagePositionPatient")
    turned = _first(header, "PlaneOrientationSequence", "ImageOrientationPatient")
    (_, rows, columns), _ = spacing_of(header)
    _, finer_rows, finer_columns = scan.spacing
    if rows is None or columns is None or finer_rows is None or finer_columns is None:
        return None
    before = (rows * _count(header, "Rows"), columns * _count(header, "Columns"))
    after = (finer_rows * scan.height, finer_columns * scan.width)
    if len(place) != 3 or len(turned) != 6 or not np.allclose(before, after, rtol=1e-4, atol=0):
        return None
    along_row, down_column = np.array(turned[:3]), np.array(turned[3:])
    shift = along_row * (finer_columns - columns) / 2 + down_column * (finer_rows - rows) / 2
    return tuple(float(mm) for mm in np.array(place) + shift)


def groups_of(header: "Dataset", keyword: str) -> list["Dataset"]:
    """The items of a functional group: one of each frame, or the shared one."""
    frames = items_of(header, "PerFrameFunctionalGroupsSequence")
    each = [item for frame in frames for item in items_of(frame, keyword)[:1]]
    if each and len(each) == len(frames):
        return each
    shared = items_of(header, "SharedFunctionalGroupsSequence")
    return [item for group in shared[:1] for item in items_of(group, keyword)[:1]]


def items_of(header: "Dataset", keyword: str) -> list["Dataset"]:
    """The items of a sequence; none if there is no such sequence, or it is damaged."""
    from pydicom.sequence import Sequence as Items

    try:
        value = header.get(keyword)
    except Exception:  # pydicom's converters raise whatever comes
        return []
    return list(value) if isinstance(value, Items) else []


def _first(header: "Dataset", group: str, keyword: str) -> tuple[float, ...]:
    items = groups_of(header, group)
    return _numbers(items[0] if items else header, keyword)


def _count(header: "Dataset", keyword: str) -> int:
    numbers = _numbers(header, keyword)
    return int(numbers[0]) if len(numbers) == 1 else 0


def _measures(header: "Dataset") -> list["Dataset"]:
    return groups_of(header, "PixelMeasuresSequence")


def _between(header: "Dataset") -> float | None:
    orientations = [
        _numbers(item, "ImageOrientationPatient")
        for item in groups_of(header, "PlaneOrientationSequence")
    ]
    turning = bool(orientations) and _agreed(orientations) is None
    if turning:
        return None  # radial scans: there is no distance between their slices
    stated = _stated_between(header)
    locations = _locations(header, orientations[0] if orientations else ())
    if len(locations) < 2:
        return stated
    steps = np.diff(np.array(locations))
    measured = _even([float(step) for step in (steps if steps.sum() > 0 else -steps)])
    agree = stated and measured and abs(stated - measured) <= _UNEVEN * measured
    return stated if agree else measured


def _stated_between(header: "Dataset") -> float | None:
    listed = [_numbers(item, "SpacingBetweenSlices") for item in _measures(header)]
    mm = (_agreed(listed) or ()) if any(listed) else _numbers(header, "SpacingBetweenSlices")
    return _plausible_one(abs(mm[0])) if len(mm) == 1 else None


def _locations(header: "Dataset", orientation: tuple[float, ...]) -> tuple[float, ...]:
    """Where the frames lie along one line, in mm; fewer than two if that is not said."""
    places = [
        _numbers(item, "ImagePositionPatient")
        for item in groups_of(header, "PlanePositionSequence")
    ]
    if len(set(places)) > 1 and all(len(place) == 3 for place in places):
        across = _normal(orientation)
        if across is not None:
            return tuple(float(np.dot(place, across)) for place in places)
    stated = (_numbers(header, keyword) for keyword in _LOCATIONS)
    return next((locations for locations in stated if len(locations) > 1), ())


def _even(steps: list[float]) -> float | None:
    mean = sum(steps) / len(steps)
    even = mean > 0 and all(abs(step - mean) <= _UNEVEN * mean for step in steps)
    return _plausible_one(mean) if even else None


def _normal(orientation: tuple[float, ...]) -> Any:
    if len(orientation) != 6:
        return None
    across = np.cross(orientation[:3], orientation[3:])
    length = float(np.linalg.norm(across))
    return across / length if length > 0.5 else None


def _agreed(values: "Iterator[tuple[float, ...]] | list[tuple[float, ...]]") -> Any:
    """What all of them are; None if they differ, or there are none."""
    known = set(values)
    return known.pop() if len(known) == 1 else None


def _numbers(item: "Dataset", keyword: str) -> tuple[float, ...]:
    try:
        value = item.get(keyword)
        if value is None or value == "":
            return ()
        listed = [value] if isinstance(value, str | int | float) else list(value)
        numbers = tuple(float(number) for number in listed)
    except Exception:  # pydicom's converters raise whatever comes
        return ()
    return numbers if all(map(math.isfinite, numbers)) else ()


def _plausible(pair: tuple[float, ...]) -> tuple[float | None, float | None]:
    if len(pair) != 2:
        return (None, None)
    return _plausible_one(pair[0]), _plausible_one(pair[1])


def _plausible_one(mm: float) -> float | None:
    return float(mm) if math.isfinite(mm) and mm > 0 else None
