"""Frames of a DICOM file as numbers: decoded one by one, when they are needed."""

import threading
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.io.dicom_codecs import by_imagecodecs, is_plain, plugin
from super_resolution_gans.io.dicom_frames import announced, find_frames
from super_resolution_gans.io.dicom_header import Opened
from super_resolution_gans.io.dicom_layout import Layout
from super_resolution_gans.io.dicom_quiet import silent
from super_resolution_gans.io.errors import ReadError

if TYPE_CHECKING:
    from pydicom.pixels.decoders.base import Decoder


class DicomPixels:
    """The frames of a file as :class:`~super_resolution_gans.io.stored.Stored` numbers.

    Stored numbers are as they are: neither rescaled nor windowed. But dark is small in all of them:
    those of MONOCHROME1 are turned round. Colours are RGB. The frame that was asked for last is
    kept.
    """

    def __init__(self, opened: Opened, layout: Layout, source: str) -> None:
        from pydicom.pixels.decoders.base import get_decoder

        self._opened, self._layout, self._source = opened, layout, source
        self._decoder: Decoder | None = None
        if is_plain(layout.syntax):
            self._decoder, self._fragments = get_decoder(opened.syntax), None
        else:
            self._fragments = find_frames(opened, layout.frames, source)
        self.shape, self.dtype = layout.shape, layout.dtype
        self._lock = threading.Lock()
        self._last: tuple[int, NDArray[Any]] | None = None

    def read(self, index: int, rows: slice, columns: slice) -> NDArray[Any]:
        """A window of frame ``index``: (h, w) or (h, w, 3).

        Raises:
            ReadError: if the frame cannot be decoded.
        """
        with self._lock:
            if self._last is None or self._last[0] != index:
                self._last = (index, self._frame(index))
            return self._last[1][rows, columns]

    def _frame(self, index: int) -> NDArray[Any]:
        with silent():
            try:
                values = self._decoded(index)
            except (ReadError, MemoryError):
                raise
            except Exception as error:  # decoders of damaged data raise whatever comes
                reason = f"frame {index + 1} is damaged ({type(error).__name__})"
                raise ReadError(self._source, reason) from None
        if values.shape != (*self.shape[1:3], *((3,) if self._layout.samples == 3 else ())):
            size = " x ".join(map(str, values.shape))
            raise ReadError(self._source, f"frame {index + 1} is damaged: it has {size} numbers")
        return self._meant(values)

    def _decoded(self, index: int) -> NDArray[Any]:
        if self._fragments is None:
            assert self._decoder is not None
            with self._opened.stream() as file:
                if self._layout.allocated == 1:
                    return self._unpacked(file, index)
                file.seek(self._opened.start)
                options = {**self._layout.options(), "number_of_frames": self._layout.frames}
                options |= {"pixel_keyword": self._opened.keyword, "pixel_vr": self._opened.vr}
                values, _ = self._decoder.as_array(file, index=index, **options)
                return np.asarray(values)
        return self._decompressed(self._compressed(self._fragments[index]), index)

    def _unpacked(self, file: BinaryIO, index: int) -> NDArray[Any]:
        """One-bit frames follow one another without a gap, so that one may begin within a byte."""
        count = self._layout.rows * self._layout.columns
        first, within = divmod(index * count, 8)
        file.seek(self._opened.start + first)
        packed = np.frombuffer(file.read((within + count + 7) // 8), np.uint8)
        bits = np.unpackbits(packed, count=within + count, bitorder="little")[within:]
        return bits.reshape(self._layout.rows, self._layout.columns)

    def _compressed(self, fragments: list[tuple[int, int]]) -> bytes:
        parts = []
        with self._opened.stream() as file:
            for start, length in fragments:
                file.seek(start)
                parts.append(file.read(length))
        return b"".join(parts)

    def _decompressed(self, frame: bytes, index: int) -> NDArray[Any]:
        from pydicom.encaps import encapsulate
        from pydicom.pixels.decoders.base import get_decoder

        layout, precision = self._layout, self._check_announced(frame, index)
        codec = plugin(layout, precision)
        if codec == "imagecodecs":
            return _signed(by_imagecodecs(frame, layout, self._source), layout)
        values, _ = get_decoder(self._opened.syntax).as_array(
            encapsulate([frame], has_bot=False),
            index=0,
            decoding_plugin=codec,
            **layout.options(),
        )
        return np.asarray(values)

    def _check_announced(self, frame: bytes, index: int) -> int:
        """The bits that a frame says it has; refuses one that would be larger than the header."""
        layout = self._layout
        if layout.syntax.endswith(".5"):
            # The least that run-length encoding makes of numbers is a little more than they are.
            if 8 * len(frame) > 2 * layout.frame_bits + 8192:
                raise ReadError(self._source, f"frame {index + 1} is damaged: too many bytes")
            return layout.stored
        says = announced(frame)
        if says is None:
            reason = f"frame {index + 1} is damaged, or compressed in an unknown way"
            raise ReadError(self._source, reason)
        if (says.rows, says.columns, says.samples) != (layout.rows, layout.columns, layout.samples):
            size = f"{says.columns} x {says.rows} x {says.samples}"
            reason = f"frame {index + 1} has {size} numbers, unlike the header"
            raise ReadError(self._source, f"damaged: {reason}")
        return says.bits

    def _meant(self, values: NDArray[Any]) -> NDArray[Any]:
        """Decoded numbers as those of the scan, within the range that it states."""
        layout = self._layout
        if layout.real is not None:
            return values.astype(self.dtype, copy=False)
        if layout.colours is not None:
            return np.asarray(layout.colours[values & ((1 << layout.stored) - 1)])
        if layout.lowest_bit:
            values = values >> layout.lowest_bit
        if layout.allocated == 1:
            values = values * np.uint8(255)
        assert layout.value_range is not None
        low, high = (int(end) for end in layout.value_range)
        if values.min() < low or values.max() > high:
            reason = f"numbers of more than the {layout.stored} bits that are announced"
            raise ReadError(self._source, f"damaged: {reason}")
        values = values.astype(self.dtype, copy=False)
        if layout.photometric == "MONOCHROME1":
            # Of signed numbers the ends add up to -1, so nothing overflows.
            values = np.subtract(self.dtype.type(low + high), values, dtype=self.dtype)
        return np.asarray(values)


def _signed(values: NDArray[Any], layout: Layout) -> NDArray[Any]:
    """Bit patterns of a codec that knows no sign, as two's complement of so many bits."""
    if not layout.signed or values.dtype.kind == "i":
        return np.asarray(values)
    shift = 8 * values.dtype.itemsize - layout.stored
    return np.asarray((values << shift).view(f"i{values.dtype.itemsize}") >> shift)
