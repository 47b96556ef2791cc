"""NaN and infinite values: refused with their place, or replaced if that is asked for."""

import logging
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from super_resolution_gans.io import ReadError, read_scan, stored
from super_resolution_gans.io.finite import Survey

HINT = ", counted from 0 (fill, or --fill of srgan upscale, replaces them)"
BAD = np.array([np.nan, np.inf, -np.inf])


def spoilt(shape: tuple[int, ...], places: list[tuple[int, ...]], dtype: str = "f4") -> np.ndarray:
    """Numbers from -2 to 3, with all kinds of bad ones at these places."""
    values = np.random.default_rng(0).uniform(-2, 3, shape).astype(dtype)
    values.flat[:2] = -2, 3
    for number, place in enumerate(places):
        values[place] = BAD[number % 3]
    return values


def save(path: Path, values: np.ndarray) -> Path:
    if path.suffix == ".npy":
        np.save(path, values)
    else:
        colour = values.ndim == 4
        tifffile.imwrite(
            path, values, photometric="rgb" if colour else "minisblack", rowsperstrip=5
        )
    return path


@pytest.fixture(params=["memory", "bands"])
def lazy_above(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Whether the scan is read piece by piece, and then searched in bands of two rows."""
    monkeypatch.setattr(stored, "_BAND_NUMBERS", 40)
    return 1 << 30 if request.param == "memory" else 0


@pytest.mark.parametrize("name", ["a.npy", "a.tif"])
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f4"])
def test_they_are_counted_and_the_first_is_named(
    tmp_path: Path, lazy_above: int, name: str, dtype: str
) -> None:
    places = [(3, 17, 4), (3, 17, 5), (3, 18, 0), (4, 0, 0)]
    path = save(tmp_path / name, spoilt((5, 20, 20), places, dtype))
    with pytest.raises(ReadError) as caught:
        read_scan(path, lazy_above=lazy_above)
    place = "the first in slice 3, row 17, column 4"
    assert str(caught.value) == f"{path}: 4 values are NaN or infinite, {place}{HINT}"


def test_one_is_one_and_colour_has_no_place_of_its_own(tmp_path: Path, lazy_above: int) -> None:
    path = save(tmp_path / "a.tif", spoilt((2, 9, 8, 3), [(1, 2, 3, 2)]))
    with pytest.raises(ReadError) as caught:
        read_scan(path, lazy_above=lazy_above)
    place = "the first in slice 1, row 2, column 3"
    assert str(caught.value) == f"{path}: 1 value is NaN or infinite, {place}{HINT}"


@pytest.mark.parametrize(("fill", "value"), [(0.5, 0.5), ("min", -2.0), (7, 7.0), (-1e30, -1e30)])
@pytest.mark.parametrize("shape", [(3, 20, 20), (2, 9, 8, 3)])
def test_they_are_replaced_in_the_units_of_the_file(
    tmp_path: Path,
    lazy_above: int,
    shape: tuple[int, ...],
    fill: float,
    value: float,
    caplog: pytest.LogCaptureFixture,
) -> None:
    places = [(0,) * len(shape), (1, 3, 4, 2)[: len(shape)], (1, 8, 7, 0)[: len(shape)]]
    values = spoilt(shape, places)
    values.flat[5] = -2
    path = save(tmp_path / "a.tif", values)
    scan = read_scan(path, lazy_above=lazy_above, fill=fill)
    assert scan.is_lazy == (lazy_above == 0)
    expected = np.where(np.isfinite(values), values, np.float32(value))
    assert scan.value_range == (expected.min(), expected.max())
    span = float(expected.max()) - float(expected.min())
    np.testing.assert_allclose(scan.to_array(), expected, atol=2e-7 * span)
    window = scan.window(1, slice(2, 6), slice(3, 8))
    np.testing.assert_array_equal(window, scan.load().pixels[1, 2:6, 3:8])
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    said = f"{path}: 3 values are NaN or infinite, and {np.float32(value):g} here"
    assert record.getMessage() == said


def test_a_scan_without_any_is_the_same_with_and_without_filling(
    tmp_path: Path, lazy_above: int, caplog: pytest.LogCaptureFixture
) -> None:
    path = save(tmp_path / "a.npy", spoilt((2, 9, 8), []))
    plain = read_scan(path, lazy_above=lazy_above)
    filled = read_scan(path, lazy_above=lazy_above, fill=99)
    np.testing.assert_array_equal(plain.load().pixels, filled.load().pixels)
    assert plain.value_range == filled.value_range
    assert not caplog.records


def test_grey_stored_as_colour_is_grey_once_it_is_filled(tmp_path: Path, lazy_above: int) -> None:
    grey = spoilt((1, 9, 8), [(0, 3, 4)])
    path = save(tmp_path / "a.tif", np.repeat(grey[..., np.newaxis], 3, axis=3))
    assert read_scan(path, lazy_above=lazy_above, fill="min").channels == 1


def test_where_there_is_nothing_but_them_there_is_no_smallest(
    tmp_path: Path, lazy_above: int
) -> None:
    path = save(tmp_path / "a.npy", np.full((4, 5), np.nan, np.float32))
    with pytest.raises(ReadError, match="every value is NaN or infinite, so there is no smallest"):
        read_scan(path, lazy_above=lazy_above, fill="min")
    scan = read_scan(path, lazy_above=lazy_above, fill=2)
    np.testing.assert_array_equal(scan.to_array(), np.full((1, 4, 5), 2.0))


@pytest.mark.parametrize("fill", [np.nan, np.inf, "max", "", [1]])
def test_a_filling_is_a_finite_number_or_min(tmp_path: Path, fill: object) -> None:
    path = save(tmp_path / "a.npy", np.zeros((4, 5)))
    with pytest.raises(ReadError, match="expected a finite number or 'min'"):
        read_scan(path, fill=fill)


def test_a_filling_has_to_fit_the_type(tmp_path: Path) -> None:
    path = save(tmp_path / "a.npy", np.array([[1, np.nan]], np.float16))
    with pytest.raises(ReadError, match=r"1e\+06 cannot fill in for values of type float16"):
        read_scan(path, fill=1e6)


@given(
    hnp.arrays(
        np.float32,
        hnp.array_shapes(min_dims=3, max_dims=3, max_side=5),
        elements=st.one_of(st.sampled_from([0.0, np.nan, np.inf, -np.inf]), st.floats(width=32)),
    ),
    st.integers(1, 5),
)
def test_a_survey_in_bands_is_that_of_the_whole(values: np.ndarray, step: int) -> None:
    bands = (
        (index, top, values[index, top : top + step])
        for index in range(values.shape[0])
        for top in range(0, values.shape[1], step)
    )
    survey, good = Survey(bands), np.isfinite(values)
    assert survey.bad == (~good).sum()
    assert survey.first == (tuple(np.argwhere(~good)[0]) if survey.bad else None)
    if good.any():
        assert (survey.low, survey.high) == (values[good].min(), values[good].max())
    else:
        assert (survey.low, survey.high) == (np.inf, -np.inf)
