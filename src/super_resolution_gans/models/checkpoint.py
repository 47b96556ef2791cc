"""Generators on disk: one ``.safetensors`` file that says what it holds and how it came to be.

The metadata key ``srgan`` is JSON: ``{"format": 1, "architecture": {...}, "card": {...}}``. The
architecture rebuilds the network; the card is the model's story (recipe, data, steps, measured
table, licence) and is never interpreted, only shown.
"""

import json
import math
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor

from super_resolution_gans.models.generator import SRResNet

FORMAT = 1
_LIMITS = {"channels": 64, "blocks": 256, "width": 1024}
_LARGEST_FACTOR = 32


class ModelFileError(ValueError):
    """A model file cannot be used; the message names the file and the reason."""

    def __init__(self, path: str | os.PathLike[str], reason: str) -> None:
        super().__init__(f"{os.fspath(path)}: {reason}")
        self.path, self.reason = os.fspath(path), reason


@dataclass(frozen=True)
class Model:
    """A generator in evaluation mode, with its story."""

    network: SRResNet
    card: dict[str, Any] = field(default_factory=dict)


def save_generator(
    network: SRResNet,
    path: str | os.PathLike[str],
    card: dict[str, Any] | None = None,
    dtype: torch.dtype = torch.float32,
) -> None:
    """Write ``network`` to ``path`` (.safetensors), atomically; an existing file is replaced.

    Args:
        network: the generator; it is not changed.
        path: where to write.
        card: the model's story, anything JSON can hold.
        dtype: of the stored floating-point tensors, float32 or float16.

    Raises:
        ModelFileError: if ``dtype`` cannot hold the weights.
        OSError: if the file cannot be written.
    """
    path = Path(path)
    metadata = {
        "format": FORMAT,
        "architecture": {
            "name": "srresnet",
            "channels": network.channels,
            "scale": list(network.scale),
            "blocks": network.blocks,
            "width": network.width,
        },
        "card": card or {},
    }
    tensors = {
        name: tensor.detach().cpu().to(dtype).contiguous()
        for name, tensor in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    if not all(torch.isfinite(tensor).all() for tensor in tensors.values()):
        raise ModelFileError(path, f"weights are not finite in {dtype}; nothing was written")
    payload = to_bytes(tensors, metadata={"srgan": json.dumps(metadata, sort_keys=True)})
    _write_atomically(path, payload)


def _write_atomically(path: Path, payload: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(payload)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def load_generator(path: str | os.PathLike[str]) -> Model:
    """Read a generator written by :func:`save_generator`, on the CPU, float32, evaluation mode.

    Nothing in the file is executed. Names, shapes and finiteness of all tensors are checked before
    any of them is used.

    Raises:
        ModelFileError: if the file is missing, damaged, not one of ours, or its weights do not fit.
    """
    path = Path(path)
    if not path.is_file():
        raise ModelFileError(path, "no such file" if not path.exists() else "not a file")
    try:
        with safe_open(path, framework="pt") as file:
            stored = (file.metadata() or {}).get("srgan")
            if stored is None:
                raise ModelFileError(path, "holds tensors but no srgan metadata")
            metadata = _parse(path, stored)
            network = _build(path, metadata["architecture"])
            expected = {
                name: tensor
                for name, tensor in network.state_dict().items()
                if not name.endswith("num_batches_tracked")
            }
            _check_names(path, expected, list(file.keys()))
            tensors = {name: file.get_tensor(name) for name in expected}
    except (SafetensorError, OSError) as error:
        raise ModelFileError(path, f"not a readable safetensors file ({error})") from error
    for name, tensor in tensors.items():
        _check_tensor(path, name, tensor, expected[name])
    with torch.device("cpu"):
        network.to_empty(device="cpu")
    network.load_state_dict({n: t.to(torch.float32) for n, t in tensors.items()}, strict=False)
    for buffer_name, buffer in network.named_buffers():
        if buffer_name.endswith("num_batches_tracked"):
            buffer.zero_()
    return Model(network.eval().requires_grad_(False), metadata["card"])


def _parse(path: Path, stored: str) -> dict[str, Any]:
    try:
        metadata = json.loads(stored)
        if metadata["format"] != FORMAT:
            raise ModelFileError(
                path, f"has model format {metadata['format']!r}; this version reads {FORMAT}"
            )
        if not isinstance(metadata["architecture"], dict) or not isinstance(metadata["card"], dict):
            raise TypeError("architecture and card must be objects")
    except ModelFileError:
        raise
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelFileError(path, f"srgan metadata cannot be understood ({error!r})") from error
    parsed: dict[str, Any] = metadata
    return parsed


def _build(path: Path, architecture: dict[str, Any]) -> SRResNet:
    """The network on the meta device: no memory is spent before the file has been checked."""
    try:
        if architecture["name"] != "srresnet":
            raise ValueError(f"unknown architecture {architecture['name']!r}")
        numbers = {key: _integer(architecture[key], limit) for key, limit in _LIMITS.items()}
        vertical, lateral = (_integer(factor, _LARGEST_FACTOR) for factor in architecture["scale"])
        with torch.device("meta"):
            return SRResNet(scale=(vertical, lateral), **numbers)
    except (ValueError, KeyError, TypeError) as error:
        raise ModelFileError(path, f"architecture cannot be built ({error})") from error


def _integer(value: Any, limit: int) -> int:
    if type(value) is not int or not 1 <= value <= limit:
        raise ValueError(f"{value!r} is not an integer from 1 to {limit}")
    return value


def _check_names(path: Path, expected: dict[str, Tensor], found: list[str]) -> None:
    missing, extra = sorted(expected.keys() - set(found)), sorted(set(found) - expected.keys())
    if missing or extra:
        raise ModelFileError(
            path, f"weights do not fit: missing {_some(missing)}, unknown {_some(extra)}"
        )


def _some(names: list[str]) -> str:
    if not names:
        return "none"
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _check_tensor(path: Path, name: str, tensor: Tensor, expected: Tensor) -> None:
    if tensor.shape != expected.shape:
        raise ModelFileError(
            path, f"{name} has shape {list(tensor.shape)}, expected {list(expected.shape)}"
        )
    if not tensor.is_floating_point():
        raise ModelFileError(path, f"{name} has type {tensor.dtype}, expected floating point")
    if not math.isfinite(float(tensor.float().abs().sum())) and not bool(
        torch.isfinite(tensor.float()).all()
    ):
        raise ModelFileError(path, f"{name} holds NaN or infinite values")
