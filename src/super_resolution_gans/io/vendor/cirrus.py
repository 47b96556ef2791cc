"""Zeiss Cirrus cubes, .img: pixels and nothing else.

Such a file is one unsigned byte a pixel, without any header; the Cirrus names it after the scan, as
``..._Macular Cube 512x128_..._OD_sn1234_cube_z.img``: columns of a B-scan, and B-scans. A Cirrus
A-scan has 1024 samples. B-scans are stored upside down and mirrored, and the last comes first.
(LibOctData, ``cirrus_rawread.cpp``; octCirrusReader.m by A. Lang; retimat, ``read_img.m``; the
first two reverse the order of the B-scans, the third does not.)
"""

import re
from pathlib import Path

import numpy as np

from super_resolution_gans.io.stored import Limits
from super_resolution_gans.io.vendor.source import Source
from super_resolution_gans.io.vendor.volume import EYES, UNVERIFIED, Volume, check_volume, known
from super_resolution_gans.scan import Spacing

_DEPTH = 1024
_DIMENSIONS = re.compile(r"(?<!\d)\d{1,5}x\d{1,5}(?:x\d{1,5})?(?![\dx])")
_EYE = re.compile(r"_(OD|OS)_")
_PROTOCOLS = {"macular cube": "Macular Cube", "optic disc cube": "Optic Disc Cube"}
# Zeiss states the size of these cubes in its manual: 6 x 6 mm, 2 mm deep.
_PROTOCOL_SHAPES = ((128, _DEPTH, 512), (200, _DEPTH, 200))
_PROTOCOL_MM = (6.0, 2.0, 6.0)


def read_img(source: Source, limits: Limits) -> Volume:
    """The cube as uint8, upright; its dimensions are those in the name that make up its size.

    Raises:
        ReadError: if the name does not say for certain what the dimensions are, or the cube is
            too large.
    """
    name = Path(source.name).name
    fitting = {shape for text in _DIMENSIONS.findall(name) if (shape := _shape(text, source.size))}
    if len(fitting) != 1:
        raise source.refusal(
            "dimensions not certain: a Zeiss .img has no header, so its name has to hold them, as "
            f'in "Macular Cube 512x128", such that with {_DEPTH} rows they make up its '
            f"{source.size} bytes"
        )
    shape = fitting.pop()
    check_volume(source.name, shape, 1, limits)
    stored = source.numbers(0, np.uint8, source.size, "the cube").reshape(shape)
    protocol = next((said for key, said in _PROTOCOLS.items() if key in name.lower()), None)
    eye = _EYE.search(name)
    spacing: Spacing = (None, None, None)
    told = protocol is not None and shape in _PROTOCOL_SHAPES
    if told:
        slices, rows, columns = (mm / n for mm, n in zip(_PROTOCOL_MM, shape, strict=True))
        spacing = (slices, rows, columns)
    details = known(
        format="Zeiss .img",
        device="Zeiss Cirrus",
        eye=EYES[eye[1]] if eye else None,
        scan_pattern=protocol,
        spacing="of the protocol (6 x 6 x 2 mm), not of the file" if told else None,
        verified=UNVERIFIED,
    )
    return Volume(np.ascontiguousarray(stored[::-1, ::-1, ::-1]), spacing, details)


def _shape(text: str, size: int) -> tuple[int, int, int] | None:
    """(slices, height, width) if these dimensions make up ``size`` bytes.

    Two numbers are columns and B-scans; of three the last is B-scans and one of the others 1024.
    """
    *image, slices = (int(number) for number in text.split("x"))
    if len(image) == 2:
        if _DEPTH not in image:
            return None
        image.remove(_DEPTH)
    width = image[0]
    return (slices, _DEPTH, width) if slices * _DEPTH * width == size > 0 else None
