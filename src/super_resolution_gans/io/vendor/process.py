"""A vendor's file -> Scan, by a process that may die instead of ours."""

import json
import math
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.io.errors import ReadError
from super_resolution_gans.io.mapped import Released
from super_resolution_gans.io.stored import Limits, scan_of
from super_resolution_gans.io.vendor import child
from super_resolution_gans.io.vendor.volume import MOST_BYTES, Volume
from super_resolution_gans.scan import Scan

_TYPES = ("uint8", "uint16", "float32")
_CURE = 'pip install "SuperResolution-GANs[oct]"'


def read_vendor(kind: str, path: Path, source: str, limits: Limits) -> Scan:
    """Read a volume as :func:`~super_resolution_gans.io.vendor.parse.parse` does, in a child.

    The child has 20 seconds and 4 GiB of address space. Volumes above ``limits.lazy_above`` are
    read piece by piece from the temporary file that it leaves its pixels in.

    Raises:
        ReadError: if the file cannot be read.
    """
    try:
        with tempfile.TemporaryFile() as answer:
            status = _run(kind, path, source, limits, answer)
            volume = _understood(answer, status, source)
            return scan_from(volume, source, limits)
    except OSError as error:
        raise ReadError(source, f"cannot be read ({error.strerror or error})") from None


def scan_from(volume: Volume, source: str, limits: Limits) -> Scan:
    """The scan of a volume.

    Raises:
        ReadError: if it has values that are none.
    """
    stored = _Pixels(volume.pixels)
    scan = scan_of(stored, source, limits=limits, spacing=volume.spacing)
    return replace(scan, details=volume.details)


class _Pixels:
    """A volume's numbers, piece by piece."""

    def __init__(self, values: NDArray[Any]) -> None:
        self._values, self._released = values, Released(getattr(values, "_mmap", None))
        self.shape, self.dtype = values.shape, values.dtype

    def read(self, index: int, rows: slice, columns: slice) -> NDArray[Any]:
        """A window of slice ``index``: (h, w)."""
        window = np.array(self._values[index, rows, columns])
        self._released.after(window.nbytes)
        return window


def _run(kind: str, path: Path, source: str, limits: Limits, answer: IO[bytes]) -> int:
    """The child's exit status; negative: the signal that ended it."""
    request = {
        "kind": kind,
        "path": str(path.absolute()),
        "name": source,
        "max_pixels": limits.max_pixels,
        # The child starts with nothing but the standard library; relative places stay out.
        "search": [place for place in sys.path if Path(place).is_absolute()],
    }
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    environment |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    try:
        return subprocess.run(
            [sys.executable, "-I", "-S", child.__file__, json.dumps(request)],
            stdin=subprocess.DEVNULL, stdout=answer, stderr=subprocess.DEVNULL,
            env=environment, timeout=child.SECONDS, check=False,
        ).returncode  # fmt: skip
    except subprocess.TimeoutExpired:
        return -int(signal.SIGTERM)


def _understood(answer: IO[bytes], status: int, source: str) -> Volume:
    """The child's answer, believed no further than it can be checked."""
    answer.seek(0)
    line = answer.readline(child.PIXELS_AT)
    if status or not line.endswith(b"\n"):
        raise ReadError(source, _death(status))
    try:
        told: Mapping[str, Any] = json.loads(line)
        if "refused" in told:
            raise ReadError(source, str(told["refused"]))
        if "missing" in told:
            raise ReadError(source, f"this format needs {told['missing']}: {_CURE}")
        if told.get("failed") == "MemoryError":
            raise ReadError(source, "needs too much memory to read")
        if "failed" in told:
            raise ReadError(source, f"damaged or not supported ({told['failed']})")
        return _volume(answer, told)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        if isinstance(error, ReadError):
            raise
        raise ReadError(source, "damaged: what was read of it makes no sense") from None


def _volume(answer: IO[bytes], told: Mapping[str, Any]) -> Volume:
    shape, dtype = tuple(told["shape"]), np.dtype(told["dtype"])
    if dtype.name not in _TYPES or len(shape) != 3:
        raise ValueError(f"shape {shape}, type {dtype}")
    if not all(type(length) is int and length > 0 for length in shape):
        raise ValueError(f"shape {shape}")
    size = math.prod(shape) * dtype.itemsize
    if size > MOST_BYTES or answer.seek(0, os.SEEK_END) != child.PIXELS_AT + size:
        raise ValueError("its size")
    pixels = np.memmap(answer, dtype, "r", child.PIXELS_AT, shape)
    slices, rows, columns = (None if mm is None else float(mm) for mm in told["spacing"])
    details = {str(name): str(text) for name, text in told["details"].items()}
    return Volume(pixels, (slices, rows, columns), details)


def _death(status: int) -> str:
    """What became of a child that gave no answer."""
    names = {-int(number): number.name for number in signal.Signals}
    name = names.get(status, f"status {status}")
    if name in ("SIGXCPU", "SIGTERM"):
        return (
            f"takes more than {child.SECONDS} seconds to read: "
            "damaged, made to hurt, or the machine is busy"
        )
    if name == "SIGKILL":
        return "the process that reads it was ended by the system"
    return f"the process that reads it failed ({name}); it is damaged or made to hurt"
