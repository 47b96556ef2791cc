"""Scan: what it refuses, what it keeps, and the way back to the original numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from super_resolution_gans.scan import (
    Scan,
    ScanError,
    natural_range,
    printable,
    to_stored,
    to_unit,
)


class _Ramp:
    """A lazy 2 x 4 x 5 source that notes what was asked."""

    shape = (2, 4, 5)

    def __init__(self) -> None:
        self.asked: list[tuple[int, slice, slice]] = []
        self.values = np.linspace(0, 1, 40, dtype=np.float32).reshape(self.shape)

    def read(self, index: int, rows: slice, columns: slice) -> NDArray[np.float32]:
        self.asked.append((index, rows, columns))
        return self.values[index, rows, columns]


def _pixels(*shape: int) -> NDArray[np.float32]:
    return np.linspace(0, 1, int(np.prod(shape)), dtype=np.float32).reshape(shape)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((4, 5), (1, 4, 5)),
        ((4, 5, 3), (1, 4, 5, 3)),
        ((4, 5, 1), (1, 4, 5)),
        ((7, 4, 5), (7, 4, 5)),
        ((7, 4, 5, 3), (7, 4, 5, 3)),
        ((7, 4, 3, 1), (7, 4, 3)),
        ((1, 1), (1, 1, 1)),
    ],
)
def test_axes_are_slices_height_width_and_perhaps_colour(
    shape: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    scan = Scan.from_array(np.zeros(shape, np.uint8))
    assert scan.shape == expected
    assert (scan.slices, scan.height, scan.width) == expected[:3]
    assert scan.channels == (3 if len(expected) == 4 else 1)


@pytest.mark.parametrize("shape", [(), (5,), (2, 3, 4, 5), (1, 2, 3, 4, 5), (0, 4), (3, 0, 2)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ScanError):
        Scan.from_array(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("dtype", ["c8", "M8[s]", "U3", "O"])
def test_other_types_are_refused(dtype: str) -> None:
    with pytest.raises(ScanError, match="not supported"):
        Scan.from_array(np.zeros((2, 2), dtype))


@pytest.mark.parametrize(
    ("dtype", "low", "high", "expected"),
    [
        ("u1", 3, 7, (0, 255)),
        ("u2", 3, 7, (0, 65535)),
        ("u4", 0, 200, (0, 255)),
        ("u4", 0, 300, (0, 65535)),
        ("u4", 5, 70000, (5, 70000)),
        ("i2", 0, 4095, (0, 32767)),
        ("i1", 0, 9, (0, 127)),
        ("i2", -5, 100, (-5, 100)),
        ("f4", 0.2, 0.9, (0, 1)),
        ("f4", 0.5, 0.5, (0, 1)),
        ("f4", 0, 1.5, (0, 1.5)),
        ("f8", -1, 1, (-1, 1)),
        ("f8", 7, 7, (7, 7)),
    ],
)
def test_natural_range(dtype: str, low: float, high: float, expected: tuple[float, float]) -> None:
    assert natural_range(dtype, low, high) == expected


def test_bytes_become_multiples_of_one_255th() -> None:
    scan = Scan.from_array(np.arange(256, dtype=np.uint8).reshape(16, 16))
    assert scan.pixels.dtype == np.float32
    expected = (np.arange(256) / 255).astype(np.float32).reshape(1, 16, 16)
    np.testing.assert_array_equal(scan.pixels, expected)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_stored_integer_comes_back(dtype: type) -> None:
    values = np.arange(np.iinfo(dtype).max + 1, dtype=dtype).reshape(16, -1)
    scan = Scan.from_array(values)
    np.testing.assert_array_equal(scan.to_array()[0], values)
    assert scan.to_array().dtype == dtype


def test_rounding_is_half_to_even_and_clips() -> None:
    halves = np.array([0.5 / 2, 1.5 / 2, 1.0], np.float32)
    assert to_stored(halves, np.dtype(np.uint8), (0, 2)).tolist() == [0, 2, 2]
    assert to_stored(np.float32([1.0]), np.dtype(np.uint8), (0, 300)).tolist() == [255]
    top = np.iinfo(np.uint64).max
    assert to_stored(np.float32([1.0]), np.dtype(np.uint64), (0, float(top))).tolist() == [top]


def test_big_endian_numbers_are_kept_as_native_ones() -> None:
    scan = Scan.from_array(np.array([[1, 2], [3, 65535]], ">u2"))
    assert scan.dtype == np.dtype("=u2")
    assert scan.dtype.isnative
    assert scan.to_array().tolist() == [[[1, 2], [3, 65535]]]


def test_bool_becomes_black_and_white_bytes() -> None:
    scan = Scan.from_array(np.array([[True, False]]))
    assert (scan.dtype, scan.value_range) == (np.uint8, (0, 255))
    assert scan.to_array().tolist() == [[[255, 0]]]


@pytest.mark.parametrize("value", [-3.0, 0.0, 0.25, 1e30, -1e300])
def test_a_constant_scan_comes_back_exactly(value: float) -> None:
    scan = Scan.from_array(np.full((3, 2), value))
    np.testing.assert_array_equal(scan.to_array()[0], np.full((3, 2), value))


def test_the_widest_range_of_float64_does_not_overflow() -> None:
    values = np.array([[-1.7e308, 0.0, 1.7e308]])
    scan = Scan.from_array(values[..., np.newaxis])
    np.testing.assert_allclose(scan.pixels, [[[0, 0.5, 1]]])
    np.testing.assert_allclose(scan.to_array(), [values], rtol=1e-6)


@given(
    hnp.arrays(
        np.float64,
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=6),
        elements=st.floats(-1e6, 1e6, width=32),
    )
)
def test_floats_come_back_within_the_precision_of_the_pixels(values: NDArray[np.float64]) -> None:
    scan = Scan.from_array(values[np.newaxis, ..., np.newaxis])
    low, high = scan.value_range
    assert low <= values.min() <= values.max() <= high
    np.testing.assert_allclose(scan.to_array()[0], values, atol=(high - low) * 2**-23)


@given(
    hnp.arrays(np.float32, (3, 3), elements=st.floats(0, 1, width=32)),
    st.tuples(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6)),
)
def test_to_unit_undoes_to_stored(pixels: NDArray[np.float32], ends: tuple[float, float]) -> None:
    value_range = (ends[0], ends[0] + ends[1])
    stored = to_stored(pixels, np.dtype(np.float64), value_range)
    tolerance = 2**-22 + 2**-50 * abs(ends[0]) / ends[1]
    np.testing.assert_allclose(to_unit(stored, value_range), pixels, atol=tolerance)


def test_large_arrays_are_converted_in_bands_with_the_same_result(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values = np.random.default_rng(1).normal(size=(3, 40, 30))
    whole = Scan.from_array(values)
    monkeypatch.setattr("super_resolution_gans.scan._BAND", 100)
    banded = Scan.from_array(values)
    np.testing.assert_array_equal(banded.pixels, whole.pixels)
    np.testing.assert_array_equal(banded.to_array(), whole.to_array())


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(bad: float) -> None:
    values = np.zeros((2, 2))
    values[1, 1] = bad
    with pytest.raises(ScanError, match=r"^here: .*NaN"):
        Scan.from_array(values, source="here")
    with pytest.raises(ScanError, match="NaN"):
        Scan(values.astype(np.float32)[np.newaxis])


def test_pixels_outside_zero_to_one_or_not_float32_are_refused() -> None:
    with pytest.raises(ScanError, match=r"expected \[0, 1\]"):
        Scan(np.full((1, 2, 2), 1.01, np.float32))
    with pytest.raises(ScanError, match="float64"):
        Scan(np.zeros((1, 2, 2)))  # type: ignore[arg-type]
    with pytest.raises(ScanError, match="shape"):
        Scan(np.zeros((2, 2), np.float32))


def test_values_outside_a_given_range_are_refused() -> None:
    with pytest.raises(ScanError, match="not within 0 to 1"):
        Scan.from_array(np.array([[0.0, 1.2]]), value_range=(0, 1))
    scan = Scan.from_array(np.array([[0, 4095]], np.uint16), value_range=(0, 4095))
    assert scan.pixels.tolist() == [[[0, 1]]]
    assert scan.to_array().tolist() == [[[0, 4095]]]


@pytest.mark.parametrize("spacing", [(0, 1, 1), (None, -1, 1), (None, None, np.inf)])
def test_nonsense_spacing_is_refused(spacing: tuple[float | None, ...]) -> None:
    with pytest.raises(ScanError, match="spacing"):
        Scan(_pixels(1, 2, 2), spacing=spacing)  # type: ignore[arg-type]


@pytest.mark.parametrize("ends", [(1, 0), (0, 256), (-1, 255), (0, np.nan)])
def test_a_range_that_the_type_cannot_hold_is_refused(ends: tuple[float, float]) -> None:
    with pytest.raises(ScanError, match="range"):
        Scan(_pixels(1, 2, 2), value_range=ends)


def test_the_callers_array_is_neither_locked_nor_changed() -> None:
    pixels = _pixels(1, 3, 4)
    scan = Scan(pixels)
    with pytest.raises(ValueError, match="read-only"):
        scan.pixels[0, 0, 0] = 1  # type: ignore[index]
    assert pixels.flags.writeable
    assert np.shares_memory(pixels, scan.slice_pixels(0))
    values = np.array([[0.0, 2.0]])
    Scan.from_array(values)
    assert values.tolist() == [[0.0, 2.0]]


def test_a_scan_is_frozen() -> None:
    with pytest.raises(AttributeError):
        Scan(_pixels(1, 2, 2)).source = "other"  # type: ignore[misc]


def test_windows_are_cut_at_the_borders_as_numpy_does() -> None:
    pixels = _pixels(2, 4, 5)
    window = Scan(pixels).window(1, slice(2, 99), slice(-2, None))
    np.testing.assert_array_equal(window, pixels[1, 2:99, -2:])
    with pytest.raises(IndexError):
        Scan(pixels).window(2, slice(None), slice(None))
    with pytest.raises(IndexError):
        Scan(pixels).window(-1, slice(None), slice(None))
    with pytest.raises(IndexError, match="steps"):
        Scan(pixels).window(0, slice(None, None, 2), slice(None))
    assert Scan(_Ramp()).window(0, slice(3, 1), slice(2, 2)).shape == (0, 0)


def test_a_lazy_scan_reads_only_the_window_that_is_asked_for() -> None:
    source = _Ramp()
    scan = Scan(source)
    assert scan.is_lazy
    assert source.asked == []
    window = scan.window(1, slice(1, 3), slice(-2, None))
    np.testing.assert_array_equal(window, source.values[1, 1:3, 3:])
    assert source.asked == [(1, slice(1, 3), slice(3, 5))]


def test_load_brings_a_lazy_scan_into_memory() -> None:
    source = _Ramp()
    scan = Scan(source, (0.1, 0.2, 0.3), "ramp", np.dtype(np.uint16), (0, 65535))
    loaded = scan.load()
    assert not loaded.is_lazy
    np.testing.assert_array_equal(loaded.pixels, source.values)
    assert (loaded.spacing, loaded.source) == (scan.spacing, "ramp")
    np.testing.assert_array_equal(loaded.to_array(), scan.to_array())
    assert loaded.load() is loaded


def test_a_lazy_source_that_breaks_its_promise_is_found_out() -> None:
    source = _Ramp()
    source.values = source.values[:, :2] * 2
    with pytest.raises(ScanError, match="shape"):
        Scan(source).slice_pixels(0)
    source = _Ramp()
    source.values = source.values * 2
    with pytest.raises(ScanError, match=r"expected \[0, 1\]"):
        Scan(source).slice_pixels(1)


def test_messages_are_one_line_whatever_the_name() -> None:
    assert printable("a\nb\x1b[31m\u202e\udcffé") == "a\\nb\\x1b[31m\\u202e\\udcffé"
    with pytest.raises(ScanError) as caught:
        Scan.from_array(np.zeros(3), source="two\nlines")
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, ValueError)


def test_values_that_are_not_finite_are_counted_and_the_first_is_named():
    values = np.ones((3, 4, 5))
    values[1, 2, 3:] = np.nan, -np.inf
    with pytest.raises(ScanError) as caught:
        Scan.from_array(values, source="a.npy")
    assert str(caught.value) == "a.npy: 2 values are NaN or infinite, the first at [1, 2, 3]"
