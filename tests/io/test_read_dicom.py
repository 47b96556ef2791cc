"""DICOM in: numbers as pydicom has them, what they mean, distances, and what is refused."""

import csv
import random
import struct
import warnings
import zlib
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate
from pydicom.pixels import apply_color_lut
from pydicom.uid import UID

from super_resolution_gans.io import ReadError, read_scan
from super_resolution_gans.io.dicom_codecs import SYNTAXES

ROOMS = ("pydicom/", "pydicom_data/", "made/dicom/", "libvips/dicom_test_image.dcm")
ITEM = b"\xfe\xff\x00\xe0\0\0\0\0"

needs_imagecodecs = pytest.mark.skipif(
    find_spec("imagecodecs") is None, reason='needs the extra "dicom" (imagecodecs)'
)


def refusal(path: Path) -> str:
    with pytest.raises(ReadError) as caught:
        read_scan(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert message.isprintable()
    return message


@pytest.fixture
def source(dicom_objects: ModuleType, tmp_path: Path) -> Callable[..., Path]:
    """A file of these pixels and attributes."""

    def write(pixels: Any, bits: int | None = None, **attributes: Any) -> Path:
        header = dicom_objects.plain(pixels, bits, **attributes)
        return dicom_objects.save(header, tmp_path / "a.dcm")

    return write


def by_pydicom(path: Path) -> Any:
    """Its own array, with the polarity, colours and one-bit values of a scan; None if it fails."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        header = pydicom.dcmread(path)
        try:
            values = header.pixel_array
        except RuntimeError:
            return None  # no decoder
        if header.PhotometricInterpretation == "PALETTE COLOR":
            values = apply_color_lut(values, header)
            values = (values >> 8) if values.dtype == np.uint16 else values
    return values * 255 if header.BitsAllocated == 1 else values


def test_every_valid_file_of_the_corpus_has_the_pixels_that_pydicom_gives(shared: Path) -> None:
    with (shared / "corpus/manifest.tsv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["expected"] == "ok"]
    compared = 0
    for row in rows:
        path = shared / "corpus" / row["path"]
        if not row["path"].startswith(ROOMS) or (expected := by_pydicom(path)) is None:
            continue
        scan = read_scan(path)
        values = scan.to_array()
        grey = expected.ndim > 2 and expected.shape[-1] == 3 and scan.channels == 1
        expected = (expected[..., 0] if grey else expected).reshape(values.shape)
        if scan.dtype.itemsize <= 2:
            np.testing.assert_array_equal(values, expected, err_msg=row["path"])
        else:  # float32 has 24 bits
            np.testing.assert_allclose(values, expected, rtol=2**-23, err_msg=row["path"])
        compared += 1
    assert compared >= 40


@pytest.mark.parametrize(
    ("kind", "bits", "dtype", "ends"),
    [
        ("u1", 8, "u1", (0, 255)),
        ("u2", 16, "u2", (0, 65535)),
        ("u2", 12, "u2", (0, 4095)),
        ("u2", 10, "u2", (0, 1023)),
        ("u2", 8, "u1", (0, 255)),
        ("i2", 16, "i2", (-32768, 32767)),
        ("i2", 12, "i2", (-2048, 2047)),
        ("u4", 32, "u4", (0, 2**32 - 1)),
    ],
)
def test_numbers_mean_the_bits_that_are_stored(
    dicom_objects: ModuleType,
    source: Callable[..., Path],
    kind: str,
    bits: int,
    dtype: str,
    ends: tuple[int, int],
) -> None:
    pixels = dicom_objects.noise((2, 9, 7), kind)
    narrow = pixels.astype("i8").clip(*ends).astype(kind)
    scan = read_scan(source(narrow, bits, BitsStored=bits, HighBit=bits - 1))
    assert (scan.dtype, scan.value_range) == (np.dtype(dtype), ends)
    if kind != "u4":
        np.testing.assert_array_equal(scan.to_array(), narrow)


def test_bits_that_are_not_stored_do_not_count(
    dicom_objects: ModuleType, source: Callable[..., Path]
) -> None:
    pixels = dicom_objects.noise((9, 7), "u2")
    values = read_scan(source(pixels, 12, HighBit=11)).to_array()[0]
    np.testing.assert_array_equal(values, pixels & 0x0FFF)
    values = read_scan(source(pixels, 12, HighBit=15)).to_array()[0]
    np.testing.assert_array_equal(values, pixels >> 4)


@pytest.mark.parametrize(
    ("kind", "bits", "total"), [("u1", 8, 255), ("u2", 12, 4095), ("i2", 16, -1)]
)
def test_monochrome1_is_turned_round_and_said_so(
    dicom_objects: ModuleType, source: Callable[..., Path], kind: str, bits: int, total: int
) -> None:
    pixels = dicom_objects.noise((9, 7), kind, min(np.iinfo(kind).max, (1 << bits) - 1))
    scan = read_scan(source(pixels, bits, PhotometricInterpretation="MONOCHROME1"))
    np.testing.assert_array_equal(scan.to_array()[0], total - pixels.astype("i8"))
    assert "MONOCHROME1" in scan.details["polarity"]


def test_planes_of_colour_are_put_together(
    dicom_objects: ModuleType, source: Callable[..., Path]
) -> None:
    pixels = dicom_objects.noise((2, 9, 7, 3))
    planes = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)).tobytes()
    path = source(pixels, PlanarConfiguration=1, PixelData=planes)
    np.testing.assert_array_equal(read_scan(path).to_array(), pixels)


def test_rescale_and_window_are_said_and_not_applied(
    dicom_objects: ModuleType, source: Callable[..., Path]
) -> None:
    pixels = dicom_objects.noise((9, 7), "u2")
    more = {"RescaleSlope": 2.5, "RescaleIntercept": -1000, "WindowCenter": 5, "WindowWidth": 2}
    scan = read_scan(source(pixels, **more))
    np.testing.assert_array_equal(scan.to_array()[0], pixels)
    assert scan.details["rescale"] == "2.5 x number + -1000, not applied"


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.90"])
@pytest.mark.parametrize("kind", ["u1", "u2", "i2"])
def test_compressed_frames_are_those_that_were_compressed(
    dicom_objects: ModuleType, tmp_path: Path, syntax: str, kind: str
) -> None:
    if syntax.endswith("90"):
        pytest.importorskip("openjpeg", reason="pydicom compresses JPEG 2000 with it")
    pixels = dicom_objects.noise((3, 70, 66), kind)
    header = dicom_objects.plain(pixels)
    header.compress(UID(syntax))
    scan = read_scan(dicom_objects.save(header, tmp_path / "a.dcm"))
    np.testing.assert_array_equal(scan.to_array(), pixels)
    assert "LossyImageCompression" not in scan.header


@needs_imagecodecs
@pytest.mark.parametrize("kind", ["u1", "u2", "i2"])
@pytest.mark.parametrize("codec", ["jpegls", "lossless jpeg"])
def test_syntaxes_of_the_extra_are_decoded(
    dicom_objects: ModuleType, tmp_path: Path, kind: str, codec: str
) -> None:
    import imagecodecs

    pixels = dicom_objects.noise((2, 40, 30), kind, 4095 if kind != "u1" else None)
    stored = pixels if kind != "i2" else pixels.clip(-2048, 2047)
    bits = 8 if kind == "u1" else 12
    patterns = (stored.astype("i4") & ((1 << bits) - 1)).astype("u1" if bits == 8 else "u2")
    if codec == "jpegls":
        frames, syntax = [imagecodecs.jpegls_encode(p) for p in patterns], "4.80"
    else:
        frames = [imagecodecs.jpeg8_encode(p, lossless=True, bitspersample=bits) for p in patterns]
        syntax = "4.70"
    header = dicom_objects.plain(stored, bits, PixelData=encapsulate(frames))
    header["PixelData"].is_undefined_length = True
    header.file_meta.TransferSyntaxUID = f"1.2.840.10008.1.2.{syntax}"
    scan = read_scan(dicom_objects.save(header, tmp_path / "a.dcm"))
    np.testing.assert_array_equal(scan.to_array(), stored)


@needs_imagecodecs
def test_deep_colour_of_jpeg_2000_is_decoded_by_the_extra(
    dicom_objects: ModuleType, tmp_path: Path
) -> None:
    import imagecodecs

    pixels = dicom_objects.noise((40, 30, 3), "u2", 4095)
    frame = imagecodecs.jpeg2k_encode(pixels, reversible=True, bitspersample=12, codecformat="j2k")
    header = dicom_objects.plain(pixels, 12, PhotometricInterpretation="YBR_RCT")
    header.PixelData = encapsulate([frame])
    header["PixelData"].is_undefined_length = True
    header.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.90"
    scan = read_scan(dicom_objects.save(header, tmp_path / "a.dcm"))
    np.testing.assert_array_equal(scan.to_array()[0], pixels)


@needs_imagecodecs
def test_two_syntaxes_of_one_volume_agree(shared: Path) -> None:
    folder = shared / "corpus/pydicom_data"
    packed, plain = read_scan(folder / "emri_small_jpeg_ls_lossless.dcm"), folder / "emri_small.dcm"
    np.testing.assert_array_equal(packed.to_array(), read_scan(plain).to_array())


def test_lossy_syntaxes_are_stated_as_such(shared: Path) -> None:
    header = read_scan(shared / "corpus/pydicom/SC_jpeg_no_color_transform.dcm").header
    assert header.LossyImageCompression == "01"
    assert header.LossyImageCompressionMethod == "ISO_10918_1"
    assert float(header.LossyImageCompressionRatio) > 1


def test_what_no_decoder_is_there_for_names_the_syntax_and_a_cure(
    dicom_objects: ModuleType, tmp_path: Path
) -> None:
    header = dicom_objects.plain(dicom_objects.noise((9, 7)))
    whole = dicom_objects.as_bytes(header)
    path = tmp_path / "a.dcm"
    for syntax in ("1.2.840.10008.1.2.99", "1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.100"):
        if len(syntax) == 20:  # as long as the one in its place
            path.write_bytes(whole.replace(b"1.2.840.10008.1.2.1\0", syntax.encode()))
        else:
            header.PixelData = encapsulate([b"frame"])
            header["PixelData"].is_undefined_length = True
            header.file_meta.TransferSyntaxUID = syntax
            dicom_objects.save(header, path)
        message = refusal(path)
        assert syntax in message
        assert "gdcmconv --raw" in message
    assert len(SYNTAXES) == 13


def test_a_volume_larger_than_the_limit_is_read_frame_by_frame(
    dicom_objects: ModuleType, tmp_path: Path
) -> None:
    pixels = dicom_objects.noise((5, 20, 30), "u2", 4095)
    plain, packed = dicom_objects.plain(pixels, 12), dicom_objects.plain(pixels, 12)
    packed.compress(UID("1.2.840.10008.1.2.5"))
    for header in (plain, packed):
        path = dicom_objects.save(header, tmp_path / "a.dcm")
        scan = read_scan(path, lazy_above=1000)
        assert scan.is_lazy
        assert scan.value_range == (0, 4095)
        for index in (3, 0, 4):
            window = scan.window(index, slice(3, 9), slice(5, 30))
            expected = pixels[index, 3:9, 5:30].astype(np.float32) / np.float32(4095)
            np.testing.assert_array_equal(window, expected)
        np.testing.assert_array_equal(scan.to_array(), pixels)
        path.unlink()


def test_one_bit_frames_that_begin_within_a_byte(
    dicom_objects: ModuleType, source: Callable[..., Path]
) -> None:
    pixels = dicom_objects.noise((3, 5, 7), "u1", 1)
    packed = np.packbits(pixels.ravel(), bitorder="little").tobytes()
    path = source(pixels, BitsAllocated=1, BitsStored=1, HighBit=0, PixelData=packed + b"\0")
    np.testing.assert_array_equal(read_scan(path).to_array(), pixels * 255)


# Distances


def test_between_slices_comes_from_positions_and_never_from_thickness(
    dicom_objects: ModuleType, tmp_path: Path
) -> None:
    pixels = dicom_objects.noise((4, 9, 7))
    header = dicom_objects.tomography(pixels, spacing=(0.12, 0.004, 0.012))
    path = tmp_path / "a.dcm"
    assert read_scan(dicom_objects.save(header, path)).spacing == (
        pytest.approx(0.12),
        0.004,
        0.012,
    )
    shared_group = header.SharedFunctionalGroupsSequence[0]
    del header.PerFrameFunctionalGroupsSequence
    assert read_scan(dicom_objects.save(header, path)).spacing == (None, 0.004, 0.012)
    shared_group.PixelMeasuresSequence[0].SpacingBetweenSlices = 0.2
    assert read_scan(dicom_objects.save(header, path)).spacing == (0.2, 0.004, 0.012)


def test_uneven_and_radial_slices_have_no_distance(
    dicom_objects: ModuleType, tmp_path: Path
) -> None:
    path = tmp_path / "a.dcm"
    header = dicom_objects.tomography(dicom_objects.noise((4, 9, 7)))
    place = header.PerFrameFunctionalGroupsSequence[3].PlanePositionSequence[0]
    place.ImagePositionPatient = [0, 0, 5]
    assert read_scan(dicom_objects.save(header, path)).spacing[0] is None
    header = dicom_objects.tomography(dicom_objects.noise((4, 9, 7)))
    header.SpacingBetweenSlices = 0.1
    for index, frame in enumerate(header.PerFrameFunctionalGroupsSequence):
        item = pydicom.Dataset()
        angle = index * np.pi / 4
        item.ImageOrientationPatient = [
            *(round(float(c), 6) for c in (np.cos(angle), 0, np.sin(angle))),
            *(0, 1, 0),
        ]
        frame.PlaneOrientationSequence = [item]
    assert read_scan(dicom_objects.save(header, path)).spacing[0] is None


@pytest.mark.parametrize(
    ("keyword", "words"),
    [
        ("PixelSpacing", None),
        ("ImagerPixelSpacing", "at the detector, not in the patient"),
        ("NominalScannedPixelSpacing", "as the image was scanned"),
    ],
)
def test_less_sure_sizes_of_pixels_are_labelled(
    dicom_objects: ModuleType, source: Callable[..., Path], keyword: str, words: str | None
) -> None:
    path = source(dicom_objects.noise((9, 7)), **{keyword: [0.5, 0.25], "SliceThickness": 3})
    scan = read_scan(path)
    assert scan.spacing == (None, 0.5, 0.25)
    assert scan.details.get("spacing") == words


@pytest.mark.parametrize("nonsense", [[0, 0], [-1, -2], [1], ["1", "1e400"]])
def test_nonsense_is_no_spacing(
    dicom_objects: ModuleType, tmp_path: Path, nonsense: list[Any]
) -> None:
    header = dicom_objects.plain(dicom_objects.noise((9, 7)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        header.PixelSpacing = nonsense
        path = dicom_objects.save(header, tmp_path / "a.dcm")
    assert read_scan(path).spacing == (None, None, None)


def test_details_are_words_and_never_who(dicom_objects: ModuleType, tmp_path: Path) -> None:
    header = dicom_objects.tomography(dicom_objects.noise((4, 9, 7)))
    header.PatientName, header.PatientID, header.InstitutionName = "DOE^JOHN", "4711", "Clinic"
    details = read_scan(dicom_objects.save(header, tmp_path / "a.dcm")).details
    assert details == {
        "modality": "OPT",
        "device": "Maker Model",
        "eye": "right",
        "kind": "Ophthalmic Tomography Image Storage",
        "frames": "4",
        "pixels": "uncompressed, 8 bits",
        "burned-in words": "said not to be in the pixels",
    }


# What is refused


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"Rows": 0}, "nothing to read"),
        ({"Rows": 65535, "Columns": 65535}, "over the limit"),
        ({"Rows": 10}, "truncated: 7 x 10 pixels take 70 bytes, there are 64"),
        ({"NumberOfFrames": 2**31 - 1}, "truncated"),
        ({"BitsStored": 9}, "do not fit into 8"),
        ({"HighBit": 9}, "do not fit into 8"),
        ({"SamplesPerPixel": 4}, "4 samples a pixel"),
        ({"PhotometricInterpretation": "HSV"}, "unknown colours"),
        ({"BitsAllocated": 24}, "24 bits allocated"),
        ({"SOPClassUID": "1.2.840.10008.1.3.10", "DirectoryRecordSequence": []}, "DICOMDIR"),
    ],
)
def test_headers_that_make_no_sense_get_one_line(
    dicom_objects: ModuleType, source: Callable[..., Path], change: dict[str, Any], words: str
) -> None:
    assert words in refusal(source(dicom_objects.noise((9, 7)), **change))


def test_a_name_with_the_suffix_needs_the_content(tmp_path: Path) -> None:
    for content in (b"hello", b"\0" * 200, b"\x08\x00\x05\x00", bytes(range(256))):
        (tmp_path / "a.dcm").write_bytes(content)
        assert "not a DICOM file" in refusal(tmp_path / "a.dcm")


@pytest.mark.parametrize("implicit", [True, False])
def test_a_data_set_alone_is_known_by_content_and_suffix(
    dicom_objects: ModuleType, tmp_path: Path, implicit: bool
) -> None:
    pixels = dicom_objects.noise((9, 7))
    header = dicom_objects.plain(pixels)
    del header.file_meta
    header.save_as(tmp_path / "a.dcm", implicit_vr=implicit, little_endian=True)
    np.testing.assert_array_equal(read_scan(tmp_path / "a.dcm").to_array()[0], pixels)
    (tmp_path / "a.dcm").rename(tmp_path / "a.bin")
    assert "not in a known format" in refusal(tmp_path / "a.bin")


def test_a_file_cut_anywhere_before_its_last_pixel_is_refused(
    dicom_objects: ModuleType, tmp_path: Path
) -> None:
    pixels = dicom_objects.noise((3, 20, 30), "u2")
    packed = dicom_objects.plain(pixels)
    packed.compress(UID("1.2.840.10008.1.2.5"))
    for header in (dicom_objects.tomography(pixels), packed):
        whole = dicom_objects.as_bytes(header)
        path = tmp_path / "a.dcm"
        for end in range(1, len(whole) - 1, max(1, len(whole) // 150)):
            path.write_bytes(whole[:end])
            refusal(path)


@pytest.fixture(scope="module")
def hostile(dicom_objects: ModuleType) -> dict[str, bytes]:
    """Small files, and some that become large, that would cost minutes or gigabytes."""
    whole = dicom_objects.as_bytes(dicom_objects.plain(dicom_objects.noise((8, 8))))
    at = whole.index(b"\x28\x00\x02\x00US")

    def sequence(length: int) -> bytes:
        return struct.pack("<HH2sHI", 0x0020, 0x9221, b"SQ", 0, length)

    endless, end = 0xFFFFFFFF, b"\xfe\xff\xdd\xe0\0\0\0\0"
    nested = sequence(endless) + ITEM[:4] + b"\xff\xff\xff\xff"
    private = struct.pack("<HH2sHI", 0x0021, 0x1001, b"OB", 0, 70 << 20)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    # A megabyte of zeros that ends at a whole byte, again and again.
    bomb = (packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)) * 600
    syntax = b"1.2.840.10008.1.2.1.99"
    meta = struct.pack("<HH2sH", 2, 0x10, b"UI", len(syntax)) + syntax
    inserted = {
        "items without end": sequence(endless) + ITEM * 100_000 + end,
        "items": sequence(8 * 400_000) + ITEM * 400_000,
        "depth": nested * 20_000,
        "a private blob": private + bytes(70 << 20),
        "elements": struct.pack("<HH2sH", 0x0021, 0x1001, b"LO", 0) * 400_000,
    }
    files = {name: whole[:at] + data + whole[at:] for name, data in inserted.items()}
    files["a deflated bomb"] = bytes(128) + b"DICM" + meta + bomb
    return files


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="the worker sets POSIX limits")
@pytest.mark.parametrize(
    "name", ["items without end", "items", "depth", "a private blob", "elements", "a deflated bomb"]
)
def test_hostile_headers_cost_little(
    tmp_path: Path,
    hostile: dict[str, bytes],
    answer: Callable[[Path], dict[str, Any]],
    name: str,
) -> None:
    path = tmp_path / "a.dcm"
    path.write_bytes(hostile[name])
    found = answer(path)
    assert found["outcome"] == "error", found


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="the worker sets POSIX limits")
def test_two_hundred_mutations_neither_crash_nor_hang(
    dicom_objects: ModuleType, tmp_path: Path, answer: Callable[[Path], dict[str, Any]]
) -> None:
    random_ = random.Random(1)
    packed = dicom_objects.plain(dicom_objects.noise((3, 20, 30), "u2"))
    packed.compress(UID("1.2.840.10008.1.2.5"))
    wholes = [
        dicom_objects.as_bytes(header)
        for header in (dicom_objects.tomography(dicom_objects.noise((3, 20, 30), "u2")), packed)
    ]
    path, outcomes = tmp_path / "a.dcm", []
    for _ in range(200):
        data = bytearray(random_.choice(wholes))
        for _ in range(random_.choice((1, 2, 8))):
            at = random_.randrange(132, 1500)
            change = random_.randrange(3)
            if change == 0:
                data[at] = random_.randrange(256)
            elif change == 1:
                data[at : at + 4] = random_.choice((b"\xff" * 4, bytes(4), ITEM[:4]))
            else:
                del data[at : at + random_.randrange(1, 40)]
        path.write_bytes(data)
        found = answer(path)
        outcomes.append(found["outcome"])
        assert found["outcome"] in ("ok", "error"), found
        assert found["message"].isprintable()
    assert {"ok", "error"} == set(outcomes)


def test_a_codestream_larger_than_the_header_says_is_not_decoded(
    dicom_objects: ModuleType, tmp_path: Path
) -> None:
    import io

    from PIL import Image

    for kind, syntax in (("JPEG", "4.50"), ("JPEG2000", "4.90")):
        file = io.BytesIO()
        options = {"no_jp2": True} if kind == "JPEG2000" else {}
        Image.new("L", (600, 500)).save(file, kind, **options)
        header = dicom_objects.plain(dicom_objects.noise((9, 7)))
        header.PixelData = encapsulate([file.getvalue()])
        header["PixelData"].is_undefined_length = True
        header.file_meta.TransferSyntaxUID = f"1.2.840.10008.1.2.{syntax}"
        message = refusal(dicom_objects.save(header, tmp_path / "a.dcm"))
        assert "frame 1 has 600 x 500 x 1 numbers, unlike the header" in message
