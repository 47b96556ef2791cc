"""``.keras`` files: a zip of a description and an HDF5 file of weights."""

import shutil
import tempfile
import zipfile
import zlib
from pathlib import Path

from super_resolution_gans.models.checkpoint import ModelFileError
from super_resolution_gans.models.hdf5 import read_hdf5
from super_resolution_gans.models.keras_file import KerasError, KerasFile, arrange, parse_config

_CONFIG, _WEIGHTS, _METADATA = "config.json", "model.weights.h5", "metadata.json"
_MOST_MEMBERS = 64
_LONGEST_TEXT = 8 << 20
_LARGEST_WEIGHTS = 512 << 20
_DENSEST = 20  # weights hardly compress


def is_keras_zip(path: Path) -> bool:
    """Whether the file is a zip; what cannot be read is none."""
    try:
        with path.open("rb") as file:
            return file.read(4) == b"PK\x03\x04"
    except (OSError, ValueError):
        return False


def read_keras_zip(path: Path) -> KerasFile:
    """The layers of a ``.keras`` file, with the description. Sizes are checked before unpacking.

    Raises:
        KerasError: if it is another kind of zip, or damaged, or unpacks to too much.
        ModelFileError: if the HDF5 file in it is refused.
    """
    try:
        with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory() as folder:
            names = archive.namelist()
            if len(names) > _MOST_MEMBERS or not {_CONFIG, _WEIGHTS} <= set(names):
                raise KerasError(f"a zip, but not Keras's (it has no {_CONFIG} and {_WEIGHTS})")
            config = parse_config(_text(archive, _CONFIG))
            version = ""
            if _METADATA in names:
                version = str(parse_config(_text(archive, _METADATA)).get("keras_version", ""))
            weights = Path(folder) / _WEIGHTS
            packed = archive.open(_checked(archive, _WEIGHTS, _LARGEST_WEIGHTS))
            with packed, weights.open("wb") as file:
                shutil.copyfileobj(packed, file)
            try:
                layers = arrange(read_hdf5(weights)).layers
            except ModelFileError as error:
                raise ModelFileError(path, f"{_WEIGHTS} in it: {error.reason}") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:
        raise KerasError(f"not a readable zip ({error})") from error
    facts = {"keras_version": version} if version else {}
    return KerasFile(layers, ordered=False, config=config, facts=facts)


def _text(archive: zipfile.ZipFile, name: str) -> str:
    data = archive.read(_checked(archive, name, _LONGEST_TEXT))
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise KerasError(f"{name} in it is no text") from error


def _checked(archive: zipfile.ZipFile, name: str, most: int) -> zipfile.ZipInfo:
    """A member whose size is sane; zipfile unpacks no more than the size that is stated."""
    member = archive.getinfo(name)
    if member.file_size > min(most, max(1 << 20, _DENSEST * member.compress_size)):
        raise KerasError(f"{name} in it unpacks to {member.file_size:,} bytes")
    return member
