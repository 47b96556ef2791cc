"""HDF5 files of strangers: what they hold, read in a process that may die instead of ours."""

import json
import math
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor

from super_resolution_gans.models import hdf5_child
from super_resolution_gans.models.checkpoint import ModelFileError

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_LARGEST_FILE = 1 << 30
_SECONDS = 120  # of wall-clock time; the child's limit of processor time is far tighter
_LONGEST_HEADER = 2 * hdf5_child.LONGEST_TEXT


@dataclass(frozen=True, eq=False)
class Stored:
    """What a file holds, as plain values.

    Attributes:
        attributes: of groups that have any of Keras's: group path -> name -> text or list of texts.
        groups: paths of all groups.
        tensors: path -> float32, of any shape with 4 dimensions at most; not checked for NaN.
    """

    attributes: Mapping[str, Mapping[str, Any]]
    groups: Sequence[str]
    tensors: Mapping[str, Tensor]


def read_hdf5(path: str | os.PathLike[str]) -> Stored:
    """Read all tensors of an HDF5 file (below ``model_weights``, if it has that group).

    Only hard links are followed; datasets outside the file, virtual ones, filters besides gzip,
    shuffle and fletcher32, types besides floating point, and sizes that the file has no bytes for
    are refused. h5py runs in a child process with limits of memory and time.

    Raises:
        ModelFileError: if the file is missing, damaged, or breaks one of these rules.
    """
    path = Path(path)
    _check_file(path)
    with tempfile.TemporaryFile() as answer:
        status = _run(path, answer)
        answer.seek(0)
        line = answer.readline(_LONGEST_HEADER)
        if status or not line.endswith(b"\n"):
            raise ModelFileError(path, _death(status))
        try:
            header = json.loads(line)
            if "error" in header:
                raise ModelFileError(path, str(header["error"]))
            attributes, shapes = _understood(header)
            groups = [str(group) for group in header["groups"]]
            tensors = {name: _tensor(answer, shape) for name, shape in shapes.items()}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            if isinstance(error, ModelFileError):
                raise
            raise ModelFileError(path, f"could not be read ({error!r})") from error
    return Stored(attributes, groups, tensors)


def _check_file(path: Path) -> None:
    """Refuse what is no HDF5 file, without starting a process for it."""
    try:
        if not path.is_file():
            raise ModelFileError(path, "not a file" if path.exists() else "no such file")
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(512)
    except (OSError, ValueError) as error:
        if isinstance(error, ModelFileError):
            raise
        reason = getattr(error, "strerror", None) or error
        raise ModelFileError(path, f"cannot be read ({reason})") from error
    if start.lstrip().lower().startswith((b"<!doctype html", b"<html")):
        raise ModelFileError(path, "a web page, not a model; its download has failed")
    if not start.startswith(_SIGNATURE):
        raise ModelFileError(path, "not an HDF5 file")
    if size > _LARGEST_FILE:
        raise ModelFileError(path, f"larger than {_LARGEST_FILE >> 30} GiB")


def _run(path: Path, answer: IO[bytes]) -> int:
    """The child's exit status; negative: the signal that ended it."""
    # What lies beside the user's program is not searched, but a user's own site-packages are.
    search = [place for place in sys.path if Path(place).is_absolute()]
    command = [sys.executable, "-I", "-S", hdf5_child.__file__, str(path.absolute())]
    foreign = ("HDF5", "H5PY", "PYTHON")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
    environment |= {
        "HDF5_PLUGIN_PRELOAD": "::",  # no plugins from anywhere
        "HDF5_USE_FILE_LOCKING": "FALSE",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    try:
        return subprocess.run(
            [*command, json.dumps(search)],
            stdin=subprocess.DEVNULL, stdout=answer, stderr=subprocess.DEVNULL,
            env=environment, timeout=_SECONDS, check=False,
        ).returncode  # fmt: skip
    except subprocess.TimeoutExpired:
        return -int(signal.SIGTERM)
    except (OSError, ValueError) as error:
        raise ModelFileError(path, f"no process to read it can be started ({error})") from error


def _death(status: int) -> str:
    """What became of a child that gave no answer."""
    names = {-int(number): number.name for number in signal.Signals}
    name = names.get(status, f"status {status}")
    if name in ("SIGPROF", "SIGXCPU", "SIGTERM"):
        return "takes too long to read; it is damaged or made to hurt"
    if name == "SIGKILL":
        return "the process that reads it was ended by the system"
    return f"the HDF5 library fails on it ({name}); it is damaged or made to hurt"


def _understood(header: Any) -> tuple[dict[str, dict[str, Any]], dict[str, list[int]]]:
    """The child's header, believed no further than it can be checked.

    Raises:
        ValueError: if it is not what the child writes.
    """
    attributes: dict[str, dict[str, Any]] = {}
    for group, found in header["attributes"].items():
        for name, value in found.items():
            if not all(isinstance(x, str) for x in (value if isinstance(value, list) else [value])):
                raise ValueError(f"attribute {name}")
            attributes.setdefault(str(group), {})[str(name)] = value
    shapes: dict[str, list[int]] = {}
    for name, shape in header["tensors"]:
        if not all(type(length) is int and length >= 0 for length in shape) or len(shape) > 4:
            raise ValueError(f"shape {shape!r}")
        shapes[str(name)] = list(shape)
    if sum(4 * math.prod(shape) for shape in shapes.values()) > hdf5_child.MOST_BYTES:
        raise ValueError("too many weights")
    return attributes, shapes


def _tensor(answer: IO[bytes], shape: list[int]) -> Tensor:
    """The next tensor of the answer."""
    length = 4 * math.prod(shape)
    data = bytearray(answer.read(length))
    if len(data) != length:
        raise ValueError("its answer is too short")
    if not length:
        return torch.empty(shape)
    return torch.frombuffer(data, dtype=torch.float32).reshape(shape)
