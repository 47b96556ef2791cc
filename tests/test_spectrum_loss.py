"""The spectrum as a loss: blind to where speckle lies, not to a grid or to smoothness."""

import pytest
import torch

from super_resolution_gans.losses import grid, spectrum, texture


def speckle(seed: int, side: int = 96) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (0.4 + 0.1 * torch.randn(8, 1, side, side, generator=generator)).clamp(0, 1)


def dots(levels: float = 16) -> torch.Tensor:
    """Every fourth pixel of every fourth row brighter."""
    image = torch.zeros(96, 96)
    image[::4, ::4] = levels / 255
    return image


def test_an_image_is_at_no_distance_from_itself() -> None:
    assert float(spectrum(speckle(0), speckle(0))) == 0
    assert float(grid(speckle(0), speckle(0), (4, 4))) == 0


def test_other_speckle_of_the_same_kind_is_near_and_smooth_tissue_is_far() -> None:
    near = float(spectrum(speckle(0), speckle(1)))
    smooth = torch.nn.functional.avg_pool2d(speckle(0), 3, 1, padding=1)
    assert near < 0.05
    assert float(spectrum(smooth, speckle(0))) > 5 * near


def test_other_speckle_of_the_same_kind_is_near_in_texture_too() -> None:
    near = float(texture(speckle(0), speckle(1)))
    smooth = torch.nn.functional.avg_pool2d(speckle(0), 3, 1, padding=1)
    assert float(texture(speckle(0), speckle(0))) == 0
    assert near < 0.15
    assert float(texture(smooth, speckle(0))) > 5 * near


def test_noise_in_the_wrong_place_is_seen_patch_by_patch_and_not_in_the_mean() -> None:
    left = (torch.arange(192) < 96).float()
    noise = speckle(0, 192) - 0.4
    here, there = 0.4 + noise * left, 0.4 + noise * (1 - left)
    assert float(spectrum(here, there)) < 0.05
    assert float(texture(here, there)) > 1


def test_texture_knows_the_direction_of_grains() -> None:
    lateral = torch.nn.functional.avg_pool2d(speckle(0), (1, 5), 1, padding=(0, 2))
    axial = torch.nn.functional.avg_pool2d(speckle(1), (5, 1), 1, padding=(2, 0))
    other = torch.nn.functional.avg_pool2d(speckle(1), (1, 5), 1, padding=(0, 2))
    assert float(texture(lateral, axial)) > 3 * float(texture(lateral, other))


def test_a_faint_grid_is_lost_in_the_whole_spectrum_and_found_at_its_frequencies() -> None:
    with_grid, other = speckle(0) + dots(), speckle(1)
    assert float(spectrum(with_grid, speckle(0))) < float(spectrum(other, speckle(0)))
    assert float(grid(with_grid, speckle(0), (4, 4))) > 2 * float(grid(other, speckle(0), (4, 4)))


def test_the_grid_is_that_of_the_scale() -> None:
    rows = torch.zeros(96, 96)
    rows[::2] = 8 / 255
    rows = speckle(0) + rows
    vertical, lateral = (float(grid(rows, speckle(0), scale)) for scale in ((2, 1), (1, 2)))
    assert vertical > 20 * lateral


@pytest.mark.parametrize("scale", [(3, 3), (1, 4), (8, 8), (5, 2)])
def test_every_scale_has_its_grid(scale: tuple[int, int]) -> None:
    assert float(grid(speckle(1), speckle(0), scale)) > 0


def test_descending_it_takes_a_grid_away() -> None:
    amount = torch.tensor(1.0, requires_grad=True)
    optimizer = torch.optim.Adam([amount], lr=0.05)
    for _ in range(60):
        optimizer.zero_grad()
        grid(speckle(0) + amount * dots(), speckle(0), (4, 4)).backward()
        optimizer.step()
    assert abs(float(amount.detach())) < 0.15


@pytest.mark.parametrize("shape", [(2, 3, 64, 80), (1, 1, 48, 48), (1, 1, 200, 64), (1, 1, 16, 20)])
def test_any_size_and_colour_has_a_finite_gradient(shape: tuple[int, ...]) -> None:
    sr = torch.zeros(shape, requires_grad=True)
    hr = torch.rand(shape)
    (spectrum(sr, hr) + grid(sr, hr, (4, 4)) + texture(sr, hr)).backward()
    assert sr.grad is not None
    assert bool(torch.isfinite(sr.grad).all())
