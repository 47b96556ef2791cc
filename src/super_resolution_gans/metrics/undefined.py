"""What a measure raises for images that it has no value for."""

from super_resolution_gans.metrics.image import MetricError


class UndefinedError(MetricError):
    """Nothing is wrong with the images, but the measure has no value for them: too small, flat."""
