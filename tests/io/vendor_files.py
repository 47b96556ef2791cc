"""Small valid files of vendors' formats, byte by byte, written without the readers' layouts.

Loaded by the ``vendor_files`` fixture and by ``samples.py``. Wherever a format has a place for a
person, ``PERSON`` stands there: nothing that is read may hold it.
"""

import io
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

PERSON = "SECRETNAME"

_NONE = 0xFFFFFFFF  # in place of a number
_E2E_MAGICS = {
    "file": b"CMDb", "main": b"MDbMDir", "table": b"MDbDir", "container": b"MDbData",
}  # fmt: skip


def vol(
    values: NDArray[np.float32],
    *,
    spacing_mm: tuple[float, float, float] = (0.12, 0.004, 0.011),
    eye: bytes = b"OS",
    pattern: int = 3,
    header: int = 300,
    fundus: tuple[int, int] = (5, 4),
    announced: int | None = None,
) -> bytes:
    """A .vol of B-scans, float32 (slices, height, width)."""
    slices, height, width = values.shape
    between, row, column = spacing_mm
    head = struct.pack(
        "<12s3I3d2I2dId4sQiI",
        *(b"HSF-OCT-103", width, announced or slices, height, column, between, row),
        *(fundus[0], fundus[1], 0.01, 0.01, 30, 0.0, eye, 1 << 57, pattern, header),
    )
    head += struct.pack("<16s16sI24s", b"1", b"1", 1, PERSON.encode())
    parts = [head.ljust(2048, b"\0"), bytes(fundus[0] * fundus[1])]
    for bscan in values:
        own = struct.pack("<12sI4dIIfI", b"HSF-BS-103", header, 1, 2, 3, 4, 0, 256, 20.0, 0)
        parts += [own.ljust(header, b"\0"), bscan.astype("<f4").tobytes()]
    return b"".join(parts)


def img(values: NDArray[np.uint8]) -> bytes:
    """A Cirrus .img of an upright cube (slices, height, width)."""
    return values[::-1, ::-1, ::-1].tobytes()


def jpeg_2000(image: NDArray[Any]) -> bytes:
    """A lossless code stream."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG2000", no_jp2=True)
    return file.getvalue()


def chunk(name: bytes, content: bytes) -> bytes:
    return bytes([len(name)]) + name + struct.pack("<I", len(content)) + content


def packed(images: Sequence[bytes], width: int, height: int, pattern: int = 2) -> bytes:
    """The content of an @IMG_JPEG chunk."""
    head = struct.pack("<B6I", pattern, 829, 3071, width, height, len(images), 2562)
    return head + b"".join(struct.pack("<I", len(image)) + image for image in images)


def plain(values: NDArray[np.uint16], pattern: int = 2) -> bytes:
    """The content of an @IMG_SCAN_03 chunk."""
    slices, height, width = values.shape
    head = struct.pack("<B4IBI", pattern, width, height, 16, slices, 0, values.nbytes)
    return head + values.astype("<u2").tobytes()


def topcon(
    kind: bytes, *scans: bytes, eye: int = 0, extent: tuple[float, ...] = (6, 9, 3.5)
) -> bytes:
    """A file of that kind, FDA or FDS, around one or more chunks with B-scans."""
    person = struct.pack("<32s32s", b"1", PERSON.encode()).ljust(615, b"\0")
    return b"".join(
        [
            b"FOCT" + kind + struct.pack("<2I", 1, 1001),
            chunk(b"@HW_INFO_03", b"3DOCT-2000".ljust(100, b"\0")),
            chunk(b"@PATIENT_INFO_02", person),
            chunk(b"@CAPTURE_INFO_02", bytes([eye, 2]).ljust(118, b"\0")),
            *scans,
            chunk(b"@PARAM_SCAN_04", bytes(12) + struct.pack("<3d", *extent) + bytes(25)),
            chunk(b"@FAST_Q2_INFO", bytes(56)),
            b"\0",
        ]
    )


def fda(values: NDArray[Any], **options: Any) -> bytes:
    images = [jpeg_2000(image) for image in values]
    scan = packed(images, values.shape[2], values.shape[1])
    return topcon(b"FDA", chunk(b"@IMG_JPEG", scan), **options)


def fds(values: NDArray[np.uint16], **options: Any) -> bytes:
    return topcon(b"FDS", chunk(b"@IMG_SCAN_03", plain(values)), **options)


def entry(key: bytes, value: bytes) -> bytes:
    return struct.pack("<I", len(key)) + key + struct.pack("<I", len(value)) + value


def bioptigen(
    values: NDArray[Any],
    *,
    announced: int | None = None,
    pattern: int = 1,
    frames: int | None = None,
) -> bytes:
    """An .OCT of frames (frames, depth, lines), uint8 or uint16."""
    count, depth, lines = values.shape
    whole = {
        b"FRAMECOUNT": announced or count, b"LINECOUNT": lines, b"LINELENGTH": depth,
        b"SAMPLEFORMAT": values.itemsize, b"SCANTYPE": pattern,
    }  # fmt: skip
    if frames is not None:
        whole[b"FRAMES"] = frames
    lengths = {
        b"SCANDEPTH": 2.0, b"SCANLENGTH": 5.0, b"AZSCANLENGTH": 6.0, b"ELSCANLENGTH": 9.0,
    }  # fmt: skip
    head = b"".join(entry(key, struct.pack("<I", value)) for key, value in whole.items())
    head += b"".join(entry(key, struct.pack("<d", value)) for key, value in lengths.items())
    head += entry(b"DESCRIPTION", PERSON.encode()) + bytes(4)
    parts = [b"\xa5\xa7\x7d\x0c", struct.pack("<H", 0x105), entry(b"FRAMEHEADER", head)]
    for frame in values:
        samples = np.ascontiguousarray(frame.T).astype(frame.dtype.newbyteorder("<"))
        content = (
            entry(b"FRAMEDATETIME", bytes(16))
            + entry(b"FRAMETIMESTAMP", bytes(8))
            + entry(b"FRAMELINES", struct.pack("<I", lines))
            + entry(b"FRAMESAMPLES", samples.tobytes())
            + bytes(4)
        )
        parts.append(entry(b"FRAMEDATA", content))
    return b"".join(parts)


@dataclass(frozen=True)
class Series:
    """One scan in an .E2E: B-scans as codes, uint16 (slices, height, width)."""

    codes: NDArray[np.uint16]
    number: int = 1
    announced: int | None = None
    facts: bool = True
    eye: bytes = b"R"
    row_mm: float = 0.0039
    numbers: Sequence[int] = field(default_factory=tuple)


def e2e(*series: Series, table: int = 5, base: bytes = b"") -> bytes:
    """An .E2E in tables of so many entries, each followed by its containers."""
    contents = [
        (
            0xFFFFFFFF,
            -1,
            9,
            struct.pack("<31s66s", PERSON.encode(), PERSON.encode()).ljust(131, b"\0"),
        )
    ]
    for one in series:
        contents += _contents(one)
    tables = [contents[n : n + table] for n in range(0, len(contents), table)]
    data = bytearray(_magic("file", 36))
    data += bytes(52)  # the main directory, once it is known where the last table is
    previous = 0
    for number, some in enumerate(tables):
        place = len(data)
        # As many entries in each, the last ones empty.
        start = place + 52 + 44 * table
        entries, containers = b"", b""
        for index, (key, slice_number, kind, content) in enumerate(some):
            at = start + len(containers)
            ids = struct.pack("<3Ii2HI", 7, 8, key, slice_number, 0, 0, kind)
            entries += (
                struct.pack("<4I", place + 52 + 44 * index, at, len(content), 0) + ids + bytes(4)
            )
            head = _E2E_MAGICS["container"].ljust(12, b"\0") + struct.pack("<2I", 0, at)
            containers += head + struct.pack("<3I", 0, len(content), 0) + ids + bytes(4) + content
        data += _magic("table", 36) + struct.pack("<4I", table, number, previous, 0)
        data += entries.ljust(44 * table, b"\0") + containers
        previous = place
    data[36:88] = _magic("main", 36) + struct.pack("<4I", table, previous, 0, 0)
    return base + bytes(data)


def _magic(name: str, length: int) -> bytes:
    return (_E2E_MAGICS[name].ljust(12, b"\0") + struct.pack("<I", 100)).ljust(length, b"\xff")


def _text(text: str) -> bytes:
    return struct.pack("<2I", 1, 256) + text.encode("utf-16-le").ljust(256, b"\0")


def _contents(one: Series) -> list[tuple[int, int, int, bytes]]:
    slices, height, width = one.codes.shape
    found = [
        (one.number, -1, 11, bytes(14) + one.eye + bytes(12)),
        (_NONE, -1, 9001, _text("Heidelberg Retina Angiograph")),  # of the whole study
        (one.number, -1, 9006, _text("OCT ART Volume")),
        # What shows the fundus is an image too.
        (one.number, -1, 0x40000000, struct.pack("<5I", 26, 0x02010201, 6, 2, 3) + bytes(6)),
    ]
    for index, codes in enumerate(one.codes):
        slice_number = one.numbers[index] if one.numbers else 2 * index
        facts = struct.pack("<3I4fIf", 0, height, width, 1, 2, 3, 4, 0, 0) + struct.pack(
            "<f2I2f2I3I", one.row_mm, 0, 0, 0, 0, 0, width, one.announced or slices, index, 2
        )
        image = struct.pack("<5I", 20 + codes.nbytes, 0x02200201, codes.size, height, width)
        if one.facts:
            found.append((one.number, slice_number, 10004, facts.ljust(428, b"\0")))
        found.append((one.number, slice_number, 0x40000000, image + codes.astype("<u2").tobytes()))
    return found


def hedx(
    folder: Path,
    values: NDArray[Any],
    *,
    suffix: str = ".tif",
    announced: int | None = None,
    step_mm: float = 0.1,
    declared: str = '<?xml version="1.0" encoding="UTF-8"?>',
) -> Path:
    """An XML export of B-scans (slices, height, width) in ``folder``; the path of its XML."""
    slices, height, width = values.shape
    images = [_hedx_image("LOCALIZER", "fundus.tif", 9, 9, 0.0)]
    for index, bscan in enumerate(values):
        name = f"B{index}{suffix}"
        Image.fromarray(bscan).save(folder / name)
        images.append(_hedx_image("OCT", name, width, height, round(2 + step_mm * index, 3)))
    path = folder / "export.xml"
    path.write_text(
        f"{declared}\n<HEDX><BODY><Patient><LastName>{PERSON}</LastName><Study><Series>"
        "<Type>Volume</Type><Laterality>L</Laterality><GeneralEquipment>"
        "<ManufacturerModelName>Spectralis</ManufacturerModelName></GeneralEquipment>"
        f"<NumImages>{announced or slices + 1}</NumImages>{''.join(images)}"
        "</Series></Study></Patient></BODY></HEDX>\n",
        encoding="utf-8",
    )
    return path


def _hedx_image(kind: str, name: str, width: int, height: int, y: float) -> str:
    ends = "".join(
        f"<{end}><Coord><X>{x}</X><Y>{y}</Y></Coord></{end}>"
        for end, x in (("Start", 1), ("End", 7))
    )
    return (
        f"<Image><ImageType><Type>{kind}</Type></ImageType><OphthalmicAcquisitionContext>"
        f"<Width>{width}</Width><Height>{height}</Height><ScaleX>0.0118</ScaleX>"
        f"<ScaleY>0.0039</ScaleY>{ends}</OphthalmicAcquisitionContext><ImageData>"
        rf"<ExamURL>file:///\\server\{PERSON}\{name}</ExamURL></ImageData></Image>"
    )
