"""Names of files whose suffix has two parts, such as ``.nii.gz``."""

import os
from collections.abc import Iterable
from pathlib import Path

_OF_TWO_PARTS = (".nii.gz", ".ome.tif", ".ome.tiff", ".ome.zarr", ".zarr.zip")


def suffix_of(name: str | os.PathLike[str]) -> str:
    """The suffix as it is spelled, both parts of it if they belong together; "" if there is none.

    ``eye.12.nii.gz`` -> ``.nii.gz``, ``eye.12.TIF`` -> ``.TIF``.
    """
    last = Path(name).name
    for known in _OF_TWO_PARTS:
        if last.lower().endswith(known) and len(last) > len(known):
            return last[-len(known) :]
    return Path(name).suffix


def with_suffix(path: Path, suffix: str) -> Path:
    """The same name with another suffix in place of what :func:`suffix_of` finds."""
    own = suffix_of(path)
    return path.with_name(path.name.removesuffix(own) + suffix)


def ends_in(name: str | os.PathLike[str], suffixes: Iterable[str]) -> bool:
    """Whether a name has one of these suffixes (lower case), in any spelling."""
    last = Path(name).name.lower()
    return any(last.endswith(suffix) and len(last) > len(suffix) for suffix in suffixes)
