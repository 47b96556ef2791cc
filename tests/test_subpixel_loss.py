"""The bias of places in a block: blind to noise and to what is wrong alike everywhere."""

import pytest
import torch

from super_resolution_gans.losses import subpixel_bias


def noise(seed: int, levels: float, shape: tuple[int, ...] = (4, 1, 96, 96)) -> torch.Tensor:
    return levels / 255 * torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_one_brighter_place_in_sixteen_costs_its_variance() -> None:
    hr = torch.full((2, 1, 96, 96), 0.4)
    sr = hr.clone()
    sr[:, :, 1::4, 2::4] += 8 / 255
    expected = 8**2 * (1 / 16) * (15 / 16)
    assert float(subpixel_bias(sr, hr, (4, 4))) == pytest.approx(expected, rel=1e-4)


def test_noise_costs_its_variance_over_the_number_of_blocks() -> None:
    hr = torch.full((4, 1, 96, 96), 0.4)
    found = float(subpixel_bias(hr + noise(0, 24), hr, (4, 4)))
    assert found == pytest.approx(24**2 / 12**2 * 15 / 16, rel=0.3)


def test_an_error_that_is_alike_everywhere_costs_nothing() -> None:
    hr = noise(1, 30)
    assert float(subpixel_bias(hr + 0.2, hr, (4, 4))) == pytest.approx(0, abs=1e-6)


def test_blocks_are_those_of_the_scale_and_images_are_judged_by_themselves() -> None:
    hr = torch.zeros(2, 3, 24, 24)
    sr = hr.clone()
    sr[..., ::3, :] = 3 / 255
    assert float(subpixel_bias(sr, hr, (3, 1))) == pytest.approx(2)
    assert float(subpixel_bias(sr, hr, (1, 4))) == pytest.approx(0)
    sr[1] = -sr[1]  # the mean of both images has no bias
    assert float(subpixel_bias(sr, hr, (3, 1))) == pytest.approx(2)


def test_a_bias_at_the_border_does_not_make_up_for_another_inside() -> None:
    hr = torch.zeros(1, 1, 144, 144)
    pattern = torch.zeros(144, 144)
    pattern[::4, ::4] = 4 / 255
    sign = torch.full((144, 144), -1.0)
    sign[48:96, 48:96] = 8  # the mean over the image is none
    whole, inside = (float(subpixel_bias(hr + p, hr, (4, 4))) for p in (pattern * sign, pattern))
    assert whole == pytest.approx(inside * (8 * 1 + 64) / 9, rel=1e-4)


def test_an_image_smaller_than_a_cell_is_one() -> None:
    hr, pattern = torch.zeros(1, 1, 24, 24), torch.zeros(24, 24)
    pattern[::4, ::4] = 4 / 255
    opposed = pattern * torch.tensor([1.0, -1]).repeat_interleave(12)
    for made in (opposed, opposed.mT):
        assert float(subpixel_bias(hr + made, hr, (4, 4))) == pytest.approx(0, abs=1e-9)
    assert float(subpixel_bias(hr + pattern, hr, (4, 4))) > 0.9


@pytest.mark.parametrize(
    ("size", "scale"), [(24, (4, 4)), (50, (2, 2)), (100, (8, 8)), (70, (1, 4))]
)
def test_sizes_that_cells_do_not_divide_lose_a_rest(size: int, scale: tuple[int, int]) -> None:
    hr = torch.zeros(1, 1, size // scale[0] * scale[0], size // scale[1] * scale[1])
    rows = torch.zeros_like(hr)
    rows[..., :: scale[1]] = 6 / 255
    share = 1 / scale[1]
    found = float(subpixel_bias(rows, hr, scale))
    assert found == pytest.approx(36 * share * (1 - share), rel=1e-4)


def test_descending_it_takes_the_pattern_away() -> None:
    pattern = torch.tensor([[2.0, -1], [0, 3]], requires_grad=True)
    hr = noise(2, 20)
    optimizer = torch.optim.Adam([pattern], lr=0.1)
    for _ in range(80):
        optimizer.zero_grad()
        subpixel_bias(hr + noise(3, 5) + pattern.repeat(48, 48) / 255, hr, (2, 2)).backward()
        optimizer.step()
    assert float((pattern - pattern.mean()).detach().abs().max()) < 0.3
