"""Whether a network treats pixels by their place in a block."""

from torch import Tensor

CELL = 48


def subpixel_bias(sr: Tensor, hr: Tensor, scale: tuple[int, int]) -> Tensor:
    """How far the places in a block of ``scale`` pixels are biased apart, in grey levels^2.

    In cells of about 48 x 48 pixels, the error SR - HR is averaged over all pixels with the same
    place in their block; the variance of these v * h means is averaged over cells and images.
    Without a bias it is the variance of the error over the number of blocks in a cell. A pattern of
    one grey level (of 256), which a spectrum of bright speckle hides and a dark background shows,
    adds its whole square. Cells, because a bias near the border of a crop, where the network sees
    padding, must not make up for another one inside.

    Args:
        sr: (N, C, v*H, h*W) in [0, 1], of a network that magnifies by ``scale``.
        hr: the same shape.
        scale: (vertical, lateral) factors.
    """
    error = sr.float() - hr
    rows, columns = (_cells(n, s) for n, s in zip(error.shape[-2:], scale, strict=True))
    (i, h), (j, w) = rows, columns
    v, u = scale
    blocks = error[..., : i * h * v, : j * w * u].reshape(*error.shape[:2], i, h, v, j, w, u)
    means = blocks.mean(dim=(3, 6)) * 255  # over the blocks of a cell
    centred = means - means.mean(dim=(3, 5), keepdim=True)
    return centred.square().mean()


def _cells(length: int, factor: int) -> tuple[int, int]:
    """How many cells fit, and how many blocks each has, in one direction."""
    blocks = length // factor
    count = max(1, round(length / CELL))
    return count, blocks // count
