"""What a DICOM header says in words for people; never what identifies a person."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from super_resolution_gans.io.dicom_codecs import SYNTAXES
from super_resolution_gans.io.dicom_geometry import groups_of
from super_resolution_gans.io.dicom_header import class_name
from super_resolution_gans.io.dicom_layout import Layout

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_SIDES = {"R": "right", "L": "left", "OD": "right", "OS": "left", "B": "both", "OU": "both"}
OPHTHALMIC = ("OP", "OPT", "OPTENF", "OPTBSV", "OPM", "OPV", "OAM", "KER", "AR", "LEN", "IOL")
"""Modalities whose laterality is that of an eye, not of a knee or a breast."""

_LONGEST = 64
_BURNED_IN, _UNKNOWN = "burned-in words", "not said"
_ANNOTATION = {
    "YES": "said to be in the pixels",
    "NO": "said not to be in the pixels",
}


def details_of(header: "Dataset", layout: Layout, spacing: str) -> dict[str, str]:
    """Device, eye, kind of object and how the pixels are stored.

    Args:
        spacing: words about the spacing, if any.
    """
    device = " ".join(_said(header, key) for key in ("Manufacturer", "ManufacturerModelName"))
    modality = modality_of(header)
    known = {
        "modality": modality,
        "device": " ".join(device.split()),
        "eye" if modality in OPHTHALMIC else "side": _side(header),
        "kind": class_name(header),
        "frames": str(layout.frames) if layout.frames > 1 else "",
        "pixels": f"{SYNTAXES[layout.syntax]}, {layout.stored} bits"
        + (", signed" if layout.signed else ""),
        "polarity": "turned round (MONOCHROME1)" if layout.photometric == "MONOCHROME1" else "",
        "rescale": _rescale(header),
        "spacing": spacing,
        _BURNED_IN: burned_in(header),
    }
    return {key: words for key, words in known.items() if words}


def caution(details: Mapping[str, str]) -> str | None:
    """What to know before a result is passed on without the header; None if nothing."""
    said = details.get(_BURNED_IN)
    if said == _ANNOTATION["YES"]:
        return (
            "its source says that words are burned into the pixels: they are not removed, and may "
            "identify a person"
        )
    if said == _UNKNOWN and details.get("modality") in OPHTHALMIC:
        return (
            "its source does not say whether words are burned into the pixels: look at them first"
        )
    return None


def _side(header: "Dataset") -> str:
    sides = [_said(header, key) for key in ("ImageLaterality", "Laterality")]
    sides += [_said(item, "FrameLaterality") for item in groups_of(header, "FrameAnatomySequence")]
    return next((_SIDES[side] for side in sides if side in _SIDES), "")


def modality_of(header: "Dataset") -> str:
    """The standard's code; empty if it is none, for anything may stand there."""
    code = _said(header, "Modality")
    return code if re.fullmatch(r"[A-Z]{2,10}", code) else ""


def burned_in(header: "Dataset") -> str:
    """Whether words that were drawn into the pixels may identify a person."""
    if _said(header, "RecognizableVisualFeatures") == "YES":
        return _ANNOTATION["YES"]
    return _ANNOTATION.get(_said(header, "BurnedInAnnotation"), _UNKNOWN)


def _rescale(header: "Dataset") -> str:
    items = groups_of(header, "PixelValueTransformationSequence") or [header]
    pairs = {(_said(i, "RescaleSlope"), _said(i, "RescaleIntercept")) for i in items}
    if len(pairs) > 1:
        return "differs between frames, and is not applied"
    slope, intercept = pairs.pop()
    try:
        factor, offset = float(slope or 1), float(intercept or 0)
    except ValueError:
        return "damaged, and not applied"
    if (factor, offset) == (1, 0):
        return ""
    return f"{factor:g} x number + {offset:g}, not applied"


def _said(item: "Dataset", keyword: str) -> str:
    try:
        value = str(item.get(keyword) or "")
    except Exception:  # pydicom's converters raise whatever comes
        return ""
    return " ".join("".join(c if c.isprintable() else " " for c in value).split())[:_LONGEST]
