"""What each choice changes in the rows of nearest and bicubic that Ledig et al. 2017 printed.

Starts from ``srgan evaluate --protocol paper`` and changes one thing at a time; prints PSNR and
SSIM (daala), means over the images of each folder, beside the printed ones.

    python benchmarks/paper_rows.py Set5 Set14 BSD100
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from super_resolution_gans.evaluation.published import published
from super_resolution_gans.evaluation.rows import PAPER
from super_resolution_gans.metrics.image import luma, psnr, ssim

Image = NDArray[np.float64]
SCALE = 4


@dataclass(frozen=True)
class Way:
    """One way from a file to two numbers; the defaults are those of the paper's protocol."""

    mirrored: bool = False  # edges as MATLAB's imresize has them, not cut off as Pillow's, torch's
    antialias: bool = True
    a: float = -0.5
    round_lr: bool = True
    round_sr: bool = True
    round_y: bool = False  # as rgb2ycbcr of uint8 does
    equal: str = "as stored"  # images of equal channels: also "grey", "colour"
    y_first: bool = False  # only Y is shrunk and enlarged, not the colours
    swing: str = "studio"
    border: int = 4
    convention: str = "daala"


WAYS = {
    "the protocol": Way(),
    "edges mirrored, as imresize has them": Way(mirrored=True),
    "LR not rounded": Way(round_lr=False),
    "SR not rounded": Way(round_sr=False),
    "Y rounded to 8 bit": Way(round_y=True),
    "Y shrunk and enlarged, not the colours": Way(y_first=True),
    "mirrored, Y only, all rounded": Way(mirrored=True, y_first=True, round_y=True),
    "images of equal channels as grey": Way(equal="grey"),
    "images of equal channels as colour": Way(equal="colour"),
    "Y in 0..255 instead of 16..235": Way(swing="full"),
    "no border cut": Way(border=0),
    "a = -0.75": Way(a=-0.75),
    "no antialiasing": Way(antialias=False),
    "a = -0.75, no antialiasing (OpenCV)": Way(a=-0.75, antialias=False),
    "SSIM by Wang": Way(convention="wang"),
}


def weights(old: int, new: int, way: Way) -> Image:
    """(new, old): Keys' kernel around the centre of each new pixel, normalised."""
    stretch = max(old / new, 1) if way.antialias else 1.0
    matrix = np.zeros((new, old))
    for output in range(new):
        centre = (output + 0.5) * old / new - 0.5
        taps = np.arange(np.floor(centre - 2 * stretch), np.ceil(centre + 2 * stretch) + 1)
        values = keys(np.abs(taps - centre) / stretch, way.a)
        places = taps.astype(int)
        if way.mirrored:  # the edge pixel comes twice
            places = np.minimum(places % (2 * old), 2 * old - 1 - places % (2 * old))
        kept = (places >= 0) & (places < old)
        np.add.at(matrix[output], places[kept], values[kept])
    return np.asarray(matrix / matrix.sum(axis=1, keepdims=True))


def keys(x: Image, a: float) -> Image:
    near = (a + 2) * x**3 - (a + 3) * x**2 + 1
    far = a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))


def resized(planes: Image, size: tuple[int, int], way: Way) -> Image:
    """(channels, H, W) -> (channels, *size)."""
    rows, columns = (
        weights(old, new, way) for old, new in zip(planes.shape[1:], size, strict=True)
    )
    return np.asarray(rows @ planes @ columns.T)


def stored(planes: Image) -> Image:
    """Clipped and rounded to 8 bit."""
    return np.asarray(np.rint(np.clip(planes, 0, 255)))


def measured_plane(planes: Image, way: Way) -> Image:
    """(1 or 3, H, W) in 0..255 -> what is measured, (H, W) in [0, 1]."""
    equal = len(planes) == 1 or bool((planes == planes[:1]).all())
    if (equal and way.equal == "grey") or (len(planes) == 1 and way.equal == "as stored"):
        plane = planes[0] / 255
    else:
        colour = np.broadcast_to(planes, (3, *planes.shape[1:])).transpose(1, 2, 0) / 255
        plane = luma(colour, "studio" if way.swing == "studio" else "full")
    return np.asarray(np.rint(plane * 255) / 255 if way.round_y else plane)


def read(path: Path) -> Image:
    """(1 or 3, H, W) in 0..255, cut to whole multiples."""
    with PillowImage.open(path) as picture:
        pixels = np.asarray(picture.convert("L" if picture.mode == "L" else "RGB"), np.float64)
    planes = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    height, width = planes.shape[1:]
    return planes[:, : height - height % SCALE, : width - width % SCALE]


def numbers(hr: Image, way: Way) -> list[tuple[float, float]]:
    """PSNR and SSIM of nearest and bicubic."""
    if way.y_first:
        plain = Way(round_y=way.round_y)
        hr = 255 * measured_plane(hr, plain)[None]
    size = (hr.shape[1] // SCALE, hr.shape[2] // SCALE)
    lr = resized(hr, size, way)
    lr = stored(lr) if way.round_lr else lr
    truth = measured_plane(hr, way)
    found = []
    for sr in (
        lr.repeat(SCALE, axis=1).repeat(SCALE, axis=2),
        resized(lr, hr.shape[1:], way),  # type: ignore[arg-type]
    ):
        shown = measured_plane(stored(sr) if way.round_sr else np.clip(sr, 0, 255), way)
        similar = ssim(shown, truth, convention=way.convention, border=way.border)  # type: ignore[arg-type]
        found.append((psnr(shown, truth, border=way.border), similar))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--only", default="", help="of the ways, those whose name has these words")
    given = parser.parse_args()
    for folder in given.folders:
        images = [read(path) for path in sorted(folder.iterdir())]
        print(f"\n| {folder.name}, {len(images)} images | nearest | bicubic |\n|---|---|---|")
        printed = published(PAPER, folder.name, len(images))[:2]
        if printed:
            print(f"| {printed_line([(row.psnr, row.ssim_daala) for row in printed])}")
        for name, way in WAYS.items():
            if given.only not in name:
                continue
            means = np.mean([numbers(hr, way) for hr in images], axis=0)
            print(f"| {name} | {' | '.join(f'{p:.3f} / {s:.4f}' for p, s in means)} |", flush=True)


def printed_line(rows: list[tuple[float, float]]) -> str:
    return f"printed by the paper | {' | '.join(f'{p:.2f} / {s:.4f}' for p, s in rows)} |"


if __name__ == "__main__":
    main()
