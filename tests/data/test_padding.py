"""White padding that is laid over crops: straight, hard, on one side, as often as asked."""

import numpy as np
import pytest
import torch
from torch import Tensor

from super_resolution_gans.data.augment import Augmentation
from super_resolution_gans.data.padding import DEEPEST, STEEPEST, pad

SIDE = (48, 64)


def tissue(count: int = 1, channels: int = 1) -> Tensor:
    """Noise without white."""
    generator = torch.Generator().manual_seed(3)
    return 0.9 * torch.rand(count, channels, *SIDE, generator=generator)


def padded(seed: int, image: Tensor) -> Tensor:
    """``image`` (C, H, W) with the padding of one seed."""
    return pad(image, np.random.Generator(np.random.Philox(seed)))


def from_the_top(white: Tensor) -> tuple[str, Tensor]:
    """The side that padding comes from, and ``white`` turned so that it is the top."""
    turned = {"top": white, "bottom": white.flip(0), "left": white.T, "right": white.T.flip(0)}
    side = max(turned, key=lambda name: int(turned[name][0].sum()))
    return side, turned[side]


@pytest.mark.parametrize("seed", range(40))
def test_padding_lies_beyond_a_straight_hard_edge_of_one_side(seed: int) -> None:
    image = tissue()[0]
    made = padded(seed, image)
    white = made[0] == 1
    assert torch.equal(made[0][~white], image[0][~white])  # no half-tones
    _, white = from_the_top(white)
    depths = white.sum(dim=0)
    assert torch.equal(white, torch.arange(len(white))[:, None] < depths)  # nothing apart from it
    inside = (depths > 0) & (depths < len(white))
    columns = torch.arange(len(depths))[inside].double()
    if len(columns) > 2:
        slant, start = np.polyfit(columns, depths[inside].double(), 1)
        assert abs(slant) <= STEEPEST + 0.05
        line = torch.from_numpy(slant * columns.numpy() + start)
        assert float((depths[inside] - line).abs().max()) < 1.5


def test_padding_comes_from_all_sides_mostly_above_and_below_and_at_most_so_deep() -> None:
    image = tissue()[0]
    found = [from_the_top(padded(seed, image)[0] == 1) for seed in range(400)]
    sides = [side for side, white in found if white.any()]
    shares = {side: sides.count(side) / len(sides) for side in ("top", "bottom", "left", "right")}
    expected = {"top": 0.4, "bottom": 0.4, "left": 0.1, "right": 0.1}
    assert shares == pytest.approx(expected, abs=0.08)
    middles = [int(white[:, white.shape[1] // 2].sum()) / len(white) for _, white in found]
    assert max(middles) <= DEEPEST + 0.03
    assert np.mean(middles) == pytest.approx(DEEPEST / 2, abs=0.04)


def test_all_channels_get_the_same_padding() -> None:
    white = padded(0, tissue(channels=3)[0]) == 1
    assert bool(white.any())
    assert torch.equal(white[0], white[1])
    assert torch.equal(white[0], white[2])


def test_as_many_crops_get_padding_as_asked_and_the_others_stay() -> None:
    images = tissue(300)
    made = Augmentation(padding=0.3)(images, SIDE, seed=1, step=1)
    changed = (made != images).flatten(1).any(dim=1)
    assert float(changed.float().mean()) == pytest.approx(0.3, abs=0.08)
    assert torch.equal(made[~changed], images[~changed])
    assert Augmentation(padding=0.3).changes


def test_a_crop_with_padding_of_its_own_gets_none() -> None:
    images = tissue(20)
    made = Augmentation(padding=1.0)(images, SIDE, seed=1, step=1, padded=[True] * 20)
    assert torch.equal(made, images)


def test_padding_is_white_whatever_grey_levels_become_and_changes_no_other_draw() -> None:
    images = tissue(30)
    darker = Augmentation(gain=(0.3, 0.6), speckle=(0.1, 0.2))(images, SIDE, seed=1, step=1)
    both = Augmentation(gain=(0.3, 0.6), speckle=(0.1, 0.2), padding=1.0)
    made = both(images, SIDE, seed=1, step=1)
    white = made == 1
    assert torch.equal(made[~white], darker[~white])
    assert float(darker.max()) < 1
    assert bool(white.any())
