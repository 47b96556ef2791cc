"""Which range a Keras generator takes and makes, rule by rule."""

from typing import Any

import pytest

from super_resolution_gans.models.keras_config import KerasLayer
from super_resolution_gans.models.keras_file import KerasError
from super_resolution_gans.models.keras_ranges import (
    BYTES,
    SIGNED,
    UNIT,
    Range,
    ending,
    made,
    shown,
    taken,
)

CODE = (
    "layer it (Lambda) is code, which is never executed, and without a final tanh nothing tells "
    "what it does to the image"
)


def it(kind: str, **options: Any) -> KerasLayer:
    return KerasLayer("it", kind, options)


def chain(*layers: tuple[str, Any]) -> list[KerasLayer]:
    """Layers (class, activation) one behind the other, behind an input."""
    made = [KerasLayer("input", "InputLayer")]
    for place, (kind, activation) in enumerate(layers):
        options = {} if activation is None else {"activation": activation}
        made.append(KerasLayer(f"l{place}", kind, options, (made[-1].name,)))
    return made


@pytest.mark.parametrize(
    ("layers", "end"),
    [
        ([("Conv2D", "tanh")], "tanh"),
        ([("Conv2D", "sigmoid")], "sigmoid"),
        ([("Conv2D", "linear")], "linear"),
        ([("Conv2D", None)], "linear"),
        ([("Conv2D", "relu")], "linear"),
        ([("Conv2D", None), ("Activation", "tanh")], "tanh"),
        ([("Conv2D", None), ("Activation", {"class_name": "f", "config": "sigmoid"})], "sigmoid"),
        ([("Conv2D", "tanh"), ("Rescaling", None)], "tanh"),
        ([("Conv2D", "tanh"), ("Lambda", None)], "tanh"),
        ([("Conv2D", "sigmoid"), ("Activation", "linear"), ("Rescaling", None)], "sigmoid"),
        ([("Conv2D", "tanh"), ("Conv2D", "linear")], "linear"),
        ([("Conv2D", "tanh"), ("Activation", "relu")], "linear"),
        ([("Conv2D", "tanh"), ("UpSampling2D", None)], "linear"),
        ([("Rescaling", None)], "linear"),
    ],
)
def test_the_ending_is_the_last_activation_before_changes_of_range(
    layers: list[tuple[str, Any]], end: str
) -> None:
    assert ending(chain(*layers)) == end


def test_what_has_two_inputs_is_no_change_of_range() -> None:
    layers = chain(("Conv2D", "tanh"), ("Conv2D", "tanh"))
    assert ending([*layers, KerasLayer("both", "Lambda", {}, ("l0", "l1"))]) == "linear"


@pytest.mark.parametrize(
    ("scale", "offset", "inside"),
    [
        (1 / 255, None, UNIT),
        (1 / 255, 0, UNIT),
        (0.00392, 0, UNIT),  # rounded
        (1 / 255, 5e-4, UNIT),
        (2 / 255, -1, SIGNED),
        (1 / 127.5, -1.0, SIGNED),
    ],
)
def test_a_rescaling_at_the_start_takes_bytes(
    scale: float, offset: float | None, inside: Range
) -> None:
    options = {"scale": scale} | ({} if offset is None else {"offset": offset})
    for end in ("tanh", "linear"):
        assert taken(it("Rescaling", **options), end, shuffled=False) == (BYTES, inside)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"scale": 0.1}, "x * 0.1 + 0"),
        ({"scale": 1 / 255, "offset": 0.01}, "x * 0.00392157 + 0.01"),
        ({"scale": 0.0039}, "x * 0.0039 + 0"),
        ({"scale": 2 / 255, "offset": 0}, "x * 0.00784314 + 0"),
        ({"offset": 2}, "x * 1 + 2"),
    ],
)
def test_another_rescaling_at_the_start_is_refused(options: dict[str, float], told: str) -> None:
    with pytest.raises(KerasError) as caught:
        taken(it("Rescaling", **options), "tanh", shuffled=False)
    assert str(caught.value) == f"layer it (Rescaling): {told} is no change of range from 0..255"


@pytest.mark.parametrize(
    ("function", "end", "shuffled", "inside"),
    [
        ("normalize_01", "linear", False, UNIT),
        ("normalize_m11", "linear", True, SIGNED),
        ("normalize_01", "tanh", False, UNIT),
        ("another", "tanh", True, UNIT),
        ("another", "tanh", False, SIGNED),
        (["bytecode", None, None], "tanh", True, UNIT),
        (None, "tanh", False, SIGNED),
    ],
)
def test_a_lambda_at_the_start_is_told_by_name_or_family(
    function: Any, end: str, shuffled: bool, inside: Range
) -> None:
    layer = it("Lambda", function=function)
    assert taken(layer, end, shuffled=shuffled) == (BYTES, inside)


def test_code_without_a_final_tanh_is_refused() -> None:
    for function in ("another", ["normalize_01"]):
        with pytest.raises(KerasError) as caught:
            taken(it("Lambda", function=function), "sigmoid", shuffled=True)
        assert str(caught.value) == CODE
    with pytest.raises(KerasError) as caught:
        made(it("Lambda"), "linear")
    assert str(caught.value) == CODE


@pytest.mark.parametrize(
    ("end", "shuffled", "takes"),
    [
        ("tanh", False, SIGNED),
        ("tanh", True, UNIT),
        ("linear", False, UNIT),
        ("sigmoid", True, UNIT),
    ],
)
def test_without_a_change_of_range_the_ending_tells(end: str, shuffled: bool, takes: Range) -> None:
    assert taken(it("Conv2D"), end, shuffled=shuffled) == (takes, None)


@pytest.mark.parametrize(
    ("layer", "end", "makes"),
    [
        (it("Conv2D"), "tanh", SIGNED),
        (it("Conv2D"), "sigmoid", UNIT),
        (it("Conv2D"), "linear", UNIT),
        (it("Lambda"), "tanh", SIGNED),
        (it("Rescaling"), "tanh", SIGNED),
        (it("Rescaling"), "sigmoid", UNIT),
        (it("Rescaling", scale=0.5, offset=0.5), "tanh", UNIT),
        (it("Rescaling", scale=127.5, offset=127.5), "tanh", BYTES),
        (it("Rescaling", scale=127.55, offset=127.55), "tanh", BYTES),
        (it("Rescaling", scale=255), "sigmoid", BYTES),
        (it("Rescaling", scale=2, offset=-1), "sigmoid", SIGNED),
        (it("Rescaling", scale=255), "linear", BYTES),
        (it("Rescaling", scale=127.5, offset=127.5), "linear", BYTES),
        (it("Rescaling", scale=0.5, offset=0.5), "linear", UNIT),
    ],
)
def test_what_is_made_follows_from_the_ending_and_a_rescaling(
    layer: KerasLayer, end: str, makes: Range
) -> None:
    assert made(layer, end) == makes


@pytest.mark.parametrize(
    ("layer", "end", "told"),
    [
        (it("Rescaling", scale=127.5, offset=127.5), "sigmoid", "x * 127.5 + 127.5"),
        (it("Rescaling", scale=255), "tanh", "x * 255 + 0"),
        (it("Rescaling", offset=3), "linear", "x * 1 + 3"),
        (it("Rescaling", scale=128, offset=127.5), "tanh", "x * 128 + 127.5"),
    ],
)
def test_a_rescaling_to_an_unknown_range_is_refused(layer: KerasLayer, end: str, told: str) -> None:
    with pytest.raises(KerasError) as caught:
        made(layer, end)
    assert str(caught.value) == f"layer it (Rescaling): {told} makes no range that is known"


def test_ranges_are_written_for_people() -> None:
    assert [shown(x) for x in (BYTES, UNIT, SIGNED)] == ["0..255", "[0, 1]", "[-1, 1]"]
