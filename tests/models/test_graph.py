"""Networks as lists of layers: what they compute, how far they look, and what is refused."""

import json
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from super_resolution_gans.models.checkpoint import (
    ModelFileError,
    load_generator,
    save_generator,
)
from super_resolution_gans.models.graph import LayerGraph, Node, Nodes
from super_resolution_gans.models.layers import LAYERS, Layer, LayerError

Draw = Callable[[Nodes], object]


def graph(draw: Draw, channels: int = 1, *, seed: int = 0) -> LayerGraph:
    nodes = Nodes()
    draw(nodes)
    torch.manual_seed(seed)
    return LayerGraph(nodes.nodes, channels, "test").eval().requires_grad_(False)


def small_srgan(n: Nodes) -> None:
    """A head, a residual block with norms, two ways of enlarging, tanh."""
    head = n("prelu", n("conv", n("affine", 0, scale=2.0, shift=-1.0), out=8, kernel=5))
    block = n("batch_norm", n("conv", head, out=8, kernel=3, bias=False), eps=1e-3)
    body = n("add", block, head)
    up = n("shuffle", n("conv", body, out=32, kernel=3), factor=2)
    up = n("leaky_relu", n("conv", n("nearest", up, factor=2), out=8, kernel=3), slope=0.2)
    image = n("tanh", n("conv", up, out=1, kernel=9))
    n("add", n("affine", image, scale=0.5, shift=0.5), n("bilinear", 0, factor=4))


def weighed(n: Nodes) -> None:
    """Channels are weighed by the mean over the image."""
    x = n("conv", 0, out=4, kernel=3)
    x = n("multiply", x, n("sigmoid", n("conv", n("image_mean", x), out=4, kernel=1)))
    n("shuffle", n("conv", x, out=4, kernel=3), factor=2)


def normalised(n: Nodes) -> None:
    x = n("instance_norm", n("conv", 0, out=4, kernel=3))
    n("shuffle", n("conv", n("conv", x, out=4, kernel=1), out=4, kernel=3), factor=2)


def interpolated(n: Nodes) -> None:
    n("bilinear", 0, factor=3)


def test_nodes_are_computed_in_order_as_torch_would() -> None:
    network, image = graph(small_srgan), torch.rand(2, 1, 6, 7)
    parts = dict(network.layers.items())
    x = head = parts["3"](parts["2"](2 * image - 1))
    x = parts["5"](parts["4"](x)) + head
    x = F.pixel_shuffle(parts["7"](x), 2)
    x = F.leaky_relu(parts["10"](x.repeat_interleave(2, 2).repeat_interleave(2, 3)), 0.2)
    x = torch.tanh(parts["12"](x)) * 0.5 + 0.5
    base = F.interpolate(image, scale_factor=4, mode="bilinear")
    torch.testing.assert_close(network(image), x + base)
    assert network.scale == (4, 4)
    assert (network.channels, network.family) == (1, "test")


def test_features_end_before_the_last_convolution() -> None:
    network, image = graph(small_srgan), torch.rand(1, 1, 6, 7)
    features = network.features(image)
    assert set(features) == {0, 11}  # of which the base and the last convolution are made
    assert torch.equal(network.render(features), network(image))
    assert torch.equal(network.render(features), network(image))  # features are not used up
    assert torch.equal(
        graph(interpolated)(image), F.interpolate(image, scale_factor=3, mode="bilinear")
    )


def test_what_nothing_needs_any_more_is_let_go() -> None:
    alive: list[weakref.ref[Tensor]] = []
    most = 0

    def watch(_: nn.Module, __: Any, output: Tensor) -> None:
        nonlocal most
        alive.append(weakref.ref(output))
        most = max(most, sum(one() is not None for one in alive))

    def long(n: Nodes) -> None:
        x = 0
        for _ in range(30):
            x = n("relu", n("conv", x, out=4, kernel=3))
        n("shuffle", n("conv", x, out=4, kernel=3), factor=2)

    network = graph(long)
    for layer in network.layers.values():
        layer.register_forward_hook(watch)
    network(torch.rand(1, 1, 5, 5))
    assert len(alive) == 62
    assert most <= 3


def reach(network: LayerGraph, side: int) -> int:
    """How far away the farthest input pixel is that an output pixel has a gradient of."""
    image = torch.rand(1, network.channels, side, side, requires_grad=True)
    output, scale, centre = network(image), network.scale[0], side // 2
    farthest = 0
    for row in range(centre * scale, (centre + 1) * scale):
        (gradient,) = torch.autograd.grad(
            output[0, :, row, centre * scale : (centre + 1) * scale].sum(), image, retain_graph=True
        )
        rows = gradient.abs().sum((0, 1, 3)).nonzero().flatten()
        farthest = max(farthest, int((rows - centre).abs().max()))
    return farthest


def even(network: LayerGraph) -> None:
    """Weights that let everything through and cancel nothing."""
    for parameter in network.parameters():
        parameter.fill_(1 / max(1, parameter[0].numel()))


def convolutions(n: Nodes, x: int, *kernels: int) -> int:
    for kernel in kernels:
        x = n("conv", x, out=4, kernel=kernel)
    return x


def enlarged(*steps: tuple[str, int, tuple[int, ...]]) -> Draw:
    def draw(n: Nodes) -> None:
        x = convolutions(n, 0, 3)
        for way, factor, kernels in steps:
            if way == "shuffle":
                x = n("conv", x, out=4 * factor**2, kernel=1)
            x = convolutions(n, n(way, x, factor=factor), *kernels)
        n("conv", x, out=1, kernel=1)

    return draw


EXACT = [
    small_srgan,
    enlarged(("shuffle", 2, (3,))),
    enlarged(("shuffle", 2, (9,)), ("shuffle", 2, (9,))),
    enlarged(("nearest", 2, (3,)), ("nearest", 2, (3, 3))),
    enlarged(("nearest", 2, (5,)), ("shuffle", 2, (3,)), ("nearest", 2, (3,))),
    enlarged(("shuffle", 3, (3, 3, 3)), ("nearest", 2, (3,))),
    enlarged(("nearest", 3, (3, 3, 3, 3, 3, 3))),  # thirds that must add up to wholes
    enlarged(("bilinear", 2, ())),
    enlarged(("bilinear", 4, ())),
    enlarged(("bilinear", 2, (5,))),
    interpolated,
]


@pytest.mark.parametrize("draw", EXACT)
def test_the_radius_is_how_far_gradients_reach(draw: Draw) -> None:
    network = graph(draw)
    even(network)
    radius = network.receptive_radius()
    assert radius is not None
    assert radius == (reach(network, 31),) * 2


@pytest.mark.parametrize(
    "draw",
    [
        enlarged(("bilinear", 2, (3,))),
        enlarged(("bilinear", 2, (3,)), ("bilinear", 2, (3,))),
        enlarged(("bilinear", 3, (3, 3)), ("nearest", 2, (3,)), ("bilinear", 2, (3,))),
        enlarged(("nearest", 2, (3,)), ("bilinear", 2, (3,)), ("shuffle", 2, (3,))),
    ],
)
def test_behind_bilinear_the_radius_may_be_one_larger_but_never_smaller(draw: Draw) -> None:
    """The convolution counts from the pixel's corner, the interpolation from its centre."""
    network = graph(draw)
    even(network)
    radius = network.receptive_radius()
    assert radius is not None
    assert reach(network, 31) <= radius[0] <= reach(network, 31) + 1


@pytest.mark.parametrize("draw", [weighed, normalised])
def test_networks_that_look_at_the_whole_image_have_no_radius(draw: Draw) -> None:
    network = graph(draw)
    assert network.receptive_radius() is None
    assert network(torch.rand(1, 1, 1, 1)).isfinite().all()
    first, second = torch.rand(2, 1, 1, 20, 20)
    second[..., :4, :4] = first[..., :4, :4]
    assert not torch.allclose(network(first)[..., :4, :4], network(second)[..., :4, :4])


@pytest.mark.parametrize("draw", [small_srgan, weighed, normalised])
def test_features_may_be_bfloat16_and_the_image_is_float32(draw: Draw) -> None:
    network, image = graph(draw), torch.rand(1, 1, 16, 16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        features = network.features(image)
    assert any(value.dtype == torch.bfloat16 for value in features.values())
    output = network.render(features)
    assert output.dtype == torch.float32
    torch.testing.assert_close(output, network(image), atol=0.03, rtol=0)
    assert not torch.equal(output, network(image))


def test_float64_stays_float64() -> None:
    network = graph(small_srgan).double()
    image = torch.rand(1, 1, 5, 5, dtype=torch.float64)
    assert network(image).dtype == torch.float64


@pytest.mark.parametrize("draw", [small_srgan, weighed, normalised, interpolated])
def test_a_network_comes_back_from_a_file_exactly(tmp_path: Path, draw: Draw) -> None:
    network, image = graph(draw), torch.rand(2, 1, 9, 6)
    with torch.no_grad():
        for name, buffer in network.named_buffers():
            if "running" in name:
                buffer.uniform_(0.5, 2)
    save_generator(network, tmp_path / "m.safetensors", {"family": "test"})
    model = load_generator(tmp_path / "m.safetensors")
    loaded = model.network
    assert isinstance(loaded, LayerGraph)
    assert model.card == {"family": "test"}
    assert loaded.architecture() == network.architecture()
    assert (loaded.scale, loaded.channels, loaded.family) == (network.scale, 1, "test")
    assert loaded.receptive_radius() == network.receptive_radius()
    assert torch.equal(loaded(image), network(image))
    assert not loaded.training
    assert not any(p.requires_grad for p in loaded.parameters())


def test_an_architecture_is_plain_json_and_no_view_of_the_network() -> None:
    network = graph(small_srgan)
    before = json.dumps(network.architecture())
    network.architecture()["nodes"][0][2]["scale"] = 7
    assert json.dumps(network.architecture()) == before
    again = LayerGraph.of_architecture(json.loads(before))
    again.load_state_dict(network.state_dict())
    image = torch.rand(1, 1, 4, 4)
    assert torch.equal(again.eval()(image), network(image))


def architecture(*nodes: Any, **changes: Any) -> dict[str, Any]:
    return {"name": "layers", "family": "x", "channels": 1, "nodes": list(nodes)} | changes


TWICE = ["nearest", [0], {"factor": 2}]


def test_the_architecture_that_the_next_test_breaks_is_good() -> None:
    assert LayerGraph.of_architecture(architecture(TWICE)).scale == (2, 2)


@pytest.mark.parametrize(
    ("described", "reason"),
    [
        (architecture(), "0 layers; 1 to 4096 can be built"),
        (architecture(*[TWICE] * 5000), "5000 layers"),
        (architecture(["system", [0], {}]), "layer 1: unknown operation 'system'"),
        (architecture([["conv"], [0], {}]), "unknown operation"),
        (architecture(["nearest", [1], {"factor": 2}]), "layer 1: inputs (1,) are not made before"),
        (architecture(["nearest", [-1], {"factor": 2}]), "inputs (-1,) are not made before"),
        (architecture(["nearest", [10**20], {"factor": 2}]), "are not made before"),
        (architecture(["nearest", [], {"factor": 2}]), "inputs () are not made before"),
        (architecture(["nearest", [False], {"factor": 2}]), "inputs of layers are whole numbers"),
        (architecture(["nearest", [0.0], {"factor": 2}]), "inputs of layers are whole numbers"),
        (architecture(["nearest", "0", {"factor": 2}]), "inputs of layers are whole numbers"),
        (architecture(["nearest", [[0]], {"factor": 2}]), "inputs of layers are whole numbers"),
        (architecture(["nearest", 0, {"factor": 2}]), "layers cannot be understood"),
        (architecture(["nearest", [0]]), "layers cannot be understood"),
        (architecture(["nearest", [0], 7]), "layers cannot be understood"),
        (architecture(7), "layers cannot be understood"),
        (architecture(TWICE, nodes=7), "layers cannot be understood"),
        (architecture(TWICE, nodes={"a": 1}), "layers cannot be understood"),
        ({"channels": 1, "family": "x"}, "layers cannot be understood (KeyError('nodes'))"),
        (architecture(TWICE, channels=0), "channels 0 is not a whole number from 1 to 64"),
        (architecture(TWICE, channels=True), "channels True"),
        (architecture(TWICE, channels=1.0), "channels 1.0"),
        (architecture(TWICE, channels=10**9), "channels 1000000000"),
        (architecture(["nearest", [0], {"factor": 2, "mode": "x"}]), "unknown option 'mode'"),
        (architecture(["conv", [0], {"out": 4, "kernel": 3, "stride": 2}]), "option 'stride'"),
        (architecture(["nearest", [0], {"factor": 9}]), "layer 1 (nearest): factor is 9"),
        (architecture(["conv", [0], {"out": 10**12, "kernel": 3}]), "out is 1000000000000"),
        (architecture(["nearest", [0], {"factor": 8}], ["nearest", [1], {"factor": 8}]),
         "layer 2: magnifies by 64"),
        (architecture(["relu", [0], {}]), "makes 1 channels of 1, 1 times as large"),
        (architecture(["conv", [0], {"out": 3, "kernel": 3}], ["nearest", [1], {"factor": 2}]),
         "makes 3 channels of 1, 2 times as large"),
        (architecture(TWICE, ["image_mean", [1], {}]), "makes one pixel, not an image"),
        (architecture(TWICE, ["add", [0, 1], {}]), "layer 2 (add): takes two or more inputs"),
        (architecture(["relu", [0], {}], TWICE), "layer 1: nothing uses what it makes"),
        (architecture(["conv", [0], {"out": 4096, "kernel": 15}],
                      ["conv", [1], {"out": 4096, "kernel": 15}]), "more than 200,000,000 weights"),
    ],
)  # fmt: skip
def test_architectures_of_strangers_are_refused_in_words(
    tmp_path: Path, described: dict[str, Any], reason: str
) -> None:
    with torch.device("meta"), pytest.raises(ValueError) as caught:  # noqa: PT011
        LayerGraph.of_architecture(described)
    assert reason in str(caught.value)
    assert not isinstance(caught.value, LayerError)
    # and by the door that files come through
    network = graph(interpolated)
    network.architecture = lambda: {"name": "layers"} | described  # type: ignore[method-assign]
    save_generator(network, tmp_path / "m.safetensors")
    with pytest.raises(ModelFileError) as refused:
        load_generator(tmp_path / "m.safetensors")
    assert reason.partition("(")[0] in str(refused.value)
    assert str(refused.value).isprintable()


def test_the_largest_graph_is_built_quickly_enough_to_be_refused_or_used() -> None:
    chain = [["relu", [n], {}] for n in range(4095)]
    network = LayerGraph.of_architecture(architecture(*chain, ["nearest", [4095], {"factor": 2}]))
    assert network(torch.rand(1, 1, 2, 2)).shape == (1, 1, 4, 4)


def test_options_may_be_read_in_any_way(monkeypatch: pytest.MonkeyPatch) -> None:
    def by_index(options: Any, flows: Any) -> Layer:
        return LAYERS["nearest"]({"factor": options["size"]}, flows)

    monkeypatch.setattr(
        "super_resolution_gans.models.graph.LAYERS", dict(LAYERS) | {"by_index": by_index}
    )
    assert LayerGraph([Node("by_index", (0,), {"size": 2})], 1, "x").scale == (2, 2)
