"""Whole files and folders or none: what is written has its name only when it is complete."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

_PREFIX, _SUFFIX = ".srgan-", ".tmp"


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A new binary file that takes the place of ``path`` once it is complete and on the disk.

    It is filled under a hidden name in the same folder, with the permissions that any new file of
    this user has. If the block raises, nothing of it stays and ``path`` is as it was; only a
    process that is killed leaves the hidden file behind, which nobody reads (see :func:`sweep`).

    Raises:
        OSError: if it cannot be written; it names ``path``.
    """
    target = Path(path)
    temporary = _hidden(target)
    try:
        # Exclusive: nobody else's file is ever written to.
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except OSError as error:
        if error.errno is None or error.filename not in (None, str(temporary)):
            raise
        raise OSError(error.errno, error.strerror, str(target)) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A new folder that takes the place of ``path``, as :func:`replacing` does for a file.

    No system replaces a folder in one step, so that one which is there is first put aside under a
    hidden name; it is put back if the new one cannot take its place, and then deleted.

    Raises:
        OSError: if it cannot be written; it names ``path``.
    """
    target = Path(path)
    temporary, aside = _hidden(target), _hidden(target)
    try:
        temporary.mkdir()
        yield temporary
        _sync(temporary)
        if target.exists():
            target.rename(aside)
        try:
            temporary.rename(target)
        except OSError:
            if aside.exists():
                aside.rename(target)
            raise
    except OSError as error:
        name = error.filename
        ours = name is None or str(name).startswith(str(temporary))
        if error.errno is None or not ours:
            raise
        raise OSError(error.errno, error.strerror, str(target)) from error
    finally:
        for folder in (temporary, aside):
            shutil.rmtree(folder, ignore_errors=True)


def sweep(folder: str | os.PathLike[str]) -> None:
    """Remove what killed processes left; for folders that only one process at a time writes to."""
    for path in Path(folder).glob(f"{_PREFIX}*{_SUFFIX}"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _hidden(target: Path) -> Path:
    return target.with_name(f"{_PREFIX}{secrets.token_hex(8)}{_SUFFIX}")


def _sync(folder: Path) -> None:
    for here, _, names in os.walk(folder):
        for name in names:
            with Path(here, name).open("rb") as file:
                os.fsync(file.fileno())
