"""Scan -> file, in the type and range it came with; whole or not at all."""

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from super_resolution_gans.io import encode
from super_resolution_gans.io.errors import WriteError
from super_resolution_gans.scan import Scan


def write_scan(scan: Scan, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Write a scan, as numbers of its own type and range, in the format of the path's suffix.

    PNG, BMP and WebP are lossless; JPEG has quality 95 without subsampling. TIFF and NPY hold
    everything; a lazy scan is written slice by slice. Pixel sizes are written where the format has
    a place for them (TIFF, PNG, JPEG, BMP) and they are known. The same scan gives the same bytes.

    The file appears under its name only when it is complete. A symbolic link is followed.

    Args:
        overwrite: replace an existing file.

    Raises:
        WriteError: if the format cannot hold the scan (the message names one that can), the file
            exists, or it cannot be written.
        ReadError: if a lazy scan cannot be read.
    """
    target = Path(path)
    if reason := encode.obstacle(target.suffix, scan):
        raise WriteError(path, reason)
    if "\0" in str(target):
        raise WriteError(path, "a name with a null character")
    try:
        target = Path(os.path.realpath(target))
        _check_target(path, target, overwrite)
        temporary = target.with_name(f".srgan-{secrets.token_hex(8)}.tmp")
        try:
            # Exclusive, and with the permissions that any new file of this user has.
            with temporary.open("xb") as file:
                _fill(file, scan, target.suffix, path)
            _check_target(path, target, overwrite)
            temporary.replace(target)
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise WriteError(path, f"cannot be written: {reason}") from None


def can_hold(suffix: str, scan: Scan) -> bool:
    """Whether a file with this suffix (``".png"``) holds the scan in its own type."""
    return encode.obstacle(suffix, scan) is None


def _check_target(path: str | os.PathLike[str], target: Path, overwrite: bool) -> None:
    try:
        kind = target.stat().st_mode
    except FileNotFoundError:
        if not target.parent.is_dir():
            raise WriteError(path, "the folder does not exist") from None
        return
    if stat.S_ISDIR(kind):
        raise WriteError(path, "a folder, not a file")
    if not stat.S_ISREG(kind):
        raise WriteError(path, "not a regular file")
    if not overwrite:
        raise WriteError(path, "exists already and is not overwritten")


def _fill(file: BinaryIO, scan: Scan, suffix: str, path: str | os.PathLike[str]) -> None:
    try:
        encode.encoder(suffix)(file, scan)
    except (MemoryError, OverflowError) as error:
        raise WriteError(path, f"too large ({error})") from None
    file.flush()
    os.fsync(file.fileno())
