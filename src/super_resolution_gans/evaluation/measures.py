"""What can be measured, how it is written, and which way is better."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Better = Literal["higher", "lower", "near 0", "near 1"]


@dataclass(frozen=True)
class Measure:
    """One measure of an image.

    Attributes:
        name: in CSV, in JSON, and on the command line.
        heading: in tables.
        format: of its numbers in tables.
        better: which way; ``near 1`` is a ratio, where half and twice are equally far.
        words: what it is, for the protocol; of the usual measures the protocol has its own.
    """

    name: str
    heading: str
    format: str
    better: Better
    words: str = ""

    def badness(self, value: float) -> float:
        """Least for the best: how far from what it should be, or the value, with its sign."""
        if self.better == "near 1":
            return abs(math.log(value)) if value > 0 else math.inf
        return {"higher": -value, "lower": value}.get(self.better, abs(value))

    @property
    def has_target(self) -> bool:
        """Whether there is a value that it should have, rather than a way to go."""
        return self.better in ("near 0", "near 1")


USUAL = (
    Measure("psnr", "PSNR dB", ".2f", "higher"),
    Measure("ssim_wang", "SSIM Wang", ".4f", "higher"),
    Measure("ssim_daala", "SSIM daala", ".4f", "higher"),
    Measure("lr_consistency", "LR consistency dB", ".2f", "higher"),
    Measure("lpips", "LPIPS alex", ".4f", "lower"),
    Measure("spectrum_distance", "spectrum distance", ".2f", "lower"),
    Measure("grid_excess", "grid excess", "+.2f", "near 0"),
    Measure("grain_ratio", "grain width", ".2f", "near 1"),
    Measure("histogram_distance", "grey levels", ".2f", "lower"),
)
MORE = (
    Measure(
        "ms_ssim",
        "MS-SSIM",
        ".4f",
        "higher",
        "MS-SSIM: five levels, 11 x 11 Gaussian, sigma 1.5; from 176 x 176 pixels without border",
    ),
    Measure(
        "spectrum_axial",
        "axial spectrum",
        ".2f",
        "lower",
        "axial, lateral spectrum: spectrum distance over the frequencies of one direction",
    ),
    Measure("spectrum_lateral", "lateral spectrum", ".2f", "lower"),
    Measure(
        "cnr_ratio",
        "CNR ratio",
        ".2f",
        "near 1",
        "CNR, ENL, SNR: of SR over (SNR: less) HR's, in the same regions of background and even "
        "tissue; 1 (SNR: 0) is alike",
    ),
    Measure("enl_ratio", "ENL ratio", ".2f", "near 1"),
    Measure("snr_difference", "SNR dB more", "+.2f", "near 0"),
    Measure(
        "edge_preservation",
        "edge preservation",
        ".3f",
        "higher",
        "edge preservation: correlation of the Laplacians after a Gaussian of sigma 2",
    ),
    Measure(
        "resolved",
        "resolved",
        ".2f",
        "higher",
        "resolved: median over 64 x 64 patches of the frequency where the Fourier ring correlation "
        "with HR falls below 0.5, in Nyquist frequencies of LR",
    ),
    Measure(
        "contradicted",
        "contradicted",
        ".3f",
        "lower",
        "contradicted: share of patches where it does so below the Nyquist frequency of LR",
    ),
    Measure(
        "invented",
        "invented",
        ".3f",
        "lower",
        "invented: share of patches with detail beyond the Nyquist frequency of LR (a tenth of "
        "HR's power or more) whose correlation with HR is under 1/7; speckle cannot but be",
    ),
    Measure(
        "dists",
        "DISTS",
        ".4f",
        "lower",
        "DISTS: whole image in colour, grey three times, not resized; 0 is alike",
    ),
    Measure(
        "niqe",
        "NIQE",
        ".2f",
        "lower",
        "NIQE: of SR alone, whole image, blocks of 96 x 96; learned from photographs, not from OCT",
    ),
)
OCT = tuple(measure.name for measure in MORE if measure.name not in ("dists", "niqe"))
KNOWN = {measure.name: measure for measure in (*USUAL, *MORE)}


def named(names: Sequence[str]) -> list[str]:
    """Names of measures beyond the usual, without doubles, in the order of the table.

    Args:
        names: of them; ``oct`` is all that need no file of weights.

    Raises:
        ValueError: if one is unknown; the message names those that are known.
    """
    wanted = {name for given in names for name in (OCT if given == "oct" else (given,))}
    known = [measure.name for measure in MORE]
    unknown = sorted(wanted - set(known) - {measure.name for measure in USUAL})
    if unknown:
        raise ValueError(f"{unknown[0]!r} is no measure; known are oct, {', '.join(known)}")
    return [name for name in known if name in wanted]
