"""zarr stores, version 2 and 3: OME-NGFF images and plain arrays, read chunk by chunk."""

import math
from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.io.errors import ReadError
from super_resolution_gans.io.ngff import Image, image_in
from super_resolution_gans.io.note import note_in
from super_resolution_gans.io.quiet import quiet
from super_resolution_gans.io.stored import UNKNOWN, Limits, check_size, explain, scan_of
from super_resolution_gans.io.tiff_cache import SegmentCache
from super_resolution_gans.io.zarr_files import Files, FolderFiles, ZipFiles, read_json
from super_resolution_gans.io.zarr_meta import ArrayMeta, meta_of_v2, meta_of_v3
from super_resolution_gans.scan import Range, Scan, printable

_CURE = 'pip install "SuperResolution-GANs[volumes]"'
_DEEPEST = 5
# Chunks that are kept: what slices share that are read one after the other.
_ROOM = 256 << 20
# A store may leave out chunks that are empty, but not nearly all of them.
_SPARSEST = 1000


def read_zarr(path: Path, source: str, limits: Limits) -> Scan:
    """Read the image of a store, a folder or a ZIP archive of one.

    Of OME-NGFF the first image at its finest level, its scale and units as spacing; channels are 1
    (grey) or 3 (red, green, blue), and there is one time point. Of a group without it the one
    array it has; of an array (height, width), (height, width, 3), (slices, height, width) or
    (slices, height, width, 3), as :meth:`Scan.from_array` takes them, without spacing. Larger
    stores are read chunk by chunk. Chunks that are missing hold the fill value.

    Raises:
        ReadError: if there is no such image or no single one, it has other axes, is stored in a
            way that cannot be read safely (see :mod:`io.zarr_meta`), is damaged, or zarr is
            missing.
    """
    try:
        files: Files = FolderFiles(path, source) if path.is_dir() else ZipFiles(path, source)
        key, meta, image, told = _find(files, source)
        layout = _layout(meta, image, source)
        _check_present(files, key, meta, source)
        stored = _Chunks(_opened(path, files, key, meta, source), meta, layout)
        _, height, width, *channels = stored.shape
        check_size(source, height, width, math.prod(channels), limits)
    except ReadError:
        raise
    except Exception as error:  # damaged metadata raise whatever comes
        raise ReadError(source, f"damaged or not supported ({explain(error)})") from None
    spacing = UNKNOWN if image is None else image.spacing
    with quiet():
        scan = scan_of(stored, source, limits=limits, spacing=spacing, told_range=told)
    return replace(scan, details={"array": key}) if key else scan


def attributes_of(files: Files, key: str = "") -> tuple[str, Mapping[str, Any], Mapping[str, Any]]:
    """Of a node: "array", "group" or "", its attributes, and the document that describes it.

    Raises:
        ValueError: if its metadata are damaged.
    """
    start = f"{key}/" if key else ""
    if document := read_json(files, f"{start}zarr.json"):
        attributes = document.get("attributes")
        kind = str(document.get("node_type"))
        return kind, attributes if isinstance(attributes, dict) else {}, document
    for name, kind in ((".zarray", "array"), (".zgroup", "group")):
        if (found := read_json(files, f"{start}{name}")) is not None:
            return kind, read_json(files, f"{start}.zattrs") or {}, found
    return "", {}, {}


def _find(files: Files, source: str) -> tuple[str, ArrayMeta, Image | None, Range | None]:
    """The array that is meant, from the root down."""
    key = ""
    told: Range | None = None
    image: Image | None = None
    for _ in range(_DEEPEST):
        kind, attributes, document = attributes_of(files, key)
        if kind == "array":
            read = meta_of_v3 if document.get("zarr_format") == 3 else meta_of_v2
            return key, read(document), image, told
        if kind != "group" or image is not None:
            raise ReadError(source, f"damaged zarr (no array at {printable(key or '/')})")
        image, ours = image_in(attributes), note_in(attributes)
        told = told if ours is None else ours.value_range
        below = [image.path] if image is not None else files.children(key)
        if len(below) != 1:
            some = ", ".join(map(printable, below[:8]))
            said = f"; name one: {some}" if below else ""
            raise ReadError(source, f"a zarr group of {len(below)} arrays or groups{said}")
        key = f"{key}/{below[0]}" if key else below[0]
    raise ReadError(source, f"zarr groups nested deeper than {_DEEPEST}")


def _layout(meta: ArrayMeta, image: Image | None, source: str) -> tuple[str, ...]:
    """What each axis of the array is: t, c, z, y or x."""
    shape = meta.shape
    said = " x ".join(map(str, shape))
    if image is None:
        colour = ("c",) if len(shape) > 2 and shape[-1] in (1, 3) else ()
        plain = ("z", "y", "x")[3 - (len(shape) - len(colour)) :]
        if not 2 <= len(plain) <= 3 or len(plain) + len(colour) != len(shape):
            expected = "(height, width[, 3]) or (slices, height, width[, 3])"
            raise ReadError(source, f"an array of {said} is no scan; expected {expected}")
        return (*plain, *colour)
    if len(image.axes) != len(shape):
        raise ReadError(source, f"damaged zarr ({len(image.axes)} axes told, an array of {said})")
    lengths = dict(zip(image.axes, shape, strict=True))
    if lengths.get("t", 1) != 1 or lengths.get("c", 1) not in (1, 3):
        raise ReadError(
            source,
            f"{lengths.get('t', 1)} time points of {lengths.get('c', 1)} channels; expected one "
            "time point of 1 or 3 channels",
        )
    return image.axes


def _check_present(files: Files, key: str, meta: ArrayMeta, source: str) -> None:
    """Refuse a store whose pixels are missing, or that announces far more than it holds."""
    enough = meta.files // _SPARSEST + 1
    found = sum(1 for _ in islice(files.chunks(key), enough))
    if found < enough:
        raise ReadError(
            source, f"{meta.files} files of chunks are announced, {found or 'none'} found"
        )


def _opened(path: Path, files: Files, key: str, meta: ArrayMeta, source: str) -> Any:
    try:
        import zarr
        from zarr.storage import LocalStore, ZipStore
    except ImportError:
        raise ReadError(source, f"zarr stores need zarr: {_CURE}") from None
    from super_resolution_gans.io.zarr_guard import GuardedStore

    folder = path.is_dir()
    store = LocalStore(path, read_only=True) if folder else ZipStore(path, mode="r")
    guarded = GuardedStore(store, files, meta, source)
    with quiet():
        return zarr.open_array(guarded, path=key, mode="r", zarr_format=meta.version)  # type: ignore[arg-type]


class _Chunks:
    """An array of a store as the slices of a scan; chunks are decoded once if slices go in order.

    Args:
        layout: what each axis is; one of t, c, z, y, x.
    """

    def __init__(self, array: Any, meta: ArrayMeta, layout: tuple[str, ...]) -> None:
        self._array, self._layout = array, layout
        lengths = dict(zip(layout, meta.shape, strict=True))
        chunks = dict(zip(layout, meta.chunk, strict=True))
        self._bool = meta.dtype == np.bool_
        self.dtype = np.dtype(np.uint8) if self._bool else meta.dtype.newbyteorder("=")
        colour = (3,) if lengths.get("c") == 3 else ()
        self.shape = (lengths.get("z", 1), lengths["y"], lengths["x"], *colour)
        self._step = (chunks.get("z", 1), chunks["y"], chunks["x"])
        self._cache = SegmentCache()
        layer = self._step[0] * math.prod(self.shape[1:]) * self.dtype.itemsize
        self._cache.room = min(layer, _ROOM)

    def read(self, index: int, rows: slice, columns: slice) -> NDArray[Any]:
        """A window of slice ``index``: (h, w) or (h, w, 3)."""
        depth, height, width = self._step
        shape = (rows.stop - rows.start, columns.stop - columns.start, *self.shape[3:])
        out = np.empty(shape, self.dtype)
        for top in range(rows.start // height * height, rows.stop, height):
            for left in range(columns.start // width * width, columns.stop, width):
                block = self._block(index // depth * depth, top, left)[index % depth]
                y0, y1 = max(rows.start, top), min(rows.stop, top + height)
                x0, x1 = max(columns.start, left), min(columns.stop, left + width)
                out[y0 - rows.start : y1 - rows.start, x0 - columns.start : x1 - columns.start] = (
                    block[y0 - top : y1 - top, x0 - left : x1 - left]
                )
        return out

    def _block(self, first: int, top: int, left: int) -> NDArray[Any]:
        """A chunk, or those of the three channels: (slices, h, w[, 3])."""
        key = (first, top, left)
        block = self._cache.get(key)
        if block is None:
            block = self._decoded(first, top, left)
            self._cache.put(key, block)
        return block

    def _decoded(self, first: int, top: int, left: int) -> NDArray[Any]:
        depth, height, width = self._step
        wanted: dict[str, Any] = {
            "t": 0,
            "c": slice(None) if len(self.shape) == 4 else 0,
            "z": slice(first, min(first + depth, self.shape[0])),
            "y": slice(top, min(top + height, self.shape[1])),
            "x": slice(left, min(left + width, self.shape[2])),
        }
        with quiet():
            values = np.asarray(self._array[tuple(wanted[axis] for axis in self._layout)])
        kept = [axis for axis in self._layout if isinstance(wanted[axis], slice)]
        values = values.transpose([kept.index(axis) for axis in "zyxc" if axis in kept])
        if "z" not in kept:
            values = values[np.newaxis]
        if self._bool:
            return values.astype(np.uint8) * np.uint8(255)
        return values.astype(self.dtype, copy=False)
