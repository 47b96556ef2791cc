"""An image under measurement, and what was worked out about it once.

Five methods are compared with one truth, and several measures ask the same of an image: its power
spectrum, its local means, its features. Every measure of this room takes a plain array or a
:class:`Subject`; with a subject, whatever depends on that image alone is worked out once and
kept as long as the subject is.
"""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]
T = TypeVar("T")


class Subject:
    """One image and what is known about it; not to be shared between threads.

    Args:
        pixels: (H, W) or (H, W, 3), floating point, 1.0 is white. They must not change afterwards:
            what was worked out would be of another image.
    """

    def __init__(self, pixels: Image) -> None:
        self.pixels = pixels
        self._known: dict[Hashable, Any] = {}

    def once(self, what: Hashable, work: Callable[[], T]) -> T:
        """What ``work`` returns, called only the first time that ``what`` is asked for.

        Args:
            what: names the result with all that it depends on besides the pixels.
            work: what it takes; an exception is not remembered.
        """
        if what not in self._known:
            self._known[what] = work()
        return cast(T, self._known[what])


def subject(image: Image | Subject) -> Subject:
    """The subject itself, or a new one of an array."""
    return image if isinstance(image, Subject) else Subject(image)


def mask_key(mask: Mask | None) -> Hashable:
    """A mask as part of a name for :meth:`Subject.once`."""
    return None if mask is None else (mask.shape, mask.tobytes())
