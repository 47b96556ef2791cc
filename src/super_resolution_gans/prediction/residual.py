"""How far a super-resolved image is from the scan it was made of, in numbers and in words."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Residual:
    """How far a downsampled image is from what was measured, in units of [0, 1].

    Attributes:
        rms: root mean square of A x - y over all LR pixels and channels.
        largest: largest absolute difference.
    """

    rms: float
    largest: float

    @property
    def decibels(self) -> float:
        """PSNR of A x against y, peak 1; infinite if they are equal."""
        return -20 * math.log10(self.rms) if self.rms else math.inf

    def __str__(self) -> str:
        if not self.rms:
            return "nothing"
        return (
            f"{self.rms:.2g} (root mean square; {self.decibels:.1f} dB), {self.largest:.2g} at most"
        )


@dataclass(frozen=True)
class Correction:
    """What a projection has done to one image: the residual before and after; prints in words."""

    before: Residual
    after: Residual

    def __str__(self) -> str:
        return (
            f"downsampled, the network's image differs from the scan by {self.before}; "
            f"the corrected one by {self.after}"
        )
