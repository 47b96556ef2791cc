"""Which device and precision to use."""

import torch

from super_resolution_gans.prediction.engines import PRECISIONS, Choice
from super_resolution_gans.prediction.errors import PredictionError


def automatic_device() -> Choice:
    """What ``auto`` means here: CUDA if there is one, else MPS (Apple), else the CPU."""
    if torch.cuda.is_available():
        return Choice("cuda", f"there is a GPU: {torch.cuda.get_device_name()}")
    if torch.backends.mps.is_available():
        return Choice("mps", "there is an Apple GPU")
    built = torch.version.cuda or torch.version.hip
    why = "torch finds no GPU" if built else "this torch is built without CUDA"
    return Choice("cpu", why)


def pick_device(name: str = "auto") -> torch.device:
    """A device by its name; ``auto`` is :func:`automatic_device`.

    Raises:
        PredictionError: if there is no such device here.
    """
    has_cuda, has_mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if name == "auto":
        return torch.device(automatic_device().value)
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
    return automatic_precision(device).value


def automatic_precision(device: torch.device) -> Choice:
    """:func:`fast_precision`, with the reason."""
    if device.type == "cpu":
        # Since torch 2.12; before, nothing is known.
        able: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
        found = [name for name in ("avx512_bf16", "amx_bf16") if able.get(name)]
        if found:
            return Choice("bfloat16", f"the processor multiplies it ({', '.join(found)})")
        untold = f"torch {torch.__version__} does not tell what the processor multiplies fast"
        return Choice(
            "float32", "the processor multiplies no shorter type fast" if able else untold
        )
    if device.type == "cuda":
        major, minor = torch.cuda.get_device_capability(device)
        short = "bfloat16" if (major, minor) >= (8, 0) else "float16"
        return Choice(short, f"the GPU multiplies it (compute capability {major}.{minor})")
    if device.type == "mps":
        return Choice("float16", "the GPU multiplies it")
    return Choice("float32", f"nothing is known of {device.type}")
