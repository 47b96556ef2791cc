"""What a header says of its pixels: how many, how stored, and what their numbers mean."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.io.dicom_codecs import is_plain
from super_resolution_gans.io.dicom_header import Opened
from super_resolution_gans.io.errors import ReadError
from super_resolution_gans.io.stored import Limits, check_size
from super_resolution_gans.scan import Range, natural_range

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_GREY = ("MONOCHROME1", "MONOCHROME2")
_COLOUR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
_PALETTE = "PALETTE COLOR"
_FLOATS: dict[str, np.dtype[Any]] = {
    "FloatPixelData": np.dtype(np.float32),
    "DoubleFloatPixelData": np.dtype(np.float64),
}


@dataclass(frozen=True)
class Layout:
    """The attributes of the Image Pixel module (PS3.3 C.7.6.3), checked.

    Attributes:
        lowest_bit: where the stored bits begin; 0 in what today's standard allows.
        real: the type of floating-point pixels; None for integers.
        colours: uint8 or uint16 (n, 3), what the numbers of PALETTE COLOR stand for.
    """

    syntax: str
    frames: int
    rows: int
    columns: int
    samples: int
    photometric: str
    planar: int
    allocated: int
    stored: int
    lowest_bit: int
    signed: bool
    real: np.dtype[Any] | None
    colours: NDArray[Any] | None

    @property
    def shape(self) -> tuple[int, ...]:
        """(slices, height, width) or (slices, height, width, 3) of the scan."""
        channels = () if self.samples == 1 and self.colours is None else (3,)
        return (self.frames, self.rows, self.columns, *channels)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The smallest type that holds every number of so many bits."""
        if self.real is not None:
            return self.real
        if self.colours is not None:
            return self.colours.dtype
        size = next(size for size in (8, 16, 32) if self.stored <= size)
        return np.dtype(f"{'i' if self.signed else 'u'}{size // 8}")

    @property
    def value_range(self) -> Range | None:
        """The numbers that the stored bits can hold; of one bit 0 and 255; None for real ones."""
        if self.real is not None:
            return None
        if self.allocated == 1 or self.colours is not None:
            return natural_range(self.dtype, 0, 0)
        if self.signed:
            return (-(2.0 ** (self.stored - 1)), 2.0 ** (self.stored - 1) - 1)
        return (0.0, 2.0**self.stored - 1)

    @property
    def frame_bits(self) -> int:
        """Of one frame without compression."""
        numbers = self.rows * self.columns * self.samples
        if self.photometric == "YBR_FULL_422" and is_plain(self.syntax):
            numbers = self.rows * self.columns * 2
        return numbers * self.allocated

    def options(self) -> dict[str, Any]:
        """The same for pydicom's decoders, of one frame."""
        options: dict[str, Any] = {
            "rows": self.rows,
            "columns": self.columns,
            "samples_per_pixel": self.samples,
            "photometric_interpretation": self.photometric,
            "bits_allocated": self.allocated,
            "number_of_frames": 1,
        }
        if self.samples > 1:
            options["planar_configuration"] = self.planar
        if self.real is None:
            options["bits_stored"] = self.lowest_bit + self.stored
            options["pixel_representation"] = int(self.signed)
        return options


def layout_of(opened: Opened, source: str, limits: Limits) -> Layout:
    """Read and check the attributes that describe the pixels; nothing is decoded.

    Raises:
        ReadError: if they are missing, contradict each other or the length of the pixels, describe
            something that is not read, or too large a frame.
    """
    header = opened.header
    number = _Numbers(header, source)
    rows, columns = number("Rows"), number("Columns")
    samples, allocated = number("SamplesPerPixel", 1), number("BitsAllocated")
    photometric = str(header.get("PhotometricInterpretation") or "").strip().upper()
    real = _FLOATS.get(opened.keyword)
    stored = allocated if real is not None else number("BitsStored", allocated)
    high = number("HighBit", stored - 1)
    known = photometric in (_COLOUR if samples == 3 else (*_GREY, _PALETTE))
    if samples not in (1, 3) or not known:
        # Only words of the standard are repeated.
        kind = photometric if photometric in (*_GREY, *_COLOUR, _PALETTE) else "unknown colours"
        raise ReadError(source, f"{samples} samples a pixel of {kind} are not read")
    wide = (8, 16, 32) if real is None else (8 * real.itemsize,)
    if allocated not in wide and not (allocated == samples == 1 and real is None):
        raise ReadError(source, f"{allocated} bits allocated to a number are not read")
    if not 1 <= stored <= high + 1 <= allocated:
        reason = f"{stored} bits up to bit {high} do not fit into {allocated}"
        raise ReadError(source, f"damaged: {reason}")
    if real is not None and photometric != "MONOCHROME2":
        raise ReadError(source, "floating-point numbers other than MONOCHROME2 are not read")
    check_size(source, rows, columns, 1 if photometric in _GREY else 3, limits)
    layout = Layout(
        syntax=str(opened.syntax),
        # Some write 0 for one.
        frames=max(1, number("NumberOfFrames", 1)),
        rows=rows,
        columns=columns,
        samples=samples,
        photometric=photometric,
        planar=number("PlanarConfiguration", 0),
        allocated=allocated,
        stored=stored,
        lowest_bit=high + 1 - stored if is_plain(str(opened.syntax)) else 0,
        signed=number("PixelRepresentation", 0) == 1,
        real=real,
        colours=_colours(header, stored, source) if photometric == _PALETTE else None,
    )
    _check_length(opened, layout, source)
    return layout


class _Numbers:
    """Whole numbers of a header, by keyword."""

    def __init__(self, header: "Dataset", source: str) -> None:
        self._header, self._source = header, source

    def __call__(self, keyword: str, missing: int | None = None) -> int:
        try:
            value = self._header.get(keyword)
            if value is None or value == "":
                value = missing
            if value is not None and int(value) >= 0:
                return int(value)
        except Exception:  # pydicom's converters raise whatever comes, and quote the value
            value = ""
        what = "is missing" if value is None else "is no number that makes sense"
        raise ReadError(self._source, f"damaged: {keyword} {what}")


def _check_length(opened: Opened, layout: Layout, source: str) -> None:
    if (opened.length is None) == is_plain(layout.syntax):
        raise ReadError(source, "damaged: pixels and transfer syntax do not fit together")
    if opened.length is None:
        return
    needed = math.ceil(layout.frame_bits * layout.frames / 8)
    found = min(opened.length, opened.present)
    if found < needed:
        frames = f"{layout.frames} frames of " if layout.frames > 1 else ""
        size = f"{frames}{layout.columns} x {layout.rows} pixels"
        raise ReadError(source, f"truncated: {size} take {needed} bytes, there are {found}")


def _colours(header: "Dataset", stored: int, source: str) -> NDArray[Any]:
    """The palette as (n, 3); in 8 bits if that loses nothing."""
    from pydicom.pixels.processing import apply_color_lut

    if stored > 16:
        raise ReadError(source, f"a palette of {stored} bits is not read")
    try:
        every = np.arange(1 << stored, dtype=np.uint8 if stored <= 8 else np.uint16)
        colours = apply_color_lut(every.reshape(1, -1), header)[0, :, :3]
    except Exception:  # whatever comes of damaged tables
        raise ReadError(source, "damaged: the palette cannot be used") from None
    if colours.dtype == np.uint16:
        high, low = colours >> 8, colours & 255
        if not low.any() or np.array_equal(high, low):
            return high.astype(np.uint8)
    return np.ascontiguousarray(colours)
