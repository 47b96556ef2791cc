"""The tensors of other people's .pth, .pt and .ckpt files, by name.

A file may hold the tensors at its top, or in a nest (``state_dict``, ``params_ema``, ...) beside
optimizers and counters; names may carry what wrapped the network (``module.``, ``_orig_mod.``).
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from super_resolution_gans.models.checkpoint import ModelFileError
from super_resolution_gans.models.pth_container import ContainerError, check_container

# Averaged weights first: they are what such a run is judged by.
_NESTS = (
    "params_ema", "ema_state_dict", "state_dict_ema", "model_ema", "generator_ema", "g_ema", "ema",
    "params", "state_dict", "model_state_dict", "generator_state_dict", "netG_state_dict",
    "generator", "net_g", "netG", "gen", "G", "model", "net", "weights",
)  # fmt: skip
_DEEPEST_NEST = 4
_WRAPPERS = ("module.", "_orig_mod.", "generator.", "net_g.", "netG.", "model.", "net.")
_PLAYERS = ("generator.", "net_g.", "netG.")  # in files that hold a discriminator beside it
_COUNTERS = ("num_batches_tracked", "n_averaged")
_FLOATING = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
_MOST_WEIGHTS = 200_000_000


def read_state_dict(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """The tensors of a generator by name, wrappers stripped, as the file has them.

    Nothing in the file is executed: ``weights_only``, without a fallback. Tensors are of one of
    the four floating-point types, on the CPU, no larger than what the file stores; their values
    are not looked at, and may still lie in the file.

    Raises:
        ModelFileError: if the file is missing, damaged, or holds anything else.
    """
    path = Path(path)
    try:
        if not path.is_file():
            raise ModelFileError(path, "not a file" if path.exists() else "no such file")
        mapped = check_container(path)  # files of the older kind cannot be
        stored = torch.load(str(path), map_location="cpu", weights_only=True, mmap=mapped)
        tensors = _without_wrappers(_state_dict(path, stored))
        for name, tensor in tensors.items():
            _check_tensor(path, name, tensor)
        if sum(tensor.numel() for tensor in tensors.values()) > _MOST_WEIGHTS:
            raise ModelFileError(path, f"holds more than {_MOST_WEIGHTS:,} weights")
    except ModelFileError:
        raise
    except OSError as error:
        raise ModelFileError(path, f"cannot be read ({error.strerror or error})") from error
    except ContainerError as error:
        raise ModelFileError(path, str(error)) from error
    except Exception as error:  # a damaged file can fail in any way
        first_line = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ModelFileError(path, f"not a readable file of weights ({first_line})") from error
    return tensors


def _state_dict(path: Path, stored: Any) -> dict[str, Tensor]:
    for _ in range(_DEEPEST_NEST):
        if not isinstance(stored, Mapping):
            raise ModelFileError(
                path, f"holds a value of type {type(stored).__name__}, no state dict"
            )
        nest = next((name for name in _NESTS if isinstance(stored.get(name), Mapping)), None)
        if nest is None:
            break
        stored = stored[nest]
    entries = {name: value for name, value in stored.items() if not _counts(name)}
    if not any(isinstance(value, Tensor) for value in entries.values()):
        held = ", ".join(str(name)[:40] for name in list(entries)[:5]) or "nothing"
        raise ModelFileError(path, f"holds no state dict of tensors (it has {held})")
    for name, value in entries.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            kind = type(value).__name__
            raise ModelFileError(path, f"{name!r} is of type {kind}; expected tensors by name")
    return entries


def _counts(name: object) -> bool:
    return isinstance(name, str) and name.rpartition(".")[2] in _COUNTERS


def _without_wrappers(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    while True:
        prefix = next((p for p in _WRAPPERS if all(name.startswith(p) for name in tensors)), None)
        if prefix is None:
            prefix = next((p for p in _PLAYERS if any(n.startswith(p) for n in tensors)), None)
        if prefix is None:
            return tensors
        tensors = {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}


def _check_tensor(path: Path, name: str, tensor: Tensor) -> None:
    if tensor.dtype not in _FLOATING or tensor.layout != torch.strided or tensor.is_meta:
        kind = str(tensor.dtype).removeprefix("torch.")
        raise ModelFileError(path, f"{name} has type {kind}, expected floating point")
    # Strides of 0 make a large tensor of one number.
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        raise ModelFileError(path, f"{name} has shape {list(tensor.shape)}, larger than its data")
