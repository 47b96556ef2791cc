"""What every engine answers to, and the one thing that may go wrong in any of them."""

from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.prediction.errors import PredictionError
from super_resolution_gans.prediction.tiles import Pair

WHOLE = 1 << 30
"""Longer than any image: the core of engines whose networks look at all of it."""


CORE = (432, 432)
"""For networks whose features are all there at once: with SRResNet's halo these are windows of
512 x 512; a common B-scan is one or two of them, and the features stay below 3 GB."""

BATCH_PIXELS = 128 * 128
"""On a CPU larger batches gain nothing."""


class OutOfMemoryError(PredictionError):
    """A window does not fit into the memory of the device; smaller ones may."""

    @classmethod
    def on(cls, device: str, windows: tuple[int, ...], core: Pair) -> Self:
        """For windows of shape (n, h, w, c), of which the default core is this."""
        return cls(
            f"out of memory on {device}",
            f"a tile of {windows[1]} x {windows[2]} pixels does not fit; ask for smaller ones with "
            f"--tile (it is {core[0]} unless told)",
        )


class Engine(Protocol):
    """What turns windows into larger windows: a network on a device, or an interpolation."""

    @property
    def channels(self) -> int | None:
        """Channels in and out; None takes any."""

    @property
    def scale(self) -> Pair:
        """(vertical, lateral) factors."""

    @property
    def halo(self) -> Pair:
        """How far an output pixel looks, in input pixels (vertical, lateral)."""

    @property
    def core(self) -> Pair:
        """Default size of a tile without its halo, in input pixels (vertical, lateral)."""

    @property
    def batch_pixels(self) -> int:
        """Input pixels that go through in one call, unless one window has more.

        Small slices wait for each other up to there.
        """

    @property
    def tiles(self) -> bool:
        """Whether an image can be cut into tiles; not if every pixel depends on the whole image."""

    def upscale(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, h, w, c) -> (n, v*h, l*w, c), a new array at each call.

        Raises:
            OutOfMemoryError: if smaller windows, or fewer, may do.
        """
