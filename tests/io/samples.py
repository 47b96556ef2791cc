"""What readers there are to be hurt, and valid files of theirs: one row a reader.

To add a format, add a row to ``READERS``: a name, how a file of it is read, and a function that
puts small valid files into a folder and names them. Vendors' files are parsed in this very process,
without the child that ``read_scan`` starts for each of them.
"""

import gzip
import io
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import dicom_objects
import nibabel
import numcodecs
import numpy as np
import tifffile
import vendor_files
import zarr
from PIL import Image
from zarr.codecs import ZstdCodec

from super_resolution_gans.io import ReadError, read_scan
from super_resolution_gans.io.stored import Limits
from super_resolution_gans.io.vendor.parse import parse
from super_resolution_gans.io.vendor.process import scan_from
from super_resolution_gans.scan import Scan

SHARED = Path(os.environ.get("SRGAN_SHARED", Path(__file__).resolve().parents[3] / "shared"))

_LIMITS = Limits(512_000_000, 512 << 20, 512 << 20)
_RANDOM = np.random.default_rng(5)
_GREY = _RANDOM.integers(0, 256, (3, 13, 12), dtype=np.uint8)
_DEEP = _RANDOM.integers(0, 65536, (3, 13, 12), dtype=np.uint16)
_COLOUR = _RANDOM.integers(0, 256, (13, 12, 3), dtype=np.uint8)


@dataclass(frozen=True)
class Reader:
    """How files of one format are read, and where valid ones come from."""

    name: str
    read: Callable[[Path], Scan]
    samples: Callable[[Path], Sequence[Path]]


def _vendor(kind: str) -> Callable[[Path], Scan]:
    def read(path: Path) -> Scan:
        return scan_from(parse(kind, path, str(path), _LIMITS), str(path), _LIMITS)

    return read


def _written(files: dict[str, bytes], folder: Path) -> Sequence[Path]:
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in files]


def _and_shared(files: dict[str, bytes], *shared: str) -> Callable[[Path], Sequence[Path]]:
    """These files, and those of the shared ones that are there."""

    def samples(folder: Path) -> Sequence[Path]:
        there = (SHARED / "data" / "formats" / name for name in shared)
        return [*_written(files, folder), *(path for path in there if path.is_file())]

    return samples


def _xml_samples(folder: Path) -> Sequence[Path]:
    real = SHARED / "data/formats/eyepy_xml/test_volume/test_dummy.xml"
    return [vendor_files.hedx(folder, _GREY), *([real] if real.is_file() else [])]


def _saved(image: Any, *formats: str, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, *formats, **options)
    return file.getvalue()


def _tiff(values: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, values, photometric="minisblack", **options)
    return file.getvalue()


def _npy(values: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


def _npz(values: Any, save: Callable[..., None]) -> bytes:
    file = io.BytesIO()
    save(file, volume=values, spacing_mm=np.array([0.1, 0.2, 0.3]))
    return file.getvalue()


def _nifti(values: Any) -> bytes:
    return bytes(nibabel.Nifti1Image(values.transpose(), np.diag([0.1, 0.2, 0.3, 1])).to_bytes())


_IN_STORE = {"v2": (".zattrs", ".zarray", "0.0.0"), "v3": ("zarr.json", "c/0/0/0")}


def _zarr_samples(folder: Path) -> Sequence[Path]:
    """Files of two stores, one of them sharded; what is not damaged is copied from the stores."""
    plain: dict[str, Any] = {"zarr_format": 2, "compressors": numcodecs.Blosc()}
    shards: dict[str, Any] = {"shards": (4, 8, 12), "compressors": ZstdCodec()}
    for name, options in (("v2", plain), ("v3", shards)):
        store = folder / name / "store"
        made = zarr.create_array(store, shape=_DEEP.shape, chunks=(2, 8, 12), dtype="u2", **options)
        made[...] = _DEEP
        made.attrs["multiscales"] = [{"axes": ["z", "y", "x"], "datasets": [{"path": "0"}]}]
        for key in _IN_STORE[name]:
            shutil.copy(store / key, folder / f"{name}-{key.replace('/', '-')}")
    return sorted(path for path in folder.iterdir() if path.is_file())


def _read_store(path: Path) -> Scan:
    name, key = path.name.split("-", 1)
    template = path.parent.parent / "samples" / name / "store"
    store = path.parent / "store"
    shutil.rmtree(store, ignore_errors=True)
    shutil.copytree(template, store)
    shutil.copy(path, store / (key if name == "v2" else key.replace("-", "/")))
    try:
        return read_scan(store).load()
    except ReadError as error:
        raise ReadError(path, error.reason) from None


def _rows() -> Sequence[Reader]:
    vol = vendor_files.vol(_GREY.astype(np.float32) / 2550)
    series = [vendor_files.Series(_DEEP), vendor_files.Series(_DEEP[:2], number=2, eye=b"L")]
    cube = {
        "P_Macular Cube 4x3_1-1-2001_1-1-1_OD_sn1_cube_z.img": vendor_files.img(
            np.resize(_GREY, (3, 1024, 4))
        )
    }
    return (
        Reader("vol", _vendor("vol"), _and_shared({"a.vol": vol}, "eyepy_vol/test_volume.vol")),
        Reader("xml", _vendor("xml"), _xml_samples),
        Reader(
            "e2e",
            _vendor("e2e"),
            _and_shared({"a.E2E": vendor_files.e2e(*series)}, "panimg/e2e_minimized.E2E"),
        ),
        Reader(
            "fda",
            _vendor("topcon"),
            _and_shared({"a.fda": vendor_files.fda(_GREY)}, "panimg/fda_minimized.fda"),
        ),
        Reader(
            "fds",
            _vendor("topcon"),
            _and_shared({"a.fds": vendor_files.fds(_DEEP)}, "panimg/fds_minimized.fds"),
        ),
        Reader("img", _vendor("img"), partial(_written, cube)),
        Reader("oct", _vendor("oct"), partial(_written, {"a.OCT": vendor_files.bioptigen(_DEEP)})),
        Reader(
            "png",
            read_scan,
            partial(
                _written,
                {
                    "grey.png": _saved(_GREY[0], "PNG"),
                    "deep.png": _saved(_DEEP[0], "PNG"),
                    "colour.png": _saved(_COLOUR, "PNG"),
                },
            ),
        ),
        Reader("jpeg", read_scan, partial(_written, {"a.jpg": _saved(_COLOUR, "JPEG")})),
        Reader("bmp", read_scan, partial(_written, {"a.bmp": _saved(_COLOUR, "BMP")})),
        Reader("webp", read_scan, partial(_written, {"a.webp": _saved(_COLOUR, "WEBP")})),
        Reader("gif", read_scan, partial(_written, {"a.gif": _saved(_GREY[0], "GIF")})),
        Reader(
            "tiff",
            read_scan,
            partial(
                _written,
                {
                    "strips.tif": _tiff(_DEEP, rowsperstrip=4),
                    "tiles.tif": _tiff(_GREY, tile=(16, 16), compression="zlib"),
                    "float.tif": _tiff(_GREY / np.float32(255)),
                },
            ),
        ),
        Reader(
            "npy",
            read_scan,
            partial(_written, {"a.npy": _npy(_DEEP), "b.npy": _npy(_GREY / np.float32(255))}),
        ),
        Reader(
            "npz",
            read_scan,
            partial(
                _written,
                {"a.npz": _npz(_DEEP, np.savez), "b.npz": _npz(_GREY, np.savez_compressed)},
            ),
        ),
        Reader(
            "nifti",
            read_scan,
            partial(
                _written,
                {"a.nii": _nifti(_DEEP), "b.nii.gz": gzip.compress(_nifti(_GREY), mtime=0)},
            ),
        ),
        Reader("zarr", _read_store, _zarr_samples),
        Reader(
            "dicom",
            read_scan,
            partial(
                _written,
                {
                    "one.dcm": dicom_objects.as_bytes(dicom_objects.plain(_GREY[0])),
                    "colour.dcm": dicom_objects.as_bytes(dicom_objects.plain(_COLOUR)),
                    "volume.dcm": dicom_objects.as_bytes(dicom_objects.tomography(_DEEP, 12)),
                },
            ),
        ),
    )


READERS = {reader.name: reader for reader in _rows()}
