"""The content loss of a recipe: pixels, features, textures, each with its weight."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager

import torch
from torch import Tensor

from super_resolution_gans import losses
from super_resolution_gans.degrade import downsample
from super_resolution_gans.models.features import FeatureExtractor
from super_resolution_gans.training.sections import ContentSection

Pair = tuple[Tensor, Tensor]
_DISTANCES = {"mse": losses.mse, "l1": losses.l1}


class ContentLoss:
    """How far SR is from HR, term by term.

    Args:
        section: of the recipe.
        extractor: on the device of the run; None where the recipe has no features.
        autocast: Fabric's context for the extractor's forward.
        scale: (vertical, lateral) factors of the generator.
    """

    def __init__(
        self,
        section: ContentSection,
        extractor: FeatureExtractor | None,
        autocast: Callable[[], AbstractContextManager[object]],
        scale: tuple[int, int],
    ) -> None:
        self._section, self._extractor, self._autocast = section, extractor, autocast
        self._scale = scale
        self._pixel = getattr(losses, section.pixel)
        self._distance = _DISTANCES[section.features_distance]
        # What each measured part is multiplied by: one over what it was at the start.
        self.factors: dict[str, float] = {}

    @property
    def measures(self) -> bool:
        """Whether :meth:`measure` has to be called before the first update."""
        return self._section.weighing == "measured" and not self.factors

    def terms(self, whole: Pair, seen: Pair) -> dict[str, Tensor]:
        """Weighted terms by name, float32 scalars whose sum is the content loss.

        Args:
            whole: (SR, HR) for pixels, (N, C, H, W) in [0, 1].
            seen: (SR, HR) for the extractor, which may be a part of ``whole``.
        """
        section = self._section
        found: dict[str, Tensor] = {}
        if section.pixel_weight:
            weight = section.pixel_weight * self.factors.get("pixel", 1.0)
            found["pixel"] = weight * self._pixel(*whole)
        if self._extractor is not None and section.features_weight:
            weights = {
                name: section.features_weight * weight * self.factors.get(name, 1.0)
                for name, weight in self._extractor.layer_weights.items()
            }
            sr, hr = self._features(seen)
            found["features"] = losses.perceptual(
                sr, hr, weights=weights, scale=section.features_scale, distance=self._distance
            )
        if section.spectrum:
            found["spectrum"] = section.spectrum * losses.spectrum(*whole)
        if section.grid:
            found["grid"] = section.grid * losses.grid(*whole, self._scale)
        if section.texture:
            found["texture"] = section.texture * losses.texture(*whole)
        if section.consistency:
            shrunk = losses.consistency(*whole, lambda image: downsample(image, self._scale))
            found["consistency"] = section.consistency * shrunk
        if section.subpixel_bias:
            bias = losses.subpixel_bias(*whole, self._scale)
            found["subpixel_bias"] = section.subpixel_bias * bias
        if section.total_variation:
            found["tv"] = section.total_variation * losses.total_variation(whole[0])
        return found

    @torch.no_grad()
    def measure(self, pairs: Iterable[Pair]) -> dict[str, float]:
        """Take the mean of every part over ``pairs`` of (SR, HR) as its unit; returns the means."""
        sums: dict[str, float] = {}
        count = 0
        for pair in pairs:
            count += 1
            for name, value in self._parts(pair).items():
                sums[name] = sums.get(name, 0.0) + float(value)
        means = {name: value / count for name, value in sums.items()}
        self.factors = {name: 1 / mean for name, mean in means.items() if mean > 0}
        return means

    def _parts(self, pair: Pair) -> dict[str, Tensor]:
        parts = {"pixel": self._pixel(*pair)}
        if self._extractor is not None:
            sr, hr = self._features(pair)
            scale = self._section.features_scale
            for name in sr:
                parts[name] = self._distance(sr[name].float() * scale, hr[name].float() * scale)
        return parts

    def _features(self, pair: Pair) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        assert self._extractor is not None
        sr, hr = pair
        with self._autocast():
            with torch.no_grad():
                wanted = self._extractor(hr)
            return self._extractor(sr), wanted
