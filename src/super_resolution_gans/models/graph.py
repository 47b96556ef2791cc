"""Other people's generators as a list of layers: one small interpreter, no class for each of them.

A node is ``(operation, inputs, options)``; input 0 is the image, input n the result of the n-th
node. The last node makes the image. What operations there are stands in :mod:`models.layers`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from super_resolution_gans.models.layers import LAYERS, Flow, LayerError
from super_resolution_gans.models.upsampler import Scale, Upsampler

NAME = "layers"
_MOST_NODES = 4096
_MOST_CHANNELS = 64  # of the image
_MOST_WEIGHTS = 200_000_000
_LARGEST_FACTOR = 32


@dataclass(frozen=True)
class Node:
    """One layer: what it does, to the results of which nodes, with what options."""

    operation: str
    inputs: tuple[int, ...]
    options: Mapping[str, Any] = field(default_factory=dict)


class _Options(dict[str, Any]):
    """Options that know which of them were looked at."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__(options)
        self.unread = set(options)

    def __getitem__(self, key: str) -> Any:
        self.unread.discard(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self.unread.discard(key)
        return super().get(key, default)


class Nodes:
    """Collects nodes; each call returns the number of the new one."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []

    def __call__(self, operation: str, *inputs: int, **options: Any) -> int:
        self.nodes.append(Node(operation, inputs, options))
        return len(self.nodes)


class LayerGraph(Upsampler):
    """A generator built from nodes; see :class:`Upsampler`.

    Weights are named ``layers.N.weight``, ``layers.N.running_mean`` and so on after node N,
    counted from 1.

    Args:
        nodes: in an order in which each comes after its inputs.
        channels: of the image.
        family: what the network is called by people.

    Raises:
        ValueError: if the nodes make no upsampler.
    """

    def __init__(self, nodes: Sequence[Node], channels: int, family: str) -> None:
        super().__init__()
        if not 1 <= len(nodes) <= _MOST_NODES:
            raise ValueError(f"{len(nodes)} layers; 1 to {_MOST_NODES} can be built")
        if type(channels) is not int or not 1 <= channels <= _MOST_CHANNELS:
            raise ValueError(
                f"channels {channels!r} is not a whole number from 1 to {_MOST_CHANNELS}"
            )
        self.channels, self.family, self.nodes = channels, family, tuple(nodes)
        flows, weights = [Flow(channels)], 0
        self.layers = nn.ModuleDict()
        for place, node in enumerate(nodes, 1):
            if node.operation not in LAYERS:
                raise ValueError(f"layer {place}: unknown operation {node.operation!r}")
            if not node.inputs or not all(0 <= i < place for i in node.inputs):
                raise ValueError(f"layer {place}: inputs {node.inputs} are not made before it")
            options = _Options(node.options)
            try:
                layer = LAYERS[node.operation](options, [flows[i] for i in node.inputs])
                if options.unread:
                    raise LayerError(f"unknown option {min(options.unread, key=str)!r}")
            except LayerError as error:
                raise ValueError(f"layer {place} ({node.operation}): {error}") from error
            weights += sum(p.numel() for p in layer.module.parameters())
            if weights > _MOST_WEIGHTS:
                raise ValueError(f"more than {_MOST_WEIGHTS:,} weights")
            if layer.flow.factor > _LARGEST_FACTOR:
                raise ValueError(f"layer {place}: magnifies by {layer.flow.factor}")
            flows.append(layer.flow)
            self.layers[str(place)] = layer.module
        last = flows[-1]
        if last.pooled:
            raise ValueError("makes one pixel, not an image")
        if last.channels != channels or last.factor < 2:
            raise ValueError(
                f"makes {last.channels} channels of {channels}, {last.factor} times as large"
            )
        self.scale: Scale = (last.factor, last.factor)
        self._radius = last.radius
        convolutions = [n for n, node in enumerate(nodes, 1) if node.operation == "conv"]
        self._split = convolutions[-1] if convolutions else 1
        last_use = {i: n for n, node in enumerate(nodes, 1) for i in node.inputs}
        unused = set(range(1, len(nodes))) - last_use.keys()
        if unused:
            raise ValueError(f"layer {min(unused)}: nothing uses what it makes")
        self._done: list[list[int]] = [[] for _ in range(len(nodes) + 1)]
        for i, user in last_use.items():
            self._done[user].append(i)

    def features(self, image: Tensor) -> dict[int, Tensor]:
        """What the layers from the last convolution on need."""
        return self._run({0: image}, range(1, self._split))

    def render(self, features: dict[int, Tensor]) -> Tensor:
        """The last convolution and what comes after it, in the type of the weights."""
        dtype = next((p.dtype for p in self.parameters()), torch.float32)
        values = {place: value.to(dtype) for place, value in features.items()}
        return self._run(values, range(self._split, len(self.nodes) + 1))[len(self.nodes)]

    def _run(self, values: dict[int, Tensor], places: range) -> dict[int, Tensor]:
        for place in places:
            node = self.nodes[place - 1]
            values[place] = self.layers[str(place)](*(values[i] for i in node.inputs))
            for unneeded in self._done[place]:
                del values[unneeded]
        return values

    def receptive_radius(self) -> Scale | None:
        """See :class:`Upsampler`."""
        if self._radius is None:
            return None
        radius = math.ceil(self._radius)
        return (radius, radius)

    def title(self) -> str:
        """See :class:`Upsampler`."""
        return self.family

    def architecture(self) -> dict[str, Any]:
        """See :class:`Upsampler`."""
        nodes = [[node.operation, list(node.inputs), dict(node.options)] for node in self.nodes]
        return {"name": NAME, "family": self.family, "channels": self.channels, "nodes": nodes}

    @classmethod
    def of_architecture(cls, architecture: Mapping[str, Any]) -> "LayerGraph":
        """Rebuild from :meth:`architecture`, which may come from anybody.

        Raises:
            ValueError: if it makes no upsampler.
        """
        try:
            listed, channels = architecture["nodes"], architecture["channels"]
            family = str(architecture["family"])[:100]
            nodes = [Node(str(op), tuple(inputs), dict(opts)) for op, inputs, opts in listed]
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"layers cannot be understood ({error!r})") from error
        if not all(type(i) is int for node in nodes for i in node.inputs):
            raise ValueError("inputs of layers are whole numbers")
        return cls(nodes, channels, family)
