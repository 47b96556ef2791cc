"""PyTorch, on whatever device it knows."""

import logging

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from super_resolution_gans.models.upsampler import Upsampler
from super_resolution_gans.prediction.engines.contract import WHOLE, OutOfMemoryError
from super_resolution_gans.prediction.errors import PredictionError

log = logging.getLogger(__name__)

PRECISIONS = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}
# With SRResNet's halo of 40 this makes windows of 512 x 512: a common B-scan is one or two of them,
# the halo costs little, and the activations stay below 3 GB.
_CORE = 432


class TorchEngine:
    """A network on one device, in evaluation mode.

    Args:
        network: owned by the engine from now on.
        device: where it runs.
        precision: ``float32``, ``bfloat16`` or ``float16``; with the short ones everything but the
            last convolution is computed in them, and a batch whose result is not finite is computed
            again in float32.
    """

    def __init__(
        self, network: Upsampler, device: torch.device, precision: str = "float32"
    ) -> None:
        self.channels, self.scale = network.channels, network.scale
        radius = network.receptive_radius()
        self.tiles = radius is not None
        self.halo, self.core = (radius, (_CORE, _CORE)) if radius else ((0, 0), (WHOLE, WHOLE))
        self.device, self.precision = device, precision
        self._dtype = PRECISIONS[precision]
        self._network = network.eval().requires_grad_(False).to(device)
        for parameter in self._network.parameters():
            if parameter.ndim == 4:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)

    def upscale(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, h, w, c) -> (n, v*h, l*w, c).

        Raises:
            PredictionError: if memory runs out, or the result is not finite even in float32.
        """
        try:
            upscaled = self._run(windows, self._dtype)
            if not np.isfinite(upscaled).all() and self._dtype is not torch.float32:
                log.warning("%s gave values that are not finite; using float32", self.precision)
                upscaled = self._run(windows, torch.float32)
        except RuntimeError as error:
            if not _is_out_of_memory(error):
                raise
            height, width = windows.shape[1:3]
            raise OutOfMemoryError(
                f"out of memory on {self.device.type}",
                f"a tile of {height} x {width} pixels does not fit; ask for smaller ones with "
                f"--tile (it is {self.core[0]} unless told)",
            ) from None
        if not np.isfinite(upscaled).all():
            raise PredictionError("the model", "gives values that are not finite on this image")
        return upscaled

    @torch.inference_mode()
    def _run(self, windows: NDArray[np.float32], dtype: torch.dtype) -> NDArray[np.float32]:
        kind, short = self.device.type, dtype is not torch.float32
        batch = torch.from_numpy(np.array(windows.transpose(0, 3, 1, 2), order="C"))
        batch = batch.to(self.device).contiguous(memory_format=torch.channels_last)
        # TF32 keeps ten bits of mantissa, which is neither float32 nor exact across tiles; kernels
        # that are picked by timing may differ between two runs.
        with torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
            with torch.autocast(kind, dtype=dtype if short else torch.bfloat16, enabled=short):
                features = self._network.features(batch)
            # In float32, because a short mantissa would show as steps in an 8-bit image.
            output: Tensor = self._network.render(features)
        array: NDArray[np.float32] = output.permute(0, 2, 3, 1).float().cpu().numpy()
        return array


def _is_out_of_memory(error: RuntimeError) -> bool:
    text = str(error)
    return isinstance(error, torch.OutOfMemoryError) or any(
        sign in text for sign in ("out of memory", "can't allocate memory", "not enough memory")
    )
