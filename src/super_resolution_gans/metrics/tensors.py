"""Images as networks of features take them."""

import numpy as np
import torch
from torch import Tensor

from super_resolution_gans.metrics.image import MetricError
from super_resolution_gans.metrics.subject import Image
from super_resolution_gans.metrics.undefined import UndefinedError


def image_tensor(image: Image, smallest: int, measure: str) -> Tensor:
    """(H, W) or (H, W, 3) in [0, 1] -> float32 (1, 3, H, W); grey three times.

    Args:
        image: floating point.
        smallest: pixels that each side must have.
        measure: that needs them, for the message.

    Raises:
        MetricError: if it is no such image, or not finite.
        UndefinedError: if it is too small.
    """
    if image.dtype.kind != "f":
        raise MetricError(f"image has type {image.dtype}; expected floating point, 1.0 white")
    if image.ndim != 2 and (image.ndim != 3 or image.shape[2] != 3):
        raise MetricError(f"images of shape {image.shape}; expected (height, width[, 3])")
    if min(image.shape[:2]) < smallest:
        raise UndefinedError(
            f"{measure} needs {smallest} x {smallest} pixels, image has {image.shape[0]} x "
            f"{image.shape[1]}"
        )
    if not np.isfinite(image).all():
        raise MetricError("image holds NaN or infinite values")
    planes = image[None] if image.ndim == 2 else image.transpose(2, 0, 1)
    tensor = torch.from_numpy(np.array(planes, np.float32, order="C"))
    return tensor.expand(1, 3, *image.shape[:2])
