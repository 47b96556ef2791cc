"""Which engine runs a model, by its name, the processor and the kind of file."""

from pathlib import Path

import numpy as np
import pytest
import torch

from super_resolution_gans import load_upscaler
from super_resolution_gans.export import export_model
from super_resolution_gans.prediction.engines import TorchEngine, choice, make_engine, pick_engine
from super_resolution_gans.prediction.engines.onnx_engine import OnnxEngine
from super_resolution_gans.prediction.engines.openvino_engine import OpenVinoEngine
from super_resolution_gans.prediction.errors import PredictionError

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
KINDS = {"torch": TorchEngine, "openvino": OpenVinoEngine, "onnxruntime": OnnxEngine}
image = np.random.default_rng(0).random((13, 17), np.float32)


@pytest.fixture(scope="module")
def exported(grey_model, tmp_path_factory):
    """{suffix: file}"""
    folder = tmp_path_factory.mktemp("exported")
    export_model(grey_model, folder / "grey.onnx", "onnx")
    export_model(grey_model, folder / "grey.xml", "openvino")
    return {path.suffix: path for path in folder.iterdir()}


@pytest.mark.parametrize("kind", KINDS)
def test_an_engine_is_made_by_its_name(kind, grey_model):
    from super_resolution_gans.models.load import load_model

    assert set(KINDS) == set(choice.ENGINES)
    network = load_model(grey_model).network
    assert type(make_engine(network, kind, CPU, "float32")) is KINDS[kind]


def test_auto_is_what_the_table_says_where_it_is_installed(monkeypatch):
    processor = torch.backends.cpu.get_cpu_capability()
    monkeypatch.setattr(choice, "FASTEST", {processor: "openvino"})
    assert pick_engine("auto", CPU) == "openvino"
    assert pick_engine("auto", CUDA) == "torch"
    for missing in ("openvino", "onnx"):
        monkeypatch.setattr(choice, "find_spec", lambda name, gone=missing: name != gone)
        assert pick_engine("auto", CPU) == "torch"


def test_auto_says_why(monkeypatch):
    processor = torch.backends.cpu.get_cpu_capability()
    monkeypatch.setattr(choice, "FASTEST", {processor: "openvino"})
    assert choice.automatic_engine(CPU) == (
        "openvino",
        f"measured to be faster than torch on {processor}",
    )
    assert choice.automatic_engine(CUDA) == ("torch", "none was measured to be faster on cuda")
    monkeypatch.setattr(choice, "find_spec", lambda name: name != "onnx")
    assert choice.automatic_engine(CPU).why == (
        f"openvino was measured to be faster on {processor}, but there is no onnx: "
        'pip install "SuperResolution-GANs[export]"'
    )


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_the_engines_of_others_run_on_the_cpu(engine, grey_model):
    with pytest.raises(PredictionError, match=f"{engine} runs on the CPU here, not on cuda"):
        pick_engine(engine, CUDA)
    assert load_upscaler(grey_model, engine=engine).provenance.device == "cpu"


@pytest.mark.parametrize("model", ["bicubic", "oct-srgan-x4"])
def test_an_unknown_engine_is_refused(model):
    with pytest.raises(PredictionError, match="engine: fast is unknown; known are auto, torch"):
        load_upscaler(model, engine="fast")


@pytest.mark.parametrize("engine", KINDS)
def test_provenance_names_the_library_and_its_version(engine, grey_model):
    from importlib.metadata import version

    story = load_upscaler(grey_model, engine=engine).provenance.as_dict()
    assert story["engine"] == f"{engine} {version(engine)}"


@pytest.mark.parametrize(
    ("suffix", "engine", "runs"),
    [
        (".onnx", "auto", "onnxruntime"),
        (".onnx", "onnxruntime", "onnxruntime"),
        (".onnx", "openvino", "openvino"),
        (".xml", "auto", "openvino"),
        (".xml", "openvino", "openvino"),
    ],
)
def test_an_exported_file_is_a_model(suffix, engine, runs, exported, grey_model):
    upscaler = load_upscaler(exported[suffix], engine=engine)
    assert upscaler.name == f"grey{suffix}"
    assert upscaler.scale == (4, 4)
    assert upscaler.provenance.engine.startswith(f"{runs} ")
    expected = load_upscaler(grey_model, device="cpu", engine="torch", precision="float32")(image)
    np.testing.assert_allclose(upscaler(image), expected, rtol=0, atol=1e-5)
    np.testing.assert_allclose(
        load_upscaler(exported[suffix], engine=engine, tile=9)(image), expected, rtol=0, atol=1e-5
    )
    halved = load_upscaler(exported[suffix], engine=engine, scale=2)
    assert halved(image).shape == (26, 34)


@pytest.mark.parametrize(
    ("suffix", "engine"), [(".onnx", "torch"), (".xml", "torch"), (".xml", "onnxruntime")]
)
def test_an_exported_file_is_not_run_by_a_library_that_cannot(suffix, engine, exported):
    with pytest.raises(PredictionError, match=f"{engine} cannot run {suffix} files"):
        load_upscaler(exported[suffix], engine=engine)


def test_a_file_that_promises_another_size_is_refused(exported, tmp_path):
    """The scale in its metadata is not that of its graph."""
    path = Path(tmp_path / "m.onnx")
    payload = exported[".onnx"].read_bytes()
    assert payload.count(b'"scale": [4, 4], "use"') == 1
    path.write_bytes(payload.replace(b'"scale": [4, 4], "use"', b'"scale": [4, 2], "use"'))
    with pytest.raises(PredictionError, match="another size than its file says"):
        load_upscaler(path)(image)
