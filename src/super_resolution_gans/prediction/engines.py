"""Networks behind one call: arrays in, arrays out, and only what is handed in goes to the device.

Arrays here are float32 (n, height, width, channels), values in [0, 1] before and about [0, 1]
after; nothing is clipped.
"""

import logging
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from super_resolution_gans.degrade import downsample
from super_resolution_gans.models.upsampler import Upsampler
from super_resolution_gans.prediction.errors import PredictionError
from super_resolution_gans.prediction.tiles import Pair

log = logging.getLogger(__name__)

PRECISIONS = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}
# With SRResNet's halo of 40 this makes windows of 512 x 512: a common B-scan is one or two of them,
# the halo costs little, and the activations stay below 3 GB.
_CORE = 432
_WHOLE = 1 << 30  # longer than any image: one tile, for networks that look at all of it


class Engine(Protocol):
    """What turns windows into larger windows: a network on a device, or an interpolation."""

    @property
    def channels(self) -> int | None:
        """Channels in and out; None takes any."""

    @property
    def scale(self) -> Pair:
        """(vertical, lateral) factors."""

    @property
    def halo(self) -> Pair:
        """How far an output pixel looks, in input pixels (vertical, lateral)."""

    @property
    def core(self) -> Pair:
        """Default size of a tile without its halo, in input pixels (vertical, lateral)."""

    @property
    def tiles(self) -> bool:
        """Whether an image can be cut into tiles; not if every pixel depends on the whole image."""

    def upscale(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, h, w, c) -> (n, v*h, l*w, c)."""


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
        self.halo, self.core = (radius, (_CORE, _CORE)) if radius else ((0, 0), (_WHOLE, _WHOLE))
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
            raise PredictionError(
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


class Reduced:
    """An engine whose result is shrunk again, so that a x4 network also gives x2.

    The result is that of the network, clipped, and downsampled by the antialiased bicubic kernel
    that the networks here are trained to invert.

    Raises:
        ValueError: if ``scale`` does not divide the engine's.
    """

    def __init__(self, engine: Engine, scale: Pair) -> None:
        vertical, lateral = zip(engine.scale, scale, strict=True)
        if vertical[0] % vertical[1] or lateral[0] % lateral[1]:
            raise ValueError(f"{scale} does not divide {engine.scale}")
        self._engine, self.scale = engine, scale
        self.channels, self.core, self.tiles = engine.channels, engine.core, engine.tiles
        self._factor = (vertical[0] // vertical[1], lateral[0] // lateral[1])
        # The kernel reaches two output pixels to each side, which is two input pixels or less.
        self.halo = (engine.halo[0] + 2, engine.halo[1] + 2)

    def upscale(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, h, w, c) -> (n, v*h, l*w, c)."""
        large = torch.from_numpy(np.clip(self._engine.upscale(windows), 0, 1))
        with torch.inference_mode():
            small = downsample(large.permute(0, 3, 1, 2).contiguous(), self._factor)
        array: NDArray[np.float32] = small.permute(0, 2, 3, 1).numpy()
        return array


def _is_out_of_memory(error: RuntimeError) -> bool:
    text = str(error)
    return isinstance(error, torch.OutOfMemoryError) or any(
        sign in text for sign in ("out of memory", "can't allocate memory", "not enough memory")
    )
