"""Drawing a network by the tensors of a file: layers, and which tensor is the weight of which."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from super_resolution_gans.models.graph import Node, Nodes

IMAGE = 0  # the node that is the input
_MOST_CHANNELS = 64  # of an image


class UnfitError(ValueError):
    """A tensor of the file is missing or does not fit; the message names it."""


class Draft:
    """Collects the layers of one network.

    Args:
        tensors: of the file, by the names of the family.
        image: the tensor whose second axis is the channels of the image.
        spelled: what the file calls them, where that differs.

    Attributes:
        channels: of the image.
        nodes: what has been drawn.
        sources: name of a weight of the graph -> name of the file's tensor (the family's name).
    """

    def __init__(
        self, tensors: Mapping[str, Tensor], image: str, spelled: Mapping[str, str] | None = None
    ) -> None:
        self._tensors, self._spelled, self._add = tensors, spelled or {}, Nodes()
        self.sources: dict[str, str] = {}
        self.channels = self.shape(image, 4)[1]
        if self.channels > _MOST_CHANNELS:
            raise UnfitError(f"{self.spelling(image)} is for images of {self.channels} channels")
        self._channels = [self.channels]
        self._looked_at: set[str] = set()

    @property
    def nodes(self) -> list[Node]:
        """What has been drawn."""
        return self._add.nodes

    def unused(self) -> list[str]:
        """Tensors that were neither drawn nor looked at, as the file spells them."""
        known = set(self.sources.values()) | self._looked_at
        return sorted(self.spelling(name) for name in self._tensors if name not in known)

    def spelling(self, name: str) -> str:
        """What the file calls a tensor."""
        return self._spelled.get(name, name)

    def has(self, name: str) -> bool:
        """Whether the file has a tensor."""
        return name in self._tensors

    def count(self, pattern: str, first: int = 0) -> int:
        """How many of ``pattern.format(first)``, ``pattern.format(first + 1)`` ... there are."""
        found = 0
        while self.has(pattern.format(first + found)):
            found += 1
        return found

    def shape(self, name: str, axes: int) -> tuple[int, ...]:
        """The shape of a tensor.

        Raises:
            UnfitError: if there is none, or it has another number of axes.
        """
        if not self.has(name):
            raise UnfitError(f"{self.spelling(name)} is missing")
        shape = tuple(self._tensors[name].shape)
        if len(shape) != axes or 0 in shape:
            raise UnfitError(f"{self.spelling(name)} has shape {list(shape)}, expected {axes} axes")
        return shape

    def width(self, node: int) -> int:
        """Channels of a node's result."""
        return self._channels[node]

    def numbers(self, name: str, *shape: int) -> list[float]:
        """The values of a small tensor, which become options of a layer.

        Raises:
            UnfitError: if it is missing, has another shape, or is not finite.
        """
        if self.shape(name, len(shape)) != shape:
            held = list(self._tensors[name].shape)
            raise UnfitError(f"{self.spelling(name)} has shape {held}, expected {list(shape)}")
        values = self._tensors[name].detach().to(torch.float64).flatten().tolist()
        if not all(map(math.isfinite, values)):
            raise UnfitError(f"{self.spelling(name)} holds NaN or infinite values")
        self._looked_at.add(name)
        return values

    def pass_over(self, prefix: str) -> None:
        """Tensors that are rightly there, and of which this network makes no use."""
        self._looked_at |= {name for name in self._tensors if name.startswith(prefix)}

    def __call__(self, operation: str, *inputs: int, **options: Any) -> int:
        """A layer without weights of the file; channels are followed."""
        place = self._add(operation, *inputs, **options)
        width = self._channels[inputs[0]]
        if operation == "shuffle":
            width //= options["factor"] ** 2
        elif operation == "concat":
            width = sum(self._channels[i] for i in inputs)
        elif operation == "take":
            width = options["last"] - options["first"] + 1
        self._channels.append(width)
        return place

    def conv(
        self, source: str, x: int, *, out: int | None = None, kernel: int = 3, normed: bool = False
    ) -> int:
        """A convolution; groups are read off the file, and so is the bias if a norm follows.

        Raises:
            UnfitError: if it does not take the channels of ``x``, does not make ``out`` ones, or
                lacks its bias.
        """
        name, width = f"{source}.weight", self._channels[x]
        made, taken, *size = self.shape(name, 4)
        groups = width // taken if width % taken == 0 else 1
        wanted = [out or made, width // groups, kernel, kernel]
        if [made, taken, *size] != wanted:
            held = [made, taken, *size]
            raise UnfitError(f"{self.spelling(name)} has shape {held}, expected {wanted}")
        bias = not normed or self.has(f"{source}.bias")
        place = self._add("conv", x, out=made, kernel=kernel, groups=groups, bias=bias)
        self._channels.append(made)
        return self._sourced(place, source, ("weight", "bias") if bias else ("weight",))

    def kernel(self, source: str) -> int:
        """The side of a convolution's kernel."""
        return self.shape(f"{source}.weight", 4)[2]

    def batch_norm(self, source: str, x: int) -> int:
        """A BatchNorm."""
        parts = ("weight", "bias", "running_mean", "running_var")
        return self._sourced(self("batch_norm", x), source, parts)

    def prelu(self, source: str, x: int) -> int:
        """A PReLU, of one slope or one per channel.

        Raises:
            UnfitError: if it has another number of slopes.
        """
        (slopes,) = self.shape(f"{source}.weight", 1)
        if slopes not in (1, self._channels[x]):
            name, width = self.spelling(f"{source}.weight"), self._channels[x]
            raise UnfitError(f"{name} has shape [{slopes}], expected [1] or [{width}]")
        return self._sourced(self("prelu", x, slopes=slopes), source, ("weight",))

    def shuffled(self, source: str, x: int, out: int, *, kernel: int = 3) -> int:
        """A convolution and a pixel shuffle to ``out`` channels, by the factor that leaves.

        Raises:
            UnfitError: if the channels are no square times ``out``.
        """
        factor = self.factor(source, out)
        return self("shuffle", self.conv(source, x, kernel=kernel), factor=factor)

    def factor(self, source: str, out: int) -> int:
        """The factor of a pixel shuffle to ``out`` channels behind a convolution.

        Raises:
            UnfitError: if the channels are no square times ``out``.
        """
        made = self.shape(f"{source}.weight", 4)[0]
        factor = math.isqrt(made // out)
        if factor < 1 or factor**2 * out != made:
            name = self.spelling(f"{source}.weight")
            raise UnfitError(f"{name} makes {made} channels, no whole scale for {out}")
        return factor

    def _sourced(self, place: int, source: str, parts: tuple[str, ...]) -> int:
        for part in parts:
            name = f"{source}.{part}"
            if not self.has(name):
                raise UnfitError(f"{self.spelling(name)} is missing")
            self.sources[f"{place}.{part}"] = name
        return place
