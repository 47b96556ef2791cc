"""Networks as ONNX: each layer and each network gives in both libraries what it gives in torch."""

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import pytest
import torch
from torch import nn

from super_resolution_gans.models.deploy import Deployed, deploy
from super_resolution_gans.models.generator import SRResNet
from super_resolution_gans.models.graph import LayerGraph, Nodes
from super_resolution_gans.models.layers import LAYERS
from super_resolution_gans.models.upsampler import Upsampler
from super_resolution_gans.runtimes.onnx_graph import onnx_bytes
from super_resolution_gans.runtimes.onnx_layers import DRAWN
from super_resolution_gans.runtimes.sessions import Session, onnx_session, openvino_session

Network = TypeVar("Network", bound=Upsampler)
SIZES = [(1, 1, 1), (2, 5, 3), (3, 16, 21)]
# Float32 sums in another order; values are about one.
BOUND = 1e-5
SESSIONS = {"onnxruntime": onnx_session, "openvino": openvino_session}


def graph(draw: Callable[[Nodes], object], channels: int = 1) -> LayerGraph:
    nodes = Nodes()
    draw(nodes)
    torch.manual_seed(0)
    return unlike_new(LayerGraph(nodes.nodes, channels, "test"))


def unlike_new(network: Network) -> Network:
    """Statistics and slopes that are not those of a new network."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 2)
        if isinstance(module, nn.BatchNorm2d | nn.InstanceNorm2d) and module.affine:
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.2, 0.2)
        if isinstance(module, nn.PReLU):
            nn.init.uniform_(module.weight, -0.5, 0.5)
    return network.eval().requires_grad_(False)


def srresnet(**numbers: object) -> SRResNet:
    torch.manual_seed(0)
    return unlike_new(SRResNet(blocks=2, width=8, **numbers))


def enlarged(n: Nodes, x: int, channels: int = 1) -> None:
    n("shuffle", n("conv", x, out=4 * channels, kernel=3), factor=2)


def conv(n: Nodes, x: int = 0, **options: object) -> int:
    return n("conv", x, **{"out": 6, "kernel": 3, **options})


def both(n: Nodes) -> tuple[int, int]:
    return n("nearest", 0, factor=2), n("bilinear", 0, factor=2)


def shuffled(n: Nodes, order: str) -> int:
    return conv(n, n("shuffle", conv(n, out=18), factor=3, order=order), out=1)


LAYERED: dict[str, Callable[[Nodes], object]] = {
    "conv": lambda n: enlarged(n, conv(n, kernel=5, bias=False)),
    "groups": lambda n: enlarged(n, conv(n, conv(n, kernel=1), out=4, groups=2)),
    "prelu": lambda n: enlarged(n, n("prelu", conv(n))),
    "one slope": lambda n: enlarged(n, n("prelu", conv(n), slopes=1)),
    "relu": lambda n: enlarged(n, n("relu", conv(n))),
    "leaky_relu": lambda n: enlarged(n, n("leaky_relu", conv(n), slope=0.2)),
    "tanh": lambda n: n("tanh", n("nearest", 0, factor=3)),
    "sigmoid": lambda n: n("sigmoid", n("nearest", 0, factor=2)),
    "batch_norm": lambda n: enlarged(n, n("batch_norm", conv(n), eps=1e-3)),
    "instance_norm": lambda n: enlarged(n, n("instance_norm", conv(n))),
    "affine instance_norm": lambda n: enlarged(n, n("instance_norm", conv(n), affine=True)),
    "shuffle": lambda n: shuffled(n, "channel"),
    "block shuffle": lambda n: shuffled(n, "block"),
    "nearest": lambda n: conv(n, n("nearest", 0, factor=3), out=1),
    "bilinear": lambda n: n("bilinear", 0, factor=4),
    "add": lambda n: n("add", *both(n), n("nearest", 0, factor=2)),
    "multiply": lambda n: n("multiply", *both(n)),
    "concat": lambda n: enlarged(n, n("concat", conv(n), 0)),
    "take": lambda n: enlarged(n, n("take", conv(n), first=2, last=5)),
    "affine": lambda n: n("affine", n("nearest", 0, factor=2), scale=[1.5], shift=-0.25),
    "image_mean": lambda n: enlarged(n, n("multiply", 0, n("image_mean", 0))),
    "image_deviation": lambda n: enlarged(
        n, n("multiply", conv(n, out=1), n("sigmoid", n("image_deviation", 0)))
    ),
}


def agree(network: Upsampler, session: Session) -> None:
    random = np.random.default_rng(0)
    for count, height, width in SIZES:
        batch = random.random((count, network.channels, height, width), np.float32)
        with torch.inference_mode():
            expected = network(torch.from_numpy(batch)).numpy()
        found = session(batch)
        assert found.shape == expected.shape
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, rtol=0, atol=BOUND)


def test_every_layer_can_be_drawn_and_is_tried_below() -> None:
    assert DRAWN.keys() == LAYERS.keys()
    assert LAYERS.keys() <= LAYERED.keys()


@pytest.mark.parametrize("library", SESSIONS)
@pytest.mark.parametrize("layer", LAYERED)
def test_each_layer_of_others_is_what_it_is_in_torch(layer: str, library: str) -> None:
    network = graph(LAYERED[layer])
    agree(network, SESSIONS[library](network))


@pytest.mark.parametrize("library", SESSIONS)
@pytest.mark.parametrize("scale", [(1, 4), (4, 4), (3, 2), (6, 6)])
def test_srresnet_of_any_scale_is_what_it_is_in_torch(scale: tuple[int, int], library: str) -> None:
    network = srresnet(scale=scale, channels=3 if scale == (3, 2) else 1)
    agree(network, SESSIONS[library](network))


def test_a_rearranged_network_can_be_drawn_unless_it_is_short() -> None:
    network = srresnet()
    ready = deploy(network)
    assert onnx_bytes(ready) == onnx_bytes(network)
    assert isinstance(ready, Deployed)
    with pytest.raises(ValueError, match="float32 is exported"):
        onnx_bytes(ready.shorten(torch.bfloat16))


def test_a_network_of_another_kind_is_refused() -> None:
    class Other(Upsampler):
        channels, scale = 1, (2, 2)
        features = render = receptive_radius = architecture = None  # type: ignore[assignment]

        def title(self) -> str:
            return "something else"

    with pytest.raises(ValueError, match=r"something else: .* cannot be exported"):
        onnx_bytes(Other())


def test_a_layer_that_cannot_be_drawn_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(DRAWN, "tanh")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"layer 2 \(tanh\) cannot be exported"):
        onnx_bytes(graph(LAYERED["tanh"]))


def test_the_graph_is_valid_onnx_and_of_any_size() -> None:
    import onnx

    model = onnx.load_model_from_string(onnx_bytes(srresnet(scale=(1, 4))))
    onnx.checker.check_model(model, full_check=True)
    (image,), (upscaled,) = model.graph.input, model.graph.output
    for value in (image, upscaled):
        sides = value.type.tensor_type.shape.dim
        assert [side.dim_value for side in sides] == [0, 1, 0, 0]
        assert all(side.dim_param for side in (sides[0], sides[2], sides[3]))
    assert (image.name, upscaled.name) == ("image", "upscaled")
