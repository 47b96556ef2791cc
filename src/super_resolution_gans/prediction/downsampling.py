"""The downsampling that a model learned to invert, and what is done about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from super_resolution_gans.prediction.consistency import Projection
from super_resolution_gans.prediction.errors import PredictionError
from super_resolution_gans.prediction.meter import ResidualMeter
from super_resolution_gans.prediction.shrinking import Invertible
from super_resolution_gans.prediction.tiles import Pair

_RANDOM = ("blur", "speckle", "noise")


@dataclass(frozen=True)
class Agreement:
    """What scans are taken to be downsampled by, if that is known; prints as provenance has it.

    Attributes:
        known: the projection onto images that agree; None if nothing is known.
        enforced: whether results are made to agree.
    """

    known: Projection | None = None
    enforced: bool = False

    @property
    def projection(self) -> Projection | None:
        """What results go through, if anything."""
        return self.known if self.enforced else None

    def meter(self, height: int) -> ResidualMeter | None:
        """For the residual of results, made to agree or not, of scans of this height."""
        return None if self.known is None else ResidualMeter(self.known, height)

    def __str__(self) -> str:
        if self.projection is None:
            return "off"
        noise = f", noise {self.projection.noise:g}" if self.projection.noise else ""
        return f"{self.projection.kernel}{noise}"


UNKNOWN = Agreement()


def agreement(
    card: Mapping[str, Any], scale: Pair, asked: bool | None = None, noise: float = 0.0
) -> Agreement:
    """The one for a model.

    Args:
        card: of the model, see :func:`declared`.
        scale: (vertical, lateral) factors of its results.
        asked: whether results are to agree; None leaves it to the card. Of models that declare
            nothing antialiased bicubic downsampling is assumed if agreement is asked for.
        noise: see :class:`consistency.Projection`.

    Raises:
        PredictionError: if the noise is no number that makes sense, or has nothing to weaken.
    """
    kernel = declared(card)
    if kernel is None and asked:
        kernel = "bicubic"
    known = None if kernel is None else Projection(scale, kernel, noise)
    enforced = known is not None and asked is not False
    if noise and not enforced:
        raise PredictionError(
            "noise", "weakens the agreement with the scan, which is off (--consistency)"
        )
    return Agreement(known, enforced)


def declared(card: Mapping[str, Any]) -> Invertible | None:
    """The kernel that the card of a model declares; None if it declares none, or several.

    A card declares it under ``downsampling``, as ``{"kernel": "bicubic"}``, or by the recipe that
    made it: one kernel, and LR made of HR by nothing but it. With blur, speckle or noise in the
    recipe the scan is not the downsampled image, and must not be held to be it. ``decimate`` counts
    as none (see :class:`consistency.Projection`). A card may come from anybody: what cannot be
    understood declares nothing.

    Args:
        card: of :class:`models.checkpoint.Model`, or of an exported file's facts.
    """
    if "downsampling" in card:
        told = card["downsampling"]
        return _known(told.get("kernel")) if isinstance(told, Mapping) else None
    recipe = card.get("recipe")
    if not isinstance(recipe, Mapping) or recipe.get("pairs") != "degrade":
        return None
    degradation = recipe.get("degradation")
    if not isinstance(degradation, Mapping):
        return None
    kernels = degradation.get("kernels")
    if not isinstance(kernels, list | tuple) or len(kernels) != 1:
        return None
    if any(degradation.get(name) not in ([0, 0], (0, 0)) for name in _RANDOM):
        return None
    return _known(kernels[0])


def _known(kernel: object) -> Invertible | None:
    for name in get_args(Invertible):
        if kernel == name:
            invertible: Invertible = name
            return invertible
    return None
