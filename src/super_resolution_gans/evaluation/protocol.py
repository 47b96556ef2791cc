"""How the numbers of a comparison came about, in words, and which printed rows go with them."""

from collections.abc import Sequence

from super_resolution_gans.evaluation.compare import Comparison, Row
from super_resolution_gans.evaluation.measures import KNOWN
from super_resolution_gans.evaluation.pairs import text
from super_resolution_gans.evaluation.published import SOURCE, Published, published

_CHANNELS = {
    "grey": "grey",
    "y-studio": "Y of the colour image (MATLAB's rgb2ycbcr, 16..235)",
    "y-full": "Y of the colour image (.299 R + .587 G + .114 B)",
    "rgb": "red, green and blue",
}


def protocol_lines(comparison: Comparison) -> list[str]:
    """How the numbers came about, each sentence short enough for a terminal."""
    protocol, rows = comparison.protocol, comparison.rows
    made = {row.lr_made_here for row in rows}
    origin = {
        (True,): "bicubic-antialiased (a = -0.5) from HR, clipped, rounded to the source's depth",
        (False,): "as it came with HR",
        (False, True): "as it came with HR, else bicubic-antialiased (a = -0.5) and rounded",
    }[tuple(sorted(made))]
    white = "masked (HR of 8-bit level 254 and above)" if protocol.mask_padding else "not masked"
    channels = [_CHANNELS[c] for c in dict.fromkeys(row.channel for row in rows)]
    depths = ", ".join(_depth(levels) for levels in sorted({row.levels for row in rows}))
    return [
        f"protocol {protocol.in_short}",
        f"scale: {text(protocol.scale)} (vertical x lateral); LR: {origin}",
        f"SR: clipped and rounded to the source's depth ({depths}) before it is measured",
        f"channel: {'; '.join(channels)}{', of equal channels too' * protocol.as_stored}",
        f"border: {protocol.border} px cut from each edge; white padding: {white}",
        "PSNR: peak 1, over the counted pixels of each image",
        "SSIM Wang: 11 x 11 Gaussian, sigma 1.5, population covariance, mirrored at the edges",
        "SSIM daala: Gaussian of sigma 1.5 * height / 256, normalised at the edges",
        "LR consistency: PSNR of the downsampled SR against LR, whole image, not rounded again",
        *_lines_of_distances(rows),
        *_lines_of_more(comparison),
        "means: over images, each dataset by itself",
        *([f"rows (published): {SOURCE}; not measured here"] if _any_published(comparison) else []),
    ]


def published_rows(comparison: Comparison, dataset: str) -> list[Published]:
    """The printed rows that stand under the measured ones of a dataset."""
    return published(comparison.protocol, dataset, len(comparison.images(dataset)))


def asked_for(comparison: Comparison) -> list[str]:
    """The measures beyond the usual."""
    return list(dict.fromkeys(name for row in comparison.rows for name in row.more))


def _depth(levels: int) -> str:
    if not levels:
        return "floating point: not rounded"
    bits = (levels + 1).bit_length() - 1
    return f"{bits} bit" if levels + 1 == 2**bits else f"{levels + 1} levels"


def _any_published(comparison: Comparison) -> bool:
    return any(published_rows(comparison, dataset) for dataset in comparison.datasets)


def _lines_of_distances(rows: Sequence[Row]) -> list[str]:
    lines = ["LPIPS: not measured (not asked for, or no image is large enough)"]
    if any(row.lpips is not None for row in rows):
        lines = ["LPIPS: 0.1 with AlexNet, whole image in colour, grey three times; 0 is alike"]
    if all(row.spectrum_distance is None for row in rows):
        lines.append("spectrum distance, grid excess: not measured (images under 64 x 64)")
    else:
        lines += [
            "spectra: mean power of 64 x 64 patches every 32 px, Hann window, padding included",
            "spectrum distance: mean absolute difference of log10 power; 0 is alike",
            "grid excess: decades by which power at multiples of 1/4 cycle/px stands out of its "
            "surroundings, less HR's; 0 is alike, above 0 a grid",
        ]
    if any(row.grain_ratio is not None for row in rows):
        lines.append(
            "grain width: half-maximum width of the autocorrelation of fluctuations about the "
            "local mean (sigma 8 px), both directions, over HR's; 1 is alike"
        )
    if any(row.histogram_distance is not None for row in rows):
        lines.append(
            "grey levels: Wasserstein distance of the histograms of counted pixels, in levels of "
            "8 bit; 0 is alike"
        )
    return lines


def _lines_of_more(comparison: Comparison) -> list[str]:
    asked = asked_for(comparison)
    lines = [KNOWN[name].words for name in asked if KNOWN[name].words]
    if {"cnr_ratio", "enl_ratio", "snr_difference"} & set(asked):
        found = "found in HR: above the tissue, and up to five even windows of 8 x 32 pixels"
        lines.append(f"regions: {'drawn by hand' if comparison.regions_drawn else found}")
    return lines
