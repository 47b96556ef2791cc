"""Whether a network treats pixels by their place in a block."""

from torch import Tensor


def subpixel_bias(sr: Tensor, hr: Tensor, scale: tuple[int, int]) -> Tensor:
    """How far the places in a block of ``scale`` pixels are biased apart, in grey levels^2.

    The error SR - HR of an image is averaged over all pixels with the same place in their block,
    and the variance of these v * h means is averaged over images. Without a bias it is the variance
    of the error over the number of blocks; a constant pattern of one grey level (of 256), which a
    spectrum of bright speckle hides and a dark background shows, adds its whole square.

    Args:
        sr: (N, C, v*H, h*W) in [0, 1], of a network that magnifies by ``scale``.
        hr: the same shape.
        scale: (vertical, lateral) factors.
    """
    error = _blocks(sr.float() - hr, scale)
    means = error.mean(dim=(2, 4)) * 255
    centred = means - means.mean(dim=(-2, -1), keepdim=True)
    return centred.square().mean()


def _blocks(images: Tensor, scale: tuple[int, int]) -> Tensor:
    """(N, C, v*H, h*W) -> (N, C, H, v, W, h)."""
    n, c, height, width = images.shape
    return images.reshape(n, c, height // scale[0], scale[0], width // scale[1], scale[1])
