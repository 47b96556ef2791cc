"""The exponential moving average of a network's weights: what is validated and shipped."""

from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn


class WeightAverage:
    """Follows ``network``; ``module`` holds the averaged parameters and BatchNorm statistics.

    The decay rises as (1 + n) / (10 + n) until it reaches ``decay``, so that an average over a
    thousand updates is not spoilt by the random start of a short run. A decay of 0 copies.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.module = deepcopy(network).requires_grad_(False).eval()
        self._decay, self._count = decay, 0
        self._averaged, self._followed = _floats(self.module), _floats(network)

    def update(self) -> None:
        """Take in the network as it is now."""
        decay = min(self._decay, (1 + self._count) / (10 + self._count))
        average = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        with torch.no_grad():
            average(self._averaged, self._followed, None)
        self._count += 1

    def state(self) -> dict[str, Any]:
        """Averaged tensors and how many updates they saw."""
        return {"module": self.module.state_dict(), "count": self._count}

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self.module.load_state_dict(state["module"])
        self._count = state["count"]


def _floats(network: nn.Module) -> list[Tensor]:
    tensors = [*network.parameters(), *network.buffers()]
    return [tensor for tensor in tensors if tensor.is_floating_point()]
