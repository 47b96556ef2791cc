"""How far off a pixel may be: signals, a scale, a factor that covers, and the shipped numbers."""

import json
from pathlib import Path

import numpy as np
import pytest

from super_resolution_gans import load_upscaler, read_scan
from super_resolution_gans.data.inventory import find_entries
from super_resolution_gans.data.pairs import read_pairs, select
from super_resolution_gans.evaluation.pairs import make_pair
from super_resolution_gans.metrics.image import luma, padding_mask
from super_resolution_gans.prediction.conformal import (
    conformal_factor,
    fit_log_scale,
    interval_score,
)
from super_resolution_gans.prediction.uncertainty import (
    FLIPS,
    SHIPPED_CALIBRATION,
    Calibration,
    CalibrationError,
    estimate,
    overlay,
    signals,
)

EXAMPLES = sorted((Path(__file__).parents[2] / "examples" / "scans").glob("*.jp*g"))
MODELS = ("oct-srgan-x4", "oct-srresnet-x4")
RNG = np.random.default_rng(0)


def random(*shape):
    return RNG.uniform(0, 1, shape).astype(np.float32)


def made(**changes) -> Calibration:
    values = {
        "coverage": 0.9,
        "intercept": -1.0,
        "slopes": {"networks_0": 0.5},
        "factor": 2.0,
        "models": {},
        "story": {},
    }
    return Calibration(**{**values, **changes})


@pytest.fixture(scope="module")
def errors():
    """Laplacian errors whose spread depends on the first of two signals: (signals, errors)."""
    rng = np.random.default_rng(3)
    known = rng.normal(size=(40_000, 2))
    return known, np.abs(rng.laplace(size=40_000)) * 0.05 * np.exp(0.7 * known[:, 0])


def test_the_scale_finds_the_quantile_of_the_errors(errors):
    known, found = errors
    a, first, second = fit_log_scale(known, found, np.ones(len(found)), 0.9)
    # The 90 % quantile of |Laplace| of scale 1 is log 10; the floor takes from the slope a little.
    assert np.exp(a) == pytest.approx(0.05 * np.log(10), rel=0.05)
    assert first == pytest.approx(0.7, abs=0.03)
    assert second == pytest.approx(0, abs=0.03)


def test_the_same_errors_give_the_same_scale(errors):
    known, found = (values[:5000] for values in errors)
    once, again = (fit_log_scale(known, found, np.ones(5000), 0.9, steps=50) for _ in range(2))
    assert once.tobytes() == again.tobytes()


def test_the_scale_minds_the_weights(errors):
    known, found = (values[:5000] for values in errors)
    doubled = np.concatenate((found, 3 * found))
    weights = np.repeat([1.0, 0.0], 5000)
    alone = fit_log_scale(known, found, np.ones(5000), 0.9, steps=400)
    both = fit_log_scale(np.tile(known, (2, 1)), doubled, weights, 0.9, steps=400)
    np.testing.assert_allclose(both, alone, atol=0.02)


def test_intervals_cover_what_they_were_not_fitted_on(errors):
    known, found = errors
    train, calibrate, test = np.split(np.arange(len(found)), [10_000, 20_000])
    a, *b = fit_log_scale(known[train], found[train], np.ones(10_000), 0.9, steps=200)
    scale = 0.3 * np.exp(a + known @ b)  # badly off: the factor has to make up for it
    ratios = found[calibrate] / scale[calibrate]
    half = conformal_factor(ratios, np.ones(len(ratios)), 0.9) * scale[test]
    assert np.mean(found[test] <= half) == pytest.approx(0.9, abs=0.015)
    constant = np.quantile(found[test], 0.9)
    assert interval_score(found[test], half, 0.9) < 0.85 * interval_score(
        found[test], constant, 0.9
    )


def test_the_factor_is_a_weighted_quantile():
    ratios = np.arange(1.0, 11)
    assert conformal_factor(ratios, np.ones(10), 0.5) == 6  # ceil(11 * 0.5) of 10
    assert conformal_factor(ratios, np.ones(10), 0.95) == 10
    assert conformal_factor(ratios[::-1], np.ones(10), 0.5) == 6
    weights = np.array([100.0, *[0.001] * 9])
    assert conformal_factor(ratios, weights, 0.5) == 1


def test_the_interval_score_is_width_and_what_lies_outside():
    assert interval_score(np.zeros(3), 0.1, 0.9) == pytest.approx(0.2)
    assert interval_score(np.full(3, 0.15), 0.1, 0.9) == pytest.approx(0.2 + 20 * 0.05)


def test_signals_of_images_that_agree_are_the_lowest_there_are():
    flat = np.full((32, 48), 0.5, np.float32)
    maps = signals(flat[::4, ::4], flat, flat, [flat])
    for name in ("networks_0", "networks_8", "flips_8", "deviation_2"):
        np.testing.assert_allclose(maps[name], np.log(0.01), atol=1e-5)
    np.testing.assert_allclose(maps["brightness_2"], np.log(0.51), atol=1e-5)
    assert all(values.dtype == np.float32 and values.shape == (32, 48) for values in maps.values())


def test_signals_are_where_images_differ():
    sr = random(32, 48)
    other = sr.copy()
    other[10, 20] = 1 - other[10, 20]
    maps = signals(random(8, 12), sr, other, [other])
    assert (maps["networks_0"] > -4.6).sum() == 1
    assert maps["networks_0"].argmax() == 10 * 48 + 20
    wide = maps["networks_8"]
    assert wide[10, 20] > wide[10, 30] > wide[10, 40] > np.log(0.01)
    np.testing.assert_array_equal(maps["networks_8"], maps["flips_8"])
    assert "flips_8" not in signals(random(8, 12), sr, other)


def test_signals_are_given_no_array_to_change():
    low, sr = random(8, 12), random(32, 48)
    before = low.copy(), sr.copy()
    signals(low, sr, sr, [sr])
    np.testing.assert_array_equal(low, before[0])
    np.testing.assert_array_equal(sr, before[1])


@pytest.mark.parametrize(
    "images",
    [
        (random(8, 12), random(32, 48), random(32, 44)),
        (random(8, 12), random(30, 48), random(30, 48)),
        (random(8, 12, 3), random(32, 48), random(32, 48)),
        (random(8, 12), random(32, 48, 3), random(32, 48, 3)),
        (np.zeros((0, 0), np.float32), random(32, 48), random(32, 48)),
    ],
)
def test_sizes_that_do_not_fit_are_refused(images):
    with pytest.raises(CalibrationError, match="signals: "):
        signals(*images)


def test_half_widths_are_exponential_in_the_signals():
    features = {"networks_0": np.array([[0.0, -1.0]], np.float32)}
    half = made().half_width(features)
    np.testing.assert_allclose(half, 2 * np.exp([[-1.0, -1.5]]), rtol=1e-5)
    assert half.dtype == np.float32


def test_half_widths_end_at_the_whole_range():
    features = {"networks_0": np.full((1, 1), 1e6, np.float32)}
    assert made().half_width(features).max() == 1


def test_a_missing_signal_is_named():
    with pytest.raises(CalibrationError, match=r"missing: networks_0$"):
        made().half_width({"flips_8": random(2, 2)})


def test_a_calibration_survives_the_disk(tmp_path):
    path = tmp_path / "calibration.json"
    path.write_text(json.dumps(made(models={"a": "0f"}).as_dict()))
    assert Calibration.load(path) == made(models={"a": "0f"})


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"coverage": "x"}', json.dumps(made(coverage=2.0).as_dict())]
)
def test_something_else_is_no_calibration(tmp_path, text):
    path = tmp_path / "calibration.json"
    path.write_text(text)
    with pytest.raises(CalibrationError, match=r"calibration\.json: is no calibration"):
        Calibration.load(path)
    with pytest.raises(CalibrationError, match="is no calibration"):
        Calibration.load(tmp_path / "missing.json")


def test_mirror_images_are_upscaled_only_if_they_are_asked_for():
    seen = []

    def srgan(image):
        seen.append(image.copy())
        return np.kron(image, np.ones((4, 4), np.float32))

    low = random(6, 9)
    sr, half = estimate(low, srgan, srgan, made())
    assert len(seen) == 2
    assert sr.shape == half.shape == (24, 36)
    seen.clear()
    estimate(low, srgan, srgan, made(slopes={"flips_8": 1.0}))
    assert len(seen) == 2 + len(FLIPS)
    np.testing.assert_array_equal(seen[1], low[:, ::-1])


def test_the_overlay_keeps_the_luminance_and_colours_what_is_unsure():
    sr = random(20, 30)
    half = np.zeros_like(sr)
    half[:, 15:] = 0.2
    picture = overlay(sr, half)
    assert picture.shape == (20, 30, 3)
    assert picture.dtype == np.float32
    np.testing.assert_allclose(luma(picture), sr, atol=1e-5)
    np.testing.assert_allclose(picture[:, :15], np.repeat(sr[:, :15, None], 3, axis=2), atol=1e-6)
    middling = (sr > 0.2) & (sr < 0.8) & (half > 0)
    assert np.all(picture[middling, 0] > picture[middling, 2] + 0.05)
    assert picture.min() >= 0
    assert picture.max() <= 1
    with pytest.raises(CalibrationError, match="do not fit"):
        overlay(sr, half[1:])


def test_the_shipped_calibration_belongs_to_the_shipped_models():
    calibration = Calibration.load()
    assert SHIPPED_CALIBRATION.stat().st_size < 4096
    assert calibration.coverage == 0.9
    assert sorted(calibration.models) == sorted(MODELS)
    for name, digest in calibration.models.items():
        assert load_upscaler(name, device="cpu").provenance.weights_sha256 == digest
    assert len(calibration.story["factor_from"]) == 2


def covered(pair, calibration) -> tuple[float, float]:
    """Share of counted pixels inside, and the correlation of width and error."""
    srgan, srresnet = (load_upscaler(name, device="cpu") for name in MODELS)
    sr, half = estimate(pair.lr, srgan, srresnet, calibration)
    counted = padding_mask(pair.hr)
    error, width = np.abs(sr - pair.hr)[counted], half[counted]
    return float(np.mean(error <= width)), float(np.corrcoef(error, width)[0, 1])


def test_bundled_scans_are_covered():
    hr = read_scan(EXAMPLES[-1]).slice_pixels(0)[100:356, 100:356]
    share, correlation = covered(make_pair("scan", hr), Calibration.load())
    assert share == pytest.approx(0.9, abs=0.05)
    assert correlation > 0.2


@pytest.mark.slow
def test_people_never_seen_are_covered(shared):
    entries = select(find_entries(shared / "data" / "oct"), splits=["test"])
    chosen = select(entries, datasets=["kermany_oct2017"])[::4]
    shares = [covered(pair, Calibration.load())[0] for pair in read_pairs(chosen)]
    assert 0.86 < np.mean(shares) < 0.96
