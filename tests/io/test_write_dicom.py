"""DICOM out: exact pixels, a header that validates, identifiers that follow from the source."""

import json
import shutil
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pydicom
import pytest

from super_resolution_gans.io import WriteError, read_scan, write_scan
from super_resolution_gans.io.dicom_carried import OF_GREY, TECHNICAL
from super_resolution_gans.io.dicom_profile import IDENTIFYING, UIDS
from super_resolution_gans.scan import Scan

ABOUT = {"model": "oct-srgan-x4", "weights_sha256": "ab12", "scale": [4, 4], "rms": 0.5}
OTHER = {**ABOUT, "weights_sha256": "cd34"}
SC = "1.2.840.10008.5.1.4.1.1.7"

validator = shutil.which("dciodvfy")
needs_validator = pytest.mark.skipif(
    validator is None, reason="needs dciodvfy (Debian's dicom3tools)"
)


def written(path: Path, scan: Scan, **options: Any) -> pydicom.Dataset:
    """Write it, and what pydicom alone reads of it."""
    write_scan(scan, path, overwrite=True, **{"about": lambda: ABOUT, **options})
    return pydicom.dcmread(path)


def finer(scan: Scan, scale: tuple[int, int] = (4, 4)) -> Scan:
    """The scan by nearest neighbours, its spacing divided, as an upscaler hands it on."""
    from super_resolution_gans.prediction.upscale import load_upscaler

    result = load_upscaler("nearest", scale=scale)(scan)
    assert isinstance(result, Scan)
    return result


def errors(path: Path) -> list[str]:
    assert validator is not None
    told = subprocess.run([validator, "-new", path], capture_output=True, text=True, check=False)
    lines = told.stderr.splitlines()
    assert any("SCImage" in line for line in lines), lines  # it knew what to check
    return [line for line in lines if line.startswith("Error")]


KINDS = {
    "grey 8": ((21, 31), "u1", f"{SC}"),
    "grey 16": ((21, 31), "u2", f"{SC}"),
    "signed 16": ((21, 31), "i2", f"{SC}"),
    "volume 8": ((3, 21, 31), "u1", f"{SC}.2"),
    "volume 16": ((3, 21, 31), "u2", f"{SC}.3"),
    "colour": ((21, 31, 3), "u1", f"{SC}"),
    "colours": ((2, 21, 31, 3), "u1", f"{SC}.4"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_pixels_and_their_kind_are_exact(
    dicom_objects: ModuleType, tmp_path: Path, kind: str
) -> None:
    shape, dtype, sop_class = KINDS[kind]
    pixels = dicom_objects.noise(shape, dtype)
    ends = (-32768, 32767) if dtype == "i2" else None
    scan = Scan.from_array(pixels, spacing=(0.12, 0.0039, 0.0112), value_range=ends)
    header = written(tmp_path / "a.dcm", scan)
    assert sop_class == header.SOPClassUID
    np.testing.assert_array_equal(header.pixel_array, pixels)
    again = read_scan(tmp_path / "a.dcm")
    np.testing.assert_array_equal(again.to_array(), scan.to_array())
    assert (again.dtype, again.value_range) == (scan.dtype, scan.value_range)
    assert again.spacing == scan.spacing


@needs_validator
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_validates(dicom_objects: ModuleType, tmp_path: Path, kind: str) -> None:
    shape, dtype, _ = KINDS[kind]
    ends = (-32768, 32767) if dtype == "i2" else None
    pixels = dicom_objects.noise(shape, dtype)
    scan = Scan.from_array(pixels, spacing=(0.12, 0.0039, 0.0112), value_range=ends)
    written(tmp_path / "a.dcm", scan)
    assert errors(tmp_path / "a.dcm") == []


@needs_validator
@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize(("kind", "bits"), [("u1", 8), ("u2", 12), ("u2", 16)])
@pytest.mark.parametrize("frames", [1, 3])
def test_results_of_a_tomography_validate(
    dicom_objects: ModuleType, tmp_path: Path, kind: str, bits: int, frames: int, keep: bool
) -> None:
    pixels = dicom_objects.noise((frames, 12, 16), kind, (1 << bits) - 1)
    source = dicom_objects.tomography(pixels, bits)
    source.PatientName, source.PatientID, source.StudyDate = "DOE^JOHN", "4711", "20200101"
    scan = read_scan(dicom_objects.save(source, tmp_path / "in.dcm"))
    header = written(tmp_path / "a.dcm", finer(scan), keep_metadata=keep)
    assert errors(tmp_path / "a.dcm") == []
    assert header.BitsStored == (bits if bits > 8 or frames == 1 else 8)
    assert header.Modality == "OPT"
    assert header.ImageLaterality == "R"
    assert header.BurnedInAnnotation == "NO"


@needs_validator
@pytest.mark.parametrize(
    "name",
    [
        *("pydicom/CT_small.dcm", "pydicom/MR_small.dcm", "pydicom/examples_overlay.dcm"),
        *("pydicom/examples_ybr_color.dcm", "pydicom_data/color-pl.dcm"),
        *("pydicom_data/emri_small.dcm", "pydicom/image_dfl.dcm", "made/dicom/xss_name.dcm"),
        *("made/dicom/signed16_rescale.dcm", "made/dicom/opt_multiframe_4x16bit.dcm"),
    ],
)
def test_results_of_other_peoples_files_validate(shared: Path, tmp_path: Path, name: str) -> None:
    scan = read_scan(shared / "corpus" / name)
    header = written(tmp_path / "a.dcm", scan)
    assert errors(tmp_path / "a.dcm") == []
    values = header.pixel_array.reshape(scan.shape)
    np.testing.assert_array_equal(values, scan.to_array())


def test_a_real_volume_keeps_order_depth_and_distances(shared: Path, tmp_path: Path) -> None:
    from PIL import Image

    folder = shared / "data/oct/spectralis_amd_healthy/AMD_patient1"
    slices = [np.asarray(Image.open(path)) for path in sorted(folder.glob("*.png"))]
    assert len(slices) == 49
    # Every other pixel, in 16 bits: enough to tell slices and depth by, and quick.
    volume = np.stack(slices)[:, ::4, ::4].astype(np.uint16) * 257
    volume += np.arange(49, dtype=np.uint16)[:, np.newaxis, np.newaxis] % 200
    spacing = (0.1295, 4 * 0.0039, 4 * 0.0122)
    write_scan(Scan.from_array(volume, spacing=spacing), tmp_path / "in.dcm")
    first = read_scan(tmp_path / "in.dcm")
    assert (first.dtype, first.spacing) == (np.uint16, spacing)
    header = written(tmp_path / "out.dcm", finer(first))
    assert header.NumberOfFrames == 49
    np.testing.assert_array_equal(header.pixel_array, volume.repeat(4, 1).repeat(4, 2))
    assert header.PixelSpacing == [pytest.approx(0.0039), pytest.approx(0.0122)]
    assert header.SpacingBetweenSlices == pytest.approx(0.1295)
    assert np.diff(np.array(header.SliceLocationVector, float)) == pytest.approx(0.1295)


def test_the_same_scan_gives_the_same_bytes_and_no_time_of_today(
    dicom_objects: ModuleType, tmp_path: Path
) -> None:
    source = dicom_objects.tomography(dicom_objects.noise((3, 12, 16), "u2"))
    source.StudyDate, source.ContentDate = "20200101", "20200102"
    scan = read_scan(dicom_objects.save(source, tmp_path / "in.dcm"))
    for keep in (False, True):
        header = written(tmp_path / "a.dcm", scan, keep_metadata=keep)
        written(tmp_path / "b.dcm", scan, keep_metadata=keep)
        assert (tmp_path / "a.dcm").read_bytes() == (tmp_path / "b.dcm").read_bytes()
        times = {e.keyword: e.value for e in header.iterall() if e.VR in ("DA", "TM", "DT")}
        told = {value for value in times.values() if value}
        assert told == ({"20200101", "20200102"} if keep else set())


def test_identifiers_follow_from_source_model_and_pixels(
    dicom_objects: ModuleType, tmp_path: Path
) -> None:
    def uids(number: int, about: dict[str, Any] = ABOUT, **options: Any) -> tuple[str, str, str]:
        source = dicom_objects.tomography(dicom_objects.noise((2, 12, 16)))
        source.SOPInstanceUID += f".{number}"
        scan = read_scan(dicom_objects.save(source, tmp_path / "in.dcm"))
        header = written(tmp_path / "a.dcm", scan, about=lambda: about, **options)
        assert header.file_meta.MediaStorageSOPInstanceUID == header.SOPInstanceUID
        found = (header.StudyInstanceUID, header.SeriesInstanceUID, header.SOPInstanceUID)
        assert all(uid.is_valid for uid in found)
        return found

    first, again, second = uids(1), uids(1), uids(2)
    assert first == again
    # Another slice of the series: one study, one series, even if its residual differs.
    assert first[:2] == second[:2] == uids(2, {**ABOUT, "rms": 0.7})[:2]
    assert first[2] != second[2]
    other = uids(1, OTHER)
    assert first[0] == other[0]
    assert first[1] != other[1]
    assert first[2] != other[2]
    # Kept, the study is that of the source; the series never is.
    kept = uids(1, keep_metadata=True)
    assert kept[0] == f"{dicom_objects.ROOT}.2"
    assert kept[1:] == first[1:]
    assert f"{dicom_objects.ROOT}.2" not in first


def test_scans_from_elsewhere_get_identifiers_by_their_pixels(
    dicom_objects: ModuleType, tmp_path: Path
) -> None:
    pixels = dicom_objects.noise((12, 16))
    a = written(tmp_path / "a.dcm", Scan.from_array(pixels))
    b = written(tmp_path / "b.dcm", Scan.from_array(pixels[::-1]))
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        assert a[keyword].value != b[keyword].value
    assert "PatientIdentityRemoved" not in a


def test_a_result_says_what_it_is(dicom_objects: ModuleType, tmp_path: Path) -> None:
    header = written(tmp_path / "a.dcm", Scan.from_array(dicom_objects.noise((12, 16))))
    assert header.ImageType == ["DERIVED", "SECONDARY"]
    assert "not a measurement" in header.DerivationDescription
    assert "4x4 by oct-srgan-x4" in header.DerivationDescription
    block = header.private_block(0x0099, "SuperResolution-GANs")
    assert json.loads(block[1].value) == ABOUT


def test_kept_metadata_names_the_source_and_the_person(
    dicom_objects: ModuleType, tmp_path: Path
) -> None:
    source = dicom_objects.tomography(dicom_objects.noise((2, 12, 16)))
    source.SpecificCharacterSet = "ISO_IR 100"
    source.PatientName, source.PatientID, source.StudyDate = "MÜLLER^JOSÉ", "4711", "20200101"
    source.InstitutionName, source.DeviceSerialNumber = "Clinic", "SN 1"
    source.private_block(0x0011, "MAKER", create=True).add_new(1, "LO", "secret")
    scan = read_scan(dicom_objects.save(source, tmp_path / "in.dcm"))
    header = written(tmp_path / "a.dcm", scan, keep_metadata=True)
    assert str(header.PatientName) == "MÜLLER^JOSÉ"
    assert (header.PatientID, header.StudyDate) == ("4711", "20200101")
    assert (header.InstitutionName, header.DeviceSerialNumber) == ("Clinic", "SN 1")
    (item,) = header.SourceImageSequence
    assert item.ReferencedSOPInstanceUID == source.SOPInstanceUID
    assert item.ReferencedSOPClassUID == source.SOPClassUID
    assert "PatientIdentityRemoved" not in header
    # What a maker put there may describe other pixels.
    assert b"secret" not in (tmp_path / "a.dcm").read_bytes()


@pytest.mark.parametrize(("burned", "removed"), [("NO", "YES"), ("YES", "NO"), (None, "YES")])
def test_removal_is_stated_as_far_as_it_is_true(
    dicom_objects: ModuleType,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    burned: str | None,
    removed: str,
) -> None:
    source = dicom_objects.tomography(dicom_objects.noise((2, 12, 16)))
    source.BurnedInAnnotation = burned
    if burned is None:
        del source.BurnedInAnnotation
    scan = read_scan(dicom_objects.save(source, tmp_path / "in.dcm"))
    header = written(tmp_path / "a.dcm", scan)
    assert header.PatientIdentityRemoved == removed
    (method,) = header.DeidentificationMethodCodeSequence
    assert (method.CodeValue, method.CodingSchemeDesignator) == ("113100", "DCM")
    # Volumes must say one or the other, and nobody knows: the careful one.
    assert header.BurnedInAnnotation == (burned or "YES")
    words = [record.getMessage() for record in caplog.records]
    assert len(words) == (0 if burned == "NO" else 1)
    assert all("burned into" in line for line in words)


def test_monochrome1_is_written_as_it_was_found(dicom_objects: ModuleType, tmp_path: Path) -> None:
    pixels = dicom_objects.noise((12, 16), "u2", 4095)
    more = {"RescaleSlope": 2, "RescaleIntercept": -5, "WindowCenter": 9, "WindowWidth": 4}
    source = dicom_objects.plain(pixels, 12, PhotometricInterpretation="MONOCHROME1", **more)
    scan = read_scan(dicom_objects.save(source, tmp_path / "in.dcm"))
    header = written(tmp_path / "a.dcm", scan)
    assert header.PhotometricInterpretation == "MONOCHROME1"
    np.testing.assert_array_equal(header.pixel_array, pixels)
    assert {key: header[key].value for key in more} == more
    # Volumes are MONOCHROME2, and a window of the other polarity would turn them white.
    source = dicom_objects.plain(
        np.stack([pixels] * 2), 12, PhotometricInterpretation="MONOCHROME1", **more
    )
    scan = read_scan(dicom_objects.save(source, tmp_path / "in.dcm"))
    header = written(tmp_path / "a.dcm", scan)
    assert header.PhotometricInterpretation == "MONOCHROME2"
    np.testing.assert_array_equal(header.pixel_array[1], 4095 - pixels)
    assert "WindowCenter" not in header
    assert (header.RescaleSlope, header.RescaleIntercept, header.RescaleType) == (1, 0, "US")


def test_the_first_pixel_of_a_finer_slice_lies_nearer_to_the_corner(
    dicom_objects: ModuleType, tmp_path: Path
) -> None:
    turned = [0, 1, 0, 0, 0, -1]
    source = dicom_objects.plain(
        dicom_objects.noise((12, 16)),
        PixelSpacing=[0.4, 0.8],
        ImagePositionPatient=[10, 20, 30],
        ImageOrientationPatient=turned,
        FrameOfReferenceUID=f"{dicom_objects.ROOT}.9",
    )
    scan = read_scan(dicom_objects.save(source, tmp_path / "in.dcm"))
    header = written(tmp_path / "a.dcm", finer(scan, (2, 4)))
    assert header.PixelSpacing == [0.2, 0.2]
    assert header.ImagePositionPatient == pytest.approx([10, 20 - 0.3, 30 + 0.1])
    assert header.ImageOrientationPatient == turned
    assert header.FrameOfReferenceUID != f"{dicom_objects.ROOT}.9"
    # Another field of view: nobody knows where it begins.
    part = Scan.from_array(scan.to_array()[:, 3:], spacing=scan.spacing)
    part = Scan(part.pixels, part.spacing, header=scan.header)
    assert "ImagePositionPatient" not in written(tmp_path / "a.dcm", part)


@pytest.mark.parametrize("keyword", ["ImagerPixelSpacing", "NominalScannedPixelSpacing"])
def test_a_less_sure_size_stays_what_it_was(
    dicom_objects: ModuleType, tmp_path: Path, keyword: str
) -> None:
    source = dicom_objects.plain(dicom_objects.noise((12, 16)), **{keyword: [0.4, 0.8]})
    scan = read_scan(dicom_objects.save(source, tmp_path / "in.dcm"))
    header = written(tmp_path / "a.dcm", finer(scan))
    assert header[keyword].value == [0.1, 0.2]
    assert "PixelSpacing" not in header


def test_lossy_compression_of_the_source_is_remembered(shared: Path, tmp_path: Path) -> None:
    scan = read_scan(shared / "corpus/pydicom/examples_ybr_color.dcm")
    header = written(tmp_path / "a.dcm", scan)
    assert header.LossyImageCompression == "01"
    assert header.LossyImageCompressionMethod


class Unread:
    """Pixels that nobody may ask for."""

    shape = (66, 9000, 9000)

    def read(self, index: int, rows: slice, columns: slice) -> np.ndarray[Any, Any]:
        raise AssertionError(index, rows, columns)


@pytest.mark.parametrize(
    ("scan", "words"),
    [
        (Scan.from_array(np.zeros((3, 4), np.float32)), "float32 grey; .tif can"),
        (Scan.from_array(np.zeros((3, 4), np.int32)), "int32 grey; .tif can"),
        (Scan.from_array(np.zeros((2, 3, 4), np.int16)), "int16 grey in several slices; .tif can"),
        (Scan.from_array(np.zeros((3, 4, 3), np.uint16)), "uint16 colour; .tif can"),
        (Scan.from_array(np.zeros((1, 70000), np.uint8)), "70000 x 1 pixels; .png can"),
        (Scan(Unread()), "5346000000 bytes of pixels; .tif can"),
    ],
)
def test_what_dicom_cannot_hold_is_refused_with_a_suffix_that_can(
    tmp_path: Path, scan: Scan, words: str
) -> None:
    with pytest.raises(WriteError, match=f"DICOM cannot hold {words}"):
        write_scan(scan, tmp_path / "a.dcm")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_carried_that_the_profile_lists() -> None:
    assert set(TECHNICAL + OF_GREY) & (IDENTIFYING | UIDS) == set()
    every = {*TECHNICAL, *OF_GREY, *IDENTIFYING, *UIDS}
    unknown = [keyword for keyword in every if pydicom.datadict.tag_for_keyword(keyword) is None]
    assert unknown == []
    assert len(IDENTIFYING) == 572
    assert len(UIDS) == 55


def test_large_results_go_through_a_file_beside_them(
    dicom_objects: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = Scan.from_array(dicom_objects.noise((3, 40, 30), "u2"))
    written(tmp_path / "a.dcm", scan)
    monkeypatch.setattr("super_resolution_gans.io.dicom_write._IN_MEMORY", 100)
    written(tmp_path / "b.dcm", scan)
    assert (tmp_path / "a.dcm").read_bytes() == (tmp_path / "b.dcm").read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"a.dcm", "b.dcm"}


def test_it_is_asked_how_pixels_came_to_be_after_all_have_been_read(tmp_path: Path) -> None:
    order: list[str] = []

    class Source:
        shape = (2, 30, 40)

        def read(self, index: int, rows: slice, columns: slice) -> np.ndarray[Any, Any]:
            order.append(f"{index}: {rows.stop}")
            return np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.float32)

    def about() -> dict[str, Any]:
        order.append("about")
        return ABOUT

    write_scan(Scan(Source()), tmp_path / "a.dcm", about=about)
    assert order == ["0: 30", "1: 30", "about"]
