"""Generators on disk: one ``.safetensors`` file that says what it holds and how it came to be.

The metadata key ``srgan`` is JSON: ``{"format": 1, "architecture": {...}, "card": {...}}``. The
architecture rebuilds the network; the card is the model's story (recipe, data, steps, measured
table, licence). Here it is only carried; what ``prediction`` looks up in it is how scans were
downsampled (``downsampling``, or the recipe's) and what they looked like (``domain``, or those that
belong to ``data_sha256``).
"""

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor

from super_resolution_gans.models import generator, graph
from super_resolution_gans.models.generator import SRResNet
from super_resolution_gans.models.graph import LayerGraph
from super_resolution_gans.models.upsampler import Upsampler

FORMAT = 1
_LIMITS = {"channels": 64, "blocks": 256, "width": 1024}
_LARGEST_FACTOR = 32
# Ours are under 100 KB; parsing costs some fifty times the length in memory.
_LARGEST_HEADER = 8 << 20
_FLOATING = {"F64", "F32", "F16", "BF16"}


class ModelFileError(ValueError):
    """A model file cannot be used; the message is one line that names the file and the reason."""

    def __init__(self, path: str | os.PathLike[str], reason: str) -> None:
        self.path, self.reason = os.fspath(path), _shortened(" ".join(reason.split()))
        super().__init__(f"{_printable(self.path)}: {_printable(self.reason)}")


def _printable(text: str) -> str:
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text
    )


def _shortened(text: str, longest: int = 500) -> str:
    """Reasons quote the file, and a hostile file can be quoted at any length."""
    return text if len(text) <= longest else f"{text[:longest]} ..."


@dataclass(frozen=True)
class Model:
    """A generator in evaluation mode, with its story."""

    network: Upsampler
    card: dict[str, Any] = field(default_factory=dict)


def save_generator(
    network: Upsampler,
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
        "architecture": network.architecture(),
        "card": card or {},
    }
    tensors = {
        name: tensor.detach().cpu().to(dtype).contiguous()
        for name, tensor in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    for name, tensor in tensors.items():
        if not bool(torch.isfinite(tensor).all()):
            raise ModelFileError(path, f"{name} is not finite in {dtype}; nothing was written")
    payload = to_bytes(tensors, metadata={"srgan": json.dumps(metadata, sort_keys=True)})
    _write_atomically(path, payload)


def _write_atomically(path: Path, payload: bytes) -> None:
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:  # which names the temporary file
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error
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
    _check_file(path)
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
            for name, tensor in expected.items():
                _check_shape(path, name, file.get_slice(name), tensor)
            weights = {name: file.get_tensor(name).to(torch.float32) for name in expected}
    except (SafetensorError, OSError) as error:
        raise ModelFileError(path, f"not a readable safetensors file ({error})") from error
    for name, tensor in weights.items():
        _check_values(path, name, tensor)
    return filled(network, weights, metadata["card"])


def filled(network: Upsampler, weights: Mapping[str, Tensor], card: dict[str, Any]) -> Model:
    """A network built on the meta device, with its weights, on the CPU and in evaluation mode.

    Args:
        network: is changed.
        weights: checked float32 tensors for all its parameters and running statistics.
        card: the model's story.
    """
    network.to_empty(device="cpu")
    network.load_state_dict(weights, strict=False)
    for name, buffer in network.named_buffers():
        if name.endswith("num_batches_tracked"):
            buffer.zero_()
    return Model(network.eval().requires_grad_(False), card)


def _check_file(path: Path) -> None:
    """Refuse what is no file, or claims a header that would be expensive to parse."""
    try:
        if not path.is_file():
            raise ModelFileError(path, "not a file" if path.exists() else "no such file")
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
    except OSError as error:
        raise ModelFileError(path, f"cannot be read ({error.strerror or error})") from error
    if length > _LARGEST_HEADER:
        raise ModelFileError(path, "not a readable safetensors file (its header is too long)")


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


def _build(path: Path, architecture: dict[str, Any]) -> Upsampler:
    """The network on the meta device: no memory is spent before the file has been checked."""
    try:
        name = architecture["name"]
        build = _BUILDERS.get(name) if isinstance(name, str) else None
        if build is None:
            raise ValueError(f"unknown architecture {name!r}")
        with torch.device("meta"):
            return build(architecture)
    except (ValueError, TypeError) as error:
        raise ModelFileError(path, f"architecture cannot be built ({error})") from error
    except KeyError as error:
        raise ModelFileError(path, f"architecture does not say its {error}") from error


def _srresnet(architecture: dict[str, Any]) -> SRResNet:
    numbers = {key: _integer(architecture[key], limit) for key, limit in _LIMITS.items()}
    vertical, lateral = (_integer(factor, _LARGEST_FACTOR) for factor in architecture["scale"])
    noise = architecture.get("noise", False)
    if not isinstance(noise, bool):
        raise ValueError(f"noise is true or false, not {noise!r}")
    norm = architecture.get("norm", "batch")
    return SRResNet(scale=(vertical, lateral), noise=noise, norm=norm, **numbers)


_BUILDERS: dict[str, Callable[[dict[str, Any]], Upsampler]] = {
    generator.NAME: _srresnet,
    graph.NAME: LayerGraph.of_architecture,
}


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


def _check_shape(path: Path, name: str, stored: Any, expected: Tensor) -> None:
    """By the file's header alone: nothing has been read into memory yet."""
    shape, dtype = list(stored.get_shape()), stored.get_dtype()
    if shape != list(expected.shape):
        raise ModelFileError(path, f"{name} has shape {shape}, expected {list(expected.shape)}")
    if dtype not in _FLOATING:
        raise ModelFileError(path, f"{name} has type {dtype}, expected floating point")


def _check_values(path: Path, name: str, tensor: Tensor) -> None:
    if not bool(torch.isfinite(tensor).all()):
        raise ModelFileError(path, f"{name} holds NaN or infinite values")
    if name.endswith("running_var") and bool((tensor < 0).any()):
        raise ModelFileError(path, f"{name} holds negative variances")
