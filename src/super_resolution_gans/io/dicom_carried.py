"""What of a source's header goes into a DICOM result: a declared list, and nothing else.

Listed is what describes how the pixels were made and lie, so that an attribute nobody thought of
cannot identify a person, or describe pixels that are no longer these.
"""

from typing import TYPE_CHECKING, Any

from super_resolution_gans.io.dicom_profile import IDENTIFYING

if TYPE_CHECKING:
    from pydicom.dataelem import DataElement
    from pydicom.dataset import Dataset

TECHNICAL = (
    # whose eye, by which device
    *("Modality", "Laterality", "ImageLaterality", "BodyPartExamined", "AnatomicRegionSequence"),
    *("Manufacturer", "ManufacturerModelName", "SoftwareVersions"),
    # place in a study
    *("SeriesNumber", "AcquisitionNumber", "InstanceNumber", "PatientOrientation"),
    # what was in the pixels before, and is still
    *("BurnedInAnnotation", "RecognizableVisualFeatures"),
    *("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod"),
)
"""Carried over always."""

OF_GREY = ("WindowCenter", "WindowWidth", "VOILUTFunction")
"""Carried over if the numbers mean the same as before."""

# Listed by the profile, yet about other pixels, other objects or another writing than this one.
_NEVER = frozenset(
    (
        *("ContentSequence", "DataSetTrailingPadding", "DerivationDescription"),
        *("DigitalSignaturesSequence", "EncapsulatedDocument", "GraphicAnnotationSequence"),
        *("IconImageSequence", "InstanceCreationDate", "InstanceCreationTime"),
        *("ReferencedDigitalSignatureSequence", "ReferencedSOPInstanceMACSequence"),
        *("SecondaryCaptureDeviceID", "DateOfSecondaryCapture", "TimeOfSecondaryCapture"),
        *("SeriesDescription", "SourceImageSequence", "WaveformAnnotationSequence"),
        # Said only of what was taken out.
        *("PatientIdentityRemoved", "DeidentificationMethod"),
    )
)
_PATIENT, _TRIAL = 0x0010, 0x0012


def carry(source: "Dataset", result: "Dataset", keywords: tuple[str, ...]) -> None:
    """Copy these attributes where they have a valid value of their own type."""
    for keyword in keywords:
        if keyword in source:
            _copy(source, keyword, result, clean=True)


def carry_identity(source: "Dataset", result: "Dataset") -> None:
    """Copy what the profile calls identifying, and all of patient and trial; nothing private."""
    from pydicom.datadict import keyword_for_tag

    for tag in list(source.keys()):
        keyword = keyword_for_tag(tag)
        listed = keyword in IDENTIFYING or tag.group in (_PATIENT, _TRIAL)
        if keyword and listed and keyword not in _NEVER:
            _copy(source, keyword, result, clean=False)


def _copy(source: "Dataset", keyword: str, result: "Dataset", *, clean: bool) -> None:
    from pydicom import config
    from pydicom.datadict import dictionary_VR
    from pydicom.dataelem import DataElement

    try:
        element = source[keyword]
        if element.VR not in dictionary_VR(element.tag).split(" or "):
            return  # a name may stand where a number belongs
        if element.VR == "SQ":
            value: Any = [_copied(item, clean=clean) for item in element.value]
        else:
            value = _plain(element)
        result[keyword] = DataElement(element.tag, element.VR, value, validation_mode=config.RAISE)
    except Exception:  # not a valid value of its type, which pydicom says in many ways
        return


def _copied(item: "Dataset", *, clean: bool) -> "Dataset":
    from pydicom.datadict import keyword_for_tag
    from pydicom.dataset import Dataset

    copy = Dataset()
    for tag in list(item.keys()):
        keyword = keyword_for_tag(tag)
        if keyword and not (clean and (keyword in IDENTIFYING or keyword.endswith("UID"))):
            _copy(item, keyword, copy, clean=clean)
    return copy


def _plain(element: "DataElement") -> Any:
    """The value free of the encoding it came in: the result has one of its own."""
    if element.VR != "PN":
        return element.value
    names = [element.value] if element.VM <= 1 else element.value
    plain = [str(name) for name in names]
    return plain[0] if element.VM <= 1 else plain
