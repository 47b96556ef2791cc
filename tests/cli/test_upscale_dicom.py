"""``srgan upscale`` of DICOM: what comes out, and that nobody can be known by it."""

import gzip
import json
import logging
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pydicom
import pytest
from click.testing import Result
from pydicom.dataset import Dataset

from super_resolution_gans.io import ReadError, read_scan
from super_resolution_gans.io.encode import _FORMATS

# What stands where: each must be nowhere in what is written, logged or said.
PLANTED = {
    "PatientName": "QUIXOTE^ALONSO",
    "PatientID": "QX-4711-PID",
    "PatientBirthDate": "15470929",
    "PatientAddress": "Calle Quijano 1",
    "AccessionNumber": "QXACC8812",
    "ReferringPhysicianName": "PANZA^SANCHO",
    "OperatorsName": "ROCINANTE^OPERATOR",
    "InstitutionName": "Hospital Dulcinea",
    "StationName": "QXSTATION9",
    "StudyID": "QXSTUDY77",
    "StudyDescription": "follow-up of the knight",
    "SeriesDescription": "left eye of A. Quixote",
    "ImageComments": "seen by windmills",
    "ProtocolName": "protocol for Quixote",
    "DeviceSerialNumber": "QXSERIAL123",
    "StudyDate": "16050116",
    "AcquisitionDateTime": "16150101123456",
    "SOPInstanceUID": "1.2.826.0.1.3680043.8.498.16051605",
    "StudyInstanceUID": "1.2.826.0.1.3680043.8.498.16061606",
    "SeriesInstanceUID": "1.2.826.0.1.3680043.8.498.16071607",
    "FrameOfReferenceUID": "1.2.826.0.1.3680043.8.498.16081608",
}
NESTED = ("NESTED^NAME", "QXNESTED55", "QXNESTEDFRAME", "QXNESTEDCODE")
PRIVATE = ("QXPRIVATE66", "QXPRIVATEITEM")
# A name where a number belongs.
MISTYPED = ("QXWRONGTYPE",)
OUTSIDE = ("QXPREAMBLE", "QXAETITLE", "QXTRAILING")
SUFFIXES = [suffix for known in _FORMATS for suffix in known.suffixes]


def identifiers() -> list[bytes]:
    words = [*PLANTED.values(), *NESTED, *PRIVATE, *MISTYPED, *OUTSIDE]
    words += [part for word in words for part in word.split("^") if len(part) > 3]
    forms = {word.encode(code) for word in words for code in ("utf-8", "utf-16-le", "utf-16-be")}
    return sorted(forms)


def found_in(content: bytes) -> list[bytes]:
    return [word for word in identifiers() if word in content]


def all_bytes(path: Path) -> bytes:
    """Of a file or folder, with what is compressed in it also as it was before."""
    if path.is_dir():
        return b"".join(all_bytes(part) + part.name.encode() for part in sorted(path.iterdir()))
    content = path.read_bytes()
    if content[:2] == b"\x1f\x8b":
        return content + gzip.decompress(content)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return content + b"".join(map(archive.read, archive.namelist()))
    return content


def planted(dicom_objects: ModuleType, frames: int = 1, kind: str = "u1") -> Dataset:
    """A tomography that says who it is of wherever one can."""
    header: Dataset = dicom_objects.tomography(dicom_objects.noise((frames, 12, 16), kind))
    for keyword, value in PLANTED.items():
        setattr(header, keyword, value)
    request, other = Dataset(), Dataset()
    request.ScheduledProcedureStepDescription, other.PatientID = NESTED[0], NESTED[1]
    header.RequestAttributesSequence, header.OtherPatientIDsSequence = [request], [other]
    content = header.PerFrameFunctionalGroupsSequence[0].FrameContentSequence[0]
    content.FrameComments = NESTED[2]
    header.AnatomicRegionSequence[0].PatientID = NESTED[3]
    block = header.private_block(0x0011, "QXMAKER", create=True)
    block.add_new(1, "LO", PRIVATE[0])
    inner = header.AnatomicRegionSequence[0].private_block(0x0011, "QXMAKER", create=True)
    inner.add_new(1, "LO", PRIVATE[1])
    header.add_new("SeriesNumber", "LO", MISTYPED[0])
    header.preamble = OUTSIDE[0].encode().ljust(128, b"\0")
    header.file_meta.SourceApplicationEntityTitle = OUTSIDE[1]
    header.DataSetTrailingPadding = OUTSIDE[2].encode()
    return header


def test_the_source_holds_all_that_is_looked_for(dicom_objects: ModuleType, tmp_path: Path) -> None:
    path = dicom_objects.save(planted(dicom_objects), tmp_path / "a.dcm")
    content = path.read_bytes()
    missing = [
        w
        for w in (*PLANTED.values(), *NESTED, *PRIVATE, *MISTYPED, *OUTSIDE)
        if w.encode() not in content
    ]
    assert missing == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_no_format_no_log_and_no_journal_says_who_it_is(
    dicom_objects: ModuleType,
    tmp_path: Path,
    srgan: Callable[..., Result],
    caplog: pytest.LogCaptureFixture,
    suffix: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    source = planted(dicom_objects)
    source.BurnedInAnnotation = "YES"  # so that there is a warning
    path = dicom_objects.save(source, tmp_path / "a.dcm")
    out = tmp_path / f"b{suffix}"
    result = srgan("upscale", path, "-o", out, "--model", "nearest")
    assert result.exit_code == 0, result.output
    assert found_in(all_bytes(out)) == []
    assert found_in(result.output.encode() + result.stderr.encode()) == []
    assert found_in(caplog.text.encode()) == []
    assert "words are burned into the pixels" in result.stderr


def test_a_folder_keeps_its_suffixes_and_its_secrets(
    dicom_objects: ModuleType,
    tmp_path: Path,
    srgan: Callable[..., Result],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    dicom_objects.save(planted(dicom_objects, 3, "u2"), folder / "a.dcm")
    dicom_objects.save(planted(dicom_objects), folder / "b.IMA")
    whole = (folder / "a.dcm").read_bytes()
    (folder / "cut.dcm").write_bytes(whole[:-500])
    result = srgan("upscale", folder, "-o", out, "--model", "nearest")
    assert result.exit_code == 3
    names = sorted(path.name for path in out.iterdir())
    assert names == ["a.dcm", "b.dcm", "srgan-journal.jsonl"]
    for path in out.iterdir():
        assert found_in(path.read_bytes()) == [], path
    assert found_in((result.output + result.stderr + caplog.text).encode()) == []
    journal = (out / "srgan-journal.jsonl").read_text().splitlines()
    assert [json.loads(line)["status"] for line in journal] == ["done", "done", "failed"]
    # All files of a study stay together.
    studies = {pydicom.dcmread(out / name).StudyInstanceUID for name in ("a.dcm", "b.dcm")}
    assert len(studies) == 1


def test_no_failure_quotes_a_header(
    dicom_objects: ModuleType, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    whole = dicom_objects.as_bytes(planted(dicom_objects, 3, "u2"))
    path = tmp_path / "a.dcm"
    damaged = [whole[:end] for end in range(140, len(whole) - 40, 97)]
    # A name where a number belongs, a number where a name belongs, an unknown kind of value.
    for tag in (b"\x28\x00\x10\x00US", b"\x28\x00\x11\x00US", b"\x28\x00\x08\x00IS"):
        at = whole.index(tag)
        name = b"QUIXOTE^ALONSO"
        damaged.append(whole[:at] + tag[:4] + b"PN\x0e\x00" + name + whole[at + 10 :])
        damaged.append(whole[:at] + tag[:4] + b"IS\x0e\x00" + name + whole[at + 10 :])
    messages = []
    for content in damaged:
        path.write_bytes(content)
        with pytest.raises(ReadError) as caught:
            read_scan(path)
        messages.append(str(caught.value))
    assert found_in("\n".join([*messages, caplog.text]).encode()) == []


def test_a_volume_stays_a_volume_of_sixteen_bits(
    dicom_objects: ModuleType, tmp_path: Path, srgan: Callable[..., Result]
) -> None:
    source = planted(dicom_objects, 3, "u2")
    path = dicom_objects.save(source, tmp_path / "a.dcm")
    result = srgan("upscale", path, "-o", tmp_path / "b.dcm", "--model", "nearest", "--scale", 2)
    assert result.exit_code == 0, result.output
    header = pydicom.dcmread(tmp_path / "b.dcm")
    expected = source.pixel_array.repeat(2, 1).repeat(2, 2)
    np.testing.assert_array_equal(header.pixel_array, expected)
    assert header.PixelSpacing == [0.002, 0.006]
    assert header.SpacingBetweenSlices == pytest.approx(0.12)
    assert "2x2 by nearest" in header.DerivationDescription
    told: dict[str, Any] = json.loads(header.private_block(0x0099, "SuperResolution-GANs")[1].value)
    assert told["model"] == "nearest"


def test_metadata_is_kept_when_asked_for(
    dicom_objects: ModuleType, tmp_path: Path, srgan: Callable[..., Result]
) -> None:
    path = dicom_objects.save(planted(dicom_objects, 3, "u2"), tmp_path / "a.dcm")
    out = tmp_path / "b.dcm"
    result = srgan("upscale", path, "-o", out, "--model", "nearest", "--keep-metadata")
    assert result.exit_code == 0, result.output
    header = pydicom.dcmread(out)
    for keyword in ("PatientName", "PatientID", "StudyDate", "StudyInstanceUID", "StudyID"):
        assert header[keyword].value == PLANTED[keyword]
    assert header.SeriesInstanceUID != PLANTED["SeriesInstanceUID"]
    content = out.read_bytes()
    for word in (*PRIVATE, *OUTSIDE):
        assert word.encode() not in content
    # Other formats have no place for it.
    png = dicom_objects.save(planted(dicom_objects), tmp_path / "c.dcm")
    result = srgan(
        "upscale", png, "-o", tmp_path / "c.png", "--model", "nearest", "--keep-metadata"
    )
    assert result.exit_code == 0
    assert found_in((tmp_path / "c.png").read_bytes()) == []
