"""The machine: processors, memory, folders."""

import platform
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from super_resolution_gans.program import processors


@dataclass(frozen=True)
class Machine:
    """What the package runs on.

    Attributes:
        python: its version.
        system: operating system and kind of processor.
        processors: that this process may use.
        memory_free: bytes that can be had without swapping; None if the system does not tell.
    """

    python: str
    system: str
    processors: int
    memory_free: int | None


@dataclass(frozen=True)
class Folder:
    """A folder that is written to.

    Attributes:
        purpose: what for.
        path: where; it may not be there yet.
        free: bytes; None if that cannot be asked.
        fault: why nothing can be written there, in words; empty if it can.
    """

    purpose: str
    path: str
    free: int | None
    fault: str


def look_at_machine() -> Machine:
    """Ask the operating system."""
    return Machine(
        platform.python_version(),
        f"{platform.system()} {platform.machine()}",
        processors(),
        _memory_free(),
    )


def look_at_folders() -> tuple[Folder, ...]:
    """The temporary folder and that of downloads; nothing is left behind in them."""
    from super_resolution_gans.models.vgg_download import cache_folder

    return (
        _look_at("temporary files", lambda: Path(tempfile.gettempdir())),
        _look_at("downloads", cache_folder),
    )


def _look_at(purpose: str, find: Callable[[], Path]) -> Folder:
    try:
        path = find()
    except (OSError, RuntimeError) as error:  # no such folder, no home
        return Folder(purpose, "", None, str(error))
    there = next(place for place in (path, *path.absolute().parents) if place.exists())
    try:
        free = shutil.disk_usage(there).free
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(b"\0")
    except OSError as error:
        return Folder(purpose, str(path), None, f"cannot be written to ({error.strerror or error})")
    return Folder(purpose, str(path), free, "")


def _memory_free() -> int | None:
    """Linux's own estimate; other systems have none that the standard library can read."""
    try:
        told = Path("/proc/meminfo").read_text(encoding="ascii")
    except OSError:
        return None
    found = re.search(r"^MemAvailable:\s+(\d+) kB$", told, re.MULTILINE)
    return int(found[1]) << 10 if found else None
