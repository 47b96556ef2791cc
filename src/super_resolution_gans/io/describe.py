"""Everything that is known of a scan's file, as one document."""

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.io.about import read_about
from super_resolution_gans.io.read import format_of, read_scan
from super_resolution_gans.scan import Scan

_BAND_NUMBERS = 1 << 22
_STREAM_ABOVE = 4 << 20


def describe_scan(path: str | os.PathLike[str], *, max_pixels: int | None = None) -> dict[str, Any]:
    """What a file says of its scan, and what its numbers are: for JSON.

    Keys: ``format``; ``slices``, ``height``, ``width``, ``channels``; ``dtype`` and ``value_range``
    (the numbers that 0 and 1 stand for); ``spacing_mm`` and ``size_mm`` (slices, height, width;
    None where unknown; a size is spacing times number); ``details``, in words; ``about``, how the
    pixels came to be, if the file is one of ours; ``numbers`` with minimum, maximum, mean, and the
    shares of pixels that are exactly black or white (colour: in all channels). All pixels are read
    once, some rows at a time.

    Raises:
        ReadError: as :func:`~super_resolution_gans.io.read.read_scan`.
    """
    limits: dict[str, Any] = {} if max_pixels is None else {"max_pixels": max_pixels}
    scan = read_scan(path, stream_above=_STREAM_ABOVE, **limits)
    lengths = (scan.slices, scan.height, scan.width)
    return {
        "format": format_of(Path(path)),
        **dict(zip(("slices", "height", "width"), lengths, strict=True)),
        "channels": scan.channels,
        "dtype": str(scan.dtype),
        "value_range": list(scan.value_range),
        "spacing_mm": list(scan.spacing),
        "size_mm": [
            None if mm is None else mm * count
            for mm, count in zip(scan.spacing, lengths, strict=True)
        ],
        "details": dict(scan.details),
        "about": dict(read_about(Path(path))),
        "numbers": numbers_of(scan),
    }


def numbers_of(scan: Scan) -> dict[str, float]:
    """Minimum, maximum and mean as stored numbers, and shares of exactly black and white pixels."""
    low, high = scan.value_range
    ends, total, black, white, pixels = [math.inf, -math.inf], 0.0, 0, 0, 0
    for band in _bands(scan):
        ends = [min(ends[0], float(band.min())), max(ends[1], float(band.max()))]
        total += float(band.sum(dtype=np.float64))
        darkest, lightest = band == low, band == high
        if scan.channels == 3:
            darkest, lightest = darkest.all(axis=2), lightest.all(axis=2)
        black += int(np.count_nonzero(darkest))
        white += int(np.count_nonzero(lightest))
        pixels += darkest.size
    return {
        "minimum": ends[0],
        "maximum": ends[1],
        "mean": total / (pixels * scan.channels),
        "black": black / pixels,
        "white": white / pixels,
    }


def _bands(scan: Scan) -> Iterator[NDArray[Any]]:
    step = max(1, _BAND_NUMBERS // (scan.width * scan.channels))
    for index in range(scan.slices):
        for top in range(0, scan.height, step):
            yield scan.stored_slice(index, slice(top, top + step))
