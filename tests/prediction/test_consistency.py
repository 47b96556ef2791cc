"""The projection against dense matrices, torch's downsampling, and real scans."""

import numpy as np
import pytest
import torch
from PIL import Image

from super_resolution_gans.degrade import downsample
from super_resolution_gans.evaluation.pairs import make_pair, quantised
from super_resolution_gans.metrics.image import padding_mask, psnr
from super_resolution_gans.models.load import load_model
from super_resolution_gans.prediction.banded import BandedCholesky
from super_resolution_gans.prediction.catalogue import find_weights
from super_resolution_gans.prediction.consistency import BAND, STEP, Projection
from super_resolution_gans.prediction.consistent_windows import ConsistentWindows
from super_resolution_gans.prediction.engines import TorchEngine
from super_resolution_gans.prediction.errors import PredictionError
from super_resolution_gans.prediction.resampling import interpolate
from super_resolution_gans.prediction.residual import Correction, Residual
from super_resolution_gans.prediction.shrinking import (
    decay,
    gram,
    gram_diagonals,
    kept,
    largest,
    shrink,
    spread,
    taps,
)
from super_resolution_gans.prediction.upscale import load_upscaler
from super_resolution_gans.scan import Scan

SIZES = [(1, 1), (1, 7), (7, 1), (2, 3), (5, 4), (BAND, 2), (BAND + 1, 33), (150, 40)]
SCALES = [(1, 4), (4, 1), (2, 2), (3, 5), (4, 4), (8, 7), (1, 1)]
KERNELS = ("bicubic", "area")


def torch_downsampled(x, scale, kernel="bicubic"):
    """By degrade.downsample in float64."""
    x = torch.from_numpy(np.asarray(x, np.float64))[None, None]
    if x.shape[3] == scale[1]:
        # torch 2.13 gives all rows of an image that becomes one pixel wide the weights of the
        # first; lying on its side it is right.
        return downsample(x.mT.contiguous(), scale[::-1], kernel)[0, 0].mT.numpy()
    return downsample(x, scale, kernel)[0, 0].numpy()


def dense(n, factor, kernel="bicubic"):
    """A of one axis as torch has it, (n, n * factor)."""
    identity = torch.eye(n * factor, dtype=torch.float64)[None, None]
    return downsample(identity, (1, factor), kernel)[0, 0].mT.numpy()


def random_pair(size, scale, seed=0):
    generator = np.random.default_rng(seed)
    x = generator.random((size[0] * scale[0], size[1] * scale[1]), np.float32)
    return x, generator.random(size, np.float32)


# One axis


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("factor", range(1, 9))
@pytest.mark.parametrize("n", [*range(1, 10), 33])
def test_an_axis_is_that_of_degrade(n, factor, kernel):
    identity = np.eye(n * factor, dtype=np.float32)
    mine = shrink(identity, factor, kernel, 0, 0, n) / kept(factor, kernel, n, 0, n)[:, None]
    np.testing.assert_allclose(mine, dense(n, factor, kernel), rtol=0, atol=1e-7)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("factor", range(1, 9))
@pytest.mark.parametrize("n", [*range(1, 10), 33])
def test_its_gram_matrix_is_banded_well_conditioned_and_that_of_its_rows(n, factor, kernel):
    convolution = dense(n, factor, kernel) * kept(factor, kernel, n, 0, n)[:, None]
    expected = convolution @ convolution.T
    diagonals = gram_diagonals(factor, kernel, n, 0, n)
    found = np.diag(diagonals[0])
    for shift, diagonal in enumerate(diagonals[1:], 1):
        found += np.eye(n, k=shift) * diagonal[:, None] + np.eye(n, k=-shift) * diagonal
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-15)
    assert np.linalg.cond(expected) < 2.13
    assert len(diagonals) <= 4


def test_windows_of_an_axis_are_parts_of_the_whole():
    x = np.random.default_rng(0).random((40 * 3, 5), np.float32)
    whole = shrink(x, 3, "bicubic", 0, 0, 40)
    for start, stop in ((0, 4), (5, 20), (36, 40)):
        first, last = max(0, start - 2), min(40, stop + 2)
        part = shrink(x[first * 3 : last * 3], 3, "bicubic", first, start, stop)
        np.testing.assert_allclose(part, whole[start:stop], rtol=0, atol=1e-7)
        back = spread(whole[first:last], 3, "bicubic", first, start, stop)
        expected = spread(whole, 3, "bicubic", 0, 0, 40)[start * 3 : stop * 3]
        np.testing.assert_allclose(back, expected, rtol=0, atol=1e-7)


def test_spreading_is_the_transpose_of_shrinking():
    forth = shrink(np.eye(44, dtype=np.float32), 4, "bicubic", 0, 0, 11)
    back = spread(np.eye(11, dtype=np.float32), 4, "bicubic", 0, 0, 11)
    np.testing.assert_array_equal(back, forth.T)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 9, 40])
@pytest.mark.parametrize("reach", [0, 1, 3])
def test_banded_systems_are_solved(n, reach):
    generator = np.random.default_rng(n)
    lower = np.tril(np.triu(generator.random((n, n)), -reach)) + 2 * np.eye(n)
    matrix, right = lower @ lower.T, generator.random((n, 3))
    diagonals = np.zeros((reach + 1, n))
    for shift in range(min(n, reach + 1)):
        diagonals[shift, : n - shift] = np.diag(matrix, shift)
    before = right.copy()
    solution = BandedCholesky.of(diagonals).solve(right)
    np.testing.assert_allclose(matrix @ solution, right, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(right, before)


def test_a_matrix_that_is_not_positive_definite_is_refused():
    with pytest.raises(ValueError, match="3 rows is not positive definite at row 1"):
        BandedCholesky.of(np.array([[1.0, 1.0, 1.0], [2.0, 0.0, 0.0]]))


def test_windows_far_from_the_ends_share_a_factor():
    assert gram(4, "bicubic", 400, 50, 90) is gram(4, "bicubic", 900, 310, 350)
    assert gram(4, "bicubic", 400, 0, 40) is not gram(4, "bicubic", 400, 50, 90)


# The projection


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("size", SIZES)
def test_downsampled_the_result_is_what_was_measured(size, scale, kernel):
    x, y = random_pair(size, scale)
    projection = Projection(scale, kernel)
    given = x.copy()
    result = projection(x, y)
    assert result.dtype == np.float32
    assert np.abs(torch_downsampled(result, scale, kernel) - y).max() < 1e-6
    before = np.abs(torch_downsampled(x, scale, kernel) - y)
    measured = projection.measure(x, result, y)
    assert measured.before.largest == pytest.approx(before.max(), abs=1e-6)
    assert measured.before.rms == pytest.approx(np.sqrt(np.mean(before**2)), abs=1e-6)
    assert measured.after.largest < 1e-6
    np.testing.assert_array_equal(x, given)


@pytest.mark.parametrize("scale", [(4, 4), (1, 4), (3, 2)])
def test_bands_of_rows_give_the_nearest_image_of_the_whole(scale):
    height, width = 3 * BAND + 5, 21
    x, y = random_pair((height, width), scale)
    rows, columns = dense(height, scale[0]), dense(width, scale[1])
    difference = y - rows @ x @ columns.T
    nearest = x + np.linalg.pinv(rows) @ difference @ np.linalg.pinv(columns).T
    np.testing.assert_allclose(Projection(scale, rounds=1)(x, y), nearest, rtol=0, atol=1e-6)
    # T = D^-1 A, as sums of the kernel inside the image times A.
    inside = np.outer(*(kept(f, "bicubic", n, 0, n) for f, n in zip(scale, y.shape, strict=True)))
    down = rows.T @ (inside**2 * difference) @ columns
    x = np.clip(x + STEP / np.prod([largest(f, "bicubic") for f in scale]) * down, 0, 1)
    twice = x + np.linalg.pinv(rows) @ (y - rows @ x @ columns.T) @ np.linalg.pinv(columns).T
    given = random_pair((height, width), scale)[0]
    np.testing.assert_allclose(Projection(scale, rounds=2)(given, y), twice, rtol=0, atol=1e-6)


def test_an_image_that_agrees_already_is_left_alone():
    x, _ = random_pair((20, 30), (4, 4))
    y = torch_downsampled(x, (4, 4)).astype(np.float32)
    np.testing.assert_allclose(Projection((4, 4))(x, y), x, rtol=0, atol=1e-6)


@pytest.mark.parametrize("factor", [2, 3, 4, 8])
def test_nothing_beyond_the_reach_is_seen_and_the_reach_is_no_longer_than_needed(factor):
    n = 101
    inverse = np.abs(np.linalg.inv(_gram_of(n, factor))[n // 2])
    distance = np.abs(np.arange(n) - n // 2)
    beyond = inverse[distance > decay(factor, "bicubic")].sum() / inverse.sum()
    nearer = inverse[distance > decay(factor, "bicubic") - 1].sum() / inverse.sum()
    assert beyond < 2.0**-24 <= nearer
    assert Projection((factor, 1), rounds=3).reach == (decay(factor, "bicubic") + 12, 12)


@pytest.mark.parametrize("factor", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("n", [1, 2, 5, 60])
def test_no_step_is_too_long_for_any_length(factor, n):
    found = np.linalg.eigvalsh(_gram_of(n, factor)).max()
    assert found <= largest(factor, "bicubic") * (1 + 1e-12)
    if n == 60:
        assert found > 0.99 * largest(factor, "bicubic")


def _gram_of(n, factor):
    convolution = dense(n, factor) * kept(factor, "bicubic", n, 0, n)[:, None]
    return convolution @ convolution.T


def test_a_pixel_that_changes_is_seen_up_to_the_reach_and_not_beyond():
    # Of a black image: sums near zero do not round what comes from far away.
    projection, height = Projection((4, 4), rounds=1), 6 * BAND
    reach = projection.reach[0]
    x, y = np.zeros((height * 4, 8), np.float32), np.zeros((height, 2), np.float32)
    y[3 * BAND] = 1
    changed = np.abs(projection(x, y)).max(axis=1).reshape(height, 4).max(axis=1)
    distance = np.abs(np.arange(height) - 3 * BAND)
    assert changed[distance > reach].max() < 1e-6
    assert changed[distance == 5].min() > 1e-4


def test_area_replicates_the_difference():
    x, y = random_pair((3, 4), (2, 3))
    difference = y - torch_downsampled(x, (2, 3), "area")
    expected = x + np.kron(difference, np.ones((2, 3)))
    found = Projection((2, 3), "area", rounds=1)(x, y)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


def test_noise_leaves_its_share_of_the_residual():
    x, y = random_pair((90, 30), (4, 4))
    before = torch_downsampled(x, (4, 4)) - y
    for rounds in (1, 2):
        projection = Projection((4, 4), noise=0.02, model_error=0.01, rounds=rounds)
        assert projection.gain == pytest.approx(1 / 5)
        after = torch_downsampled(projection(x, y), (4, 4)) - y
        np.testing.assert_allclose(after, before * 4 / 5, rtol=0, atol=1e-6)
    assert Projection((4, 4)).gain == 1


def test_a_second_round_survives_clipping():
    generator = np.random.default_rng(0)
    hr = np.clip(generator.normal(0.03, 0.05, (160, 160)), 0, 1).astype(np.float32)
    y = torch_downsampled(hr, (4, 4)).astype(np.float32)
    x = hr + generator.normal(0, 0.03, hr.shape).astype(np.float32)
    left = []
    for rounds in (1, 2, 3):
        projection = Projection((4, 4), rounds=rounds)
        left.append(projection.residual(np.clip(projection(x, y), 0, 1), y).rms)
    assert left[0] > 1.8 * left[1] > 1.8 * left[2]


def test_slices_and_channels_are_each_by_itself():
    generator = np.random.default_rng(0)
    y = generator.random((2, 11, 9, 3), np.float32)
    x = generator.random((2, 22, 27, 3), np.float32)
    projection = Projection((2, 3))
    whole = projection(x, y)
    for index in range(2):
        np.testing.assert_array_equal(projection(x[index], y[index]), whole[index])
        for channel in range(3):
            alone = projection(x[index, ..., channel], y[index, ..., channel])
            np.testing.assert_array_equal(alone, whole[index, ..., channel])
    grey = projection(x[..., 0], y[..., 0])
    np.testing.assert_array_equal(grey, whole[..., 0])


def test_an_image_in_double_precision_is_rounded_to_single():
    x, y = random_pair((BAND + 3, 5), (2, 3))
    finer = x + np.random.default_rng(1).uniform(-1e-9, 1e-9, x.shape)
    rounded = finer.astype(np.float32)
    projection = Projection((2, 3))
    np.testing.assert_array_equal(projection(finer, y), projection(rounded, y))
    assert projection.residual(finer, y) == projection.residual(rounded, y)


def test_three_columns_are_no_colours():
    x, y = random_pair((5, 3), (1, 4))
    stack = Projection((1, 4))(np.stack((x, x, x)), np.stack((y, y, y)))
    for image in stack:
        assert np.abs(torch_downsampled(image, (1, 4)) - y).max() < 1e-6


def test_a_white_wedge_stays_white_and_the_rest_stays_right():
    generator = np.random.default_rng(0)
    hr = generator.random((240, 320)).astype(np.float32) * np.float32(0.4)
    hr[np.add.outer(np.arange(240), np.arange(320)) < 150] = 1
    pair = make_pair("wedge", hr)
    x = interpolate(pair.lr[..., None], (4, 4), "bicubic")[..., 0]
    result = Projection((4, 4))(x, pair.lr)
    assert np.isfinite(result).all()
    assert result.min() > -1
    assert result.max() < 2
    stored = quantised(result, 255)
    away = np.add.outer(np.arange(240), np.arange(320)) < 100
    assert stored[away].min() > 250 / 255
    right = np.add.outer(np.arange(60), np.arange(80)) > 50
    small = torch_downsampled(stored, (4, 4))
    assert np.abs(small - pair.lr)[right].max() < 2 / 255


# Streaming


class Recorded:
    """A window source that counts how often each row is read."""

    def __init__(self, pixels):
        self.pixels, self.shape = pixels, pixels.shape
        self.counts = np.zeros(pixels.shape[:2], int)

    def read(self, index, rows, columns):
        self.counts[index, rows] += 1
        return self.pixels[index, rows, columns]


@pytest.mark.parametrize("channels", [(), (3,)])
@pytest.mark.parametrize("rounds", [1, 2, 4])
def test_read_from_the_top_windows_are_the_whole_to_the_bit_and_read_each_row_once(
    channels, rounds
):
    generator = np.random.default_rng(0)
    height, width = 4 * BAND + 9, 11
    y = generator.random((2, height, width, *channels), np.float32)
    x = generator.random((2, height * 2, width * 3, *channels), np.float32)
    projection = Projection((2, 3), rounds=rounds)
    expected = np.clip(projection(x, y), 0, 1)
    upscaled, measured = Recorded(x), Recorded(y)
    windows = ConsistentWindows(projection, upscaled, Scan(measured))
    scan = Scan(windows)
    for index in range(2):
        for start in range(0, height * 2, 50):
            rows = slice(start, start + 50)
            for columns in (slice(0, 20), slice(20, 33)):
                found = scan.window(index, rows, columns)
                np.testing.assert_array_equal(found, expected[index, rows, columns])
    assert (upscaled.counts == 1).all()
    np.testing.assert_array_equal(
        scan.window(0, slice(30, 170), slice(4, 9)), expected[0, 30:170, 4:9]
    )


def test_no_tile_of_a_lazy_result_is_computed_twice():
    pixels = np.random.default_rng(0).random((1, 3 * BAND, 100), np.float32)
    scan, done = Scan(pixels), []
    upscaler = load_upscaler("bicubic", scale=(2, 4), tile=30)
    lazy = upscaler.lazily(scan, lambda *progress: done.append(progress))
    windows = ConsistentWindows(Projection((2, 4)), lazy.pixels, scan)
    for start in range(0, 6 * BAND, 32):
        windows.read(0, slice(start, start + 32), slice(0, 400))
    counts, totals = zip(*done, strict=True)
    assert set(totals) == {counts[-1]}  # each tile counted once, and all of them
    assert len(done) > 6


def test_what_is_kept_does_not_grow_with_the_height():
    y = np.zeros((1, 10 * BAND, 4), np.float32)
    windows = ConsistentWindows(
        Projection((4, 4), rounds=2), Recorded(np.zeros((1, 40 * BAND, 16), "f4")), Scan(y)
    )
    windows.read(0, slice(0, 40 * BAND), slice(0, 16))
    held = sum(
        band.shape[0] for kept in (windows._read, windows._corrected) for band in kept.values()
    )
    assert held == 5 * 4 * BAND


def test_pixels_of_another_scale_are_refused():
    scan = Scan(np.zeros((1, 8, 8), np.float32))
    with pytest.raises(PredictionError, match=r"\(1, 32, 31\) are not 4 x 4 times a scan of"):
        ConsistentWindows(Projection((4, 4)), Recorded(np.zeros((1, 32, 31), np.float32)), scan)


# Words and errors


def test_residuals_print_in_words():
    correction = Correction(Residual(0.01, 0.125), Residual(0.0, 0.0))
    assert str(correction) == (
        "downsampled, the network's image differs from the scan by 0.01 (root mean square; "
        "40.0 dB), 0.12 at most; the corrected one by nothing"
    )
    assert Residual(0.0, 0.0).decibels == float("inf")


NUMBERS = "must be finite, the first not negative, the second above 0"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"scale": (0, 4)}, "a factor is a whole number of at least 1, not 0"),
        ({"scale": (4, -1)}, "a factor is a whole number of at least 1, not -1"),
        (
            {"scale": (4, 4), "kernel": "decimate"},
            "cannot project onto 'decimate' pixels; kernels are bicubic, area",
        ),
        ({"scale": (4, 4), "noise": -1.0}, f"noise -1.0 and model error 0.004 {NUMBERS}"),
        ({"scale": (4, 4), "noise": np.nan}, f"noise nan and model error 0.004 {NUMBERS}"),
        ({"scale": (4, 4), "noise": np.inf}, f"noise inf and model error 0.004 {NUMBERS}"),
        ({"scale": (4, 4), "model_error": 0.0}, f"noise 0.0 and model error 0.0 {NUMBERS}"),
        ({"scale": (4, 4), "model_error": np.inf}, f"noise 0.0 and model error inf {NUMBERS}"),
        ({"scale": (4, 4), "rounds": 0}, "takes 1 round or more, not 0"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(arguments, reason):
    with pytest.raises(PredictionError) as caught:
        Projection(**arguments)
    assert str(caught.value) == f"projection: {reason}"


@pytest.mark.parametrize(
    ("x", "y"), [((32, 31), (8, 8)), ((1, 32, 32), (8, 8)), ((32, 32, 3), (8, 8)), ((0, 8), (0, 2))]
)
def test_shapes_that_do_not_fit_are_refused(x, y):
    with pytest.raises(PredictionError) as caught:
        Projection((4, 4))(np.zeros(x, np.float32), np.zeros(y, np.float32))
    assert str(caught.value) == f"projection: an image of shape {x} is not 4 x 4 times one of {y}"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(value):
    x, y = random_pair((6, 6), (4, 4))
    x[3, 3] = value
    with pytest.raises(PredictionError) as caught:
        Projection((4, 4))(x, y)
    assert str(caught.value) == "projection: values are not finite"


def test_an_unknown_kernel_is_refused_by_the_axis():
    with pytest.raises(ValueError, match="kernels are bicubic, area"):
        taps(4, "decimate")


# Real scans


def upscaled_by(name, lr):
    if name in ("nearest", "bicubic"):
        return interpolate(lr[..., None], (4, 4), name)[..., 0]
    engine = TorchEngine(load_model(find_weights(name)).network, torch.device("cpu"))
    return engine.upscale(lr[None, ..., None])[0, ..., 0]


def off_white(lr):
    """LR pixels three away from clipped white."""
    counted, far = padding_mask(lr), np.ones(lr.shape, bool)
    for row in range(-3, 4):
        for column in range(-3, 4):
            rolled = np.roll(counted, (row, column), (0, 1))
            far &= rolled
    return far


@pytest.mark.parametrize(
    ("name", "model", "crop"),
    [
        ("duke_chiu2015_dme/img_78.png", "nearest", (496, 768)),
        ("duke_chiu2015_dme/img_86.png", "bicubic", (496, 768)),
        ("spectralis_amd_healthy/healthy_subject1/08.png", "oct-srgan-x4", (160, 160)),
    ],
)
def test_stored_as_8_bit_the_result_still_agrees_with_the_scan(shared, name, model, crop):
    path = shared / "data" / "oct" / name
    if not path.is_file():
        pytest.skip(f"no {path}")
    hr = np.asarray(Image.open(path).convert("L"), np.float32)[: crop[0], : crop[1]] / 255
    pair = make_pair(name, hr)
    x = upscaled_by(model, pair.lr)
    result = Projection((4, 4))(x, pair.lr)
    mask = off_white(pair.lr)
    before, after = (
        psnr(torch_downsampled(quantised(image, 255), (4, 4)), pair.lr, border=0, mask=mask)
        for image in (x, result)
    )
    assert before < 50 < after
