"""Which values a Keras generator takes and makes: nothing in a file says it, so rules do.

What it takes:

- a Rescaling at the start takes 0..255 (its scale is 1/255 or 2/255, or it is refused);
- a Lambda at the start takes 0..255 and is, by its function's name if that is one of krasserm's,
  x / 255 or x / 127.5 - 1; by another name, x / 255 before a depth_to_space and a final tanh,
  x / 127.5 - 1 before an UpSampling2D and a final tanh, else refused;
- without either: [-1, 1] if the network ends in tanh and has no depth_to_space (the family of
  0.0.x), else [0, 1].

What it makes:

- tanh makes [-1, 1], anything else [0, 1] (without tanh or sigmoid that is an assumption);
- a Rescaling at the end maps that to [-1, 1], [0, 1] or 0..255, or is refused;
- a Lambda at the end of a tanh maps it to 0..255 and back here: (tanh + 1) / 2 is what counts.
"""

import math
from collections.abc import Sequence

from super_resolution_gans.models.keras_config import KerasLayer
from super_resolution_gans.models.keras_file import KerasError
from super_resolution_gans.models.keras_layers import number

Range = tuple[float, float]
SIGNED, UNIT, BYTES = (-1.0, 1.0), (0.0, 1.0), (0.0, 255.0)
_KNOWN = {"normalize_01": UNIT, "normalize_m11": SIGNED}


def ending(layers: Sequence[KerasLayer]) -> str:
    """The last activation, before changes of range: ``tanh``, ``sigmoid`` or ``linear``."""
    by_name = {layer.name: layer for layer in layers}
    layer = layers[-1]
    for _ in layers:
        activation = layer.options.get("activation")
        if isinstance(activation, dict):
            activation = activation.get("config")
        if activation in ("tanh", "sigmoid"):
            return str(activation)
        passed = layer.kind in ("Rescaling", "Lambda") or activation == "linear"
        if not passed or layer.kind == "Conv2D" or len(layer.inputs) != 1:
            break
        layer = by_name[layer.inputs[0]]
    return "linear"


def taken(first: KerasLayer, end: str, *, shuffled: bool) -> tuple[Range, Range | None]:
    """What the network takes, and what its first layer makes of that, if it is a change of range.

    Args:
        first: the layer behind the image.
        end: see :func:`ending`.
        shuffled: whether there is a depth_to_space.

    Raises:
        KerasError: if the rules do not tell.
    """
    if first.kind == "Rescaling":
        scale, shift = number(first, "scale", default=1), number(first, "offset", default=0)
        for made in (UNIT, SIGNED):
            if _near((shift, 255 * scale + shift), made):
                return BYTES, made
        raise KerasError(f"{first}: x * {scale:g} + {shift:g} is no change of range from 0..255")
    if first.kind == "Lambda":
        function = first.options.get("function")
        if isinstance(function, str) and function in _KNOWN:
            return BYTES, _KNOWN[function]
        if end != "tanh":
            raise KerasError(
                f"{first} is code, which is never executed, and without a final tanh nothing tells "
                "what it does to the image"
            )
        return BYTES, UNIT if shuffled else SIGNED
    return (SIGNED, None) if end == "tanh" and not shuffled else (UNIT, None)


def made(last: KerasLayer, end: str) -> Range:
    """What the network makes; a Lambda at its end counts as nothing.

    Raises:
        KerasError: if the rules do not tell.
    """
    plain = SIGNED if end == "tanh" else UNIT
    if last.kind == "Lambda" and end != "tanh":
        raise KerasError(
            f"{last} is code, which is never executed, and without a final tanh nothing tells "
            "what it does to the image"
        )
    if last.kind != "Rescaling":
        return plain
    scale, shift = number(last, "scale", default=1), number(last, "offset", default=0)
    guesses = [plain] if end != "linear" else [UNIT, SIGNED]
    for low, high in guesses:
        reached = (low * scale + shift, high * scale + shift)
        for known in (BYTES, UNIT, SIGNED):
            if _near(reached, known):
                return known
    raise KerasError(f"{last}: x * {scale:g} + {shift:g} makes no range that is known")


def shown(values: Range) -> str:
    """A range for people."""
    return "0..255" if values == BYTES else f"[{values[0]:g}, {values[1]:g}]"


def _near(one: Range, other: Range) -> bool:
    return all(
        math.isclose(a, b, rel_tol=1e-3, abs_tol=1e-3) for a, b in zip(one, other, strict=True)
    )
