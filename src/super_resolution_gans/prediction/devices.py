"""Which device and precision to use."""

import torch

from super_resolution_gans.prediction.engines import PRECISIONS
from super_resolution_gans.prediction.errors import PredictionError


def pick_device(name: str = "auto") -> torch.device:
    """``auto``: CUDA if there is one, else MPS (Apple), else the CPU.

    Raises:
        PredictionError: if there is no such device here.
    """
    has_cuda, has_mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if name == "auto":
        return torch.device("cuda" if has_cuda else "mps" if has_mps else "cpu")
    here = ["cpu", *(["cuda"] if has_cuda else []), *(["mps"] if has_mps else [])]
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    known = device is not None and device.type in here
    if device is None or not known or (device.index or 0) >= _count(device.type):
        raise PredictionError("device", f"{name} is not available here; there is {', '.join(here)}")
    return device


def _count(kind: str) -> int:
    return torch.cuda.device_count() if kind == "cuda" else 1


def pick_precision(name: str = "auto") -> str:
    """Check that there is such a precision; ``auto`` stays, see :func:`fast_precision`.

    Raises:
        PredictionError: if there is none.
    """
    if name != "auto" and name not in PRECISIONS:
        raise PredictionError(
            "precision", f"{name} is unknown; known are auto, {', '.join(PRECISIONS)}"
        )
    return name


def fast_precision(device: torch.device) -> str:
    """What the hardware multiplies fastest without losing the range of numbers that is needed.

    bfloat16 on processors that have products of it (AVX512-BF16, AMX) and on GPUs since Ampere,
    float16 on older GPUs and Apple's; otherwise float32.
    """
    if device.type == "cpu":
        # Since torch 2.12; before, nothing is known.
        able: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
        return "bfloat16" if able.get("avx512_bf16") or able.get("amx_bf16") else "float32"
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.get_device_capability(device) >= (8, 0) else "float16"
    return "float16" if device.type == "mps" else "float32"
