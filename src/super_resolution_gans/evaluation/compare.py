"""Upscalers measured on the same images: one row for each image and method, and their means."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.evaluation.ahead import in_order
from super_resolution_gans.evaluation.kept import Kept
from super_resolution_gans.evaluation.measure import Distance, Measuring, Regions, Truth
from super_resolution_gans.evaluation.measures import KNOWN
from super_resolution_gans.evaluation.pairs import EvaluationError, Image, Pair, quantised
from super_resolution_gans.evaluation.rows import Protocol, Row

__all__ = [
    "Comparison", "Distance", "Mean", "Protocol", "Row", "Upscale", "compare", "measure",
]  # fmt: skip

Upscale = Callable[[Image], NDArray[np.floating[Any]]]


@dataclass(frozen=True)
class Mean:
    """The mean over images of one method on one dataset.

    PSNR and LR consistency are averaged over the images where they are finite; ``identical`` and
    ``consistent`` say in how many they are not. They are infinite only if they are so everywhere.
    LPIPS, spectrum distance and grid excess are averaged over the images that have them;
    ``without_lpips`` and ``without_spectrum`` say how many have not. They are None if none has.
    So are grain ratio and histogram distance, which have ``without_grain``. ``more`` and
    ``without`` are the same of the measures beyond these, by name.
    """

    method: str
    psnr: float
    ssim_wang: float
    ssim_daala: float
    lr_consistency: float
    images: int
    identical: int
    consistent: int
    lpips: float | None
    spectrum_distance: float | None
    grid_excess: float | None
    grain_ratio: float | None
    histogram_distance: float | None
    without_lpips: int
    without_spectrum: int
    without_grain: int
    more: Mapping[str, float | None] = field(default_factory=dict)
    without: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """All rows of an evaluation, and the protocol they were measured by.

    ``regions_drawn`` says whether the regions of contrast were drawn by hand, or found in HR.
    """

    protocol: Protocol
    rows: tuple[Row, ...]
    regions_drawn: bool = False

    @property
    def datasets(self) -> list[str]:
        """In the order in which they came."""
        return list(dict.fromkeys(row.dataset for row in self.rows))

    @property
    def methods(self) -> list[str]:
        """In the order in which they were given."""
        return list(dict.fromkeys(row.method for row in self.rows))

    def of(self, dataset: str, method: str) -> list[Row]:
        """The rows of one method on one dataset, in the order of the images."""
        return [row for row in self.rows if (row.dataset, row.method) == (dataset, method)]

    def images(self, dataset: str) -> list[Row]:
        """One row for each image of a dataset, whatever the method: for sizes, patients, masks."""
        return self.of(dataset, self.methods[0])

    def means(self, dataset: str) -> list[Mean]:
        """One mean for each method."""
        return [_mean(method, self.of(dataset, method)) for method in self.methods]


def compare(
    pairs: Iterable[Pair],
    upscalers: Mapping[str, Upscale],
    protocol: Protocol | None = None,
    *,
    lpips: Distance | None = None,
    more: Mapping[str, Measuring] | None = None,
    regions: Regions | None = None,
    on_error: Callable[[str], None] | None = None,
    on_images: Callable[[Pair, Mapping[str, Image], Sequence[Row]], None] | None = None,
    wanted: Callable[[Pair], bool] | None = None,
    kept: Kept | None = None,
    workers: int = 1,
) -> Comparison:
    """Upscale every LR by every method and measure it against its HR.

    SR is clipped and rounded to the source's depth before it is measured.

    Args:
        pairs: read one by one; may be a generator.
        upscalers: name -> function (H, W[, 3]) -> (v*H, h*W[, 3]).
        protocol: how to measure; by default ``Protocol()``.
        lpips: the perceptual distance to measure too, of whole images with all their channels.
        more: measures beyond the usual, by name; ``measure.MEASURING`` has those that need no
            file of weights.
        regions: where contrast is measured, drawn by hand: pair -> labels, None to find them.
        on_error: called with one line for an image that a method or a measure fails on. The image
            is then left out for all methods, so that means stay comparable. Without it the first
            failure is raised.
        on_images: called after each image with the pair, {method: SR} and its rows.
        wanted: with ``kept``: of which pairs ``on_images`` needs every SR. Of others it gets those
            that were missing.
        kept: rows of before, which are not measured again; new ones are added.
        workers: images that are measured at once, in threads, while the network works on the next;
            the same rows in the same order.

    Raises:
        EvaluationError: if no method is given, or a measure is unknown; or see ``on_error``.
        OSError: if rows cannot be kept.
    """
    if not upscalers:
        raise EvaluationError("evaluation", "no model is given")
    if unknown := sorted(set(more or ()) - set(KNOWN)):
        raise EvaluationError("evaluation", f"{unknown[0]!r} is no measure")
    protocol = protocol or Protocol()

    def begun(pair: Pair) -> Callable[[], _Measured | EvaluationError]:
        """Upscaled at once, measured when called."""
        known = {} if kept is None else kept.of(pair)
        every = kept is None or (wanted is not None and wanted(pair))
        images: dict[str, Image] = {}
        try:
            truth = Truth(pair, protocol, lpips, more, regions)
            for method, upscale in upscalers.items():
                if every or method not in known:
                    images[method] = quantised(upscale(pair.lr), pair.levels)
        except ValueError as error:
            failure = _named(pair, error)
            return lambda: failure

        def measured() -> _Measured | EvaluationError:
            try:
                rows = [
                    known[method] if method in known else truth.row(images[method], method)
                    for method in upscalers
                ]
            except ValueError as error:
                return _named(pair, error)
            return _Measured(pair, images, rows, [row for row in rows if row.method not in known])

        return measured

    rows: list[Row] = []
    for done in in_order(map(begun, pairs), workers):
        if isinstance(done, EvaluationError):
            if on_error is None:
                raise done
            on_error(str(done))
            continue
        rows += done.rows
        if kept is not None:
            kept.add(done.pair, done.new)
        if on_images is not None:
            on_images(done.pair, done.images, done.rows)
    return Comparison(protocol, tuple(rows), regions_drawn=regions is not None)


@dataclass(frozen=True)
class _Measured:
    pair: Pair
    images: Mapping[str, Image]
    rows: Sequence[Row]
    new: Sequence[Row]


def measure(
    pair: Pair, sr: Image, method: str, protocol: Protocol, lpips: Distance | None = None
) -> Row:
    """The usual measures of one SR, which is clipped and rounded already.

    Raises:
        ValueError: if it cannot be measured.
    """
    return Truth(pair, protocol, lpips).row(sr, method)


def _named(pair: Pair, error: ValueError) -> EvaluationError:
    if isinstance(error, EvaluationError):
        return error
    named = EvaluationError(pair.name, str(error))
    named.__cause__ = error
    return named


def _mean(method: str, rows: Sequence[Row]) -> Mean:
    more = {name: [row.more[name] for row in rows] for name in (rows[0].more if rows else ())}
    return Mean(
        method=method,
        psnr=_finite_mean([row.psnr for row in rows]),
        ssim_wang=_finite_mean([row.ssim_wang for row in rows]),
        ssim_daala=_finite_mean([row.ssim_daala for row in rows]),
        lr_consistency=_finite_mean([row.lr_consistency for row in rows]),
        images=len(rows),
        identical=sum(math.isinf(row.psnr) for row in rows),
        consistent=sum(math.isinf(row.lr_consistency) for row in rows),
        lpips=_defined_mean([row.lpips for row in rows]),
        spectrum_distance=_defined_mean([row.spectrum_distance for row in rows]),
        grid_excess=_defined_mean([row.grid_excess for row in rows]),
        grain_ratio=_defined_mean([row.grain_ratio for row in rows]),
        histogram_distance=_defined_mean([row.histogram_distance for row in rows]),
        without_lpips=sum(row.lpips is None for row in rows),
        without_spectrum=sum(row.spectrum_distance is None for row in rows),
        without_grain=sum(row.grain_ratio is None for row in rows),
        more={name: _defined_mean(values) for name, values in more.items()},
        without={name: sum(value is None for value in values) for name, values in more.items()},
    )


def _finite_mean(values: Sequence[float]) -> float:
    finite = [value for value in values if math.isfinite(value)]
    return math.fsum(finite) / len(finite) if finite else math.inf


def _defined_mean(values: Sequence[float | None]) -> float | None:
    defined = [value for value in values if value is not None]
    return math.fsum(defined) / len(defined) if defined else None
