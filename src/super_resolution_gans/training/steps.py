"""What one update does. The loop knows only the protocol; each phase is a class of its own."""

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from super_resolution_gans.training.average import WeightAverage

Loss = Callable[[Tensor, Tensor], Tensor]


class Step(Protocol):
    """One kind of training, as the loop sees it."""

    def update(self, low: Tensor, high: Tensor, learning_rate: float) -> dict[str, Tensor]:
        """Do one update on a batch in [0, 1]; returns scalars to log, still on the device."""

    def evaluate(self, low: Tensor) -> Tensor:
        """Super-resolve with the weights that would ship: (N, C, h, w) -> (N, C, H, W)."""

    def state(self) -> dict[str, Any]:
        """Everything that makes the next update what it is."""

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from :meth:`state`."""


class PretrainStep:
    """Phase 1: the generator alone, on a pixel loss (Ledig et al. 2017, section 3.2).

    Args:
        generator: as set up by Fabric; its forward runs in the run's precision.
        optimizer: as set up by Fabric.
        backward: Fabric's backward.
        loss: of float32 (SR, HR) in [0, 1].
        ema_decay: of the averaged weights, which are what is validated and shipped; 0 ships the
            last weights themselves.
        plain: the bare generator inside ``generator``.
    """

    def __init__(
        self,
        generator: nn.Module,
        optimizer: torch.optim.Optimizer,
        backward: Callable[[Tensor], None],
        loss: Loss,
        ema_decay: float,
        plain: nn.Module,
    ) -> None:
        self.generator, self.optimizer, self.backward = generator, optimizer, backward
        self.loss, self.plain = loss, plain
        self.average = WeightAverage(plain, ema_decay)

    def update(self, low: Tensor, high: Tensor, learning_rate: float) -> dict[str, Tensor]:
        """One update on a batch; see :class:`Step`."""
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        self.plain.train()
        loss = self.loss(self.generator(low), high)
        self.backward(loss)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.average.update()
        return {"loss": loss.detach()}

    @torch.inference_mode()
    def evaluate(self, low: Tensor) -> Tensor:
        """SR by the averaged weights, float32; see :class:`Step`."""
        sr: Tensor = self.average.module(low)
        return sr

    def state(self) -> dict[str, Any]:
        """Generator, its average and the optimizer."""
        return {
            "generator": self.plain.state_dict(),
            "average": self.average.state(),
            "optimizer": self.optimizer.state_dict(),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self.plain.load_state_dict(state["generator"])
        self.average.load_state(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
