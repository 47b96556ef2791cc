"""TIFF and OME-TIFF: pages of uncompressed strips, BigTIFF where four bytes do not count so far."""

import re
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

import numpy as np

from super_resolution_gans.io.note import KEY, About, note
from super_resolution_gans.io.strips import rows_in_a_strip, strips
from super_resolution_gans.scan import Scan

_BIG_TIFF_ABOVE = (1 << 32) - (1 << 25)
_MICROMETRE_IN_MM = 1000.0


def encode_tiff(file: BinaryIO, scan: Scan, about: About) -> None:
    """Pixels per cm in the usual tags; a note holds what those cannot."""
    _encode(file, scan, about, lambda facts: note(scan, facts))


def encode_ome_tiff(file: BinaryIO, scan: Scan, about: About) -> None:
    """OME-XML of 2016-06 in the first page: sizes in micrometres, and our note as an annotation."""
    _encode(file, scan, about, lambda facts: ome_xml(scan, facts))


def ome_xml(scan: Scan, facts: Mapping[str, Any]) -> str:
    """The description of such a file, in ASCII; the same scan has the same."""
    from tifffile import OmeXml

    colour = scan.channels == 3
    sizes: dict[str, Any] = {}
    for axis, mm in zip("ZYX", scan.spacing, strict=True):
        if mm is not None:
            sizes[f"PhysicalSize{axis}"] = float(f"{mm * _MICROMETRE_IN_MM:.15g}")
            sizes[f"PhysicalSize{axis}Unit"] = "\u00b5m"
    # A page is (separate samples, depth, height, width, samples of a pixel).
    stored = (scan.slices, 1, 1, scan.height, scan.width, scan.channels)
    xml = OmeXml(Creator="SuperResolution-GANs", UUID="none")
    xml.addimage(
        scan.dtype,
        scan.shape,
        stored,
        axes="ZYXS" if colour else "ZYX",
        MapAnnotation={KEY: note(scan, facts)},
        **sizes,
    )
    # It names a file among several, and this one stands alone; a random one would be no use.
    text = re.sub(r' UUID="[^"]*"', "", xml.tostring(declaration=True), count=1)
    return text.encode("ascii", "xmlcharrefreplace").decode("ascii")


def _encode(
    file: BinaryIO, scan: Scan, about: About, described: Callable[[Mapping[str, Any]], str]
) -> None:
    import tifffile

    total = int(np.prod(scan.shape, dtype=np.int64)) * scan.dtype.itemsize
    options: dict[str, Any] = {"photometric": "rgb" if scan.channels == 3 else "minisblack"}
    _, rows, columns = scan.spacing
    if rows is not None and columns is not None:
        options["resolution"] = (10 / columns, 10 / rows)
        options["resolutionunit"] = "CENTIMETER"
    with tifffile.TiffWriter(file, byteorder="<", bigtiff=total > _BIG_TIFF_ABOVE) as tiff:
        for index in range(scan.slices):
            tiff.write(
                strips(scan, index),
                shape=scan.shape[1:],
                dtype=scan.dtype,
                rowsperstrip=rows_in_a_strip(scan),
                planarconfig="contig" if scan.channels == 3 else None,
                description=described({}) if index == 0 else None,
                metadata=None,
                software=False,
                contiguous=False,
                **options,
            )
        if facts := about():
            tiff.overwrite_description(described(facts))
