"""Updates that are not finite do not happen, and the device is not waited for to know it."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from lightning.fabric import Fabric

COLLAPSE = 3  # skipped updates in a row after which the run is taken back


class Guard:
    """Skips an optimizer's step where something is not finite, and counts such updates.

    Args:
        fabric: of the run; its processes skip together.
        scaled: a gradient scaler (float16) already skips steps whose gradients overflowed, which is
            how it finds its scale; then only losses are judged here.
    """

    def __init__(self, fabric: "Fabric", scaled: bool = False) -> None:
        self._fabric, self._scaled = fabric, scaled
        self.reset()

    def reset(self) -> None:
        """Forget what was counted."""
        self._streak = torch.zeros((), device=self._fabric.device)
        self._worst = torch.zeros((), device=self._fabric.device)

    def norm(self, parameters: Iterable[nn.Parameter]) -> Tensor:
        """Norm of all gradients together, a scalar on the device."""
        gradients = [p.grad for p in parameters if p.grad is not None]
        return torch.nn.utils.get_total_norm(gradients) if gradients else self._streak.new_zeros(())

    def step(self, optimizer: Any, loss: Tensor, norm: Tensor) -> Tensor:
        """Step ``optimizer`` if loss and gradient are finite; returns whether, as a 0-d bool."""
        finite = torch.isfinite(loss.detach())
        if not self._scaled:
            finite = finite & torch.isfinite(norm)
        if self._fabric.world_size > 1:
            broken = self._fabric.all_reduce((~finite).float(), reduce_op="sum")
            finite = torch.as_tensor(broken) == 0
        plain = getattr(optimizer, "optimizer", optimizer)  # Fabric's wrapper has no such switch
        if self._scaled or not plain.defaults.get("fused"):
            if bool(finite):
                optimizer.step()
        else:
            # The switch by which a gradient scaler tells a fused optimizer to do nothing.
            plain.found_inf = (~finite).float()
            optimizer.step()
            del plain.found_inf
        return finite

    def count(self, finite: Tensor) -> Tensor:
        """Take note of an update; returns 1.0 if any part of it was skipped, else 0.0."""
        skipped = (~finite).float()
        self._streak = (self._streak + 1) * skipped
        self._worst = torch.maximum(self._worst, self._streak)
        return skipped

    def collapsed(self) -> bool:
        """Whether too many updates in a row were skipped since the last call; waits for them."""
        worst = float(self._worst)
        self._worst = self._streak.clone()
        return worst >= COLLAPSE


class Mender:
    """Puts back BatchNorm statistics that a skipped update has spoilt.

    A forward pass that is not finite leaves NaN in running means although no weight was changed,
    and a running mean never forgets it.
    """

    def __init__(self, *networks: nn.Module) -> None:
        self._buffers = [
            buffer
            for network in networks
            for buffer in network.buffers()
            if buffer.is_floating_point()
        ]
        self._good = [buffer.clone() for buffer in self._buffers]

    @torch.no_grad()
    def mend(self) -> None:
        """Replace what is not finite by what it was when this was last called."""
        for buffer, good in zip(self._buffers, self._good, strict=True):
            buffer.copy_(torch.where(torch.isfinite(buffer), buffer, good))
            good.copy_(buffer)
