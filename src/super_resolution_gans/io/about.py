"""What a file of ours says of itself: how its pixels came to be."""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from super_resolution_gans.io import npz, series
from super_resolution_gans.io.dicom_derived import story_in
from super_resolution_gans.io.dicom_header import open_dicom
from super_resolution_gans.io.dicom_quiet import silent
from super_resolution_gans.io.encode_raster import IMAGE_DESCRIPTION
from super_resolution_gans.io.note import KEY, note_in
from super_resolution_gans.io.quiet import quiet
from super_resolution_gans.io.tiff_spacing import note_of
from super_resolution_gans.io.zarr_files import FolderFiles, is_store
from super_resolution_gans.io.zarr_read import attributes_of

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def read_about(path: Path) -> Mapping[str, Any]:
    """The story that :func:`~super_resolution_gans.io.write.write_scan` was given for this file.

    Nothing of the pixels is read. Of what others wrote, or what has no place for a story, it is
    empty, and of what cannot be read as well: that it cannot is for :func:`read_scan` to say.
    """
    try:
        with quiet():
            return _read(path)
    except Exception:  # damaged files raise whatever comes
        return {}


def _read(path: Path) -> Mapping[str, Any]:
    if is_store(path):
        _, attributes, _ = attributes_of(FolderFiles(path, str(path)))
        return _of_note(attributes)
    if series.is_series(path):
        return _of_note(series.document_of(path))
    with path.open("rb") as file:
        head = file.read(132)
    if head.startswith(_TIFF):
        import tifffile

        with tifffile.TiffFile(path) as tiff:
            told = note_of(str(tiff.pages.first.description or ""))
        return told.about if told else {}
    if head.startswith(b"PK"):
        with zipfile.ZipFile(path) as archive:
            member = npz.members_of(archive, str(path)).get(npz.ABOUT)
            return _of_text(npz.text_of(archive, member)) if member else {}
    if head[128:] == b"DICM":
        with silent():
            return _of_text(story_in(open_dicom(path, str(path)).header))
    return _of_text(_text_of_image(path, head))


def _text_of_image(path: Path, head: bytes) -> Any:
    from PIL.JpegImagePlugin import JpegImageFile
    from PIL.PngImagePlugin import PngImageFile
    from PIL.WebPImagePlugin import WebPImageFile

    if head.startswith(b"\x89PNG"):
        with PngImageFile(path) as png:
            return png.info.get(KEY)
    if head.startswith(b"\xff\xd8\xff"):
        with JpegImageFile(path) as jpeg:
            return jpeg.info.get("comment")
    if head[8:12] == b"WEBP":
        with WebPImageFile(path) as webp:
            return webp.getexif().get(IMAGE_DESCRIPTION)
    return None


def _of_text(text: Any) -> Mapping[str, Any]:
    document = json.loads(text) if isinstance(text, str | bytes) and text else {}
    return document if isinstance(document, dict) else {}


def _of_note(document: Any) -> Mapping[str, Any]:
    told = note_in(document)
    return told.about if told else {}
