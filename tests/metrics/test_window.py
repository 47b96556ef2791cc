"""Windows against scipy."""

import numpy as np
import pytest
from scipy.ndimage import correlate1d

from super_resolution_gans.metrics.window import (
    coverage,
    gaussian_window,
    integer_gaussian_window,
    weigh,
)


@pytest.mark.parametrize("shape", [(1, 1), (3, 2), (5, 70), (64, 65), (130, 40)])
@pytest.mark.parametrize(("edge", "mode"), [("mirror", "reflect"), ("zero", "constant")])
def test_weighing_agrees_with_scipy(shape, edge, mode):
    image = np.random.default_rng(1).random(shape)
    window = gaussian_window(2.0, 7)
    expected = correlate1d(correlate1d(image, window, 0, mode=mode), window, 1, mode=mode)
    np.testing.assert_allclose(weigh(image, window, edge), expected, atol=1e-14)


def test_an_asymmetric_window_is_not_turned_round():
    image = np.zeros((1, 5))
    image[0, 2] = 1
    window = np.array([0.1, 0.2, 0.7])
    rows = weigh(image, window, "zero")[0] / window[1]
    np.testing.assert_allclose(rows, [0, 0.7, 0.2, 0.1, 0])


@pytest.mark.parametrize("edge", ["mirror", "zero"])
def test_coverage_is_the_weighing_of_ones(edge):
    window = gaussian_window(1.5, 5)
    expected = weigh(np.ones((9, 130)), window, edge)
    np.testing.assert_allclose(coverage((9, 130), window, edge), expected, atol=1e-15)


def test_gaussian_weights_add_up_to_one_and_fall_by_the_formula():
    window = gaussian_window(1.5, 5)
    assert window.sum() == pytest.approx(1)
    assert window[6] / window[5] == pytest.approx(np.exp(-0.5 / 1.5**2))


@pytest.mark.parametrize("sigma", [0.05, 0.7, 1.5, 2.9, 5.86, 40.0, 300.0])
def test_integer_weights_are_steps_that_add_up_to_one(sigma):
    window = integer_gaussian_window(sigma, longest=1000) * 256
    np.testing.assert_array_equal(window, np.rint(window))
    assert window.sum() == 256
    np.testing.assert_array_equal(window, window[::-1])


def test_integer_weights_of_sigma_one_by_hand():
    # 256 * N(0, 1) at 1, 2, 3 is 61.9, 13.8, 1.13; at 4 it is 0.03 and vanishes.
    np.testing.assert_array_equal(
        integer_gaussian_window(1.0, longest=99) * 256, [1, 14, 62, 102, 62, 14, 1]
    )


def test_an_integer_window_is_no_longer_than_asked():
    assert len(integer_gaussian_window(3.0, longest=2)) == 5
