"""Any generator from any file: what wrote it is told by its first bytes, and then by its name."""

import os
from pathlib import Path

from super_resolution_gans.models.checkpoint import Model, ModelFileError, load_generator
from super_resolution_gans.models.keras_model import load_keras
from super_resolution_gans.models.pth_model import load_pth

OURS = (".safetensors",)
KERAS = (".h5", ".hdf5", ".keras")
PYTORCH = (".pth", ".pt", ".ckpt")
EXPORTED = (".onnx", ".xml")
_HDF5 = b"\x89HDF\r\n\x1a\n"
_ZIP = b"PK\x03\x04"
_PICKLE = b"\x80"


def load_model(path: str | os.PathLike[str]) -> Model:
    """Read a generator of ours (.safetensors), of Keras (.h5, .keras) or of PyTorch (.pth).

    It is on the CPU, in float32 and evaluation mode, and takes and makes [0, 1]. Nothing in the
    file is executed.

    Raises:
        ModelFileError: if the file is missing, damaged or hostile, or its network is not known.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            head = file.read(9)
    except FileNotFoundError as error:
        raise ModelFileError(path, f"no such file{_cure(path)}") from error
    except OSError as error:
        reason = "not a file" if path.is_dir() else f"cannot be read ({error.strerror or error})"
        raise ModelFileError(path, reason) from error
    suffix = path.suffix.lower()
    if suffix in EXPORTED:
        raise ModelFileError(path, "is an exported model: it can be run, but is no file of weights")
    if head.startswith(_HDF5) or suffix in KERAS:  # of which the reader says what is wrong
        return load_keras(path)
    # The length of a header may begin like a pickle.
    ours = head[8:] == b"{" and suffix not in PYTORCH
    if not ours and (head.startswith((_ZIP, _PICKLE)) or suffix in PYTORCH):
        return load_pth(path)
    if not ours and suffix not in OURS:
        known = ", ".join(OURS + KERAS + PYTORCH + EXPORTED)
        raise ModelFileError(path, f"is no file of weights that is known here ({known})")
    return load_generator(path)


def _cure(path: Path) -> str:
    if path.suffix.lower() != ".h5":
        return ""
    return (
        "; the instructions of version 0.0.x fetched model.h5 from Google Drive with gdown, but no "
        "file is needed any more: leave the model out for the one that is shipped"
    )
