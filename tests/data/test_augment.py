"""Varied crops: what is asked for, nothing else, and the same whoever computes them."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from super_resolution_gans.data.augment import Augmentation
from super_resolution_gans.degrade import add_speckle

ALL = Augmentation(gamma=(0.7, 1.5), gain=(0.8, 1.2), rotation=8, speckle=(0.05, 0.2))
SIDE = (24, 32)


def cuts(augmentation: Augmentation, count: int = 4, channels: int = 1, seed: int = 0) -> Tensor:
    """Noise of a side that leaves ``SIDE`` after rotation."""
    size = [s + 2 * m for s, m in zip(SIDE, augmentation.margin(SIDE), strict=True)]
    return torch.rand(count, channels, *size, generator=torch.Generator().manual_seed(seed))


def drawn(values: Callable[[Tensor], Tensor], augmentation: Augmentation, level: float) -> Tensor:
    """What ``values`` makes of 200 evenly grey crops."""
    grey = torch.full((200, 1, *SIDE), level)
    return values(augmentation(grey, SIDE, seed=1, step=2)[:, 0, 0, 0])


def test_the_defaults_change_nothing() -> None:
    nothing, image = Augmentation(), cuts(Augmentation())
    assert not nothing.changes
    assert nothing.margin(SIDE) == (0, 0)
    assert torch.equal(nothing(image, SIDE, seed=1, step=1), image)
    for values in ({"gamma": (1.0, 1.1)}, {"gain": (0.9, 1.0)}, {"rotation": 1.0}):
        assert Augmentation(**values).changes
    assert Augmentation(speckle=(0.0, 0.1)).changes


@pytest.mark.parametrize("parts", [[1] * 6, [4, 2], [3, 3]])
def test_parts_of_a_batch_are_the_whole(parts: list[int]) -> None:
    image = cuts(ALL, 6, channels=3)
    whole = ALL(image, SIDE, seed=3, step=9)
    found = []
    for first, part in zip(np.cumsum([0, *parts]), image.split(parts), strict=False):
        found.append(ALL(part, SIDE, seed=3, step=9, first=int(first)))
    assert torch.equal(torch.cat(found), whole)


def test_every_crop_seed_and_step_is_varied_in_its_own_way() -> None:
    image = cuts(ALL, 1).expand(3, -1, -1, -1)
    seen = [
        crop.numpy().tobytes()
        for seed, step in ((1, 1), (1, 2), (2, 1))
        for crop in ALL(image, SIDE, seed=seed, step=step)
    ]
    assert len(set(seen)) == 9


def test_what_is_drawn_does_not_change_between_versions() -> None:
    """A run that goes on after an update of the package must see the crops it would have seen."""
    grey = torch.full((2, 1, *SIDE), 0.25)
    only_gain = Augmentation(gain=(0.5, 2.0))(grey, SIDE, seed=7, step=100_000)[:, 0, 0, 0]
    only_gamma = Augmentation(gamma=(0.5, 2.0))(grey, SIDE, seed=7, step=100_000)[:, 0, 0, 0]
    torch.testing.assert_close(only_gain, torch.tensor([0.246775, 0.348316]), atol=1e-5, rtol=0)
    torch.testing.assert_close(only_gamma, torch.tensor([0.295691, 0.202181]), atol=1e-5, rtol=0)


def test_the_global_random_states_are_left_alone_and_so_is_the_input() -> None:
    state, image = torch.get_rng_state(), cuts(ALL)
    before = image.clone()
    ALL(image, SIDE, seed=1, step=1)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(image, before)


def test_gammas_are_log_uniform_and_keep_black_and_white() -> None:
    bent = Augmentation(gamma=(0.5, 2.0))
    exponents = drawn(lambda grey: grey.log2() / math.log2(0.25), bent, 0.25).log2()
    assert float(exponents.min()) >= -1
    assert float(exponents.max()) <= 1
    quarters = torch.histc(exponents, 4, -1, 1) / 200
    assert quarters.tolist() == pytest.approx([0.25] * 4, abs=0.08)
    for end in (0.0, 1.0):
        assert torch.equal(drawn(lambda grey: grey, bent, end), torch.full((200,), end))


def test_gains_multiply_and_are_clipped() -> None:
    factors = drawn(lambda grey: grey / 0.25, Augmentation(gain=(0.5, 2.0)), 0.25).log2()
    assert (torch.histc(factors, 4, -1, 1) / 200).tolist() == pytest.approx([0.25] * 4, abs=0.08)
    assert float(drawn(lambda grey: grey, Augmentation(gain=(3.0, 3.0)), 0.5).min()) == 1


def test_speckle_is_that_of_the_degradations() -> None:
    fixed = Augmentation(speckle=(0.2, 0.2))
    grey = torch.full((8, 1, 64, 64), 0.4)
    factors = fixed(grey, (64, 64), seed=1, step=1) / 0.4
    assert float(factors.mean()) == pytest.approx(1, abs=0.01)
    assert float(factors.std()) == pytest.approx(0.2, abs=0.01)
    expected = add_speckle(grey[:1], 0.2, torch.Generator().manual_seed(0)) / 0.4
    levels = torch.tensor([0.05, 0.5, 0.95])
    torch.testing.assert_close(
        torch.quantile(factors[0], levels), torch.quantile(expected[0], levels), atol=0.03, rtol=0
    )


def test_one_variation_more_leaves_the_others_as_they_were() -> None:
    grey = torch.full((5, 1, *SIDE), 0.25)
    gain = Augmentation(gain=(0.5, 1.5))(grey, SIDE, seed=1, step=1)
    both = Augmentation(gain=(0.5, 1.5), rotation=3)
    larger = torch.full_like(cuts(both, 5), 0.25)
    torch.testing.assert_close(both(larger, SIDE, seed=1, step=1), gain)


@settings(max_examples=60, deadline=None)
@given(
    side=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    rotation=st.floats(0.01, 45),
    step=st.integers(0, 2**40),
)
def test_a_rotated_ramp_is_the_ramp_of_the_turned_places_up_to_the_edges(
    side: tuple[int, int], rotation: float, step: int
) -> None:
    """Bicubic interpolation keeps planes, so any pixel from outside of the cut would show."""
    turned = Augmentation(rotation=rotation)
    height, width = (s + 2 * m for s, m in zip(side, turned.margin(side), strict=True))
    y, x = torch.meshgrid(
        torch.arange(height) - (height - 1) / 2,
        torch.arange(width) - (width - 1) / 2,
        indexing="ij",
    )
    reach = float(height + width)
    ramps = 0.5 + torch.stack([y, x])[None] / (2 * reach)
    found = (turned(ramps, side, seed=1, step=step)[0] - 0.5) * 2 * reach
    rows = (torch.arange(side[0]) - (side[0] - 1) / 2)[:, None].expand(side)
    columns = (torch.arange(side[1]) - (side[1] - 1) / 2).expand(side)
    # Every place lies as far from the centre as before, by one and the same angle.
    before = torch.complex(columns.double(), rows.double())
    after = torch.complex(found[1].double(), found[0].double())
    product = (after * before.conj()).sum()
    angle = float(product.angle()) if float(product.abs()) else 0.0
    assert abs(math.degrees(angle)) <= rotation + 0.1
    expected = before * complex(math.cos(angle), math.sin(angle))
    assert float((after - expected).abs().max()) < 2e-3


def test_angles_are_even_to_both_sides_and_as_large_as_asked() -> None:
    turned, side = Augmentation(rotation=10), (9, 9)
    margin = turned.margin(side)[0]
    size = 9 + 2 * margin
    ramp = (0.5 + (torch.arange(size) - (size - 1) / 2) / 100).expand(400, 1, size, size)
    found = turned(ramp, side, seed=1, step=1)[:, 0]
    slopes = torch.stack([found[:, 8, 4] - found[:, 0, 4], found[:, 4, 8] - found[:, 4, 0]])
    degrees = torch.rad2deg(torch.atan2(slopes[0], slopes[1]))
    assert float(degrees.abs().max()) == pytest.approx(10, abs=0.2)
    assert (torch.histc(degrees, 4, -10, 10) / 400).tolist() == pytest.approx([0.25] * 4, abs=0.07)


def test_the_margin_is_no_larger_than_the_angle_needs() -> None:
    assert Augmentation(rotation=5).margin((112, 112)) == (7, 7)  # 111 (cos + sin - 1) / 2 + 2
    assert Augmentation(rotation=45).margin((101, 101)) == (23, 23)
    assert Augmentation(rotation=45).margin((1, 101)) == (38, 2)
    assert Augmentation(rotation=1e-6).margin((96, 96)) == (3, 3)


@pytest.mark.parametrize("dark", [Augmentation(gain=(0.5, 0.5)), ALL])
def test_white_padding_stays_white_and_saturated_tissue_follows(dark: Augmentation) -> None:
    image = cuts(dark, 2) * 0.5
    image[..., : image.shape[-1] // 2] = 1.0
    image[..., 0] = 254 / 255
    varied = dark(image, SIDE, seed=1, step=1, padded=[True, False])
    inside = varied[..., 4 : SIDE[0] - 4, 4 : SIDE[1] // 2 - 8]
    assert bool((inside[0] >= 254 / 255 - 1e-6).all())
    if dark.gain == (0.5, 0.5):
        assert torch.equal(inside[1], torch.full_like(inside[1], 0.5))
        assert bool((varied[0, 0, :, 0] >= 254 / 255 - 1e-6).all())
    else:
        assert float(inside[1].std()) > 0.01


def test_only_what_is_white_in_all_channels_is_padding() -> None:
    image = torch.full((1, 3, *SIDE), 1.0)
    image[:, 1, :, :5] = 0.5
    varied = Augmentation(gain=(0.5, 0.5))(image, SIDE, seed=1, step=1, padded=[True])
    assert torch.equal(varied[..., :5], image[..., :5] * 0.5)
    assert torch.equal(varied[..., 5:], image[..., 5:])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"gamma": (0.0, 1.0)}, r"augment\.gamma must be an interval 0 < low <= high, not 0.0, 1"),
        ({"gamma": (2.0, 1.0)}, r"augment\.gamma"),
        ({"gain": (1.0, math.inf)}, r"augment\.gain"),
        ({"gain": (math.nan, 1.0)}, r"augment\.gain"),
        ({"speckle": (-0.1, 0.1)}, r"augment\.speckle must be an interval 0 <= low <= high"),
        ({"speckle": (0.2, 0.1)}, r"augment\.speckle"),
        ({"rotation": -1.0}, r"augment\.rotation must be from 0 to 45 degrees, not -1"),
        ({"rotation": 45.1}, r"augment\.rotation"),
        ({"rotation": math.nan}, r"augment\.rotation"),
        ({"padding": 1.1}, r"augment\.padding must be from 0 to 1, not 1.1"),
        ({"padding": math.nan}, r"augment\.padding"),
    ],
)
def test_what_makes_no_sense_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Augmentation(**values)
