"""How far retinal boundaries move when a scan is replaced by its super-resolution.

Boundaries are those of :func:`super_resolution_gans.metrics.layers.find_layers`, found in HR and SR
in the same way, so an error is one of SR and of the search together. Two rows say what the search
alone is worth on this scan: HR with fresh speckle on top of its own, and each slice's neighbour in
its place.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.evaluation.pairs import EvaluationError, Image, Pair, quantised
from super_resolution_gans.metrics.image import padding_mask
from super_resolution_gans.metrics.layers import USUAL_AXIAL_UM, Layers, Rows, find_layers

MEASURED = ("ilm", "ez", "bm", "thickness")
HR, RESPECKLED, NEIGHBOUR = "HR", "HR, more speckle", "HR, next slice"
_LOCAL_MEAN, _LOCAL_DEVIATION = (1.0, 6.0), (3.0, 8.0)  # Gaussians (axial, lateral) in pixels


@dataclass(frozen=True)
class Difference:
    """Errors of one boundary, over the A-scans where both images have it; in rows.

    Attributes:
        compared: number of A-scans.
        missing: number of A-scans where HR has it and the other image has not.
        mean_absolute: mean of the errors' sizes.
        bias: mean error; positive: deeper, or thicker, than in HR.
        low: the 2.5th percentile of the errors.
        high: the 97.5th; 95 % lie between. (Not 1.96 standard deviations: there are outliers.)
    """

    compared: int
    missing: int
    mean_absolute: float
    bias: float
    low: float
    high: float


def difference(found: Rows, reference: Rows) -> Difference | None:
    """Compare rows of the same A-scans, NaN where there is none; None where nothing is in common.

    Args:
        found: float64 of any shape.
        reference: of the same shape.
    """
    error = found - reference
    known = error[np.isfinite(error)]
    if not known.size:
        return None
    low, high = np.percentile(known, (2.5, 97.5))
    return Difference(
        compared=known.size,
        missing=int(np.sum(np.isfinite(reference) & ~np.isfinite(found))),
        mean_absolute=float(np.abs(known).mean()),
        bias=float(known.mean()),
        low=float(low),
        high=float(high),
    )


@dataclass(frozen=True)
class LayerComparison:
    """Boundaries of all slices in which HR has some.

    Attributes:
        slices: their names.
        reference: boundaries in HR, slice by slice.
        methods: {method or row of repeatability: boundaries, slice by slice}; None: there is no
            next slice to compare with.
        axial_um: height of a pixel; None: unknown.
        failures: "name: reason" of the slices that are left out since HR has no boundaries.
    """

    slices: Sequence[str]
    reference: Sequence[Layers]
    methods: Mapping[str, Sequence[Layers | None]]
    axial_um: float | None
    failures: Sequence[str]

    def of(self, method: str, measured: str, index: int | None = None) -> Difference | None:
        """Of one of ``MEASURED``, over all slices or in one; None where nothing is in common."""
        indices = range(len(self.slices)) if index is None else (index,)
        pairs = [(self.methods[method][index], self.reference[index]) for index in indices]
        rows = [
            (getattr(found, measured), getattr(truth, measured))
            for found, truth in pairs
            if found is not None
        ]
        if not rows:
            return None
        found, truth = (np.concatenate(several) for several in zip(*rows, strict=True))
        return difference(found, truth)


def compare_layers(
    pairs: Iterable[Pair],
    upscalers: Mapping[str, Callable[[Image], NDArray[np.floating[Any]]]],
    *,
    axial_um: float | None = None,
    seed: int = 0,
    on_slice: Callable[[Pair, Mapping[str, Image], Mapping[str, Layers]], None] | None = None,
) -> LayerComparison:
    """Find the boundaries in HR and in every SR of the slices of one scan.

    SR is clipped and rounded as in every evaluation; pixels that are padding in HR are padding in
    all images.

    Args:
        pairs: grey, in the order of the slices.
        upscalers: {method: function (H, W) -> (v*H, h*W)}.
        axial_um: height of an HR pixel in µm, for the lengths of the search too.
        seed: of the fresh speckle.
        on_slice: called after each slice with the pair, {method: SR} and {method: boundaries},
            those of HR among them.

    Raises:
        EvaluationError: if a slice is not grey or as wide as the others, or none has boundaries.
        MetricError: if the search cannot be done at all.
    """
    height = axial_um or USUAL_AXIAL_UM
    names: list[str] = []
    truths: list[Layers] = []
    methods: dict[str, list[Layers | None]] = {name: [] for name in (*upscalers, RESPECKLED)}
    for number, pair in enumerate(pairs):
        if pair.hr.ndim != 2:
            raise EvaluationError(pair.name, "layers are looked for in grey images only")
        if truths and pair.hr.shape[1] != len(truths[0].ilm):
            raise EvaluationError(pair.name, "is not as wide as the slices before it")
        mask = padding_mask(pair.hr)
        truth = find_layers(pair.hr, mask=mask, axial_um=height)
        names.append(pair.name)
        truths.append(truth)
        images = {
            name: quantised(upscale(pair.lr), pair.levels) for name, upscale in upscalers.items()
        }
        fresh = quantised(respeckled(pair.hr, (seed, number)), pair.levels)
        found = {
            name: find_layers(image, mask=mask, axial_um=height)
            for name, image in {**images, RESPECKLED: fresh}.items()
        }
        for name, layers in found.items():
            methods[name].append(layers)
        if on_slice is not None:
            on_slice(pair, images, {HR: truth, **found})
    if not names:
        raise EvaluationError("layers", "there is no slice")
    methods[NEIGHBOUR] = [*truths[1:], None]
    with_layers = [index for index, truth in enumerate(truths) if truth.reason is None]
    if not with_layers:
        others = "; nor has any other slice layers" if len(names) > 1 else ""
        raise EvaluationError(names[0], f"{truths[0].reason}{others}")
    return LayerComparison(
        [names[index] for index in with_layers],
        [truths[index] for index in with_layers],
        {name: [several[index] for index in with_layers] for name, several in methods.items()},
        axial_um,
        [
            f"{name}: {truth.reason}"
            for name, truth in zip(names, truths, strict=True)
            if truth.reason
        ],
    )


def respeckled(image: Image, seed: int | Sequence[int]) -> Image:
    """Add speckle like the image's own, in strength from place to place and in grain.

    The image's own is what is left after a local mean (Gaussian of 1 pixel axially, 6 laterally,
    so that layers stay in the mean), divided by its local root mean square (3 and 8 pixels). Fresh
    speckle has the same power spectrum with random phases, times the same local root mean square.
    What of steep layers is in it makes it a little too strong.

    Args:
        image: (H, W), floating point; not modified.
        seed: of the phases; the same seed gives the same numbers.

    Returns:
        float32 of the same shape, not clipped.

    Raises:
        EvaluationError: if SciPy is missing.
    """
    try:
        from scipy.ndimage import gaussian_filter
    except ImportError as error:
        cure = 'pip install "SuperResolution-GANs[eval]"'
        raise EvaluationError("speckle", f"needs SciPy: {cure}") from error
    values = image.astype(np.float64)
    residue = values - gaussian_filter(values, _LOCAL_MEAN)
    strength = np.sqrt(gaussian_filter(np.square(residue), _LOCAL_DEVIATION))
    even = np.divide(residue, strength, out=np.zeros_like(residue), where=strength > 1e-6)
    white = np.random.default_rng(seed).standard_normal(image.shape)
    phases = np.fft.rfft2(white)
    phases /= np.maximum(np.abs(phases), 1e-12)
    fresh = np.fft.irfft2(np.abs(np.fft.rfft2(even)) * phases, s=image.shape)
    result: Image = (values + strength * fresh).astype(np.float32)
    return result
