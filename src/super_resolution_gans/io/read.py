"""Any readable file or address -> Scan."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from super_resolution_gans.io import dicom, npy, raster, tiff
from super_resolution_gans.io.address import is_address, shown
from super_resolution_gans.io.errors import ReadError
from super_resolution_gans.io.stored import Limits
from super_resolution_gans.io.vendor.process import read_vendor
from super_resolution_gans.scan import Scan

MAX_PIXELS = 512_000_000
LAZY_ABOVE = 512 << 20
MAX_DOWNLOAD = 512 << 20
MAX_SECONDS = 120.0

_HEAD_BYTES = 132


@dataclass(frozen=True)
class _Format:
    """A format: its first bytes, at ``at``, its usual suffixes, and its reader if there is one.

    Attributes:
        without: recognises files that lack the first bytes; asked only if the suffix fits.
    """

    name: str
    magic: tuple[bytes, ...]
    suffixes: tuple[str, ...]
    reader: Callable[[Path, str, Limits], Scan] | None = None
    at: int = 0
    advice: str = ""
    without: Callable[[bytes], bool] = lambda _head: False


# The first row that knows the content is asked, whatever the file is called; only for content that
# nobody knows does the suffix say what the file was meant to be, or is, if a format has no content
# to be known by.
_FORMATS = (
    # First, since its first 128 bytes are free and some programs put a TIFF header there.
    _Format(
        "DICOM",
        (b"DICM",),
        (".dcm", ".dicom", ".ima"),
        dicom.read_dicom,
        at=128,
        without=dicom.looks_like_dicom,
    ),
    _Format("PNG", (b"\x89PNG\r\n\x1a\n",), (".png", ".apng"), raster.read_png),
    _Format("JPEG", (b"\xff\xd8\xff",), (".jpg", ".jpeg", ".jpe", ".jfif"), raster.read_jpeg),
    _Format("TIFF", (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), (".tif", ".tiff"), tiff.read_tiff),
    _Format("NPY", (b"\x93NUMPY",), (".npy",), npy.read_npy),
    _Format("WebP", (b"WEBP",), (".webp",), raster.read_webp, at=8),
    _Format("BMP", (b"BM",), (".bmp", ".dib"), raster.read_bmp),
    _Format("GIF", (b"GIF87a", b"GIF89a"), (".gif",), raster.read_gif),
    _Format("gzip", (b"\x1f\x8b",), (".gz",), advice="decompress it first"),
    _Format("HTML", (b"<!DOCTYPE", b"<!doctype", b"<html", b"<HTML"), (".html", ".htm")),
    _Format("SVG", (b"<svg",), (".svg",)),
    # No suffix, so that folders are not searched for it: the B-scans beside it are images already,
    # and annotations of images are XML as well.
    _Format(
        "Heidelberg XML", (b"<HEDX", b"<?xml", b"\xef\xbb\xbf<"), (), partial(read_vendor, "xml")
    ),
    _Format("HDF5", (b"\x89HDF\r\n\x1a\n",), (".h5", ".hdf5", ".mat")),
    _Format("ZIP or NPZ", (b"PK\x03\x04",), (".zip", ".npz"), advice="extract it first"),
    _Format("PDF", (b"%PDF",), (".pdf",)),
    # eyepy writes its own name there.
    _Format("Heidelberg .vol", (b"HSF-OCT", b"ep-v"), (".vol",), partial(read_vendor, "vol")),
    _Format(
        "Heidelberg .E2E",
        (b"CMDb", b"E2EMultipleVolumeFile"),
        (".e2e", ".sdb"),
        partial(read_vendor, "e2e"),
    ),
    _Format("Topcon", (b"FOCT",), (".fda", ".fds"), partial(read_vendor, "topcon")),
    _Format("Bioptigen .OCT", (b"\xa5\xa7\x7d\x0c",), (".oct",), partial(read_vendor, "oct")),
    # Pixels and nothing else: only the name tells.
    _Format("Zeiss .img", (), (".img",), partial(read_vendor, "img")),
    _Format("Optovue POCT", (), (".poct",)),
)

READABLE_SUFFIXES = tuple(s for f in _FORMATS if f.reader is not None for s in f.suffixes)
"""The usual suffixes of what can be read, in lower case."""


def read_scan(
    source: str | os.PathLike[str],
    *,
    max_pixels: int = MAX_PIXELS,
    lazy_above: int = LAZY_ABOVE,
    stream_above: int | None = None,
    max_download: int = MAX_DOWNLOAD,
    max_seconds: float = MAX_SECONDS,
) -> Scan:
    """Read a scan from a file or an http(s) address: images, TIFF, NPY, DICOM, devices' volumes.

    The content decides on the format, not the suffix (docs/formats.md lists them). How colour,
    palettes, alpha, orientation and ranges are treated is told at
    :func:`~super_resolution_gans.io.raster.read_raster`,
    :func:`~super_resolution_gans.io.tiff.read_tiff`,
    :func:`~super_resolution_gans.io.dicom.read_dicom` and
    :func:`~super_resolution_gans.scan.natural_range`, what becomes of a vendor's volume in the
    modules of ``io/vendor``.

    Args:
        source: a path, or an address that starts with ``http://`` or ``https://``.
        max_pixels: most numbers (height x width x channels) of one slice; known from the header,
            before anything is decoded.
        lazy_above: TIFF, NPY and DICOM files that take more bytes than this as float32 are read
            piece by piece; they must stay where they are as long as the scan is used.
        stream_above: the same for grey ones of uint8 and uint16, and grey DICOM, of which every
            number means the same whatever the others are; by default ``lazy_above``.
        max_download: most bytes fetched from an address.
        max_seconds: longest time for fetching.

    Returns:
        The scan, its ``source`` set to the path or address.

    Raises:
        ReadError: if there is no such file, or it is no scan that can be read.
        FetchError: if the address cannot be fetched; a kind of ReadError.
    """
    stream_above = lazy_above if stream_above is None else min(stream_above, lazy_above)
    if is_address(source):
        limits = Limits(max_pixels, lazy_above, lazy_above)
        from super_resolution_gans.io.fetch import fetched

        name = shown(source)
        with fetched(os.fspath(source), max_bytes=max_download, seconds=max_seconds) as path:
            scan = _read_file(path, name, Path(name).suffix, limits)
            if scan.is_lazy:
                raise ReadError(name, "too large to be read from an address; download it first")
            return scan
    if not os.fspath(source):
        raise ReadError(source, "an empty name")
    path, limits = Path(source), Limits(max_pixels, lazy_above, stream_above)
    return _read_file(path, os.fspath(source), path.suffix, limits)


def _read_file(path: Path, name: str, suffix: str, limits: Limits) -> Scan:
    head = _head(path, name)
    found = next((f for f in _FORMATS if head[f.at :].startswith(f.magic)), None)
    if found is None:
        meant = next((f for f in _FORMATS if suffix.lower() in f.suffixes), None)
        if (
            meant is not None
            and meant.reader is not None
            and meant.magic
            and not meant.without(head)
        ):
            raise ReadError(name, f"not a {meant.name} file, nor any other known format")
        found = meant
    if found is None:
        raise ReadError(name, f"not in a known format (known are {', '.join(readable())})")
    if found.reader is None:
        advice = f"; {found.advice}" if found.advice else ""
        raise ReadError(name, f"format not supported: {found.name}{advice}")
    return found.reader(path, name, limits)


def readable() -> list[str]:
    """Names of the formats that can be read."""
    return [f.name for f in _FORMATS if f.reader is not None]


def _head(path: Path, name: str) -> bytes:
    try:
        if path.is_dir():
            raise ReadError(name, "a folder, not a file")
        if path.exists() and not path.is_file():
            raise ReadError(name, "not a regular file")
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except ReadError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ReadError(name, reason[:1].lower() + reason[1:]) from None
    if not head:
        raise ReadError(name, "an empty file (0 bytes)")
    return head
