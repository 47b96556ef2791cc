"""One model's results with and without agreement with the scan, of one run of its network."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from super_resolution_gans.prediction.provenance import Provenance
from super_resolution_gans.prediction.upscaler import Upscaler

Array = NDArray[np.float32]


class Version:
    """An upscaler of arrays, as far as evaluation needs one; two of a model share their work.

    Attributes:
        provenance: as of :class:`Upscaler`, but of this version.
    """

    def __init__(self, shared: "_Shared", agrees: bool) -> None:
        self._shared, self._agrees = shared, agrees
        self.provenance = self._told(shared.upscaler.provenance)

    def __call__(self, image: NDArray[np.generic]) -> Array:
        """As :meth:`Upscaler.__call__`."""
        return self._shared.results(image)[self._agrees]

    def provenance_for(self, dtype: DTypeLike) -> Provenance:
        """As :meth:`Upscaler.provenance_for`."""
        return self._told(self._shared.upscaler.provenance_for(dtype))

    def _told(self, provenance: Provenance) -> Provenance:
        return provenance if self._agrees else replace(provenance, consistency="off")


def versions(upscaler: Upscaler) -> tuple[Version, Version]:
    """Results that agree, and results as the network has them, of a model that makes them agree."""
    shared = _Shared(upscaler)
    return Version(shared, True), Version(shared, False)


class _Shared:
    """Keeps the results of the newest image, which both versions are asked for in turn."""

    def __init__(self, upscaler: Upscaler) -> None:
        self.upscaler = upscaler
        self._image: Any = None
        self._results: tuple[Array, Array] | None = None

    def results(self, image: NDArray[np.generic]) -> tuple[Array, Array]:
        if self._results is None or self._image is not image:
            self._image, self._results = image, self.upscaler.both(image)
        return self._results
