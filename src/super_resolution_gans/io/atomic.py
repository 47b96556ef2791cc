"""Whole files or none: what is written appears under its name only when it is complete."""

import os
import secrets
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
    temporary = target.with_name(f"{_PREFIX}{secrets.token_hex(8)}{_SUFFIX}")
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


def sweep(folder: str | os.PathLike[str]) -> None:
    """Remove what killed processes left; for folders that only one process at a time writes to."""
    for path in Path(folder).glob(f"{_PREFIX}*{_SUFFIX}"):
        with suppress(OSError):
            path.unlink()
