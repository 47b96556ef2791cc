"""Weights of VGG16 and VGG19 from files, and where torchvision keeps the complete ones.

Tensors have torchvision's names (``features.<index>.weight``). Which mean and deviation an image
is normalised by is part of the weights: files say it in their metadata (``norm``), others are
torchvision's.
"""

import os
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from super_resolution_gans.models.checkpoint import ModelFileError
from super_resolution_gans.models.vgg import Convolution, convolutions

Triple = tuple[float, float, float]
_LARGEST_HEADER = 8 << 20


@dataclass(frozen=True)
class Statistics:
    """Mean and standard deviation of RGB in [0, 1], by which an image is normalised."""

    mean: Triple = (0.485, 0.456, 0.406)
    std: Triple = (0.229, 0.224, 0.225)

    def as_text(self) -> str:
        """The form in which weight files carry it."""
        return f"RGB in 0..1, (x-{list(self.mean)})/{list(self.std)}"


@dataclass(frozen=True)
class OfficialFile:
    """A file of torchvision's weights (BSD-3): where it is, and what it must be."""

    url: str
    sha256: str
    size: int  # bytes


OFFICIAL = {
    "vgg16": OfficialFile(
        "https://download.pytorch.org/models/vgg16-397923af.pth",
        "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
        553_433_881,
    ),
    "vgg19": OfficialFile(
        "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
        "dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44",
        574_673_361,
    ),
}


@dataclass(frozen=True, eq=False)
class VGGWeights:
    """The convolutions asked for, in order, float32, and how images are normalised for them."""

    kernels: list[Tensor]
    biases: list[Tensor]
    statistics: Statistics


def read_vgg(path: str | os.PathLike[str], network: str, depth: int) -> VGGWeights:
    """Read the first ``depth`` convolutions of ``network`` from a .pth or .safetensors file.

    Nothing in the file is executed; of what it holds besides (the classifier of torchvision's
    files) nothing is kept.

    Args:
        path: torchvision's ``vgg19-dcbb9e9d.pth`` or ``vgg16-397923af.pth``, or a safetensors file
            with the same names, of any floating-point type.
        network: ``vgg16`` or ``vgg19``.
        depth: how many convolutions.

    Raises:
        ModelFileError: if the file cannot be read, holds another network or too few layers of it,
            or a tensor has the wrong shape or values that are not finite.
    """
    path = Path(path)
    wanted = convolutions(network)[:depth]
    names = [name for convolution in wanted for name in tensor_names(convolution)]
    if not path.is_file():
        reason = "not a file" if path.exists() else "no such file"
        raise ModelFileError(path, f"{reason}; the complete one is {OFFICIAL[network].url}")
    if path.suffix == ".safetensors":
        tensors, statistics = _read_safetensors(path, network, names)
    else:
        stored = load_state_dict(path)
        _check_layers(path, network, names, set(stored))
        tensors, statistics = {name: stored[name] for name in names}, Statistics()
    kernels, biases = [], []
    for convolution in wanted:
        kernel_name, bias_name = tensor_names(convolution)
        kernel_shape = [convolution.outputs, convolution.inputs, 3, 3]
        kernels.append(_checked(path, kernel_name, tensors[kernel_name], kernel_shape))
        biases.append(_checked(path, bias_name, tensors[bias_name], [convolution.outputs]))
    return VGGWeights(kernels, biases, statistics)


def tensor_names(convolution: Convolution) -> tuple[str, str]:
    """What torchvision calls the kernel and the bias."""
    return f"features.{convolution.index}.weight", f"features.{convolution.index}.bias"


def _read_safetensors(
    path: Path, network: str, names: list[str]
) -> tuple[dict[str, Tensor], Statistics]:
    try:
        with path.open("rb") as file:
            if int.from_bytes(file.read(8), "little") > _LARGEST_HEADER:
                raise ModelFileError(path, "not a readable safetensors file")
        with safe_open(path, framework="pt") as stored:
            statistics = _statistics(path, (stored.metadata() or {}).get("norm"))
            _check_layers(path, network, names, set(stored.keys()))
            return {name: stored.get_tensor(name) for name in names}, statistics
    except (SafetensorError, OSError) as error:
        raise ModelFileError(path, f"not a readable safetensors file ({error})") from error


def _statistics(path: Path, text: str | None) -> Statistics:
    if text is None:
        return Statistics()
    triples = re.search(r"\(x-\[([^]]*)\]\)/\[([^]]*)\]", text)
    try:
        if triples is None:
            raise ValueError("expected (x-[mean])/[std]")
        mean, std = (_triple(numbers) for numbers in triples.groups())
        if not all(0 <= value <= 1 for value in mean) or not all(0 < v <= 1 for v in std):
            raise ValueError("mean and std are of RGB in [0, 1]")
    except ValueError as error:
        raise ModelFileError(
            path, f"its normalisation {text!r} is not understood: {error}"
        ) from error
    return Statistics(mean, std)


def _triple(numbers: str) -> Triple:
    first, second, third = (float(number) for number in numbers.split(","))
    return first, second, third


def load_state_dict(path: Path) -> Mapping[str, Tensor]:
    """The tensors of a .pth file by name; only what is used of them is read.

    Raises:
        ModelFileError: if it is no state dict; nothing in it is executed.
    """
    try:
        # Mapped, so that the classifier is never read; the oldest files cannot be.
        stored = torch.load(
            path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path)
        )
    except Exception as error:  # a damaged file can fail in any way
        first_line = str(error).strip().partition("\n")[0]
        raise ModelFileError(path, f"not a readable file of weights ({first_line})") from error
    tensors = isinstance(stored, Mapping) and all(isinstance(x, Tensor) for x in stored.values())
    if not tensors:
        raise ModelFileError(path, "holds no state dict of tensors")
    mapping: Mapping[str, Tensor] = stored
    return mapping


def _check_layers(path: Path, network: str, names: list[str], found: set[str]) -> None:
    """The file is of this network, and goes deep enough."""
    own = {
        name: convolution
        for convolution in convolutions(network)
        for name in tensor_names(convolution)
    }
    foreign = [name for name in found if name.startswith("features.") and name not in own]
    if foreign or not any(name in own for name in found):
        others = [x for x in OFFICIAL if x != network and _holds_only(x, found)]
        reason = f"is a {others[0].upper()}" if others else "its tensors have other names"
        raise ModelFileError(
            path, f"holds no {network.upper()} ({reason}); the file is {OFFICIAL[network].url}"
        )
    missing = [name for name in names if name not in found]
    if missing:
        lacking = own[missing[-1]].name
        ends = [own[name].name for name in own if name in found][-1]
        raise ModelFileError(
            path,
            f"lacks {missing[-1]} ({lacking} of {network.upper()}), its last layer is {ends}; "
            f"the complete file is {OFFICIAL[network].url}",
        )


def _holds_only(network: str, found: set[str]) -> bool:
    own = {name for convolution in convolutions(network) for name in tensor_names(convolution)}
    features = {name for name in found if name.startswith("features.")}
    return bool(features) and features <= own


def _checked(path: Path, name: str, tensor: Tensor, shape: list[int]) -> Tensor:
    """A float32 copy of the tensor, if it is what it should be."""
    if list(tensor.shape) != shape:
        raise ModelFileError(path, f"{name} has shape {list(tensor.shape)}, expected {shape}")
    if not tensor.is_floating_point() or tensor.layout != torch.strided:
        raise ModelFileError(path, f"{name} has type {tensor.dtype}, expected floating point")
    plain = tensor.detach().to(torch.float32, copy=True).contiguous()
    if not bool(torch.isfinite(plain).all()):
        raise ModelFileError(path, f"{name} holds NaN or infinite values")
    return plain
