"""Which inputs become which outputs: decided before anything is computed."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from super_resolution_gans.prediction.errors import PredictionError

_RASTERS = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".dib", ".webp", ".gif")
IMAGE_SUFFIXES = frozenset((*_RASTERS, ".tif", ".tiff", ".npy"))
Inode = tuple[int, int]


@dataclass(frozen=True)
class Job:
    """One image to upscale.

    Attributes:
        source: a path or an address, as it was given or found.
        target: where the result goes.
        fixed: whether the target's suffix is the user's choice, or may change to one that can hold
            the result.
        problem: why it cannot be done, if that is known already.
    """

    source: str
    target: Path
    fixed: bool = False
    problem: str | None = None


@dataclass(frozen=True)
class Plan:
    """All jobs of one call.

    Attributes:
        folder: where results and journal go; None if there is one image and one file.
        ignored: how many files in input folders are no images, by their names.
        inputs: the files that must not be written to.
    """

    jobs: tuple[Job, ...]
    folder: Path | None
    ignored: int = 0
    inputs: frozenset[Inode] = field(default=frozenset(), repr=False)


def is_address(source: str) -> bool:
    """Whether a source is a URL rather than a path."""
    return re.match(r"[a-z][a-z0-9+.-]+://", source, re.IGNORECASE) is not None


def make_plan(sources: Sequence[str | os.PathLike[str]], out: str | os.PathLike[str]) -> Plan:
    """Map inputs to outputs.

    One file or address goes to the file ``out``; to a folder if ``out`` is one, ends like one or
    has no suffix. Several inputs, or a folder, go to a folder: the names inside a folder are kept
    with their tree, under the folder's own name if there are several inputs.

    Raises:
        PredictionError: if there are no inputs, or ``out`` cannot be what it has to be.
    """
    given = [os.fspath(source) for source in sources]
    if not given:
        raise PredictionError("upscale", "no inputs")
    target = Path(out)
    alone = len(given) == 1 and (is_address(given[0]) or not Path(given[0]).is_dir())
    if alone and not _is_folder(os.fspath(out)):
        return Plan((Job(given[0], target, fixed=True),), None, 0, _inodes(given))
    if target.exists() and not target.is_dir():
        raise PredictionError(target, "is a file; several inputs or a folder need a folder")
    jobs: list[Job] = []
    ignored = 0
    for source in given:
        if is_address(source):
            jobs.append(Job(source, target / _name_of(source)))
        elif Path(source).is_dir():
            if target.is_dir() and target.samefile(source):
                raise PredictionError(target, "is the input folder; results need another one")
            top = target / Path(source).resolve().name if len(given) > 1 else target
            images, others = _images_in(Path(source), target)
            ignored += others
            jobs += [Job(str(image), top / image.relative_to(source)) for image in images]
            if not images:
                jobs.append(Job(source, top, problem="there are no images in this folder"))
        else:
            jobs.append(Job(source, target / Path(source).name))
    return Plan(tuple(_without_clashes(jobs)), target, ignored, _inodes(j.source for j in jobs))


def inode(path: str | os.PathLike[str]) -> Inode | None:
    """What identifies a file whatever it is called; None if there is no such file."""
    try:
        status = Path(path).stat()
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def _inodes(sources: "Iterator[str] | Sequence[str]") -> frozenset[Inode]:
    found = (inode(source) for source in sources if not is_address(source))
    return frozenset(identity for identity in found if identity is not None)


def _is_folder(out: str) -> bool:
    path = Path(out)
    return path.is_dir() or out.endswith(("/", os.sep)) or not (path.exists() or path.suffix)


def _images_in(folder: Path, out: Path) -> tuple[list[Path], int]:
    """Images below a folder in a fixed order, and how many other files there are."""
    apart = inode(out)
    images: list[Path] = []
    others = 0
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and (apart is None or inode(Path(here, name)) != apart)
        )
        for name in sorted(names):
            if name.startswith(".") or Path(name).suffix.lower() not in IMAGE_SUFFIXES:
                others += 1
            else:
                images.append(Path(here, name))
    return images, others


def _name_of(address: str) -> str:
    parts = urlsplit(address)
    last = unquote(parts.path.rstrip("/").rpartition("/")[2])
    return re.sub(r"[^\w.\- ]", "_", last).lstrip(".")[-100:] or parts.hostname or "image"


def _without_clashes(jobs: list[Job]) -> Iterator[Job]:
    """The same jobs; of two with one target the second has a problem."""
    first: dict[Path, str] = {}
    for job in jobs:
        if not job.problem and job.target in first:
            yield Job(job.source, job.target, problem=clash(job.target, first[job.target]))
        else:
            if not job.problem:
                first[job.target] = job.source
            yield job


def clash(target: Path, earlier: str) -> str:
    """Why a second image cannot have the same target."""
    return f"its result would be {target}, which is already that of {earlier}"
