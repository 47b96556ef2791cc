"""Keras's weights as ours: which is which, how they are turned, and what is wrong with them."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from super_resolution_gans.models.keras_file import KerasError, Weight

Turn = Callable[[Tensor], Tensor]


def hwio_to_oihw(kernel: Tensor) -> Tensor:
    """A convolution's kernel: (height, width, in, out) -> (out, in, height, width)."""
    return kernel.permute(3, 2, 0, 1).contiguous()


def slopes_of_alpha(alpha: Tensor) -> Tensor:
    """PReLU's slopes: (1, 1, channels) -> (channels,)."""
    return alpha.reshape(-1)


def unturned(vector: Tensor) -> Tensor:
    """(channels,) -> (channels,)."""
    return vector


# class -> Keras's name, in Keras's order -> our name, and how it is turned
TABLE: Mapping[str, Mapping[str, tuple[str, Turn]]] = {
    "Conv2D": {
        "kernel": ("weight", hwio_to_oihw),
        "bias": ("bias", unturned),
    },
    "BatchNormalization": {
        "gamma": ("weight", unturned),
        "beta": ("bias", unturned),
        "moving_mean": ("running_mean", unturned),
        "moving_variance": ("running_var", unturned),
    },
    "PReLU": {
        "alpha": ("weight", slopes_of_alpha),
    },
}


def named(kind: str, absent: set[str], weights: Mapping[str, Weight]) -> dict[str, Weight]:
    """A layer's weights by Keras's names; where the file only numbers them, by Keras's order.

    Args:
        kind: the layer's class, a key of :data:`TABLE`.
        absent: weights that the layer does without, such as ``bias``.
        weights: as the file has them.

    Raises:
        KerasError: if weights are missing or not known.
    """
    wanted = [name for name in TABLE[kind] if name not in absent]
    if weights and all(name.isdecimal() for name in weights):
        numbers = dict(enumerate(wanted))
        weights = {numbers.get(int(name), name): weight for name, weight in weights.items()}
    missing = [name for name in wanted if name not in weights]
    extra = [weight.path for name, weight in weights.items() if name not in wanted]
    if missing:
        raise KerasError(f"has no weight {missing[0]}")
    if extra:
        raise KerasError(f"has a weight too many, {extra[0]}")
    return {name: weights[name] for name in wanted}


def converted(
    kind: str, weights: Mapping[str, Weight], shapes: Mapping[str, list[int]]
) -> dict[str, Tensor]:
    """A layer's weights by our names, turned.

    Args:
        kind: a key of :data:`TABLE`.
        weights: by Keras's names.
        shapes: what each must have.

    Raises:
        KerasError: if a shape is wrong, or values are not finite, or a variance is negative.
    """
    ours = {}
    for name, weight in weights.items():
        found = list(weight.values.shape)
        if found != shapes[name]:
            raise KerasError(f"{weight.path} has shape {found}, expected {shapes[name]}")
        if not bool(torch.isfinite(weight.values).all()):
            raise KerasError(f"{weight.path} holds NaN or infinite values")
        if name == "moving_variance" and bool((weight.values < 0).any()):
            raise KerasError(f"{weight.path} holds negative variances")
        own, turn = TABLE[kind][name]
        ours[own] = turn(weight.values)
    return ours
