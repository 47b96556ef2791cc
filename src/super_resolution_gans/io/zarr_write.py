"""A scan as a zarr store, chunk by chunk: version 2 with OME-NGFF 0.4, which most readers know."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from super_resolution_gans.io.ngff import described
from super_resolution_gans.io.note import KEY, About, told_of
from super_resolution_gans.io.quiet import quiet
from super_resolution_gans.scan import Scan

# Of a slice, so that slices and their parts can be read alone; also what is held at once, in rows.
_CHUNK = 512
_LEVEL = "0"


def fill_zarr(folder: Path, scan: Scan, about: About, check: Callable[[], object]) -> None:
    """Write a group with one level into an empty folder.

    Chunks are at most 512 x 512 pixels of one slice (and one channel), compressed by zlib, which
    every reader has. Empty ones are written too: a chunk that is missing is one that was lost.
    """
    import zarr
    from numcodecs import Zlib
    from zarr.storage import LocalStore

    height, width = min(_CHUNK, scan.height), min(_CHUNK, scan.width)
    colour = scan.channels == 3
    with quiet():
        group = zarr.create_group(LocalStore(folder), zarr_format=2)
        array = group.create_array(
            _LEVEL,
            shape=(3, *scan.shape[:3]) if colour else scan.shape,
            chunks=(1,) * (1 + colour) + (height, width),
            dtype=scan.dtype.newbyteorder("<"),
            compressors=Zlib(level=1),
            chunk_key_encoding={"name": "v2", "separator": "/"},
            fill_value=0,
            config={"write_empty_chunks": True},
        )
    for index in range(scan.slices):
        for top in range(0, scan.height, height):
            check()
            band: Any = scan.stored_slice(index, slice(top, top + height))
            rows = slice(top, top + len(band))
            if colour:
                array[:, index, rows] = np.moveaxis(band, 2, 0)
            else:
                array[index, rows] = band
    group.attrs.update({**described(scan, _LEVEL), KEY: told_of(scan, about())})
