"""Feature extractors for the perceptual loss: VGG layers by name, or a module of the user's own.

All take images (N, 1 or 3, H, W) in [0, 1], grey replicated to RGB and the statistics of their
training set applied inside, and answer with ``{layer: (N, C, h, w)}``. They stay in evaluation
mode, their parameters never get a gradient, the images do.
"""

import importlib
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Self, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from super_resolution_gans.models.vgg import (
    FeatureError,
    Layer,
    convolutions,
    parse_layer,
)
from super_resolution_gans.models.vgg_weights import VGGWeights, read_vgg

LayerWeights = str | Sequence[str] | Mapping[str, float]
Pool = Callable[[Tensor], Tensor]
OWN = "own"


class FeatureExtractor(nn.Module):
    """What all extractors share: the weights of their layers, and that they are never trained.

    Attributes:
        layer_weights: by layer name, for ``losses.perceptual``.
    """

    layer_weights: dict[str, float]

    def label(self) -> str:
        """The name that tables use."""
        raise NotImplementedError

    def train(self, mode: bool = True) -> Self:  # noqa: ARG002
        """Stays in evaluation mode."""
        return super().train(False)


class VGGFeatures(FeatureExtractor):
    """Layers of VGG16 or VGG19, built only as deep as the deepest of them.

    Args:
        layers: parsed layers of one network.
        weights: of as many convolutions as the deepest layer needs, from :func:`read_vgg`.
        layer_weights: by layer name.
        pool: halves the size between blocks; max-pooling unless another is asked for.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        layers: Sequence[Layer],
        weights: VGGWeights,
        layer_weights: dict[str, float],
        pool: Pool | None = None,
    ) -> None:
        super().__init__()
        self.layers, self.layer_weights, self.pool = tuple(layers), layer_weights, pool or _max_pool
        self.plan = convolutions(layers[0].network)[: _depth(layers)]
        self.smallest = 2 ** (max(layer.block for layer in layers) - 1)
        self.convolutions = nn.ModuleList()
        for planned, kernel, bias in zip(self.plan, weights.kernels, weights.biases, strict=True):
            with torch.device("meta"):
                made = nn.Conv2d(planned.inputs, planned.outputs, 3, padding=1)
            made.weight, made.bias = nn.Parameter(kernel), nn.Parameter(bias)
            self.convolutions.append(made)
        self.register_buffer("mean", torch.tensor(weights.statistics.mean).reshape(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(weights.statistics.std).reshape(1, 3, 1, 1))
        self.requires_grad_(False).eval()

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """(N, 1 or 3, H, W) in [0, 1], not clipped -> features by layer name.

        Raises:
            ValueError: for images of another shape, or too small for the deepest layer.
        """
        self._check(image)
        x = (image.expand(-1, 3, -1, -1) - self.mean) / self.std
        answer: dict[str, Tensor] = {}
        for planned, convolution in zip(self.plan, self.convolutions, strict=True):
            if planned.pooled:
                x = self.pool(x)
            before = convolution(x)
            here = [layer for layer in self.layers if layer.source == planned.name]
            x = F.relu(before, inplace=all(layer.activated for layer in here))
            for layer in here:
                answer[layer.name] = x if layer.activated else before
        return answer

    def label(self) -> str:
        """VGG22, VGG54, VGG16-53 ...; several joined by +."""
        return " + ".join(layer.label for layer in self.layers)

    def _check(self, image: Tensor) -> None:
        if image.ndim != 4 or image.shape[1] not in (1, 3):
            raise ValueError(f"VGG features are of (N, 1 or 3, H, W), got {tuple(image.shape)}")
        if min(image.shape[-2:]) < self.smallest:
            raise ValueError(
                f"{self.label()} needs images of at least {self.smallest} pixels a side, got "
                f"{image.shape[-2]} x {image.shape[-1]}"
            )


class OwnFeatures(FeatureExtractor):
    """A module of the user's own, held frozen.

    It takes (N, C, H, W) in [0, 1], does with grey and statistics what it needs, and returns a
    tensor, or tensors by layer name; a single tensor is called ``own``.
    """

    def __init__(self, network: nn.Module, name: str, weights: Mapping[str, float]) -> None:
        super().__init__()
        self.network, self.name, self.layer_weights = network, name, dict(weights)
        self.requires_grad_(False).eval()

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """(N, C, H, W) in [0, 1] -> features by layer name, those with a weight.

        Raises:
            FeatureError: if the module returns something else, or lacks a layer.
        """
        answer = self.network(image)
        found = {OWN: answer} if isinstance(answer, Tensor) else answer
        tensors = isinstance(found, Mapping) and all(isinstance(x, Tensor) for x in found.values())
        if not tensors:
            raise FeatureError(self.name, "must return a tensor, or a mapping of names to tensors")
        missing = [name for name in self.layer_weights if name not in found]
        if missing:
            raise FeatureError(self.name, f"returns {sorted(found)}, not {missing[0]!r}")
        return {name: found[name] for name in self.layer_weights}

    def label(self) -> str:
        """The import path."""
        return self.name


def load_features(
    layers: LayerWeights, weights: str | os.PathLike[str], *, pool: Pool | None = None
) -> VGGFeatures:
    """A VGG extractor with the weights of a file, on the CPU.

    Args:
        layers: one name (``vgg19.relu5_4``), several, or weights by name; unnamed weights are 1.
        weights: path of the file; see :func:`~super_resolution_gans.models.vgg_weights.read_vgg`,
            and ``vgg_download.download_vgg`` for how to get one.
        pool: what replaces max-pooling, as DISTS asks for.

    Raises:
        FeatureError: if a layer is unknown, or layers of two networks are mixed.
        ModelFileError: if the file cannot be used or does not go deep enough.
    """
    weighed = _weighed(layers)
    parsed = [parse_layer(name) for name in weighed]
    networks = sorted({layer.network for layer in parsed})
    if len(networks) != 1:
        asked = ", ".join(weighed) or "no layer"
        raise FeatureError(asked, "layers of one network are needed, at least one")
    stored = read_vgg(weights, networks[0], _depth(parsed))
    return VGGFeatures(parsed, stored, weighed, pool)


def import_features(name: str, weights: Mapping[str, float] | None = None) -> OwnFeatures:
    """An extractor of the user's own: the module that ``package.module:factory`` makes.

    This runs code by name: only a recipe of the user's own may say it, never the metadata of a
    checkpoint.

    Args:
        name: import path of a callable without arguments that returns an ``nn.Module``.
        weights: by layer name, for a module that returns several; None for a single tensor.

    Raises:
        FeatureError: if it cannot be imported or does not make a module.
    """
    module_name, colon, attribute = name.partition(":")
    if not (module_name and colon and attribute):
        raise FeatureError(name, "an import path looks like package.module:factory")
    try:
        factory = getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise FeatureError(name, f"cannot be imported ({error})") from error
    try:
        network = factory()
    except Exception as error:  # code of the user's own may fail in any way
        raise FeatureError(name, f"failed to make a network ({error!r})") from error
    if not isinstance(network, nn.Module):
        made = type(cast(object, network)).__name__
        raise FeatureError(name, f"made a {made}, expected a torch.nn.Module")
    return OwnFeatures(network, name, {OWN: 1.0} if weights is None else weights)


def _max_pool(x: Tensor) -> Tensor:
    return F.max_pool2d(x, 2)


def _weighed(layers: LayerWeights) -> dict[str, float]:
    if isinstance(layers, str):
        return {layers: 1.0}
    if isinstance(layers, Mapping):
        return dict(layers)
    return dict.fromkeys(layers, 1.0)


def _depth(layers: Sequence[Layer]) -> int:
    """How many convolutions the deepest layer needs."""
    order = [convolution.name for convolution in convolutions(layers[0].network)]
    return 1 + max(order.index(layer.source) for layer in layers)
