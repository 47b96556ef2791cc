"""Beside a result: how far off each of its pixels may be, as numbers and as a picture."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.io import read_scan, with_suffix, write_scan
from super_resolution_gans.prediction.catalogue import DEFAULT_MODEL, FAITHFUL
from super_resolution_gans.prediction.errors import PredictionError
from super_resolution_gans.prediction.uncertainty import Calibration, overlay, signals
from super_resolution_gans.prediction.upscale import load_upscaler
from super_resolution_gans.prediction.upscaler import Upscaler
from super_resolution_gans.scan import Scan, to_unit

Map = NDArray[np.float32]
_ANY_SIZE = 1 << 62


@dataclass(frozen=True)
class Written:
    """What was written beside a result.

    Attributes:
        half_widths: the TIFF of numbers.
        picture: the result with its uncertainty in colour.
        mean: half width of all pixels, as a share of the scan's range.
    """

    half_widths: Path
    picture: Path
    mean: float


class Maps:
    """Writes maps beside the results of the one model that a calibration was made for.

    Results are read back, so that intervals lie around what is stored, and the second network runs
    once more over the scan; one slice at a time is in memory.

    Args:
        calibration: for both networks.
        partner: the other network.
    """

    def __init__(self, calibration: Calibration, partner: Upscaler) -> None:
        self._calibration, self._partner = calibration, partner

    @staticmethod
    def targets(result: Path, slices: int) -> tuple[Path, Path]:
        """Where the map and the picture go, beside a result."""
        suffix = ".png" if slices == 1 else ".tif"
        stem = with_suffix(result, "").name
        return (
            result.with_name(f"{stem}-uncertainty.tif"),
            result.with_name(f"{stem}-uncertainty-overlay{suffix}"),
        )

    def write(
        self, scan: Scan, result: Path, about: Mapping[str, Any], *, overwrite: bool = False
    ) -> Written:
        """Write the maps of a result.

        The TIFF has, for each pixel of the result, half the width of the interval that holds the
        true one with the calibration's probability: float32, in the scan's own numbers.

        Args:
            scan: that was upscaled.
            result: the file that its result is in.
            about: how the result was made.

        Raises:
            ValueError: if the scan is in colour, the result cannot be read back, or the maps not
                be written. The message is one line.
        """
        check_grey(scan)
        stored = read_scan(result, max_pixels=_ANY_SIZE)
        low, high = scan.value_range
        shown = _Shown(stored, scan.value_range)
        widths = _HalfWidths(scan, shown, self._partner, self._calibration)
        numbers = replace(
            stored,
            pixels=widths,
            dtype=np.dtype(np.float32),
            value_range=(0.0, max(high - low, float(np.finfo(np.float32).tiny))),
            header=None,
        )
        share = f"{self._calibration.coverage:.0%}"
        told = {
            **about,
            "map": f"half the width of the interval around each pixel that holds the true one "
            f"with a probability of {share}, in the numbers of the scan",
            "calibrated_for": dict(self._calibration.models),
        }
        map_path, picture_path = self.targets(result, scan.slices)
        write_scan(numbers, map_path, overwrite=overwrite, about=lambda: told)
        # From the file, since of a volume only the newest slice is remembered.
        coloured = _Coloured(shown, read_scan(map_path, max_pixels=_ANY_SIZE))
        picture = Scan(coloured, stored.spacing, stored.source, np.dtype(np.uint8), (0.0, 255.0))
        what = "the result; the more orange a pixel, the wider its interval"
        write_scan(picture, picture_path, overwrite=overwrite, about=lambda: {**told, "map": what})
        return Written(map_path, picture_path, widths.mean)


def check_grey(scan: Scan) -> None:
    """Raise PredictionError for what has no map."""
    if scan.channels != 1:
        raise PredictionError(
            scan.source or "scan", "is in colour; how far off pixels may be is known of grey ones"
        )


def load_maps(upscaler: Upscaler, *, device: str = "auto", tile: int | None = None) -> Maps:
    """What writes maps beside the results of ``upscaler``.

    Args:
        device, tile: for the other network, see :func:`upscale.load_upscaler`.

    Raises:
        PredictionError: if its uncertainty was not calibrated as it is set.
    """
    calibration = Calibration.load()
    digests = {digest: name for name, digest in calibration.models.items()}
    name = digests.get(str(upscaler.provenance.weights_sha256))
    centre, other = DEFAULT_MODEL, FAITHFUL[DEFAULT_MODEL]  # its image is the centre
    if name != centre or upscaler.provenance.fidelity not in (None, 0):
        raise PredictionError(
            upscaler.name, f"its uncertainty has not been calibrated; that of {centre} has"
        )
    if upscaler.provenance.consistency != "bicubic" or upscaler.scale != (4, 4):
        raise PredictionError(
            upscaler.name,
            "its uncertainty has been calibrated for a scale of 4 and for results that agree with "
            "the scan (--consistency, without --noise)",
        )
    partner = load_upscaler(other, device=device, tile=tile)
    if partner.provenance.weights_sha256 != calibration.models[other]:
        raise PredictionError(other, "is not the one that the uncertainty was calibrated with")
    return Maps(calibration, partner)


class _Shown:
    """A result as it is stored, in the range of the scan."""

    def __init__(self, stored: Scan, value_range: tuple[float, float]) -> None:
        self._stored, self._range = stored, value_range
        self.shape = stored.shape

    def slice_pixels(self, index: int) -> Map:
        return np.clip(to_unit(self._stored.stored_slice(index), self._range), 0, 1)


class _HalfWidths:
    """The half widths of a volume as a source, computed slice by slice."""

    def __init__(
        self, scan: Scan, shown: _Shown, partner: Upscaler, calibration: Calibration
    ) -> None:
        self.shape = shown.shape
        self._scan, self._shown, self._partner = scan, shown, partner
        self._calibration = calibration
        self._newest: tuple[int, Map] | None = None
        self._means: dict[int, float] = {}

    def slice_pixels(self, index: int) -> Map:
        if self._newest is None or self._newest[0] != index:
            low, sr = self._scan.slice_pixels(index), self._shown.slice_pixels(index)
            one = replace(self._scan, pixels=low[np.newaxis], header=None)
            smooth = self._partner(one).slice_pixels(0)
            width = self._calibration.half_width(signals(low, sr, smooth))
            self._newest = index, width
            self._means[index] = float(width.mean(dtype=np.float64))
        return self._newest[1]

    def read(self, index: int, rows: slice, columns: slice) -> Map:
        """float32 (h, w) in [0, 1]."""
        return self.slice_pixels(index)[rows, columns]

    @property
    def mean(self) -> float:
        """Of all slices that were read."""
        return float(np.mean(list(self._means.values())))


class _Coloured:
    """The result with its half widths in colour as a source."""

    def __init__(self, shown: _Shown, widths: Scan) -> None:
        self.shape = (*shown.shape, 3)
        self._shown, self._widths = shown, widths
        self._newest: tuple[int, Map] | None = None

    def read(self, index: int, rows: slice, columns: slice) -> Map:
        """float32 (h, w, 3) in [0, 1]."""
        if self._newest is None or self._newest[0] != index:
            sr, width = self._shown.slice_pixels(index), self._widths.slice_pixels(index)
            self._newest = index, overlay(sr, width)
        return self._newest[1][rows, columns]
