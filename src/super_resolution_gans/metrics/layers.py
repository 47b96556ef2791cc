"""Boundaries of the retina in a B-scan, found as cheapest paths from its left to its right edge.

After Chiu et al. 2010 (Automatic segmentation of seven retinal layers in SDOCT images congruent
with expert manual segmentation, Opt. Express 18, 19413): pixels are the nodes of a graph, a step
from a to b costs its length times 1 - (g_a + g_b) / 2 + 1e-5, g being the edge strength in [0, 1],
and the cheapest path is the boundary; the search for one boundary is limited by another one, in an
image flattened by it. The path is scikit-image's ``MCP_Geometric``, which may go up, down and
right, or both at once, but not back.

What is done, in order. Lengths in µm are turned into whole rows; a step of 3.9 µm up or down is as
long as one to the next column.

1. The image is smoothed by a Gaussian (8 µm axially, 4 pixels laterally) that leaves padding out:
   uncounted pixels connected with the edge of the image, since others are saturated speckle.
2. A pilot follows the bright band of photoreceptors and RPE: where the mean of 55 µm exceeds most
   that of the 55 µm above and, after a gap of 16 µm, of the 55 µm below, whichever is brighter.
   Going up and down costs five times as much as going right, since this band is nearly flat.
3. The image itself, flattened by the pilot (smoothed by a Gaussian of 16 columns), is smoothed as
   before. Edges are its central differences down the rows. Every strength is divided by the 90th
   percentile of the columns' largest, and cut at 1.
4. ``ez`` is the path along dark-to-bright edges within 60 µm of the pilot, ``ilm`` the one
   anywhere above ``ez`` less 60 µm. A second pilot is tried below the first, in case that followed
   the nerve fibres; the pair whose edges are stronger is taken.
5. In the image flattened by ``ez`` (smoothed by a Gaussian of 16 columns), ``bm`` is the path along
   bright-to-dark edges 16 to 175 µm below it.
6. Sub-pixel: each row climbs the edge strength (before it is cut) for at most 10 µm, and a
   parabola through the top and its two neighbours is taken at its vertex.

What it takes for granted: rows are axial with the vitreous at the top, one retina that crosses the
whole image, and no other bright line above it. Boundaries are edges of brightness, not anatomy.
Drusen higher than 60 µm are cut across by ``ez``; ``bm`` bridges narrow ones and follows broad
ones. Oedema and the optic disc mislead both.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.metrics.image import Image, Mask, MetricError

USUAL_AXIAL_UM = 3.9  # of a Spectralis

Rows = NDArray[np.float64]
_Map = NDArray[np.float64]
_Path = NDArray[np.intp]

_SMOOTH_UM, _SMOOTH_COLUMNS = 8.0, 4.0
_BAND_UM, _GAP_UM, _APART_UM = 55.0, 16.0, 60.0
_BM_UM = (16.0, 175.0)
_NEAR_UM = 10.0
_FLATNESS, _FLATTENING = 5.0, 16.0
_WEAK = 0.1  # of a strong edge: less is none
_ENOUGH = 0.9  # share of a window that has pixels
_OUTSIDE = 100.0  # what a pixel costs that a path is to avoid
# The least on 133 B-scans of train splits is .80 and .45, but for one that the paths do not fit;
# noise reaches .18 and .20, single photographs of BSD100 .87 and .34.
_ILM_SUPPORT, _BAND_SUPPORT = 0.7, 0.4


@dataclass(frozen=True, eq=False)
class Layers:
    """Boundaries of a B-scan: a row for each A-scan, float64 (width,).

    Rows are counted from the centre of the topmost pixel, downwards. NaN: not found there, since
    padding is too near or the edge is weaker than a tenth of a strong one.

    Attributes:
        ilm: inner limiting membrane: from the dark vitreous to the bright nerve fibres.
        ez: upper edge of the ellipsoid zone, the bright band of photoreceptors and RPE.
        bm: lower edge of that band: RPE and Bruch's membrane, which are one edge to OCT.
        reason: why there are no boundaries at all; None if there are.
    """

    ilm: Rows
    ez: Rows
    bm: Rows
    reason: str | None = None

    @property
    def thickness(self) -> Rows:
        """Of the retina, ``bm`` minus ``ilm``, in rows."""
        return self.bm - self.ilm


def find_layers(
    image: Image, *, mask: Mask | None = None, axial_um: float = USUAL_AXIAL_UM
) -> Layers:
    """Find the boundaries; the same image gives the same numbers.

    Args:
        image: (H, W), floating point, 1.0 is white; rows are axial. Not modified.
        mask: boolean (H, W): True is counted; all where it is None. To compare images, give both
            the same mask.
        axial_um: height of a pixel in µm; the usual one where it is not known.

    Returns:
        The boundaries; all NaN, with a reason, where the image is too small, flat or has no
        layers: fewer than 70 % of the A-scans have their strongest edge above the photoreceptors
        on ``ilm``, within 10 µm, or fewer than 40 % the brightest band on the pilot.

    Raises:
        MetricError: if image, mask or pixel height are not as described, or scikit-image is
            missing.
    """
    values, counted = _checked(image, mask, axial_um)

    def rows(um: float) -> int:
        return max(1, round(um / axial_um))

    height, width = values.shape
    apart, thick, close = rows(_APART_UM), rows(_BAND_UM), rows(_NEAR_UM)
    if width < 2 or height < 2 * apart + 2 * thick:
        return _nothing(width, f"{height} x {width} pixels are too few to hold a retina")
    sigmas = (_SMOOTH_UM / axial_um, _SMOOTH_COLUMNS)
    padding = _padding(counted)
    band = _relative(_band(*_smoothed(values, padding, sigmas), thick, rows(_GAP_UM)))
    if band is None:
        return _nothing(width, "the image has no layers: it has no bright band")
    step = axial_um / USUAL_AXIAL_UM  # height of a row, so that the way costs what it costs there
    pilot = _cheapest(band, np.arange(height)[:, None] >= 2 * apart, step * _FLATNESS)
    slope = _slope(values, padding, _curve(pilot), sigmas)
    rising, falling = _relative(slope), _relative(-slope)
    if rising is None or falling is None:
        return _nothing(width, "the image has no layers: it has no edges across its A-scans")
    ilm, ez, reason = _upper_pair(rising, band, pilot, apart, close, step)
    if reason:
        return _nothing(width, reason)
    bm = _below(falling, ez, rows(_BM_UM[0]), rows(_BM_UM[1]), step)
    return Layers(
        _refined(ilm, rising, close), _refined(ez, rising, close), _refined(bm, falling, close)
    )


def _checked(image: Image, mask: Mask | None, axial_um: float) -> tuple[_Map, Mask]:
    if image.ndim != 2 or not image.size:
        raise MetricError(f"image of shape {image.shape}; expected (height, width)")
    if image.dtype.kind != "f":
        raise MetricError(f"image has type {image.dtype}; expected floating point, 1.0 white")
    if not np.isfinite(image).all():
        raise MetricError("image holds NaN or infinite values")
    if not 0.1 <= axial_um <= 100:
        raise MetricError(f"pixels {axial_um:g} µm high are not of OCT; expected 0.1 to 100 µm")
    if mask is None:
        mask = np.ones(image.shape, np.bool_)
    if mask.shape != image.shape or mask.dtype != np.bool_:
        raise MetricError(f"mask is {mask.dtype} {mask.shape}; expected bool {image.shape}")
    return image.astype(np.float64), mask


def _nothing(width: int, reason: str) -> Layers:
    nowhere = np.full(width, np.nan)
    return Layers(nowhere, nowhere, nowhere, reason)


def _padding(counted: Mask) -> Mask:
    """Uncounted pixels connected with the edge of the image."""
    try:
        from scipy.ndimage import label
    except ImportError as error:
        raise _missing("SciPy") from error
    groups, _ = label(~counted, np.ones((3, 3)))
    outer = np.unique([*groups[0], *groups[-1], *groups[:, 0], *groups[:, -1]])
    return np.isin(groups, outer[outer > 0])


def _smoothed(values: _Map, padding: Mask, sigmas: tuple[float, float]) -> tuple[_Map, Mask]:
    """The image smoothed, and where padding is too near for an edge."""
    from scipy.ndimage import gaussian_filter

    weight = gaussian_filter(np.where(padding, 0.0, 1.0), sigmas)
    blurred = gaussian_filter(np.where(padding, 0.0, values), sigmas)
    near: Mask = weight < _ENOUGH
    return blurred / np.maximum(weight, 1e-6), near


def _curve(path: _Path) -> Rows:
    """A smooth path to flatten by."""
    from scipy.ndimage import gaussian_filter1d

    smooth: Rows = gaussian_filter1d(path.astype(np.float64), _FLATTENING, mode="nearest")
    return smooth


def _slope(values: _Map, padding: Mask, curve: Rows, sigmas: tuple[float, float]) -> _Map:
    """Differences down the rows of the image smoothed along ``curve``; 0 near padding."""
    height, up = len(values), curve.max() - curve
    flat = np.arange(height + int(np.ceil(up.max())))[:, None] - up
    smooth, near = _smoothed(
        _between_rows(values, flat), _between_rows(padding.astype(np.float64), flat) > 0, sigmas
    )
    slope = np.where(near, 0.0, np.gradient(smooth, axis=0))
    return _between_rows(slope, np.arange(height)[:, None] + up)


def _between_rows(values: _Map, rows: _Map) -> _Map:
    """Linearly interpolated at fractional rows, column by column; the edge goes on outside."""
    from scipy.ndimage import map_coordinates

    columns = np.broadcast_to(np.arange(values.shape[1]), rows.shape)
    result: _Map = map_coordinates(values, [rows, columns], order=1, mode="nearest")
    return result


def _relative(strength: _Map) -> _Map | None:
    """In units of a strong one, negative is 0; None if there is none."""
    strong = float(np.percentile(strength.max(axis=0), 90))
    return np.maximum(strength, 0.0) / strong if strong > 1e-6 else None


def _band(smooth: _Map, near: Mask, thick: int, gap: int) -> _Map:
    """How much brighter a band that begins here is than what lies above and below it."""
    upper, lower = _mean(smooth, -thick, 0), _mean(smooth, thick + gap, 2 * thick + gap)
    padded = _mean(near.astype(np.float64), -thick, 2 * thick + gap)
    excess = _mean(smooth, 0, thick) - np.fmax(upper, lower)
    return np.where(np.isnan(excess) | (padded > 0), 0.0, excess)


def _mean(values: _Map, first: int, end: int) -> _Map:
    """Mean of the rows from ``first`` to before ``end`` below each, of those inside the image."""
    height = len(values)
    sums = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    low, high = (np.clip(np.arange(height) + offset, 0, height) for offset in (first, end))
    number = (high - low)[:, None]
    return np.where(number > 0, (sums[high] - sums[low]) / np.maximum(number, 1), np.nan)


def _upper_pair(
    rising: _Map, band: _Map, first: _Path, apart: int, close: int, step: float
) -> tuple[_Path, _Path, str | None]:
    """``ilm`` and ``ez`` as paths, and what speaks against them."""
    row = np.arange(len(rising))[:, None]
    pilots = [first]
    if first.max() + 2 * apart < len(rising) - 1:
        pilots.append(_cheapest(band, row > first + 2 * apart, step * _FLATNESS))
    found = []
    for pilot in pilots:
        ez = np.maximum(_cheapest(rising, np.abs(row - pilot) <= apart, step), apart + 1)
        above = row <= ez - apart
        ilm = np.minimum(_cheapest(rising, above, step), ez - apart)
        strongest = np.where(above, rising, -1.0).argmax(axis=0)
        support = float(np.mean(np.abs(ilm - strongest) <= close))
        along = float(np.mean(np.abs(pilot - band.argmax(axis=0)) <= close))
        strength = _along(np.minimum(rising, 1), ilm) + _along(np.minimum(band, 1), pilot)
        found.append((strength.mean(), ilm, ez, support, along))
    _, ilm, ez, support, along = max(found, key=lambda pair: pair[0])
    if support < _ILM_SUPPORT:
        return ilm, ez, f"no layers: only {support:.0%} of A-scans show an ILM along one line"
    if along < _BAND_SUPPORT:
        return ilm, ez, f"no layers: only {along:.0%} of A-scans show one bright band below"
    return ilm, ez, None


def _below(falling: _Map, ez: _Path, first: int, last: int, step: float) -> _Path:
    """``bm``, in the image flattened by ``ez``."""
    curve = np.rint(_curve(ez)).astype(np.intp)
    rows = curve + np.arange(first, last)[:, None]
    inside = rows < len(falling)
    flat = falling[np.minimum(rows, len(falling) - 1), np.arange(falling.shape[1])]
    path = _cheapest(np.where(inside, flat, 0.0), inside, step)
    lower: _Path = np.minimum(path + first + curve, len(falling) - 1)
    return lower


def _cheapest(strength: _Map, allowed: Mask, vertical: float) -> _Path:
    """The path along the strongest, one row a column: of several the strongest.

    ``vertical`` is the length of a step up or down in lengths of one to the right. Where
    ``allowed`` leaves no way the path goes outside it.
    """
    try:
        from skimage.graph import MCP_Geometric
    except ImportError as error:
        raise _missing("scikit-image") from error
    inside = np.flatnonzero(allowed.any(axis=1))
    rows = slice(inside[0], inside[-1] + 1)
    cost = np.where(allowed[rows], 1 - np.minimum(strength[rows], 1) + 1e-5, _OUTSIDE)
    height, width = cost.shape
    steps = [(-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0)]
    graph: Any = MCP_Geometric(cost, offsets=steps, sampling=(vertical, 1.0))
    left, right = ([(row, column) for row in range(height)] for column in (0, width - 1))
    totals, _ = graph.find_costs(left, right, find_all_ends=False)
    last = int(np.argmin(totals[:, -1]))
    row, column = np.array(graph.traceback((last, width - 1))).T
    order = np.lexsort((cost[row, column], column))
    _, first = np.unique(column[order], return_index=True)
    path: _Path = row[order][first] + rows.start
    return path


def _along(strength: _Map, path: _Path) -> _Map:
    return strength[path, np.arange(len(path))]


def _refined(path: _Path, strength: _Map, climb: int) -> Rows:
    """Rows to fractions of a pixel; NaN where there is no edge."""
    last = len(strength) - 2
    top = np.clip(path, 1, last)
    for _ in range(climb):
        around = np.stack([_along(strength, top + step) for step in (-1, 0, 1)])
        top = np.clip(top + np.where(around[1] >= around.max(0), 0, around.argmax(0) - 1), 1, last)
    before, here, after = (_along(strength, top + step) for step in (-1, 0, 1))
    curvature = before - 2 * here + after
    offset = np.where(curvature < 0, (before - after) / np.where(curvature < 0, curvature, -1), 0)
    refined: Rows = np.where(here >= _WEAK, top + np.clip(offset / 2, -0.5, 0.5), np.nan)
    return refined


def _missing(library: str) -> MetricError:
    return MetricError(f'layers need {library}: pip install "SuperResolution-GANs[eval]"')
