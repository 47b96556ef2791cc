"""OpenVINO's pair of files: a graph in .xml, its weights in .bin beside it."""

import hashlib
import re
import tempfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from super_resolution_gans.models.checkpoint import ModelFileError
from super_resolution_gans.runtimes.facts import KEY, Facts
from super_resolution_gans.runtimes.libraries import library

_WEIGHTS_KEY = f"{KEY}_weights"
_LARGEST_XML = 64 << 20


def openvino_files(onnx: bytes, facts: Facts) -> tuple[bytes, bytes]:
    """An ONNX file as the bytes of .xml and .bin, which are the same each time.

    Raises:
        LibraryError: if OpenVINO is not installed.
    """
    openvino = library("openvino")
    model = openvino.Core().read_model(onnx)
    # The names that it gives to nodes are numbered through all models of a process.
    for place, node in enumerate(model.get_ordered_ops()):
        node.set_friendly_name(f"{node.get_type_name()}_{place}")
    model.set_rt_info(facts.as_json(), [KEY])
    _, weights = _serialized(openvino, model)
    model.set_rt_info(hashlib.sha256(weights).hexdigest(), [_WEIGHTS_KEY])
    return _serialized(openvino, model)


def _serialized(openvino: Any, model: Any) -> tuple[bytes, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        xml, weights = Path(folder) / "model.xml", Path(folder) / "model.bin"
        openvino.serialize(model, xml, weights)
        return xml.read_bytes(), weights.read_bytes()


def check_openvino(path: Path, xml: bytes, weights: bytes) -> Facts:
    """The facts of a pair of files.

    Refused are documents with entities, operations outside OpenVINO's own sets, nested graphs, and
    weights other than those the graph was written with.

    Raises:
        ModelFileError: if it is damaged, not from ``srgan export``, or has one of these.
    """
    if len(xml) > _LARGEST_XML or re.search(rb"<!(DOCTYPE|ENTITY)", xml):
        raise ModelFileError(path, "not a readable OpenVINO file (too long, or with entities)")
    try:
        root = ElementTree.fromstring(xml)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise ModelFileError(path, f"not a readable OpenVINO file ({error})") from error
    facts = Facts.parse(path, _kept(root, KEY))
    versions = [str(layer.get("version")) for layer in root.iter("layer")]
    if root.tag != "net" or not all(re.fullmatch(r"opset\d{1,3}", one) for one in versions):
        raise ModelFileError(path, "uses operations outside OpenVINO")
    if next(root.iter("body"), None) is not None:
        raise ModelFileError(path, "has a nested graph")
    if _kept(root, _WEIGHTS_KEY) != hashlib.sha256(weights).hexdigest():
        raise ModelFileError(path.with_suffix(".bin"), f"is not the one {path.name} came with")
    return facts


def _kept(root: ElementTree.Element, key: str) -> str | None:
    element = root.find(f"rt_info/{key}")
    return None if element is None else element.get("value")
