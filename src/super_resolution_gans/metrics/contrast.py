"""Contrast and noise of a B-scan as papers on OCT report them: CNR, ENL, SNR; edge preservation.

The first three look at one image, in regions that are labelled as
:mod:`super_resolution_gans.metrics.regions` says; take them of HR for every method. They are
defined on intensities, and computed here on the grey levels as they are, which most devices have
compressed: compare them only between images of one device and setting. They were made for
despeckling, where more is better; of a super-resolution they say something beside those of HR
only, since blurring raises ENL and invented speckle lowers it.

Sources: Adler, Ko and Fujimoto 2004, "Speckle reduction in optical coherence tomography images by
use of a spatially adaptive wavelet filter", Optics Letters 29, and Ozcan et al. 2007, "Speckle
reduction in optical coherence tomography images using digital filtering", JOSA A 24, for CNR, ENL
and SNR; Sattar et al. 1997, "Image enhancement based on a nonlinear multiscale method", IEEE
Transactions on Image Processing 6, for edge preservation, which Salinas and Fernandez 2007 took
over for OCT (IEEE Transactions on Medical Imaging 26).
"""

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.metrics.image import MetricError, channels, compared, cut
from super_resolution_gans.metrics.regions import Labels, background_of, tissue_of
from super_resolution_gans.metrics.subject import Image, Mask, Subject, subject
from super_resolution_gans.metrics.undefined import UndefinedError
from super_resolution_gans.metrics.window import gaussian_window, weigh

Plane = NDArray[np.float64]


def cnr(image: Image | Subject, regions: Labels) -> float:
    """Contrast-to-noise ratio, mean over the regions of tissue, not in decibels.

    (mean of region - mean of background) / sqrt(variance of region + variance of background).

    Args:
        image: (H, W).
        regions: whole numbers (H, W): 1 background, 2 and above tissue.

    Raises:
        UndefinedError: if background or tissue are not labelled, or both do not vary at all.
        MetricError: if image or labels are not as described.
    """
    plane = _grey(image)
    behind = plane[background_of(regions, plane.shape)]
    ratios = []
    for region in tissue_of(regions, plane.shape):
        values = plane[region]
        noise = float(np.sqrt(values.var() + behind.var()))
        if noise < 1e-9:
            raise UndefinedError("background and tissue do not vary, there is no CNR")
        ratios.append(float(values.mean() - behind.mean()) / noise)
    return float(np.mean(ratios))


def enl(image: Image | Subject, regions: Labels) -> float:
    """Equivalent number of looks, mean over the regions of tissue: mean squared over variance.

    Args:
        image: (H, W).
        regions: whole numbers (H, W): 2 and above tissue.

    Raises:
        UndefinedError: if no tissue is labelled, or a region does not vary.
        MetricError: if image or labels are not as described.
    """
    plane = _grey(image)
    looks = []
    for region in tissue_of(regions, plane.shape):
        values = plane[region]
        if values.std() < 1e-9:
            raise UndefinedError("a region of tissue does not vary, its ENL is infinite")
        looks.append(float(values.mean() ** 2 / values.var()))
    return float(np.mean(looks))


def snr(image: Image | Subject, regions: Labels, *, mask: Mask | None = None) -> float:
    """Signal-to-noise ratio in dB: 20 log10(largest value / standard deviation of background).

    Args:
        image: (H, W).
        regions: whole numbers (H, W): 1 background.
        mask: (H, W), True = counted for the largest value; padding would be it.

    Raises:
        UndefinedError: if no background is labelled, or it does not vary, or the image is black.
        MetricError: if image, labels or mask are not as described.
    """
    plane = _grey(image)
    if mask is not None and (mask.shape != plane.shape or mask.dtype != np.bool_):
        raise MetricError(f"mask is {mask.dtype} {mask.shape}; expected bool {plane.shape}")
    noise = float(plane[background_of(regions, plane.shape)].std())
    peak = float((plane if mask is None else plane[mask]).max(initial=0.0))
    if noise < 1e-9 or peak <= 0:
        raise UndefinedError("the background does not vary, or the image is black: no SNR")
    return float(20 * np.log10(peak / noise))


def edge_preservation(
    sr: Image | Subject,
    hr: Image | Subject,
    *,
    sigma: float = 0.0,
    border: int = 4,
    mask: Mask | None = None,
) -> float:
    """Edge preservation index: the correlation of the Laplacians of SR and HR, -1 to 1.

    1 for images with the same edges; 0 if what changes from pixel to pixel has nothing in common.
    The Laplacian is four neighbours less four times the pixel; a pixel counts if these five do.
    The ratio of gradients that some call by the same name is not this: noise raises it.

    Args:
        sr: (H, W) or (H, W, 3); of colour the mean over channels.
        hr: same shape.
        sigma: of a Gaussian that both are smoothed by before, in pixels. Sattar et al. have none
            (0), and then speckle decides; 2 leaves the edges of layers.
        border: pixels cut from each edge; at least one.
        mask: (H, W), True = counted.

    Raises:
        UndefinedError: if one of them has no edges, or no pixel is left.
        MetricError: as :func:`~super_resolution_gans.metrics.image.psnr`.
    """
    first, second = subject(sr), subject(hr)
    border = max(border, 1)
    counted = compared(first, second, border - 1, mask)[2]
    beside = counted[:-2, 1:-1] & counted[2:, 1:-1] & counted[1:-1, :-2] & counted[1:-1, 2:]
    counted = counted[1:-1, 1:-1] & beside
    if not counted.any():
        raise UndefinedError("no pixel is left whose neighbours are counted")

    def laplacians(image: Subject) -> list[Plane]:
        what = ("laplacian", sigma, border)
        return image.once(what, lambda: [_laplacian(p, sigma, border) for p in channels(image)])

    pairs = zip(laplacians(first), laplacians(second), strict=True)
    return float(np.mean([_correlation(x[counted], y[counted]) for x, y in pairs]))


def _laplacian(plane: Plane, sigma: float, border: int) -> Plane:
    """Of the pixels inside the border."""
    if sigma > 0:
        plane = weigh(plane, gaussian_window(sigma, reach=int(np.ceil(4 * sigma))), "mirror")
    near = cut(plane, border - 1)
    return near[:-2, 1:-1] + near[2:, 1:-1] + near[1:-1, :-2] + near[1:-1, 2:] - 4 * cut(near, 1)


def _correlation(x: Plane, y: Plane) -> float:
    x, y = x - x.mean(), y - y.mean()
    power = float(np.sqrt((x @ x) * (y @ y)))
    if power < 1e-12:
        raise UndefinedError("an image without edges preserves none")
    return float(x @ y) / power


def _grey(image: Image | Subject) -> Plane:
    planes = channels(image)
    if len(planes) != 1:
        raise MetricError("contrast is measured on one channel; expected (height, width)")
    return planes[0]
