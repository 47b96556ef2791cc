"""The matrices of downsampling, against those that downsampling itself shows."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from super_resolution_gans.degrade import Kernel, downsample
from super_resolution_gans.prediction import shrinking
from super_resolution_gans.prediction.shrinking import NEIGHBOURS, gram_diagonals, kept, taps

KERNELS = ("bicubic", "area")


def responses(factor: int, kernel: Kernel, cells: int) -> NDArray[np.float64]:
    """(cells, cells * factor): what each pixel of a column gives to each LR pixel."""
    pixels = torch.eye(cells * factor, dtype=torch.float64)[:, None, :, None]
    return downsample(pixels, (factor, 1), kernel)[:, 0, :, 0].numpy().T


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("factor", [1, 2, 3, 4, 8])
def test_the_kernel_is_what_downsampling_does_to_single_pixels(factor: int, kernel: Kernel) -> None:
    taps.cache_clear()
    middle = 2 * NEIGHBOURS
    seen = responses(factor, kernel, 2 * middle + 1)[middle].reshape(-1, factor)
    around = seen[middle - NEIGHBOURS : middle + NEIGHBOURS + 1]
    assert np.abs(taps(factor, kernel) - around).max() < 1e-6
    assert (
        np.abs(np.delete(seen, range(middle - NEIGHBOURS, middle + NEIGHBOURS + 1), 0)).max() == 0
    )


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("start", "stop"), [(0, 9), (0, 3), (2, 7), (5, 9), (4, 5), (1, 2)])
def test_the_bands_are_those_of_the_dense_product(kernel: Kernel, start: int, stop: int) -> None:
    n, factor = 9, 4
    dense = np.zeros((n, (n + 2 * NEIGHBOURS) * factor))
    for row in range(n):
        at = row * factor
        dense[row, at : at + (2 * NEIGHBOURS + 1) * factor] = taps(factor, kernel).ravel()
    inside = dense[:, NEIGHBOURS * factor : -NEIGHBOURS * factor]
    product = (inside @ inside.T)[start:stop, start:stop]
    bands = gram_diagonals(factor, kernel, n, start, stop)
    for shift, band in enumerate(bands):
        expected = np.append(np.diagonal(product, shift), np.zeros(min(shift, stop - start)))
        assert np.abs(band - expected).max() < 1e-12
    beyond = [np.diagonal(product, shift) for shift in range(len(bands), stop - start)]
    assert all(not diagonal.any() for diagonal in beyond)
    assert (
        np.abs(kept(factor, kernel, n, start, stop) - inside.sum(axis=1)[start:stop]).max() < 1e-12
    )


@pytest.mark.parametrize(
    ("factor", "kernel", "reason"),
    [(0, "bicubic", "at least 1, not 0"), (4, "decimate", "cannot project onto 'decimate'")],
)
def test_what_has_no_kernel_is_refused(factor: int, kernel: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        shrinking.taps(factor, kernel)  # type: ignore[arg-type]
