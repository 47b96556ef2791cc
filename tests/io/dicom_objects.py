"""DICOM objects made here, by pydicom alone: what readers and writers are tried on."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

ROOT = "1.2.826.0.1.3680043.8.498"
OPT = "1.2.840.10008.5.1.4.1.1.77.1.5.4"


def code(value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "SCT", meaning
    return item


def plain(pixels: NDArray[Any], bits: int | None = None, **attributes: Any) -> Dataset:
    """A Secondary Capture object of (rows, columns[, 3]) or (frames, rows, columns) pixels."""
    header = Dataset()
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    header.SOPInstanceUID, header.StudyInstanceUID = f"{ROOT}.1", f"{ROOT}.2"
    header.SeriesInstanceUID = f"{ROOT}.3"
    colour = pixels.ndim > 2 and pixels.shape[-1] == 3
    shape = pixels.shape[:-1] if colour else pixels.shape
    if len(shape) == 3:
        header.NumberOfFrames = shape[0]
    header.Rows, header.Columns = shape[-2:]
    header.SamplesPerPixel = 3 if colour else 1
    header.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        header.PlanarConfiguration = 0
    header.BitsAllocated = 8 * pixels.dtype.itemsize
    header.BitsStored = bits or header.BitsAllocated
    header.HighBit = header.BitsStored - 1
    header.PixelRepresentation = int(pixels.dtype.kind == "i")
    data = pixels.tobytes()
    header.add_new("PixelData", "OB" if pixels.dtype.itemsize == 1 else "OW", data + data[:0])
    for keyword, value in attributes.items():
        setattr(header, keyword, value)
    return header


def tomography(
    pixels: NDArray[Any],
    bits: int | None = None,
    spacing: tuple[float, float, float] = (0.12, 0.004, 0.012),
) -> Dataset:
    """An Ophthalmic Tomography volume as a device writes it, its frames ``spacing[0]`` apart."""
    header = plain(pixels, bits)
    header.SOPClassUID, header.Modality, header.ImageType = OPT, "OPT", ["ORIGINAL", "PRIMARY"]
    header.Manufacturer, header.ManufacturerModelName = "Maker", "Model"
    header.SoftwareVersions = "1.0"
    header.SeriesNumber, header.InstanceNumber, header.AcquisitionNumber = 2, 1, 1
    header.FrameOfReferenceUID, header.BurnedInAnnotation = f"{ROOT}.4", "NO"
    header.LossyImageCompression, header.ImageLaterality = "00", "R"
    header.AnatomicRegionSequence = [code("5665001", "Retina")]
    measures, orientation, shared = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = list(spacing[1:]), 0.5
    orientation.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    shared.PixelMeasuresSequence = [measures]
    shared.PlaneOrientationSequence = [orientation]
    header.SharedFunctionalGroupsSequence = [shared]
    header.PerFrameFunctionalGroupsSequence = [
        _frame(index, spacing[0] * index) for index in range(header.get("NumberOfFrames", 1))
    ]
    return header


def _frame(index: int, place: float) -> Dataset:
    frame, content, position = Dataset(), Dataset(), Dataset()
    content.FrameAcquisitionDateTime, content.InStackPositionNumber = "20200101101010", index + 1
    position.ImagePositionPatient = [0, 0, round(place, 6)]
    frame.FrameContentSequence, frame.PlanePositionSequence = [content], [position]
    return frame


def save(header: Dataset, path: Path, **options: Any) -> Path:
    header.save_as(path, enforce_file_format=True, **options)
    return path


def as_bytes(header: Dataset) -> bytes:
    file = io.BytesIO()
    header.save_as(file, enforce_file_format=True)
    return file.getvalue()


def noise(shape: tuple[int, ...], kind: str = "u1", most: int | None = None) -> NDArray[Any]:
    limits = np.iinfo(kind)
    high = limits.max if most is None else most
    return np.random.default_rng(7).integers(limits.min, high, shape, dtype=kind, endpoint=True)
