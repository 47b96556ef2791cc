"""How far a super-resolved image is from the scan it was made of, in numbers and in words."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


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


class ResidualSum:
    """Adds up differences A x - y, part by part, to the residual of all of them."""

    def __init__(self) -> None:
        self._squares, self._largest, self._count = 0.0, 0.0, 0

    def add(self, difference: NDArray[np.float64]) -> None:
        """One part, any shape, at least one number."""
        self._squares += float(np.sum(np.square(difference)))
        self._largest = max(self._largest, float(np.abs(difference).max()))
        self._count += difference.size

    @property
    def residual(self) -> Residual | None:
        """Of all parts; None before the first."""
        if not self._count:
            return None
        return Residual(math.sqrt(self._squares / self._count), self._largest)


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
