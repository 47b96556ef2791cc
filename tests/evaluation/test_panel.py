"""Panels: valid, exact, the same twice."""

import io

import numpy as np
import pytest
from PIL import Image

from super_resolution_gans.evaluation.compare import Protocol, compare
from super_resolution_gans.evaluation.pairs import make_pair
from super_resolution_gans.evaluation.panel import panel
from super_resolution_gans.evaluation.region import Region


def nearest(image):
    return np.repeat(np.repeat(image, 4, axis=0), 4, axis=1)


def scene(*shape, seed=0):
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 200, [side // 8 for side in shape[:2]] + list(shape[2:]))
    fine = np.repeat(np.repeat(coarse, 8, axis=0), 8, axis=1) + random.integers(0, 50, shape)
    return fine.astype(np.float32) / np.float32(255)


def drawn(hr, methods=("bicubic", "oct-srresnet-x4"), region=None, name="folder/a.png"):
    pair = make_pair(name, hr, dataset="scans", patient="p1")
    made = {}

    def listen(pair, images, rows):
        chosen = {method: images[method] for method in methods}
        made["png"] = panel(pair, chosen, rows, Protocol(), region=region)

    compare([pair], {"nearest": nearest, **dict.fromkeys(methods, nearest)}, on_images=listen)
    return pair, made["png"]


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def contains(picture, part):
    """Whether ``part`` (h, w) of grey levels lies somewhere in the picture, exactly."""
    grey = picture[..., 0]
    height, width = part.shape
    candidates = np.argwhere(grey[: -height + 1, : -width + 1] == part[0, 0])
    return any(
        np.array_equal(grey[y : y + height, x : x + width], part)
        for y, x in candidates
        if grey[y + height - 1, x + width - 1] == part[-1, -1]
    )


def test_a_panel_is_a_png_of_the_expected_size():
    _, png = drawn(scene(160, 240))
    image = Image.open(io.BytesIO(png))
    image.load()
    assert image.format == "PNG"
    # Four columns of 384, gaps of 16, margins of 24; the whole image stays 160 high, the closer
    # look is four times 96.
    assert image.width == 4 * 384 + 3 * 16 + 2 * 24
    assert image.height == 56 + (30 + 160 + 16 + 384 + 52 + 16) + 40


def test_enlarged_pixels_are_exact_repeats_on_one_grey_scale():
    region = Region(top=32, left=64, height=32, width=32)
    pair, png = drawn(scene(160, 240), region=region)
    picture = pixels(png)
    truth = np.rint(region.cut(pair.hr) * 255).astype(int)
    assert contains(picture, np.repeat(np.repeat(truth, 12, 0), 12, 1))
    low = np.rint(pair.lr[8:16, 16:24] * 255).astype(int)
    assert contains(picture, np.repeat(np.repeat(low, 48, 0), 48, 1))


def test_the_region_is_marked_in_every_column():
    _, png = drawn(scene(160, 240))
    picture = pixels(png)
    marks = (abs(picture - [255, 176, 0]).sum(axis=2) < 12).any(axis=0)
    for column in range(4):
        left = 24 + column * 400
        assert marks[left : left + 384].any()


def test_the_same_input_gives_the_same_bytes_and_no_metadata():
    first, second = drawn(scene(160, 240))[1], drawn(scene(160, 240))[1]
    assert first == second
    info = Image.open(io.BytesIO(first)).info
    assert "Software" not in info
    assert not any("date" in key.lower() or "time" in key.lower() for key in info)


def test_many_methods_go_on_in_further_bands():
    methods = [f"model-{n}" for n in range(6)]
    _, png = drawn(scene(160, 240), methods)
    image = Image.open(io.BytesIO(png))
    assert image.width == 4 * 384 + 3 * 16 + 2 * 24
    assert image.height == 56 + 2 * (30 + 160 + 16 + 384 + 52 + 16) + 40


@pytest.mark.parametrize("shape", [(24, 24), (496, 768), (1000, 96), (160, 240, 3)])
def test_any_size_and_colour_can_be_drawn(shape):
    _, png = drawn(scene(*shape))
    assert pixels(png).shape[2] == 3


def test_long_and_odd_names_neither_break_nor_widen_the_panel():
    name = "$x_{1$" * 80 + "\n.png"
    _, png = drawn(scene(160, 240), ("m" * 300,), name=name)
    assert Image.open(io.BytesIO(png)).width == 3 * 384 + 2 * 16 + 2 * 24


def test_colour_stays_colour():
    hr = np.zeros((64, 64, 3), np.float32)
    hr[..., 0] = 0.8
    _, png = drawn(hr, region=Region(0, 0, 32, 32))
    assert (pixels(png) == [204, 0, 0]).all(axis=2).sum() > 384 * 384
