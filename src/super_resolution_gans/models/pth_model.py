"""Generators from other people's .pth files: recognised by the names of their tensors."""

import os
from pathlib import Path

import torch
from torch import Tensor

from super_resolution_gans.models.checkpoint import Model, ModelFileError, filled
from super_resolution_gans.models.foreign.basicsr import MSRRESNET, RRDBNET
from super_resolution_gans.models.foreign.draft import Draft, UnfitError
from super_resolution_gans.models.foreign.efficient import CARN, IMDN
from super_resolution_gans.models.foreign.family import recognise
from super_resolution_gans.models.foreign.srgan import FAST_SRGAN, LEFTTHOMAS, LORNATANG
from super_resolution_gans.models.graph import LayerGraph
from super_resolution_gans.models.pth_file import read_state_dict

FAMILIES = (LORNATANG, LEFTTHOMAS, FAST_SRGAN, IMDN, CARN, MSRRESNET, RRDBNET)


def load_pth(path: str | os.PathLike[str]) -> Model:
    """Read somebody's generator (.pth, .pt, .ckpt), on the CPU, float32, evaluation mode.

    Whatever range its images have in their own repository, here they are in [0, 1]. Nothing in the
    file is executed. The card has the key ``family``.

    Raises:
        ModelFileError: if the file is missing, damaged or hostile, its tensors are those of no
            family in ``FAMILIES``, or one of them does not fit or is not finite.
    """
    path = Path(path)
    tensors = read_state_dict(path)
    try:
        family, draft = recognise(FAMILIES, tensors)
        with torch.device("meta"):  # no memory is spent before the shapes are checked
            network = LayerGraph(draft.nodes, draft.channels, family.name)
    except UnfitError as error:
        raise ModelFileError(path, str(error)) from error
    except ValueError as error:
        raise ModelFileError(path, f"its layers make no generator ({error})") from error
    weights = _weights(path, network, draft, tensors)
    return filled(network, weights, {"family": family.name})


def _weights(
    path: Path, network: LayerGraph, draft: Draft, tensors: dict[str, Tensor]
) -> dict[str, Tensor]:
    """Copies of the file's tensors by the graph's names."""
    weights = {}
    for ours, expected in network.state_dict().items():
        if ours.endswith("num_batches_tracked"):
            continue
        name = draft.spelling(draft.sources[ours.removeprefix("layers.")])
        tensor = tensors[name].detach()
        if tensor.shape != expected.shape:
            raise ModelFileError(
                path,
                f"{name} has shape {list(tensor.shape)}, expected {list(expected.shape)}",
            )
        plain = tensor.to(torch.float32, copy=True).contiguous()
        if not bool(torch.isfinite(plain).all()):
            raise ModelFileError(path, f"{name} holds NaN or infinite values")
        if ours.endswith("running_var") and bool((plain < 0).any()):
            raise ModelFileError(path, f"{name} holds negative variances")
        weights[ours] = plain
    return weights
