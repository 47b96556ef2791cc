"""Parts of scans: the same pixels as numpy's, without reading more than is asked for."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from super_resolution_gans.io import Selection, SelectionError, parse_selection, select
from super_resolution_gans.scan import Scan

VALUES = np.random.default_rng(0).integers(0, 256, (5, 12, 20), dtype=np.uint8)
SPACING = (0.12, 0.0039, 0.0114)


class _Lazy:
    """Pixels that count the rows that were read of each slice."""

    def __init__(self, values: NDArray[Any]) -> None:
        self.values = values.astype(np.float32) / 255
        self.shape = values.shape
        self.rows: Counter[int] = Counter()

    def read(self, index: int, rows: slice, columns: slice) -> NDArray[np.float32]:
        assert 0 <= rows.start <= rows.stop <= self.shape[1]
        assert 0 <= columns.start <= columns.stop <= self.shape[2]
        self.rows[index] += rows.stop - rows.start
        return self.values[index, rows, columns]


def _scans(values: NDArray[Any] = VALUES) -> list[Scan]:
    there = Scan.from_array(values, spacing=SPACING, source="eye.tif")
    lazy = Scan(_Lazy(values), SPACING, "eye.tif", values.dtype, (0.0, 255.0))
    return [there, lazy]


def _spans(length: int) -> st.SearchStrategy[tuple[int | None, int | None]]:
    ends = st.tuples(st.integers(0, length - 1), st.integers(1, length))
    whole = ends.filter(lambda span: span[0] < span[1])
    return st.one_of(
        st.just((None, None)),
        whole,
        whole.map(lambda span: (span[0], None)),
        whole.map(lambda span: (None, span[1])),
    )


@st.composite
def _selections(draw: st.DrawFn) -> Selection:
    axis = draw(st.sampled_from(["bscan", "enface"]))
    slices, height, width = (5, 12, 20) if axis == "bscan" else (12, 5, 20)
    return Selection(axis, draw(_spans(slices)), draw(_spans(height)), draw(_spans(width)))


@given(_selections())
def test_a_part_is_what_numpy_takes(chosen: Selection) -> None:
    turned = VALUES.swapaxes(0, 1) if chosen.axis == "enface" else VALUES
    expected = turned[slice(*chosen.slices), slice(*chosen.rows), slice(*chosen.columns)]
    for scan in _scans():
        part = chosen.of(scan)
        assert part.is_lazy == scan.is_lazy
        assert (part.dtype, part.value_range) == (scan.dtype, scan.value_range)
        between, axial, lateral = SPACING
        assert part.spacing == ((axial, between, lateral) if chosen.axis == "enface" else SPACING)
        np.testing.assert_array_equal(part.to_array(), expected)
        rows, columns = slice(1, 3), slice(2, 9)
        window = part.window(part.slices - 1, rows, columns)
        np.testing.assert_array_equal(window, expected[-1, rows, columns] / np.float32(255))


def test_colour_keeps_its_channels() -> None:
    values = np.random.default_rng(0).integers(0, 256, (5, 6, 7, 3), dtype=np.uint8)
    for scan in _scans(values):
        part = Selection("enface", (2, 4), (1, 5), (0, 3)).of(scan)
        np.testing.assert_array_equal(part.to_array(), values.swapaxes(0, 1)[2:4, 1:5, 0:3])


def test_en_face_of_en_face_is_the_volume_again() -> None:
    for scan in _scans():
        again = Selection("enface").of(Selection("enface").of(scan))
        np.testing.assert_array_equal(again.to_array(), VALUES)
        assert again.spacing == SPACING


def test_nothing_is_read_before_it_is_asked_for_and_then_no_more() -> None:
    lazy = _scans()[1]
    source: Any = lazy.pixels
    part = Selection(slices=(3, 4), rows=(4, 8)).of(lazy)
    assert not source.rows
    part.slice_pixels(0)
    assert source.rows == {3: 4}


def test_en_face_goes_through_the_volume_once_per_piece_that_fits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(select, "_ROOM", 4 * 4 * 5 * 20)  # four rows of all slices, as float32
    lazy = _scans()[1]
    source: Any = lazy.pixels
    part = Selection("enface").of(lazy)
    for index in range(12):
        part.window(index, slice(0, 3), slice(0, 20))
        part.window(index, slice(3, 5), slice(0, 20))
    assert source.rows == dict.fromkeys(range(5), 12)


def test_all_of_it_is_the_scan_itself() -> None:
    for scan in _scans():
        assert Selection().of(scan) is scan
        assert Selection().is_all
        assert not Selection("enface").is_all


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        (Selection(slices=(1, 2)), "slices 1 to 1 of 5"),
        (Selection(rows=(2, None)), "rows 2 to 11 of 12"),
        (
            Selection("enface", (3, 5), columns=(0, 7)),
            "en-face slices 3 to 4 of 12, columns 0 to 6 of 20",
        ),
        (Selection("enface"), "all 12 en-face slices"),
    ],
)
def test_details_say_what_was_selected_and_the_header_goes(chosen: Selection, said: str) -> None:
    from dataclasses import replace

    scan = replace(_scans()[0], details={"device": "a"}, header=object())
    part = chosen.of(scan)
    assert part.details == {"device": "a", "selection": said}
    assert part.header is None


@pytest.mark.parametrize(
    ("chosen", "reason"),
    [
        (Selection(slices=(5, 6)), "eye.tif: has no slice 5: there are 5, numbered 0 to 4"),
        (Selection(slices=(3, 9)), "eye.tif: has no slices 3:9: there are 5, numbered 0 to 4"),
        (Selection(rows=(12, None)), "eye.tif: has no rows 12:12: there are 12"),
        (Selection(columns=(4, 4)), "eye.tif: has no columns 4:4: there are 20"),
        (Selection("enface", slices=(12, 13)), "has no en-face slice 12: there are 12"),
        (Selection(columns=(-2, 4)), "eye.tif: has no columns -2:4"),
    ],
)
def test_what_is_not_there_names_the_scan_and_what_is(chosen: Selection, reason: str) -> None:
    for scan in _scans():
        with pytest.raises(SelectionError) as caught:
            chosen.of(scan)
        assert reason in str(caught.value)


def test_of_a_single_slice_there_is_only_the_first() -> None:
    scan = Scan.from_array(np.zeros((4, 4), np.uint8))
    with pytest.raises(SelectionError, match=r"has no slice 9: the only one is 0$"):
        Selection(slices=(9, 10)).of(scan)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"slices": "12"}, Selection(slices=(12, 13))),
        ({"slices": "10:20"}, Selection(slices=(10, 20))),
        ({"slices": "10:"}, Selection(slices=(10, None))),
        ({"slices": " :20 "}, Selection(slices=(None, 20))),
        ({"axis": "enface"}, Selection("enface")),
        ({"region": "0:200,100:300"}, Selection(rows=(0, 200), columns=(100, 300))),
        ({"region": ":,100:"}, Selection(columns=(100, None))),
        ({}, Selection()),
    ],
)
def test_words_of_the_command_line(words: dict[str, str], expected: Selection) -> None:
    assert parse_selection(**words) == expected


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ({"slices": "x"}, "slice: x is no choice such as 12 or 10:20"),
        ({"slices": ""}, "slice: is no choice"),
        ({"slices": "-1"}, "slice: -1 is no choice"),
        ({"slices": "1:2:3"}, "is no choice"),
        ({"slices": "99999999999"}, "is no choice"),
        ({"slices": "1 2"}, "is no choice"),
        ({"slices": "5:5"}, "slice: 5:5 is empty"),
        ({"slices": "9:5"}, "slice: 9:5 is empty"),
        ({"axis": "coronal"}, "axis: coronal is neither bscan nor enface"),
        ({"region": "1:2"}, "region: 1:2 is not top:bottom,left:right"),
        ({"region": "1:2,3:4,5:6"}, "is not top:bottom,left:right"),
        ({"region": "12,3:4"}, "region: 12 is no choice such as 0:200,100:300"),
        ({"region": "1:2\n,3:1"}, "is empty"),
    ],
)
def test_words_that_mean_nothing(words: dict[str, str], reason: str) -> None:
    with pytest.raises(SelectionError) as caught:
        parse_selection(**words)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_as_a_document_it_says_what_was_asked_for() -> None:
    assert Selection("enface", (3, None)).as_dict() == {"axis": "enface", "slices": [3, None]}
