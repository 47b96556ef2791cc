"""Heidelberg's reflectivities, as numbers between 0 and 1 and as HEYEX shows them.

A .vol holds reflectivity as float32, an .E2E as a 16-bit float without a sign: 6 bits of exponent,
biased by 63, above 10 bits of mantissa, as in uocte and retimat. (eyepy 0.21 and OCT-Converter take
the bits of the mantissa in reverse, by which neighbouring pixels of a real B-scan agree less.)

Noise and retina lie between about 0.0001 and 0.1, so that nobody looks at these numbers themselves.
HEYEX and its exports show them on a nearly logarithmic scale; the curve here is that of eyepy 0.21
(``core/utils.py``, ``from_vol_intensity``): 0 at 0, 1 at 1, ``(ln(r + 2.44e-4) + 8.3) / 8.285``
between. Unlike eyepy's, the result is not rounded to 8 bits.
"""

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.io.errors import ReadError

WORDS = "HEYEX display scale (logarithmic)"
VALUE_OUTSIDE = np.finfo(np.float32).max  # where a .vol holds no measurement

_EMPTY_ABOVE = 1.99  # where an .E2E holds none


def displayed(reflectivity: NDArray[np.float32], source: str) -> NDArray[np.float32]:
    """Reflectivities of a .vol, any shape, as HEYEX shows them: float32 in [0, 1].

    What was not measured becomes 0; any other value above 1 becomes 1.

    Raises:
        ReadError: if a value is negative, infinite or not a number.
    """
    low, high = reflectivity.min(), reflectivity.max()
    if not (low >= 0 and high < np.inf):
        raise ReadError(source, "damaged: reflectivities that are negative or not finite")
    shown = _curve(np.minimum(reflectivity, np.float32(1)))
    shown[reflectivity == VALUE_OUTSIDE] = 0
    return shown


def displayed_codes() -> NDArray[np.float32]:
    """What each of the 65536 codes of an .E2E looks like: float32 (65536,) in [0, 1]."""
    codes = np.arange(1 << 16)
    values = np.ldexp(1 + (codes & 1023) / 1024, (codes >> 10) - 63)
    shown = _curve(np.minimum(values, 1).astype(np.float32))
    shown[values > _EMPTY_ABOVE] = 0
    return shown


def _curve(reflectivity: NDArray[np.float32]) -> NDArray[np.float32]:
    shown: NDArray[np.float32] = np.log(reflectivity + np.float32(2.44e-4))
    shown += np.float32(8.3)
    shown /= np.float32(8.285)
    np.clip(shown, 0, 1, out=shown)
    return shown
