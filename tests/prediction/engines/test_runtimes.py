"""OpenVINO and ONNX Runtime as engines: what torch gives, in tiles or whole, in few grey levels."""

import logging
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from super_resolution_gans.models.generator import SRResNet
from super_resolution_gans.models.graph import LayerGraph, Nodes
from super_resolution_gans.models.load import load_model
from super_resolution_gans.prediction.catalogue import WEIGHTS
from super_resolution_gans.prediction.engines import WHOLE, OutOfMemoryError, TorchEngine
from super_resolution_gans.prediction.engines.onnx_engine import OnnxEngine
from super_resolution_gans.prediction.engines.openvino_engine import OpenVinoEngine
from super_resolution_gans.prediction.errors import PredictionError
from super_resolution_gans.prediction.tiles import grid
from super_resolution_gans.runtimes import sessions

ENGINES = {"openvino": OpenVinoEngine, "onnxruntime": OnnxEngine}
CPU = torch.device("cpu")
BOUND = 1e-5  # float32 sums in another order, values of about one
engines = pytest.mark.parametrize("engine", ENGINES)


def srresnet(**numbers):
    torch.manual_seed(0)
    network = SRResNet(blocks=2, width=8, **numbers).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_var.uniform_(0.5, 2)
    return network


def foreign(everywhere=False):
    """A network of others; one that looks everywhere normalises by the image."""
    n = Nodes()
    x = n("leaky_relu", n("conv", 0, out=8, kernel=5), slope=0.2)
    x = n("instance_norm", x) if everywhere else n("batch_norm", x)
    x = n("shuffle", n("conv", x, out=12, kernel=3), factor=2)
    n("tanh", n("conv", x, out=3, kernel=3))
    torch.manual_seed(0)
    return LayerGraph(n.nodes, 3, "foreign").eval()


NETWORKS = {
    "x4": srresnet,
    "1x4": lambda: srresnet(scale=(1, 4)),
    "2x3": lambda: srresnet(scale=(2, 3), channels=3),
    "foreign": foreign,
    "foreign everywhere": lambda: foreign(everywhere=True),
    "shipped": lambda: load_model(WEIGHTS / "oct-srgan-x4.safetensors").network,
}


@engines
@pytest.mark.parametrize("name", NETWORKS)
def test_the_result_is_that_of_torch(name, engine):
    network = NETWORKS[name]()
    reference, other = TorchEngine(NETWORKS[name](), CPU), ENGINES[engine](network)
    for attribute in ("channels", "scale", "halo", "tiles"):
        assert getattr(other, attribute) == getattr(reference, attribute)
    assert (other.core == (WHOLE, WHOLE)) == (not other.tiles)
    random = np.random.default_rng(0)
    for count, height, width in ((1, 1, 1), (2, 3, 7), (1, 30, 21), (2, 3, 7)):
        windows = random.random((count, height, width, network.channels), np.float32)
        before, found = windows.copy(), other.upscale(windows)
        expected = reference.upscale(windows)
        assert found.shape == expected.shape
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, rtol=0, atol=BOUND)
        np.testing.assert_array_equal(windows, before)


@engines
def test_results_stay_what_they_are_when_others_are_computed(engine):
    network = ENGINES[engine](srresnet())
    one, two = np.random.default_rng(0).random((2, 1, 9, 9, 1), np.float32)
    first = network.upscale(one)
    kept = first.copy()
    assert not np.array_equal(network.upscale(two), kept)
    np.testing.assert_array_equal(first, kept)
    np.testing.assert_array_equal(network.upscale(one), kept)


@engines
@pytest.mark.parametrize("scale", [(4, 4), (1, 4)])
def test_tiles_are_the_whole(scale, engine):
    network = ENGINES[engine](srresnet(scale=scale))
    image = np.random.default_rng(0).random((70, 90), np.float32)
    whole = network.upscale(image[None, ..., None])[0, ..., 0]
    tiled = np.full(whole.shape, np.nan, np.float32)
    calls = list(grid((1, *image.shape), (40, 32), network.halo, batch_pixels=20_000))
    assert sum(map(len, calls)) > 1
    for call in calls:
        windows = np.stack([image[tile.window] for _, tile in call])[..., None]
        for (_, tile), window in zip(call, network.upscale(windows)[..., 0], strict=True):
            tiled[tile.target(scale)] = window[tile.inside(scale)]
    np.testing.assert_allclose(tiled, whole, rtol=0, atol=BOUND)


def _in_bfloat16(network):
    try:
        return OpenVinoEngine(network, "bfloat16")
    except ValueError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("name", ["oct-srgan-x4", "oct-srresnet-x4"])
def test_bfloat16_keeps_the_image_and_the_last_sum_in_float32(name, monkeypatch):
    """Measured on this image: 0.11 and 0.06 grey levels; 0.34 and 0.30 without it, in steps."""
    network = load_model(WEIGHTS / f"{name}.safetensors").network
    rows, columns = np.mgrid[:40, :48]
    ripples = 0.4 + 0.2 * np.sin(rows / 3) * np.cos(columns / 5)
    noise = np.random.default_rng(0).normal(0, 0.05, rows.shape)
    windows = np.clip(ripples + noise, 0, 1).astype(np.float32)[None, ..., None]
    expected = TorchEngine(network, CPU).upscale(windows)

    def levels(engine):
        found = engine.upscale(windows)
        steps = np.unique(found.view(np.uint32) & 0xFFFF).size  # one if all are bfloat16
        return np.abs(found - expected).mean() * 255, steps

    kept, fine = levels(_in_bfloat16(network))
    monkeypatch.setattr(sessions, "keep_ends", lambda *_: None)
    plain, _ = levels(_in_bfloat16(network))
    assert 0 < kept < 0.15
    assert kept < 0.6 * plain
    assert fine > 1000


def test_bfloat16_of_a_network_of_others():
    windows = np.random.default_rng(0).random((2, 9, 12, 3), np.float32)
    expected = TorchEngine(foreign(), CPU).upscale(windows)
    found = _in_bfloat16(foreign()).upscale(windows)
    np.testing.assert_allclose(found, expected, rtol=0, atol=0.02)
    assert not np.array_equal(found, expected)


def test_rewriting_for_bfloat16_changes_nothing_in_float32():
    from super_resolution_gans.runtimes.libraries import library
    from super_resolution_gans.runtimes.onnx_graph import onnx_bytes
    from super_resolution_gans.runtimes.openvino_mixed import keep_ends

    openvino = library("openvino")
    image = np.random.default_rng(0).random((1, 1, 12, 13), np.float32)
    for network in (srresnet(), srresnet(scale=(1, 4))):
        model = openvino.Core().read_model(onnx_bytes(network))
        before = sum(op.get_type_name() == "Convert" for op in model.get_ops())
        keep_ends(openvino, model)
        assert sum(op.get_type_name() == "Convert" for op in model.get_ops()) == before + 2
        compiled = openvino.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        with torch.inference_mode():
            expected = network(torch.from_numpy(image)).numpy()
        # The product of the two rests is left out: 2^-16 of the first convolution.
        np.testing.assert_allclose(compiled(image)[0], expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("engine", "precision"),
    [("openvino", "float16"), ("onnxruntime", "bfloat16"), ("onnxruntime", "float16")],
)
def test_other_precisions_are_refused(engine, precision):
    with pytest.raises(PredictionError, match=rf"{engine} computes in float32.*not {precision}"):
        ENGINES[engine](srresnet(), precision)


def test_a_processor_without_bfloat16_is_refused(monkeypatch):
    from super_resolution_gans.runtimes.libraries import library

    class Core:
        def get_property(self, *_):
            return ["FP32"]

    monkeypatch.setattr(library("openvino"), "Core", Core)
    with pytest.raises(ValueError, match="no bfloat16 on this processor"):
        OpenVinoEngine(srresnet(), "bfloat16")


@engines
def test_what_is_not_finite_is_an_error(engine):
    network = srresnet()
    with torch.no_grad():
        network.tail.bias.fill_(float("inf"))
    with pytest.raises(PredictionError, match="not finite"):
        ENGINES[engine](network).upscale(np.zeros((1, 5, 5, 1), np.float32))


def test_what_is_not_finite_in_bfloat16_is_computed_in_float32(monkeypatch, caplog):
    opened = []

    def session(source, precision):
        opened.append(precision)
        real = sessions.openvino_session(source)

        def run(batch):
            upscaled = real(batch)
            return upscaled * np.float32("inf") if precision == "bfloat16" else upscaled

        return run

    module = "super_resolution_gans.prediction.engines.openvino_engine.openvino_session"
    monkeypatch.setattr(module, session)
    windows = np.full((1, 5, 5, 1), 0.5, np.float32)
    engine = OpenVinoEngine(srresnet(), "bfloat16")
    with caplog.at_level(logging.WARNING):
        found = [engine.upscale(windows) for _ in range(2)]
    expected = TorchEngine(srresnet(), CPU).upscale(windows)
    np.testing.assert_allclose(found, [expected, expected], rtol=0, atol=BOUND)
    assert "using float32" in caplog.text
    assert opened == ["bfloat16", "float32"]


@engines
@pytest.mark.skipif(sys.platform != "linux", reason="limits memory by RLIMIT_AS")
def test_too_little_memory_is_said_as_such(engine):
    """In a process of its own. OpenVINO once returned the result before instead of an error."""
    code = f"""
import resource, numpy as np, torch
from super_resolution_gans.models.generator import SRResNet
from super_resolution_gans.prediction.engines import make_engine
torch.set_num_threads(1)
engine = make_engine(SRResNet(blocks=1), {engine!r}, torch.device("cpu"), "float32")
engine.upscale(np.zeros((1, 8, 8, 1), np.float32))
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (512 << 20),) * 2)
try:
    engine.upscale(np.zeros((1, 3000, 3000, 1), np.float32))
except ValueError as error:
    print(type(error).__name__, error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"{OutOfMemoryError.__name__} out of memory on cpu: ")
    assert "--tile" in done.stdout
