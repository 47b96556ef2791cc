"""Bioptigen .OCT, on files written here: there is no real one."""

from types import ModuleType
from typing import Any

import numpy as np
import pytest

RANDOM = np.random.default_rng(6)
DEEP = RANDOM.integers(0, 65536, (3, 9, 8), dtype=np.uint16)
GREY = RANDOM.integers(0, 256, (3, 9, 8), dtype=np.uint8)


@pytest.mark.parametrize("values", [DEEP, GREY])
def test_frames_come_back(values: Any, parsed: Any, vendor_files: ModuleType) -> None:
    volume = parsed("oct", vendor_files.bioptigen(values))
    assert volume.pixels.dtype == values.dtype
    np.testing.assert_array_equal(volume.pixels, values)
    assert volume.spacing == (9 / 3, 2 / 9, 6 / 8)
    assert dict(volume.details) == {
        "format": "Bioptigen .OCT",
        "device": "Bioptigen",
        "scan pattern": "rectangular volume",
        "version": "261",
        "verified": "not verified on a real file",
    }


def test_only_extents_that_are_clear_become_spacing(parsed: Any, vendor_files: ModuleType) -> None:
    def spacing(**options: Any) -> Any:
        return parsed("oct", vendor_files.bioptigen(DEEP, **options)).spacing

    assert spacing(pattern=0) == (None, 2 / 9, 5 / 8)
    assert spacing(pattern=3) == (None, 2 / 9, None)
    assert spacing(frames=1) == (3, 2 / 9, 6 / 8)
    assert spacing(frames=3) == (None, 2 / 9, 6 / 8)  # three at the same place


def test_every_truncation_is_refused(refusal: Any, vendor_files: ModuleType) -> None:
    whole = vendor_files.bioptigen(DEEP)
    for length in range(len(whole)):
        assert refusal("oct", whole[:length])


def test_fewer_frames_than_announced_are_refused(refusal: Any, vendor_files: ModuleType) -> None:
    whole = vendor_files.bioptigen(DEEP, announced=49)
    assert "truncated: 49 frames of 8 x 9 pixels do not fit" in refusal("oct", whole)
    # Even if there are enough bytes behind the last.
    assert "no FRAMEDATA where one should be" in refusal("oct", whole + bytes(49 * 144))


def test_what_is_not_known_is_refused(refusal: Any, vendor_files: ModuleType) -> None:
    whole = vendor_files.bioptigen(DEEP)
    key = vendor_files.entry
    for old, new, words in (
        (key(b"SCANTYPE", b"\1\0\0\0"), key(b"SCANTYPE", b"\6\0\0\0"), "mixed density"),
        (key(b"SAMPLEFORMAT", b"\2\0\0\0"), key(b"SAMPLEFORMAT", b"\4\0\0\0"), "sample format 4"),
        (key(b"LINECOUNT", b"\x08\0\0\0"), key(b"LINECOUNT", b"\x09\0\0\0"), "frame 1 of 3"),
        (b"LINELENGTH", b"LINELENGTX", "has no LINELENGTH"),
        (b"FRAMESAMPLES", b"FRAMESIMPLES", "frame 1 of 3 does not have"),
        (b"FRAMEHEADER", b"HEADERFRAME", "no FRAMEHEADER"),
        (key(b"LINECOUNT", b"\x08\0\0\0"), key(b"LINECOUNT", b"\0\0\0\0"), "nothing to read"),
        (key(b"LINECOUNT", b"\x08\0\0\0"), key(b"LINECOUNT", b"\xff" * 4), "over the limit"),
    ):
        assert whole.count(old) >= 1
        assert words in refusal("oct", whole.replace(old, new))


def test_other_keys_are_passed_over(parsed: Any, vendor_files: ModuleType) -> None:
    whole = vendor_files.bioptigen(DEEP)
    end = vendor_files.entry(b"FRAMELINES", b"\x08\0\0\0")
    more = end + vendor_files.entry(b"DOPPLERSAMPLES", bytes(144))
    np.testing.assert_array_equal(parsed("oct", whole.replace(end, more)).pixels, DEEP)
