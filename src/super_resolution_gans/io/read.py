"""Any readable file or address -> Scan."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from super_resolution_gans.io import dicom, nifti, npy, raster, series, tiff, zarr_read, zipped
from super_resolution_gans.io.address import is_address, shown
from super_resolution_gans.io.errors import ReadError
from super_resolution_gans.io.finite import Fill, checked
from super_resolution_gans.io.names import suffix_of
from super_resolution_gans.io.stored import Limits
from super_resolution_gans.io.vendor.process import read_vendor
from super_resolution_gans.io.zarr_files import is_store
from super_resolution_gans.scan import Scan

MAX_PIXELS = 100_000_000
MAX_MEMORY = 2 << 30
LAZY_ABOVE = 512 << 20
MAX_DOWNLOAD = 512 << 20
MAX_SECONDS = 120.0

_HEAD_BYTES = 348


@dataclass(frozen=True)
class _Format:
    """A format: its first bytes, at ``at``, its usual suffixes, and its reader if there is one.

    Attributes:
        holds_scan: looks further where these bytes may begin something else; what that is says the
            next row that knows them.
        without: knows the content without these bytes; asked only if the suffix is one of its own.
    """

    name: str
    magic: tuple[bytes, ...]
    suffixes: tuple[str, ...]
    reader: Callable[[Path, str, Limits], Scan] | None = None
    at: int = 0
    advice: str = ""
    holds_scan: Callable[[Path], bool] = lambda _path: True
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
    _Format("NIfTI", (b"n+1\0",), (".nii",), nifti.read_nifti, at=344),
    _Format("NIfTI-2", (b"n+2\0\r\n\x1a\n",), (), nifti.read_nifti, at=4),
    _Format(
        "compressed NIfTI",
        (b"\x1f\x8b",),
        (".nii.gz",),
        nifti.read_gzip,
        holds_scan=nifti.is_packed,
    ),
    _Format("gzip", (b"\x1f\x8b",), (".gz",), advice="decompress it first"),
    _Format("NIfTI in two files", (b"ni1\0",), (".hdr",), at=344, advice="save it as .nii"),
    _Format("HTML", (b"<!DOCTYPE", b"<!doctype", b"<html", b"<HTML"), (".html", ".htm")),
    _Format("SVG", (b"<svg",), (".svg",)),
    # No suffix, so that folders are not searched for it: the B-scans beside it are images already,
    # and annotations of images are XML as well.
    _Format(
        "Heidelberg XML", (b"<HEDX", b"<?xml", b"\xef\xbb\xbf<"), (), partial(read_vendor, "xml")
    ),
    _Format("HDF5", (b"\x89HDF\r\n\x1a\n",), (".h5", ".hdf5", ".mat")),
    _Format(
        "NPZ",
        (b"PK\x03\x04",),
        (".npz", ".zarr.zip"),
        zipped.read_zip,
        holds_scan=zipped.holds_arrays,
    ),
    _Format("ZIP", (b"PK\x03\x04",), (".zip",), advice="extract it first"),
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
"""The usual suffixes of what can be read, in lower case; zarr stores are known by their content."""


def read_scan(
    source: str | os.PathLike[str],
    *,
    max_pixels: int = MAX_PIXELS,
    max_memory: int = MAX_MEMORY,
    lazy_above: int = LAZY_ABOVE,
    stream_above: int | None = None,
    max_download: int = MAX_DOWNLOAD,
    max_seconds: float = MAX_SECONDS,
    allow_private_addresses: bool = False,
    fill: Fill | None = None,
    on_file: Callable[[Path], object] | None = None,
) -> Scan:
    """Read a scan from a file, a folder that is one, or an http(s) address.

    Images, TIFF, NPY, NPZ, NIfTI, zarr (docs/volumes.md), DICOM (docs/dicom.md), volumes of OCT
    devices (docs/formats.md), each as its reader says: see
    :func:`~super_resolution_gans.io.raster.read_raster`,
    :func:`~super_resolution_gans.io.tiff.read_tiff`,
    :func:`~super_resolution_gans.io.dicom.read_dicom`,
    :func:`~super_resolution_gans.io.npz.read_npz`,
    :func:`~super_resolution_gans.io.nifti.read_nifti`,
    :func:`~super_resolution_gans.io.zarr_read.read_zarr`, the modules of ``io/vendor``, and for
    ranges :func:`~super_resolution_gans.scan.natural_range`. The content decides on the format, not
    the suffix.

    Args:
        source: a path, the folder of a zarr store among them, or an address that starts with
            ``http://`` or ``https://``.
        max_pixels: most pixels (height x width) of one slice, of up to four channels; known from
            the header, before anything is decoded.
        max_memory: most bytes of numbers, as stored, of a volume that cannot be read piece by
            piece, such as a TIFF of JPEG pages; known from the header too.
        lazy_above: volumes that take more bytes than this as float32 are read piece by piece, where
            the container allows it; they must stay where they are as long as the scan is used.
        stream_above: the same for grey volumes of uint8 and uint16, of which every number means
            the same whatever the others are; by default ``lazy_above``.
        max_download: most bytes fetched from an address.
        max_seconds: longest time for fetching.
        allow_private_addresses: fetch from any host, not only from those with public addresses
            (loopback, a local network, ...), and through the proxies that the environment names.
        fill: what takes the place of NaN and infinite values, which are an error otherwise: a
            number in the file's own units, or "min", the smallest finite number of the file.
        on_file: called with the temporary file that an address was fetched to.

    Returns:
        The scan, its ``source`` set to the path or address.

    Raises:
        ReadError: if there is no such file, or it is no scan that can be read.
        FetchError: if the address cannot be fetched; a kind of ReadError.
    """
    stream_above = lazy_above if stream_above is None else min(stream_above, lazy_above)
    fill = checked(fill, shown(source))
    if is_address(source):
        limits = Limits(max_pixels, lazy_above, lazy_above, max_memory, fill)
        from super_resolution_gans.io.fetch import fetched

        name = shown(source)
        with fetched(
            os.fspath(source),
            max_bytes=max_download,
            seconds=max_seconds,
            allow_private=allow_private_addresses,
        ) as path:
            if on_file is not None:
                on_file(path)
            scan = _read_file(path, name, suffix_of(name), limits)
            if scan.is_lazy:
                raise ReadError(name, "too large to be read from an address; download it first")
            return scan
    if not os.fspath(source):
        raise ReadError(source, "an empty name")
    path, limits = Path(source), Limits(max_pixels, lazy_above, stream_above, max_memory, fill)
    return _read_file(path, os.fspath(source), suffix_of(path), limits)


def _read_file(path: Path, name: str, suffix: str, limits: Limits) -> Scan:
    if is_store(path):
        return zarr_read.read_zarr(path, name, limits)
    if series.is_series(path):
        return series.read_series(path, name, limits)
    head = _head(path, name)
    found = _known_by_content(path, head)
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


def format_of(path: Path) -> str | None:
    """The name of the format that this content is read as; None if it is none that can be read.

    Raises:
        ReadError: if there is no such file, or it cannot be looked at.
    """
    if is_store(path):
        return "zarr"
    if series.is_series(path):
        return "series of PNGs"
    head = _head(path, os.fspath(path))
    found = _known_by_content(path, head)
    if found is None:
        found = next((f for f in _FORMATS if suffix_of(path).lower() in f.suffixes), None)
        if found is None or found.reader is None:
            return None
        return None if found.magic and not found.without(head) else found.name
    return None if found.reader is None else found.name


def _known_by_content(path: Path, head: bytes) -> _Format | None:
    known = (f for f in _FORMATS if head[f.at :].startswith(f.magic) and f.holds_scan(path))
    return next(known, None)


def is_scan_folder(path: str | os.PathLike[str]) -> bool:
    """Whether a folder is one scan: a zarr store or a series of PNGs with its ``series.json``."""
    return is_store(path) or series.is_series(Path(path))


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
