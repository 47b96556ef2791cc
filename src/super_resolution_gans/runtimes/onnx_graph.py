"""Generators as ONNX graphs, node by node: milliseconds, the same bytes each time, any size.

Tracing exporters take up to a minute, fix what sizes they were shown, and change from version to
version; what generators here are made of is known.
"""

from typing import cast

import torch

from super_resolution_gans.models.deploy import (
    Convolution,
    Deployed,
    DeployedBlock,
    DeployedStage,
    deploy,
)
from super_resolution_gans.models.graph import LayerGraph
from super_resolution_gans.models.upsampler import Upsampler
from super_resolution_gans.runtimes.onnx_layers import draw_layers
from super_resolution_gans.runtimes.onnx_writer import Writer


def onnx_bytes(network: Upsampler, metadata: dict[str, str] | None = None) -> bytes:
    """A network as an ONNX file: ``image`` (n, c, h, w) -> ``upscaled``, float32, not clipped.

    Args:
        network: is not changed.
        metadata: kept in the file.

    Raises:
        ValueError: if the network has a layer that cannot be exported.
        LibraryError: if ONNX is not installed.
    """
    write, ready = Writer(), deploy(network)
    if isinstance(ready, Deployed):
        _draw_deployed(write, ready, "image")
    elif isinstance(ready, LayerGraph):
        draw_layers(write, ready, "image")
    else:
        raise ValueError(f"{network.title()}: a network of this kind cannot be exported")
    model = write.model(network.channels, metadata or {})
    payload: bytes = model.SerializeToString(deterministic=True)
    return payload


def _draw_deployed(write: Writer, network: Deployed, image: str) -> None:
    if network.dtype is not torch.float32:
        raise ValueError(f"{network.title()}: is in {network.dtype}; float32 is exported")
    y = first = _draw(write, network.head, image)
    for block in network.body:
        parts = cast(DeployedBlock, block)
        y = write.node("Add", _draw(write, parts.second, _draw(write, parts.first, y)), y)
    y = write.node("Add", _draw(write, network.body_conv, y), first)
    factor = None
    for part in network.stages:
        stage = cast(DeployedStage, part)
        if factor is not None:
            y = write.shuffle(y, stage.conv.weight.shape[1], factor, in_blocks=True)
        y, factor = _draw(write, stage.conv, y), stage.factor
    y = _draw(write, network.tail, y)
    write.shuffle(y, network.channels, network.tail.phases)


def _draw(write: Writer, conv: Convolution, x: str) -> str:
    weights = write.weight(conv.weight), write.weight(conv.bias)
    y = write.node("Conv", x, *weights, pads=[*conv.reach, *conv.reach], strides=conv.stride)
    if conv.slopes is None:
        return y
    return write.node("PRelu", y, write.weight(conv.slopes.reshape(-1, 1, 1)))
