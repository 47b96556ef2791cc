"""Part of a scan as a view of it: other slices, a region, or the volume cut the other way.

Nothing is read or copied until pixels are asked for.
"""

import re
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.io.errors import SelectionError
from super_resolution_gans.scan import Scan, WindowSource

Axis = Literal["bscan", "enface"]
Span = tuple[int | None, int | None]
"""First index, and the one behind the last; None for the border."""

# Of a volume that is cut the other way: what is read at once, as float32.
_ROOM = 64 << 20


@dataclass(frozen=True)
class Selection:
    """What to take of a scan: a direction of slices, some of these slices, a region of each.

    Attributes:
        axis: ``bscan``, the slices as they are; or ``enface``, planes of equal depth: slice i is
            row i of all B-scans, (slices, width), seen from the front. En-face of en-face is the
            volume again.
        slices: of that direction, counted from 0.
        rows, columns: the region, in pixels of these slices, counted from 0.
    """

    axis: Axis = "bscan"
    slices: Span = (None, None)
    rows: Span = (None, None)
    columns: Span = (None, None)

    @property
    def is_all(self) -> bool:
        """Whether it takes the scan as it is."""
        return self == Selection()

    def of(self, scan: Scan) -> Scan:
        """The selected part of a scan, lazy if the scan is.

        Type, range and the spacing that belongs to each direction are kept; ``details`` say what
        was selected. The header goes, since it describes the whole.

        Raises:
            SelectionError: if there is nothing there; it names the scan.
        """
        if self.is_all:
            return scan
        part = _enface(scan) if self.axis == "enface" else scan
        what = "en-face slices" if self.axis == "enface" else "slices"
        spans = [
            _within(self.slices, part.slices, what, scan),
            _within(self.rows, part.height, "rows", scan),
            _within(self.columns, part.width, "columns", scan),
        ]
        lengths = (part.slices, part.height, part.width)
        said = [
            f"{name} {span.start} to {span.stop - 1} of {length}"
            for name, span, length in zip((what, "rows", "columns"), spans, lengths, strict=True)
            if (span.start, span.stop) != (0, length)
        ] or [f"all {part.slices} {what}"]
        if isinstance(part.pixels, np.ndarray):
            pixels: Any = part.pixels[tuple(spans)]
        else:
            pixels = _Part(part.pixels, *spans)
        details = {**scan.details, "selection": ", ".join(said)}
        return replace(part, pixels=pixels, details=details, header=None)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: what was asked for."""
        named = {"slices": self.slices, "rows": self.rows, "columns": self.columns}
        spans = {name: list(span) for name, span in named.items() if span != (None, None)}
        return {"axis": self.axis, **spans}


def parse_selection(
    slices: str | None = None, axis: str = "bscan", region: str | None = None
) -> Selection:
    """A selection in the words of the command line.

    Args:
        slices: ``12``, ``10:20`` (without 20), ``10:`` or ``:20``.
        axis: ``bscan`` or ``enface``.
        region: ``top:bottom,left:right``; ends may be missing, as in ``100:,:``.

    Raises:
        SelectionError: if it is anything else.
    """
    if axis not in ("bscan", "enface"):
        raise SelectionError("axis", f"{axis} is neither bscan nor enface")
    parts = [] if region is None else region.split(",")
    if len(parts) not in (0, 2):
        raise SelectionError("region", f"{region} is not top:bottom,left:right")
    whole: Span = (None, None)
    rows, columns = (_span(part, "region") for part in parts) if parts else (whole, whole)
    chosen = whole if slices is None else _span(slices, "slice", alone=True)
    return Selection("enface" if axis == "enface" else "bscan", chosen, rows, columns)


def _span(text: str, what: str, *, alone: bool = False) -> Span:
    found = re.fullmatch(r"\s*(\d{0,9})\s*(?:(:)\s*(\d{0,9})\s*)?", text)
    if found is None or not (found[2] or (alone and found[1])):
        example = "12 or 10:20" if alone else "0:200,100:300"
        raise SelectionError(what, f"{text} is no choice such as {example}")
    if not found[2]:
        return int(found[1]), int(found[1]) + 1
    first, behind = (int(end) if end else None for end in (found[1], found[3]))
    if first is not None and behind is not None and first >= behind:
        raise SelectionError(what, f"{text} is empty, since {behind} is not included")
    return first, behind


def _within(span: Span, length: int, what: str, scan: Scan) -> slice:
    first, behind = span[0] or 0, length if span[1] is None else span[1]
    if 0 <= first < behind <= length:
        return slice(first, behind)
    one = behind == first + 1
    asked = f"{what.removesuffix('s')} {first}" if one else f"{what} {first}:{behind}"
    there = f"there are {length}, numbered 0 to {length - 1}" if length > 1 else "the only one is 0"
    reason = f"has no {asked}: {there}"
    raise SelectionError(scan.source or "array", reason)


class _Part:
    """A box of a source."""

    def __init__(self, source: WindowSource, slices: slice, rows: slice, columns: slice) -> None:
        self._source, self._first = source, slices.start
        self._top, self._left = rows.start, columns.start
        box = (slices, rows, columns)
        self.shape = (*(part.stop - part.start for part in box), *source.shape[3:])

    def read(self, index: int, rows: slice, columns: slice) -> NDArray[np.float32]:
        """float32 (h, w) or (h, w, 3) in [0, 1]."""
        return self._source.read(
            index + self._first,
            slice(rows.start + self._top, rows.stop + self._top),
            slice(columns.start + self._left, columns.stop + self._left),
        )


def _enface(scan: Scan) -> Scan:
    pixels = scan.pixels
    turned = np.swapaxes(pixels, 0, 1) if isinstance(pixels, np.ndarray) else _EnFace(pixels)
    between, axial, lateral = scan.spacing
    return replace(scan, pixels=turned, spacing=(axial, between, lateral), header=None)


class _EnFace:
    """A source seen from the front: slices and rows have changed places.

    Each slice of it lies in every slice of the source, so that some of them are read at once and
    kept until others are wanted: the source is gone through once for 64 MiB of it.
    """

    def __init__(self, source: WindowSource) -> None:
        slices, height, width, *colour = source.shape
        self._source, self.shape = source, (height, slices, width, *colour)
        row_bytes = 4 * int(np.prod(self.shape[1:], dtype=np.int64))
        self._step = max(1, min(height, _ROOM // row_bytes))
        self._kept: tuple[int, NDArray[np.float32]] | None = None

    def read(self, index: int, rows: slice, columns: slice) -> NDArray[np.float32]:
        """float32 (h, w) or (h, w, 3) in [0, 1]."""
        first = index // self._step * self._step
        kept = self._kept
        if kept is None or kept[0] != first:
            self._kept = None  # before the next one takes as much
            kept = self._kept = (first, self._block(first))
        return kept[1][rows, index - first, columns]

    def _block(self, first: int) -> NDArray[np.float32]:
        """Rows of all slices of the source: (slices, step, width[, 3])."""
        height, slices, width, *colour = self.shape
        rows = slice(first, min(first + self._step, height))
        block = np.empty((slices, rows.stop - rows.start, width, *colour), np.float32)
        for index in range(slices):
            block[index] = self._source.read(index, rows, slice(0, width))
        return block
