"""Each weight of Keras is turned the right way round."""

import pytest
import torch
import torch.nn.functional as F

from super_resolution_gans.models.graph import LayerGraph, Node
from super_resolution_gans.models.keras_file import KerasError, Weight
from super_resolution_gans.models.keras_tensors import (
    TABLE,
    converted,
    hwio_to_oihw,
    named,
    slopes_of_alpha,
    unturned,
)


def test_a_kernel_is_turned_so_that_it_convolves_as_in_keras() -> None:
    kernel = torch.randn(3, 3, 2, 5)  # height, width, in, out
    image = torch.randn(1, 2, 6, 7)
    ours = F.conv2d(image, hwio_to_oihw(kernel), padding=1)
    padded = F.pad(image, (1, 1, 1, 1))
    theirs = torch.zeros(1, 5, 6, 7)
    for row in range(3):
        for column in range(3):
            part = padded[:, :, row : row + 6, column : column + 7]
            theirs += torch.einsum("nihw,io->nohw", part, kernel[row, column])
    assert torch.allclose(ours, theirs, atol=1e-5)


def test_height_and_width_of_a_kernel_are_not_swapped() -> None:
    kernel = torch.zeros(3, 3, 1, 1)
    kernel[0, 2] = 1
    assert hwio_to_oihw(kernel)[0, 0, 0, 2] == 1
    assert hwio_to_oihw(torch.zeros(1, 2, 3, 4)).shape == (4, 3, 1, 2)


def test_slopes_and_vectors_keep_their_order() -> None:
    assert torch.equal(slopes_of_alpha(torch.arange(4.0).reshape(1, 1, 4)), torch.arange(4.0))
    assert torch.equal(unturned(torch.arange(4.0)), torch.arange(4.0))


def test_depth_to_space_takes_its_channels_in_tensorflows_order() -> None:
    nodes = [Node("shuffle", (0,), {"factor": 2, "order": "block"})]
    nodes.append(Node("concat", (1,) * 4, {}))  # as many channels as the image
    image = torch.arange(8.0).reshape(1, 8, 1, 1)
    made = LayerGraph(nodes, 8, "x")(image)[0, :2]
    # TensorFlow: channel c of place (row, column) is channel (2 * row + column) * 2 + c.
    assert made.tolist() == [[[0, 2], [4, 6]], [[1, 3], [5, 7]]]


def weights(**tensors: torch.Tensor) -> dict[str, Weight]:
    return {name: Weight(f"layer/{name}:0", tensor) for name, tensor in tensors.items()}


def test_numbered_weights_are_named_in_keras_order() -> None:
    numbered = {str(place): Weight(f"vars/{place}", torch.ones(1)) for place in range(4)}
    names = named("BatchNormalization", set(), numbered)
    assert [(name, weight.path) for name, weight in names.items()] == [
        ("gamma", "vars/0"),
        ("beta", "vars/1"),
        ("moving_mean", "vars/2"),
        ("moving_variance", "vars/3"),
    ]
    del numbered["3"]
    names = named("BatchNormalization", {"gamma"}, numbered)
    assert names["beta"].path == "vars/0"


def test_missing_and_unknown_weights_are_named() -> None:
    with pytest.raises(KerasError, match="has no weight bias"):
        named("Conv2D", set(), weights(kernel=torch.ones(1)))
    with pytest.raises(KerasError, match="has a weight too many, layer/more:0"):
        named("PReLU", set(), weights(alpha=torch.ones(1), more=torch.ones(1)))


def test_all_weights_of_a_layer_get_our_names() -> None:
    found = weights(kernel=torch.ones(3, 3, 1, 2), bias=torch.ones(2))
    ours = converted("Conv2D", found, {"kernel": [3, 3, 1, 2], "bias": [2]})
    assert {name: list(tensor.shape) for name, tensor in ours.items()} == {
        "weight": [2, 1, 3, 3],
        "bias": [2],
    }
    assert {kind: [own for own, _ in names.values()] for kind, names in TABLE.items()} == {
        "Conv2D": ["weight", "bias"],
        "BatchNormalization": ["weight", "bias", "running_mean", "running_var"],
        "PReLU": ["weight"],
    }


def test_more_numbers_than_weights_are_refused_by_their_place_in_the_file() -> None:
    numbered = {str(place): Weight(f"vars/{place}", torch.ones(1)) for place in range(4)}
    with pytest.raises(KerasError) as caught:
        named("Conv2D", set(), numbered)
    assert str(caught.value) == "has a weight too many, vars/2"


def test_numbers_among_names_are_not_counted() -> None:
    mixed = weights(kernel=torch.ones(1)) | {"1": Weight("vars/1", torch.ones(1))}
    with pytest.raises(KerasError, match=r"^has no weight bias$"):
        named("Conv2D", set(), mixed)


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("moving_mean", torch.ones(3), "has shape [3], expected [2]"),
        ("gamma", torch.tensor([1.0, float("nan")]), "holds NaN or infinite values"),
        ("beta", torch.tensor([1.0, float("-inf")]), "holds NaN or infinite values"),
        ("moving_variance", torch.tensor([1.0, -1e-9]), "holds negative variances"),
    ],
)
def test_weights_that_cannot_be_are_refused(name: str, values: torch.Tensor, reason: str) -> None:
    with pytest.raises(KerasError) as caught:
        converted("BatchNormalization", weights(**{name: values}), {name: [2]})
    assert str(caught.value) == f"layer/{name}:0 {reason}"


def test_a_mean_may_be_negative_and_a_variance_nothing() -> None:
    found = weights(moving_mean=-torch.ones(2), moving_variance=torch.zeros(2))
    shapes = {name: [2] for name in found}
    assert converted("BatchNormalization", found, shapes).keys() == {"running_mean", "running_var"}
