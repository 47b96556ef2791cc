"""The spectrum as a loss: blind to where speckle lies, not to a grid or to smoothness."""

import itertools

import numpy as np
import pytest
import torch
from scipy.signal.windows import hann

from super_resolution_gans.losses import grid, spectrum, texture


def speckle(seed: int, side: int = 96) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (0.4 + 0.1 * torch.randn(8, 1, side, side, generator=generator)).clamp(0, 1)


def dots(levels: float = 16, side: int = 96) -> torch.Tensor:
    """Every fourth pixel of every fourth row brighter."""
    image = torch.zeros(side, side)
    image[::4, ::4] = levels / 255
    return image


def powers(images: torch.Tensor, side: int) -> np.ndarray:
    """By frequency, of each Hann-windowed patch: (patches, side, side // 2 + 1), by numpy."""
    window = np.outer(hann(side, sym=False), hann(side, sym=False))
    height, width = images.shape[-2:]
    return np.array(
        [
            np.abs(np.fft.rfft2(plane[row : row + side, column : column + side] * window)) ** 2
            for plane in images.numpy().astype(np.float64).reshape(-1, height, width)
            for row in range(0, height - side + 1, side // 2)
            for column in range(0, width - side + 1, side // 2)
        ]
    )


def rounding(side: int) -> float:
    """The power that rounding to 8 bit has in a windowed patch, at every frequency."""
    window = np.outer(hann(side, sym=False), hann(side, sym=False))
    return float((window**2).sum() * (1 / 255) ** 2 / 12)


def pair(shape: tuple[int, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    """Noise, and a dark image of less than rounding."""
    generator = torch.Generator().manual_seed(5)
    return torch.rand(shape, generator=generator), 1e-3 * torch.rand(shape, generator=generator)


def squares(sr: torch.Tensor, hr: torch.Tensor, side: int) -> np.ndarray:
    """By image and frequency."""
    means = [np.array([powers(image, side).mean(axis=0) for image in x]) for x in (sr, hr)]
    decades = [np.log10(mean + rounding(side)) for mean in means]
    return np.asarray((decades[0] - decades[1]) ** 2)


SHAPES = [((2, 1, 96, 128), 64), ((1, 3, 64, 100), 64), ((2, 1, 90, 48), 48)]


@pytest.mark.parametrize(("shape", "side"), SHAPES)
def test_the_spectrum_is_that_of_numpy(shape: tuple[int, ...], side: int) -> None:
    sr, hr = pair(shape)
    expected = squares(sr, hr, side).mean()
    assert float(spectrum(sr, hr)) == pytest.approx(expected, rel=1e-4)
    assert float(spectrum(sr.double(), hr)) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(("shape", "side"), SHAPES)
@pytest.mark.parametrize("scale", [(4, 4), (1, 2), (3, 5), (8, 1)])
def test_the_grid_is_the_mean_over_the_bins_around_its_frequencies(
    shape: tuple[int, ...], side: int, scale: tuple[int, int]
) -> None:
    def near(row: int, column: int) -> bool:
        for down, right in itertools.product(*map(range, scale)):
            rows = abs(row - round(down * side / scale[0]))
            columns = abs(column - round(right * side / scale[1]))
            if (down or right) and min(rows, side - rows) <= 1 and columns <= 1:
                return True
        return False

    sr, hr = pair(shape)
    chosen = [
        value
        for (_, row, column), value in np.ndenumerate(squares(sr, hr, side))
        if near(row, column)
    ]
    assert float(grid(sr, hr, scale)) == pytest.approx(np.mean(chosen), rel=1e-4)


@pytest.mark.parametrize(
    ("shape", "side", "band"),
    [
        ((2, 1, 64, 80), 32, 4),
        ((1, 3, 40, 33), 32, 4),
        ((1, 1, 20, 24), 20, 4),
        ((1, 1, 6, 9), 6, 3),
    ],
)
def test_the_texture_is_that_of_numpy(shape: tuple[int, ...], side: int, band: int) -> None:
    def decades(images: torch.Tensor) -> np.ndarray:
        bands = side // 2 // band * band
        power = powers(images, side)[:, : side // band * band, :bands]
        cells = power.reshape(len(power), -1, band, bands // band, band).mean(axis=(2, 4))
        return np.log10(cells + rounding(side))

    sr, hr = pair(shape)
    expected = ((decades(sr) - decades(hr)) ** 2).mean()
    assert float(texture(sr, hr)) == pytest.approx(expected, rel=1e-4)
    assert float(texture(sr.double(), hr)) == pytest.approx(expected, rel=1e-4)


def test_an_image_is_at_no_distance_from_itself() -> None:
    assert float(spectrum(speckle(0), speckle(0))) == 0
    assert float(grid(speckle(0), speckle(0), (4, 4))) == 0


def test_other_speckle_of_the_same_kind_is_near_and_smooth_tissue_is_far() -> None:
    one, other = speckle(0, 256), speckle(1, 256)
    near = float(spectrum(one, other))
    smooth = torch.nn.functional.avg_pool2d(one, 3, 1, padding=1)
    assert near < 0.05
    assert float(spectrum(smooth, one)) > 5 * near


def test_other_speckle_of_the_same_kind_is_near_in_texture_too() -> None:
    near = float(texture(speckle(0), speckle(1)))
    smooth = torch.nn.functional.avg_pool2d(speckle(0), 3, 1, padding=1)
    assert float(texture(speckle(0), speckle(0))) == 0
    assert near < 0.15
    assert float(texture(smooth, speckle(0))) > 5 * near


def test_too_much_grain_in_one_image_does_not_make_up_for_too_little_in_another() -> None:
    fine, coarse = 0.4 + 2 * (speckle(0)[:1] - 0.4), 0.4 + 0.5 * (speckle(1)[:1] - 0.4)
    right, exchanged = torch.cat([fine, coarse]), torch.cat([coarse, fine])
    assert float(spectrum(exchanged, right)) > 1
    assert float(grid(exchanged, right, (4, 4))) > 1


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
    plain, other = speckle(0, 256), speckle(1, 256)
    with_grid = plain + dots(side=256)
    assert float(spectrum(with_grid, plain)) < float(spectrum(other, plain))
    assert float(grid(with_grid, plain, (4, 4))) > 2 * float(grid(other, plain, (4, 4)))


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
