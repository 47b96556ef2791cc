"""NIQE against MATLAB's published number, and against loops written from the paper with scipy."""

import math

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import correlate
from scipy.special import gamma

from super_resolution_gans.metrics.image import luma
from super_resolution_gans.metrics.niqe import Niqe, load_niqe
from super_resolution_gans.metrics.subject import Subject
from super_resolution_gans.metrics.undefined import UndefinedError
from super_resolution_gans.metrics.weights import WeightsError


def parameters(seed=0):
    random = np.random.default_rng(seed)
    root = random.standard_normal((36, 36))
    return random.random(36), root @ root.T / 36 + np.eye(36)


@pytest.fixture
def niqe():
    return Niqe(*parameters())


def picture(shape=(200, 310), seed=0):
    random = np.random.default_rng(seed)
    smooth = correlate(random.random(shape), np.ones((7, 7)) / 49)
    return np.clip(smooth + 0.05 * random.standard_normal(shape), 0, 1)


def test_the_mandrill_has_the_number_that_matlab_gives(shared):
    # 5.72957338 by the authors' program under MATLAB R2021a, as BasicSR's niqe.py quotes it.
    niqe = load_niqe(shared / "weights" / "niqe" / "niqe_pris_params.npz")
    path = shared / "data" / "natural" / "Set14" / "baboon.png"
    image = np.asarray(Image.open(path).convert("RGB"), np.float32) / 255
    assert niqe(image) == pytest.approx(5.72957338, abs=2e-6)
    assert niqe(luma(image, "studio")) == niqe(image)


def cubic(x):
    x = abs(x)
    return 1.5 * x**3 - 2.5 * x**2 + 1 if x <= 1 else -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2


def halved(image):
    """imresize(image, 0.5): every output pixel from eight around it, mirrored at the edges."""
    result = np.zeros((len(image) // 2, image.shape[1]))
    for row in range(len(result)):
        for tap in range(-3, 5):
            source = 2 * row + tap
            source = -source - 1 if source < 0 else source
            source = 2 * len(image) - source - 1 if source >= len(image) else source
            result[row] += cubic((tap - 0.5) / 2) / 2 * image[source]
    return result


def fitted(values):
    values = values.ravel()
    left, right = (math.sqrt(np.mean(side**2)) for side in (values[values < 0], values[values > 0]))
    g = left / right
    wanted = np.mean(np.abs(values)) ** 2 / np.mean(values**2)
    wanted *= (g**3 + 1) * (g + 1) / (g**2 + 1) ** 2
    shapes = np.arange(0.2, 10.0005, 0.001)
    curve = gamma(2 / shapes) ** 2 / gamma(1 / shapes) / gamma(3 / shapes)
    shape = shapes[np.argmin(np.abs(curve - wanted))]
    scale = math.sqrt(gamma(1 / shape) / gamma(3 / shape))
    return shape, left * scale, right * scale


def by_loops(image, mean, covariance):
    image = np.rint(image * 255)
    image = image[: len(image) // 96 * 96, : image.shape[1] // 96 * 96]
    offsets = np.arange(-3, 4)
    window = np.exp(-(offsets[:, None] ** 2 + offsets[None, :] ** 2) / (2 * (7 / 6) ** 2))
    window /= window.sum()
    rows = [[] for _ in range(len(image) // 96 * (image.shape[1] // 96))]
    for side in (96, 48):
        local = correlate(image, window, mode="nearest")
        deviation = np.sqrt(np.abs(correlate(image**2, window, mode="nearest") - local**2))
        normal = (image - local) / (deviation + 1)
        number = 0
        for top in range(0, len(image), side):
            for left in range(0, image.shape[1], side):
                block = normal[top : top + side, left : left + side]
                shape, low, high = fitted(block)
                rows[number] += [shape, (low + high) / 2]
                for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
                    other = np.roll(np.roll(block, down, axis=0), right, axis=1)
                    shape, low, high = fitted(block * other)
                    skew = (high - low) * gamma(2 / shape) / gamma(1 / shape)
                    rows[number] += [shape, skew, low, high]
                number += 1
        image = halved(halved(image).T).T
    features = np.array(rows)
    away = mean - features.mean(axis=0)
    joint = (covariance + np.cov(features.T)) / 2
    return math.sqrt(away @ np.linalg.solve(joint, away))


def test_it_agrees_with_loops_written_from_the_paper(niqe):
    assert niqe(picture()) == pytest.approx(by_loops(picture(), *parameters()), rel=1e-6)


def test_it_is_the_distance_from_the_parameters():
    near, far = (Niqe(mean, np.eye(36)) for mean in (np.ones(36), np.full(36, 9.0)))
    assert 0 < near(picture()) < far(picture())


def test_what_is_cut_at_the_bottom_and_right_does_not_matter(niqe):
    image = picture((200, 310))
    changed = image.copy()
    changed[192:] = 0
    changed[:, 288:] = 1
    assert niqe(changed) == niqe(image) == niqe(image[:192, :288])


def test_values_are_clipped_and_rounded_to_8_bit(niqe):
    image = np.rint(picture() * 255) / 255
    assert niqe(image + 0.001) == niqe(image)
    image[0, 0] = 1.0
    brighter = image.copy()
    brighter[0, 0] = 1.7
    assert niqe(brighter) == niqe(image) == niqe(Subject(image))


def test_blocks_that_are_flat_are_left_out_and_an_image_of_them_has_no_number(niqe):
    image = picture((200, 310))
    image[:96, :96] = 0.5
    assert math.isfinite(niqe(image))
    with pytest.raises(UndefinedError, match="not flat"):
        niqe(np.full((200, 310), 0.5))


@pytest.mark.parametrize("shape", [(95, 400), (96, 191)])
def test_an_image_of_fewer_than_two_blocks_has_no_number(niqe, shape):
    with pytest.raises(UndefinedError, match="two blocks of 96 x 96"):
        niqe(picture(shape))


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"mu_pris_param": np.ones(36)}, "lacks 'cov_pris_param'"),
        ({"mu_pris_param": np.ones(35), "cov_pris_param": np.eye(36)}, "36 finite"),
        ({"mu_pris_param": np.ones(36), "cov_pris_param": np.full((36, 36), np.nan)}, "1296"),
        ({"mu_pris_param": np.array([None] * 36), "cov_pris_param": np.eye(36)}, "readable"),
    ],
)
def test_parameters_of_wrong_names_shapes_or_values_are_refused(tmp_path, arrays, words):
    path = tmp_path / "p.npz"
    np.savez(path, **arrays)
    with pytest.raises(WeightsError, match=words) as caught:
        load_niqe(path)
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 and no more", b"\x93NUMPY\x01\x00"])
def test_a_missing_or_broken_file_is_refused_in_one_line(tmp_path, content):
    path = tmp_path / "p.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WeightsError) as caught:
        load_niqe(path)
    assert "\n" not in str(caught.value)


def test_a_plain_array_is_no_file_of_parameters(tmp_path):
    np.save(tmp_path / "p.npy", np.ones(36))
    with pytest.raises(WeightsError, match="single array"):
        load_niqe(tmp_path / "p.npy")
