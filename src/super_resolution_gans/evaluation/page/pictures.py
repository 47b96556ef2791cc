"""Pixels in a page: whole images with a mark, and enlarged regions, as PNG in the page itself."""

import base64
import io

import numpy as np

from super_resolution_gans.evaluation.page.content import Case
from super_resolution_gans.evaluation.page.markup import element, escaped, words
from super_resolution_gans.evaluation.pairs import Image

_WIDEST = 560  # pixels of a whole image, which is looked at, not measured


def case_figure(case: Case) -> str:
    """One image: whole, and a closer look at what each method made of it."""
    pick = case.pick
    views = [_whole(case)]
    for label, pixels, row in case.views:
        numbers = ""
        if row is not None:
            measured = [f"PSNR {row.psnr:.2f} dB", f"SSIM {row.ssim_wang:.4f}"]
            if row.lpips is not None:
                measured.append(f"LPIPS {row.lpips:.4f}")
            numbers = "<br>".join(map(escaped, measured))
        picture = _img(pixels, f"{label}, closer look")
        caption = element("figcaption", words("b", label) + numbers)
        views.append(element("figure", picture + caption))
    reasons = "; ".join(pick.reasons)
    heading = words("h4", pick.image) + words("p", f"{reasons}.", class_="soft")
    return element("div", heading + element("div", "".join(views), class_="views"), class_="case")


def _whole(case: Case) -> str:
    height, width = case.hr.shape[:2]
    region = case.region
    address = _address(_shrunk(case.hr))
    # As wide on a large image as on a small one.
    stroke = max(width, height) / 180
    picture = (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="HR, whole, with the region of '
        f'the closer look marked"><image href="{address}" width="{width}" height="{height}"/>'
        f'<rect class="mark" x="{region.left}" y="{region.top}" width="{region.width}" '
        f'height="{region.height}" stroke-width="{stroke:.2f}"/></svg>'
    )
    where = (
        f"marked: {region.width} × {region.height} pixels from column {region.left}, "
        f"row {region.top}"
    )
    caption = element("figcaption", words("b", "HR, whole") + escaped(where))
    return element("figure", picture + caption, class_="whole")


def _img(image: Image, label: str) -> str:
    """An ``img`` that holds its pixels."""
    height, width = image.shape[:2]
    return f'<img src="{_address(image)}" width="{width}" height="{height}" alt="{escaped(label)}">'


def _address(image: Image) -> str:
    from PIL import Image as Pillow

    levels = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
    buffer = io.BytesIO()
    Pillow.fromarray(levels).save(buffer, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _shrunk(image: Image) -> Image:
    from PIL import Image as Pillow

    height, width = image.shape[:2]
    share = _WIDEST / max(height, width)
    if share >= 1:
        return image
    levels = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
    size = (max(1, round(width * share)), max(1, round(height * share)))
    small = Pillow.fromarray(levels).resize(size, Pillow.Resampling.LANCZOS)
    result: Image = np.asarray(small, np.float32) / np.float32(255)
    return result
