"""Exported files that are not ours, damaged or hostile: one line each, before any is run."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch

from super_resolution_gans.export import export_model
from super_resolution_gans.models.checkpoint import ModelFileError
from super_resolution_gans.models.generator import SRResNet
from super_resolution_gans.runtimes.exported import read_exported
from super_resolution_gans.runtimes.sessions import onnx_session, openvino_session


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The bytes of an export by suffix."""
    folder = tmp_path_factory.mktemp("exported")
    torch.manual_seed(0)
    network = SRResNet(blocks=1, width=4, scale=(2, 2)).eval()
    export_model(network, folder / "m.onnx", "onnx")
    export_model(network, folder / "m.xml", "openvino")
    return {path.suffix: path.read_bytes() for path in folder.iterdir()}


def refusal(path: Path) -> str:
    with pytest.raises(ModelFileError) as caught:
        read_exported(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def changed_onnx(payload: bytes, change: Callable[[Any], object]) -> bytes:
    model = onnx.load_model_from_string(payload)
    change(model)
    return model.SerializeToString()


def elsewhere(model: Any) -> None:
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")


def hidden_elsewhere(model: Any) -> None:
    """In an attribute, where no list of weights shows it."""
    tensor = onnx.TensorProto(name="t", data_type=1, dims=[1], data_location=1)
    tensor.external_data.add(key="location", value="/etc/passwd")
    model.graph.node.add(op_type="Constant", output=["t"]).attribute.append(
        onnx.helper.make_attribute("value", tensor)
    )


def nested(model: Any) -> None:
    graph = onnx.helper.make_graph([], "inner", [], [])
    model.graph.node.add(op_type="If", output=["t"]).attribute.append(
        onnx.helper.make_attribute("then_branch", graph)
    )


def renamed_facts(change: Callable[[dict[str, Any]], object]) -> Callable[[Any], None]:
    def apply(model: Any) -> None:
        (entry,) = model.metadata_props
        facts = json.loads(entry.value)
        change(facts)
        entry.value = json.dumps(facts)

    return apply


def set_facts(text: str) -> Callable[[Any], None]:
    def apply(model: Any) -> None:
        model.metadata_props[0].value = text

    return apply


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda m: m.ClearField("metadata_props"), "not from srgan export"),
        (elsewhere, "keeps weights in other files"),
        (hidden_elsewhere, "nested graph or tensor in Constant"),
        (nested, "nested graph or tensor in If"),
        (lambda m: m.opset_import.add(domain="com.evil", version=1), "operations outside ONNX"),
        (lambda m: setattr(m.graph.node[0], "domain", "com.evil"), r"com.evil.Conv"),
        (lambda m: m.functions.add(name="f", domain="com.evil"), "has functions"),
        (lambda m: m.graph.sparse_initializer.add(), "sparse"),
        (lambda m: setattr(m.graph.input[0], "name", "x"), "does not take an image"),
        (lambda m: m.graph.output.add(name="more"), "does not take an image"),
        (set_facts("{"), "metadata cannot be understood"),
        (set_facts("[" * 100_000), "metadata cannot be understood"),
        (set_facts("[]"), "metadata cannot be understood"),
        (renamed_facts(lambda f: f.update(format=2)), "format 2; this version reads 1"),
        (renamed_facts(lambda f: f.pop("scale")), "scale"),
        (renamed_facts(lambda f: f.update(scale=[1, 1])), "scale is 1 x 1"),
        (renamed_facts(lambda f: f.update(scale=[4, 1000])), "1000"),
        (renamed_facts(lambda f: f.update(channels=True)), "True"),
        (renamed_facts(lambda f: f.update(channels=3)), "does not take an image"),
        (renamed_facts(lambda f: f.update(receptive_radius=[-1, 4])), "-1"),
        (renamed_facts(lambda f: f.update(card="x")), "card is no dict"),
    ],
)
def test_onnx_files_that_are_not_ours_are_refused(
    change: Callable[[Any], object], reason: str, exported: dict[str, bytes], tmp_path: Path
) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(changed_onnx(exported[".onnx"], change))
    line = refusal(path)
    assert line.startswith(str(path))
    assert reason in line


@pytest.mark.parametrize("payload", [b"", b"hello", b"\x08", b"\x00" * 100])
def test_what_is_no_onnx_is_refused(payload: bytes, tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(payload)
    assert str(tmp_path / "m.onnx") in refusal(tmp_path / "m.onnx")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"<srgan value=", b"<other value=", "not from srgan export"),
        (b'version="opset1"', b'version="extension"', "operations outside OpenVINO"),
        (b'type="Parameter" version="opset1"', b'type="Parameter"', "operations outside OpenVINO"),
        (b"<layers>", b"<layers><body/>", "nested graph"),
        (b"<net ", b'<!DOCTYPE a [<!ENTITY b "c">]><net ', "with entities"),
        (b"</net>", b"", "not a readable OpenVINO file"),
        (b'<srgan_weights value="', b'<srgan_weights value="0', "is not the one"),
    ],
)
def test_openvino_files_that_are_not_ours_are_refused(
    old: bytes, new: bytes, reason: str, exported: dict[str, bytes], tmp_path: Path
) -> None:
    path = tmp_path / "m.xml"
    assert old in exported[".xml"]
    path.write_bytes(exported[".xml"].replace(old, new, 1))
    path.with_suffix(".bin").write_bytes(exported[".bin"])
    assert reason in refusal(path)


def test_weights_of_another_export_are_refused(exported: dict[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / "m.xml"
    path.write_bytes(exported[".xml"])
    assert "m.bin: no such file" in refusal(path)
    weights = bytearray(exported[".bin"])
    weights[-1] ^= 1
    path.with_suffix(".bin").write_bytes(weights)
    assert "m.bin: is not the one m.xml came with" in refusal(path)


@pytest.mark.parametrize("name", ["missing.onnx", "missing.xml"])
def test_a_missing_file_is_said(name: str, tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / name)
    (tmp_path / name).mkdir()
    assert "not a file" in refusal(tmp_path / name)


@pytest.mark.parametrize("session", [onnx_session, openvino_session])
def test_a_graph_that_a_library_cannot_use_is_one_line(
    session: Callable[..., Any], exported: dict[str, bytes], tmp_path: Path
) -> None:
    path = tmp_path / "m.onnx"

    def unknown(model: Any) -> None:
        model.graph.node[0].op_type = "NoSuchOperation"

    path.write_bytes(changed_onnx(exported[".onnx"], unknown))
    with pytest.raises(ModelFileError, match=r"m\.onnx: .* cannot use it") as caught:
        session(read_exported(path))
    assert "\n" not in str(caught.value)
