"""The header of a DICOM result: a Secondary Capture object, derived from the scan's source.

Secondary Capture (PS3.3 A.8) whatever the source was: a result of computation is no acquisition,
and objects of the modalities need what only a device can say, or what identifies a person.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from super_resolution_gans.io.dicom_carried import OF_GREY, TECHNICAL, carry, carry_identity
from super_resolution_gans.io.dicom_details import OPHTHALMIC
from super_resolution_gans.io.dicom_geometry import groups_of, pixel_size_keyword, shifted_position
from super_resolution_gans.scan import Scan
from super_resolution_gans.version import __version__

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_SC = "1.2.840.10008.5.1.4.1.1.7"
_MANY = {8: f"{_SC}.2", 16: f"{_SC}.3", "colour": f"{_SC}.4"}
_OURS = "SuperResolution-GANs"
_NOTE = "Computed super-resolution, not a measurement"
_METHOD = "PS3.15 Basic Application Level Confidentiality Profile"
# What a run has in common; the rest of how pixels came to be may differ from slice to slice.
_OF_A_RUN = (
    "model",
    "weights_sha256",
    "scale",
    "precision",
    "device",
    "engine",
    "consistency",
    "fidelity",
    "faithful_sha256",
    "ensemble",
)
_PRIVATE_GROUP = 0x0099
_LONGEST_VECTOR = 60_000

About = Mapping[str, Any]


def source_of(scan: Scan) -> "Dataset | None":
    """The header that a DICOM source left with the scan."""
    from pydicom.dataset import Dataset

    return scan.header if isinstance(scan.header, Dataset) else None


def is_inverted(scan: Scan) -> bool:
    """Whether one slice is written as it was found, small being white (MONOCHROME1)."""
    source = source_of(scan)
    turned = source is not None and source.get("PhotometricInterpretation") == "MONOCHROME1"
    return turned and scan.slices == 1 and scan.channels == 1


def derived(scan: Scan, about: About, digest: str, *, keep_metadata: bool) -> "Dataset":
    """All attributes of the result but its pixels.

    Args:
        about: how the pixels came to be.
        digest: of the pixels, so that others get other identifiers.
        keep_metadata: keep what identifies a person; otherwise nothing of the kind is carried.
    """
    from pydicom.dataset import Dataset

    source, result = source_of(scan), Dataset()
    result.SpecificCharacterSet = "ISO_IR 192"
    for keyword in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate"):
        setattr(result, keyword, "")
    for keyword in ("StudyTime", "ReferringPhysicianName", "StudyID", "AccessionNumber"):
        setattr(result, keyword, "")
    result.Modality, result.Manufacturer, result.PatientOrientation = "OT", "", ""
    result.SeriesNumber, result.InstanceNumber = "", 1
    if source is not None:
        carry(source, result, TECHNICAL)
        if keep_metadata:
            carry_identity(source, result)
            _refer(source, result)
        else:
            _state_removal(result)
    single = "BodyPartExamined" in result or "AnatomicRegionSequence" in result
    if "ImageLaterality" not in result and (not single or result.Modality in OPHTHALMIC):
        # A part of which there are two, as far as anybody knows.
        result.setdefault("Laterality", "")
    _identify(result, source, about, digest, keep_metadata)
    _describe(result, about)
    _pixels(result, scan)
    _meaning(result, source, scan)
    _geometry(result, source, scan, keep_metadata)
    return result


def story_in(header: "Dataset") -> str:
    """How the pixels of a result of ours came to be, as JSON; "" if the header does not tell."""
    try:
        return str(header.private_block(_PRIVATE_GROUP, _OURS)[1].value)
    except KeyError:
        return ""


def bits_of(scan: Scan) -> int:
    """How many bits the numbers of the scan's range take."""
    low, high = scan.value_range
    allocated = 8 * scan.dtype.itemsize
    signed = scan.dtype.kind == "i"
    bits = int(high + 1).bit_length() - (0 if signed else 1)
    ends = (-(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1) if signed else (0.0, 2.0**bits - 1)
    fits = (low, high) == ends and 1 <= bits <= allocated
    # Of volumes the standard allows 8 bits, or 9 to 16.
    if scan.channels == 3 or not fits or (scan.slices > 1 and bits <= 8):
        return allocated
    return bits


def _identify(
    result: "Dataset", source: "Dataset | None", about: About, digest: str, keep: bool
) -> None:
    study, series, instance = (
        str((source.get(keyword) if source is not None else "") or digest)
        for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
    )
    run = {key: about[key] for key in _OF_A_RUN if key in about}
    known = keep and source is not None and "StudyInstanceUID" in source
    result.StudyInstanceUID = study if known else hashed("study", study)
    result.SeriesInstanceUID = hashed("series", series, _json(run))
    result.SOPInstanceUID = hashed("instance", instance, _json(about), digest)


def hashed(*words: str) -> str:
    """An identifier that follows from the words: the same for the same."""
    from pydicom.uid import generate_uid

    digest = hashlib.sha256("\0".join((_OURS, *words)).encode()).hexdigest()
    return str(generate_uid(entropy_srcs=[digest]))


def _refer(source: "Dataset", result: "Dataset") -> None:
    """Name the image that the result comes from."""
    from pydicom.dataset import Dataset

    item = Dataset()
    carry(source, item, ("SOPClassUID", "SOPInstanceUID"))
    if len(item) == 2:
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = (
            item.pop("SOPClassUID").value,
            item.pop("SOPInstanceUID").value,
        )
        words = "Source image for image processing operation"
        item.PurposeOfReferenceCodeSequence = [_code("121322", words)]
        result.SourceImageSequence = [item]


def _state_removal(result: "Dataset") -> None:
    # The standard means the pixels as well: words in them are still there.
    burned = "YES" in (result.get("BurnedInAnnotation"), result.get("RecognizableVisualFeatures"))
    result.PatientIdentityRemoved = "NO" if burned else "YES"
    result.DeidentificationMethod = f"{_METHOD}, {_OURS} {__version__}"[:64]
    profile = _code("113100", "Basic Application Confidentiality Profile")
    result.DeidentificationMethodCodeSequence = [profile]
    result.LongitudinalTemporalInformationModified = "REMOVED"


def _describe(result: "Dataset", about: About) -> None:
    model, scale = str(about.get("model") or ""), about.get("scale")
    by = f" by {model}" if model else ""
    times = f" {'x'.join(map(str, scale))}" if isinstance(scale, list | tuple) else ""
    result.ImageType = ["DERIVED", "SECONDARY"]
    result.DerivationDescription = f"{_NOTE}:{times}{by} ({_OURS} {__version__})"[:1024]
    result.DerivationCodeSequence = [_code("113085", "Spatial resampling")]
    result.SeriesDescription = f"Computed super-resolution{times}{by}"[:64].replace("\\", "/")
    result.ConversionType = "WSD"
    result.SecondaryCaptureDeviceManufacturer = _OURS
    result.SecondaryCaptureDeviceSoftwareVersions = __version__
    if about:
        block = result.private_block(_PRIVATE_GROUP, _OURS, create=True)
        block.add_new(1, "UT", _json(about))


def _pixels(result: "Dataset", scan: Scan) -> None:
    bits, colour = bits_of(scan), scan.channels == 3
    result.SOPClassUID = (
        _SC if scan.slices == 1 else _MANY["colour" if colour else 8 * scan.dtype.itemsize]
    )
    result.Rows, result.Columns = scan.height, scan.width
    result.SamplesPerPixel = scan.channels
    result.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if is_inverted(scan):
        result.PhotometricInterpretation = "MONOCHROME1"
    if colour:
        result.PlanarConfiguration = 0
    result.BitsAllocated, result.BitsStored, result.HighBit = (
        8 * scan.dtype.itemsize,
        bits,
        bits - 1,
    )
    result.PixelRepresentation = int(scan.dtype.kind == "i")
    if scan.slices > 1:
        result.NumberOfFrames = scan.slices
        # Said of all volumes; nobody knows of pixels that come from elsewhere.
        if result.get("BurnedInAnnotation") not in ("YES", "NO"):
            result.BurnedInAnnotation = "YES"


def _meaning(result: "Dataset", source: "Dataset | None", scan: Scan) -> None:
    """Rescale and window. Volumes can only have numbers that mean themselves."""
    if scan.channels == 3:
        return
    if scan.slices > 1:
        result.PresentationLUTShape = "IDENTITY"
        result.RescaleIntercept, result.RescaleSlope, result.RescaleType = 0, 1, "US"
    if source is None or source.get("SamplesPerPixel", 1) != 1:
        return
    palette = source.get("PhotometricInterpretation") == "PALETTE COLOR"
    rescaled = (groups_of(source, "PixelValueTransformationSequence") or [source])[0]
    if scan.slices == 1 and not palette and "RescaleSlope" in rescaled:
        carry(rescaled, result, ("RescaleIntercept", "RescaleSlope", "RescaleType"))
        result.setdefault("RescaleType", "HU" if result.Modality == "CT" else "US")
    turned = source.get("PhotometricInterpretation") == "MONOCHROME1" and not is_inverted(scan)
    plain = scan.slices == 1 or float(rescaled.get("RescaleSlope") or 1) == 1
    if plain and not palette and not turned:
        carry((groups_of(source, "FrameVOILUTSequence") or [source])[0], result, OF_GREY)


def _geometry(result: "Dataset", source: "Dataset | None", scan: Scan, keep: bool) -> None:
    between, rows, columns = scan.spacing
    if rows is not None and columns is not None:
        keyword = "PixelSpacing" if source is None else pixel_size_keyword(source)
        setattr(result, keyword, [_decimal(rows), _decimal(columns)])
    if between is not None:
        result.SpacingBetweenSlices = _decimal(between)
    if scan.slices > 1:
        _frame_vector(result, between, scan.slices)
    elif source is not None and (place := shifted_position(source, scan)) is not None:
        result.ImagePositionPatient = [_decimal(mm) for mm in place]
        carry(source, result, ("ImageOrientationPatient", "SliceThickness"))
        if uid := str(source.get("FrameOfReferenceUID") or ""):
            result.FrameOfReferenceUID = uid if keep else hashed("frame", uid)
            result.PositionReferenceIndicator = ""


def _frame_vector(result: "Dataset", between: float | None, slices: int) -> None:
    """In what frames follow one another: places in mm, or numbers."""
    from pydicom.tag import Tag

    places = [_decimal((between or 0) * index) for index in range(slices)]
    if between is not None and len("\\".join(map(str, places))) < _LONGEST_VECTOR:
        result.SliceLocationVector = places
        result.FrameIncrementPointer = Tag("SliceLocationVector")
    else:
        result.PageNumberVector = list(range(1, slices + 1))
        result.FrameIncrementPointer = Tag("PageNumberVector")


def _decimal(number: float) -> Any:
    """A decimal string of at most 16 characters."""
    from pydicom.valuerep import DSfloat

    return DSfloat(number, auto_format=True) if math.isfinite(number) else DSfloat(0)


def _code(value: str, meaning: str) -> "Dataset":
    """A code of the standard's own scheme (PS3.16)."""
    from pydicom.dataset import Dataset

    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "DCM", meaning
    return code


def _json(about: About) -> str:
    return json.dumps(about, sort_keys=True)
