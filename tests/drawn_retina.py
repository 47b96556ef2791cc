"""A drawn B-scan whose boundaries are known."""

import numpy as np
from scipy.ndimage import gaussian_filter

from super_resolution_gans.metrics.layers import Layers

VITREOUS, NERVE_FIBRES, INNER, OUTER, BAND, CHOROID = 0.06, 0.5, 0.38, 0.2, 0.75, 0.3


def curves(width=384, *, tilt=0.1, pit=35.0, drusen=0.0):
    """Rows of ILM, of the upper edge of the bright band and of its lower edge, by column."""
    x = np.arange(width) - width / 2
    base = 210 + tilt * x + 8 * np.sin(x / 70)
    ez = base - drusen * np.exp(-np.square((x + 80) / 14))
    bm = base + 17.3
    ilm = base - 75 + pit * np.exp(-np.square(x / 40)) - 6 * np.cos(x / 50)
    nothing = None
    return Layers(ilm, ez, bm, nothing)


def drawn(layers, height=320, *, contrast=0.35, seed=0, blur=1.0):
    """The retina between these boundaries, blurred and times speckle: float32 in [0, 1].

    Row r reaches from r - 1/2 to r + 1/2; a pixel that a boundary crosses gets its share of both.
    """
    row = np.arange(height)[:, None]

    def below(boundary):
        return np.clip(row + 0.5 - boundary, 0, 1)

    middle = layers.ilm + 0.55 * (layers.ez - layers.ilm)
    image = np.full((height, len(layers.ilm)), VITREOUS)
    for boundary, step in (
        (layers.ilm, NERVE_FIBRES - VITREOUS),
        (layers.ilm + 8, INNER - NERVE_FIBRES),
        (middle, OUTER - INNER),
        (layers.ez, BAND - OUTER),
        (layers.bm, CHOROID - BAND),
    ):
        image += step * below(boundary)
    image = gaussian_filter(image, blur)
    grain = gaussian_filter(np.random.default_rng(seed).standard_normal(image.shape), (0.6, 0.8))
    return np.clip(image * (1 + contrast * grain / grain.std()), 0, 1).astype(np.float32)
