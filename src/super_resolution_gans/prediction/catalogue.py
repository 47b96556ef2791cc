"""The models that go by a name: what is shipped, and which one is used unless told otherwise."""

import difflib
import os
from pathlib import Path

SHIPPED = {
    "oct-srgan-x4": "SRGAN for OCT, 4 x 4, trained to look like a scan",
    "oct-srresnet-x4": "SRResNet for OCT, 4 x 4, trained for the smallest mean squared error",
    "oct-srresnet-x4-native": "the same for scans that nobody downsampled: blurred and noisy ones",
    "oct-srresnet-x4-lateral": "SRResNet for OCT, 1 x 4: four times the A-scans, rows as they are",
}
DEFAULT_MODEL = "oct-srgan-x4"
FAITHFUL = {"oct-srgan-x4": "oct-srresnet-x4"}
"""The faithful model that each is of near kin to, to be mixed with by fidelity."""
INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos")

WEIGHTS = Path(__file__).resolve().parent.parent / "weights"
MODEL_SUFFIXES = (".safetensors", ".h5", ".hdf5", ".keras", ".pth", ".pt", ".ckpt", ".onnx", ".xml")


def known_models() -> tuple[str, ...]:
    """All names that :func:`load_upscaler` knows."""
    return (*SHIPPED, *INTERPOLATIONS)


def find_weights(name_or_path: str | os.PathLike[str]) -> Path:
    """The weights of a shipped model by its name, or those at a path.

    Raises:
        UnknownModelError: if it is neither.
        PredictionError: if a shipped model's weights are missing from the installation.
    """
    # Here, because it loads numpy, which those who only want the names can do without.
    from super_resolution_gans.prediction.errors import PredictionError, UnknownModelError

    given = os.fspath(name_or_path)
    if given in SHIPPED:
        path = WEIGHTS / f"{given}.safetensors"
        if not path.is_file():
            raise PredictionError(given, f"its weights are missing from the installation ({path})")
        return path
    path = Path(given)
    if path.suffix.lower() in MODEL_SUFFIXES or (given and path.exists()):
        return path
    nearest = difflib.get_close_matches(given.lower(), known_models(), n=1)
    hint = f"did you mean {nearest[0]}? " if nearest else ""
    raise UnknownModelError(
        given,
        f"no such model; {hint}known are {', '.join(known_models())}, or a file of weights "
        f"({', '.join(MODEL_SUFFIXES)})",
    )
