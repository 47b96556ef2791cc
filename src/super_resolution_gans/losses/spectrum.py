"""How far the power spectrum of a batch is from that of its references."""

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor

WINDOW = 64
PATCH = 32  # of what counts as one texture: a layer of the retina is about as thick
BAND = 4  # bins a side that share a band: enough of them to average speckle out


def texture(sr: Tensor, hr: Tensor) -> Tensor:
    """Mean squared difference of log10 power, patch by patch and band by band, in decades^2.

    In every Hann-windowed patch of 32 x 32 pixels, 16 apart, power is averaged over bands of 4 x 4
    frequencies before the logarithm is taken: speckle need not agree, its strength, grain and
    direction have to, and in the same place. A mean over the whole image, as :func:`spectrum`
    takes it, lets much noise in one place make up for none in another.

    Args:
        sr: (N, C, H, W) in [0, 1].
        hr: the same shape; power below that of rounding to 8 bit counts as such, in both.
    """
    side = min(PATCH, *sr.shape[-2:])
    window = _hann(side, sr.device)
    made, wanted = (_log_bands(x.float(), window) for x in (sr, hr))
    return (made - wanted).square().mean()


def _log_bands(images: Tensor, window: Tensor) -> Tensor:
    """(N, C, H, W) -> log10 power (patches, 1, bands down, bands across)."""
    side = len(window)
    amplitudes = torch.fft.rfft2(_patches(images, side) * window)
    power = amplitudes.abs().square().flatten(0, 3)[:, None, :, : side // 2]
    return torch.log10(F.avg_pool2d(power, min(BAND, side // 2)) + _rounding(side))


def spectrum(sr: Tensor, hr: Tensor) -> Tensor:
    """Mean squared difference of log10 mean power over all frequencies, in decades^2, a scalar.

    In every image power is averaged over channels and Hann-windowed patches of 64 x 64 pixels every
    32 (smaller images are one patch) before the logarithm is taken, so that only the statistics of
    the texture have to agree, not each speckle. Images are not averaged: a batch holds scans of
    several devices, and the grain that one lacks would be made up for by too much in another.

    Args:
        sr: (N, C, H, W) in [0, 1].
        hr: the same shape; power below that of rounding to 8 bit counts as such, in both.
    """
    return _squares(sr, hr).mean()


def grid(sr: Tensor, hr: Tensor, scale: tuple[int, int]) -> Tensor:
    """:func:`spectrum`, at the frequencies of a grid alone.

    They are those that a network draws when it treats pixels by their place in a block of
    ``scale``: multiples of 1 / scale cycles per pixel, and the bins beside them, into which the
    window leaks. A network that upsamples makes missing high frequencies up from such a grid, which
    pixel and feature losses let pass (Durall et al. 2020, arXiv 2003.01826, observed it, and
    punished a radial profile of the spectrum); it fills few frequencies and is lost in a mean over
    all of them.

    Args:
        sr: (N, C, H, W) in [0, 1].
        hr: the same shape.
        scale: (vertical, lateral) factors of the network.
    """
    rows, columns = _grid(min(WINDOW, *sr.shape[-2:]), scale)
    return _squares(sr, hr)[:, rows, columns].mean()


def _squares(sr: Tensor, hr: Tensor) -> Tensor:
    """Squared difference of log10 mean power: (N, rows, columns), as ``rfft2`` orders them."""
    side = min(WINDOW, *sr.shape[-2:])
    window, rounding = _hann(side, sr.device), _rounding(side)
    made, wanted = (torch.log10(_mean_power(x.float(), window, side) + rounding) for x in (sr, hr))
    squares: Tensor = (made - wanted) ** 2
    return squares


def _mean_power(images: Tensor, window: Tensor, side: int) -> Tensor:
    amplitudes: Tensor = torch.fft.rfft2(_patches(images, side) * window)
    return amplitudes.abs().square().flatten(1, -3).mean(dim=1)


def _patches(images: Tensor, side: int) -> Tensor:
    """(N, C, H, W) -> (N, C, rows, columns, side, side), half of each in the next."""
    return images.unfold(-2, side, side // 2).unfold(-2, side, side // 2)


def _hann(side: int, device: torch.device) -> Tensor:
    hann = torch.hann_window(side, periodic=True, device=device)
    return hann[:, None] * hann


def _rounding(side: int) -> float:
    """Power of rounding to 8 bit: the sum of window^2 times the variance."""
    return (0.375 * side / 255) ** 2 / 12


def _grid(side: int, scale: tuple[int, int]) -> tuple[list[int], list[int]]:
    """Rows and columns of ``rfft2`` within one bin of a multiple of 1 / scale, without the mean."""
    vertical, lateral = ([round(k * side / s) for k in range(s)] for s in scale)
    bins = {
        ((row + down) % side, column + right)
        for row, column in itertools.product(vertical, lateral)
        for down, right in itertools.product((-1, 0, 1), repeat=2)
        if (row or column) and 0 <= column + right <= side // 2
    }
    return [row for row, _ in sorted(bins)], [column for _, column in sorted(bins)]
