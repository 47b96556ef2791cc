"""PyTorch, on whatever device it knows."""

from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from super_resolution_gans.models.bands import upscale_in_bands
from super_resolution_gans.models.deploy import Deployed, deploy
from super_resolution_gans.models.upsampler import Upsampler
from super_resolution_gans.prediction.engines.contract import (
    BATCH_PIXELS,
    CORE,
    WHOLE,
    OutOfMemoryError,
)
from super_resolution_gans.prediction.engines.cuda_graphs import Graphs
from super_resolution_gans.prediction.engines.finite import finite

PRECISIONS = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}
# In bands, memory is that of the result: 130 MB for such a tile at x4. Wide rather than high, since
# whoever writes rows from the top keeps a whole row of tiles.
_CORE_IN_BANDS = (1024, 2048)
# On a GPU a whole B-scan at once; its features take about 6 KB a pixel.
_CORE_ON_GPU, _BATCH_ON_GPU = (768, 1024), 1 << 19
# What a band may hold, in pixels times bytes of a feature. Tried by hand on a processor with 1 MB
# of cache per core, where half of it made no clear difference.
_BAND, _FINE_BAND = 32768, 6144


class TorchEngine:
    """A network on one device, in evaluation mode.

    Networks of ours are rearranged (:mod:`models.deploy`), and on a CPU run in bands of rows.

    Args:
        network: not changed by anybody from now on.
        device: where it runs.
        precision: ``float32``, ``bfloat16`` or ``float16``; with the short ones the image, the
            first convolution and the last sum stay float32, and a batch whose result is not finite
            is computed again in float32.
    """

    def __init__(
        self, network: Upsampler, device: torch.device, precision: str = "float32"
    ) -> None:
        self.channels, self.scale = network.channels, network.scale
        self.device, self.precision = device, precision
        self._original = network.eval().requires_grad_(False)
        self._dtype = PRECISIONS[precision]
        self._network = self._ready(self._dtype)
        ours, on_gpu = isinstance(self._network, Deployed), device.type == "cuda"
        self._in_bands = ours and device.type == "cpu"
        self._graphs = Graphs(self._network) if ours and on_gpu else None
        self.batch_pixels = BATCH_PIXELS if device.type == "cpu" else _BATCH_ON_GPU
        radius = network.receptive_radius()
        self.tiles = radius is not None
        self.halo, self.core = (0, 0), (WHOLE, WHOLE)
        if radius:
            self.halo = radius
            self.core = _CORE_IN_BANDS if self._in_bands else _CORE_ON_GPU if self._graphs else CORE

    @cached_property
    def _reference(self) -> Upsampler:
        return self._ready(torch.float32)

    def _ready(self, dtype: torch.dtype) -> Upsampler:
        network = deploy(self._original)
        if isinstance(network, Deployed):
            return network.shorten(dtype).to(self.device)
        network.to(self.device)
        for parameter in network.parameters():
            if parameter.ndim == 4:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
        return network

    def upscale(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, h, w, c) -> (n, v*h, l*w, c).

        Raises:
            PredictionError: if memory runs out, or the result is not finite even in float32.
        """
        try:
            return finite(
                self.precision,
                lambda: self._run(self._network, windows, self._dtype),
                lambda: self._run(self._reference, windows, torch.float32),
            )
        except RuntimeError as error:
            if not _is_out_of_memory(error):
                raise
            raise OutOfMemoryError.on(self.device.type, windows.shape, self.core) from None

    @torch.inference_mode()
    def _run(
        self, network: Upsampler, windows: NDArray[np.float32], dtype: torch.dtype
    ) -> NDArray[np.float32]:
        batch = torch.from_numpy(np.array(windows.transpose(0, 3, 1, 2), order="C"))
        batch = batch.to(self.device).contiguous(memory_format=torch.channels_last)
        # TF32 keeps ten bits of mantissa, which is neither float32 nor exact across tiles; kernels
        # that are picked by timing may differ between two runs.
        with torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
            output = self._compute(network, batch, dtype)
        array: NDArray[np.float32] = output.permute(0, 2, 3, 1).float().cpu().numpy()
        return array

    def _compute(self, network: Upsampler, batch: Tensor, dtype: torch.dtype) -> Tensor:
        if isinstance(network, Deployed):
            if self._graphs and network is self._network:
                return self._graphs(batch)
            if not self._in_bands:
                return network.render(network.features(batch))
            row = batch.shape[0] * batch.shape[3] * dtype.itemsize
            return upscale_in_bands(
                network, batch, max(8, round(_BAND / row)), max(1, round(_FINE_BAND / row))
            )
        short = dtype is not torch.float32
        with torch.autocast(
            self.device.type, dtype=dtype if short else torch.bfloat16, enabled=short
        ):
            features = network.features(batch)
        # In float32, because a short mantissa would show as steps in an 8-bit image.
        return network.render(features)


def _is_out_of_memory(error: RuntimeError) -> bool:
    text = str(error)
    return isinstance(error, torch.OutOfMemoryError) or any(
        sign in text for sign in ("out of memory", "can't allocate memory", "not enough memory")
    )
