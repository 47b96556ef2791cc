"""Heidelberg .E2E: a real B-scan, and files written here, beside eyepy's reading of them."""

import hashlib
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from super_resolution_gans.io import read_scan

# Every exponent between noise and white, and every mantissa.
CODES = np.random.default_rng(3).integers(48 << 10, 63 << 10, (5, 6, 7)).astype(np.uint16)


def displayed(codes: NDArray[Any]) -> NDArray[np.float64]:
    """By the documented formula, in float64."""
    codes = codes.astype(int)
    values = (1 + codes % 1024 / 1024) * 2.0 ** (codes // 1024 - 63)
    shown = np.clip((np.log(np.minimum(values, 1) + 2.44e-4) + 8.3) / 8.285, 0, 1)
    return np.where(values > 1.99, 0, shown)


def test_the_real_bscan_is_what_lies_in_the_file(shared: Path) -> None:
    path = shared / "data/formats/panimg/e2e_minimized.E2E"
    scan, data = read_scan(path), path.read_bytes()
    at = data.index((35652097).to_bytes(4, "little")) + 16
    codes = np.frombuffer(data, "<u2", 496 * 512, at).reshape(496, 512)
    assert scan.shape == (1, 496, 512)
    assert scan.spacing == (None, None, None)
    np.testing.assert_allclose(scan.pixels[0], displayed(codes), atol=1e-6)
    # The picture was looked at: vitreous above, layers of a retina, shadows of vessels.
    digest = hashlib.sha256(np.rint(255 * displayed(codes)).astype(np.uint8).tobytes())
    assert digest.hexdigest().startswith("6736d7f42706f362")
    assert scan.details["eye"] == "left (OS)"
    assert "missing" in scan.details["directory"]


def test_mantissas_are_read_in_the_order_in_which_neighbours_agree(shared: Path) -> None:
    data = (shared / "data/formats/panimg/e2e_minimized.E2E").read_bytes()
    codes = np.frombuffer(data, "<u2", 496 * 512, len(data) - 2 * 496 * 512).reshape(496, 512)
    mantissas = np.array([int(f"{m:010b}"[::-1], 2) for m in range(1024)])
    turned = (codes >> 10 << 10) + mantissas[codes & 1023]

    def agreement(image: NDArray[Any]) -> float:
        retina = displayed(image)[170:270]
        return float(np.corrcoef(retina[1:].ravel(), retina[:-1].ravel())[0, 1])

    assert agreement(codes) > agreement(turned) + 0.01


def test_a_volume_is_what_eyepy_finds_in_the_same_file(
    tmp_path: Path, vendor_files: ModuleType
) -> None:
    pytest.importorskip("eyepy")
    from eyepy.io.he.e2e_format import Bscan
    from eyepy.io.he.e2e_reader import HeE2eReader

    path = tmp_path / "a.E2E"
    path.write_bytes(
        vendor_files.e2e(vendor_files.Series(CODES[:2], number=4), vendor_files.Series(CODES))
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with HeE2eReader(path) as reader:
            series = next(series for series in reader.series if series.id == 1)
            found = np.stack([series.slices[n].get_bscan() for n in sorted(series.slices)])
    codes = np.argsort(Bscan.LUT)[np.searchsorted(np.sort(Bscan.LUT), found)]
    np.testing.assert_array_equal(codes, CODES)
    scan = read_scan(path)
    np.testing.assert_allclose(scan.pixels, displayed(codes), atol=1e-6)
    assert scan.spacing == (None, pytest.approx(0.0039), None)
    assert scan.details["volume"] == "2 of 2 (the largest)"
    assert scan.details["device"] == "Heidelberg Retina Angiograph"
    assert scan.details["scan pattern"] == "OCT ART Volume"
    assert scan.details["eye"] == "right (OD)"
    assert "directory" not in scan.details


def test_what_was_not_measured_is_black_and_what_is_saturated_white(
    parsed: Any, vendor_files: ModuleType
) -> None:
    codes = np.array([[[0xFFFF, 0xFC00, 0xFC01, 0]]], np.uint16)
    assert parsed("e2e", vendor_files.e2e(vendor_files.Series(codes))).pixels.tolist() == [
        [[0, 1, 1, 0]]
    ]


def test_bscans_are_ordered_by_their_numbers(parsed: Any, vendor_files: ModuleType) -> None:
    series = vendor_files.Series(CODES[:3], numbers=(4, 0, 2))
    pixels = parsed("e2e", vendor_files.e2e(series)).pixels
    np.testing.assert_allclose(pixels, displayed(CODES[[1, 2, 0]]), atol=1e-6)


def test_of_equally_large_volumes_the_first_is_read(parsed: Any, vendor_files: ModuleType) -> None:
    first = vendor_files.Series(CODES[:2], eye=b"L")
    second = vendor_files.Series(CODES[2:4], number=2)
    volume = parsed("e2e", vendor_files.e2e(first, second))
    np.testing.assert_allclose(volume.pixels, displayed(CODES[:2]), atol=1e-6)
    assert volume.details["volume"].startswith("1 of 2")
    assert volume.details["eye"] == "left (OS)"


def test_a_file_of_several_volumes_starts_64_bytes_later(
    parsed: Any, vendor_files: ModuleType
) -> None:
    base = b"E2EMultipleVolumeFile".ljust(64, b"\0")
    volume = parsed("e2e", vendor_files.e2e(vendor_files.Series(CODES), base=base))
    np.testing.assert_allclose(volume.pixels, displayed(CODES), atol=1e-6)


@pytest.mark.parametrize("announced", [4, 6, 49])
def test_another_number_of_bscans_than_announced_is_refused(
    announced: int, refusal: Any, vendor_files: ModuleType
) -> None:
    series = vendor_files.Series(CODES, announced=announced)
    reason = refusal("e2e", vendor_files.e2e(series))
    assert reason == f"announces {announced} B-scans and holds 5"


def test_two_bscans_with_one_number_are_refused(refusal: Any, vendor_files: ModuleType) -> None:
    series = vendor_files.Series(CODES[:3], numbers=(0, 2, 2))
    assert "two B-scans with the same number" in refusal("e2e", vendor_files.e2e(series))


def test_every_truncation_is_refused(refusal: Any, vendor_files: ModuleType) -> None:
    for facts in (True, False):
        series = vendor_files.Series(CODES[:2, :2], facts=facts)
        whole = vendor_files.e2e(series, table=4)
        for length in range(len(whole)):
            assert refusal("e2e", whole[:length])


def test_the_real_sample_is_refused_wherever_it_is_cut(shared: Path, refusal: Any) -> None:
    whole = (shared / "data/formats/panimg/e2e_minimized.E2E").read_bytes()
    for length in (*range(0, 450, 7), *range(450, len(whole), 50_000), len(whole) - 1):
        assert refusal("e2e", whole[:length])


def test_without_directory_and_announcement_only_one_bscan_is_believed(
    parsed: Any, refusal: Any, vendor_files: ModuleType
) -> None:
    def lost(slices: int, facts: bool) -> bytes:
        series = vendor_files.Series(CODES[:slices], facts=facts)
        data = bytearray(vendor_files.e2e(series, table=20))
        del data[88 : 88 + 52 + 20 * 44]
        data[72:80] = b"\xff\xff\xff\x7f" * 2
        return bytes(data)

    assert "nothing says how many" in refusal("e2e", lost(2, facts=False))
    for slices, facts in ((1, False), (3, True)):
        volume = parsed("e2e", lost(slices, facts))
        np.testing.assert_allclose(volume.pixels, displayed(CODES[:slices]), atol=1e-6)
        assert "missing" in volume.details["directory"]


def test_a_directory_that_points_elsewhere_is_refused(
    refusal: Any, vendor_files: ModuleType
) -> None:
    data = bytearray(vendor_files.e2e(vendor_files.Series(CODES[:1]), table=20))
    entries = 88 + 52
    start = int.from_bytes(data[entries + 4 : entries + 8], "little")
    for entry in range(7):
        data[entries + 44 * entry + 4 : entries + 44 * entry + 8] = (start + 1).to_bytes(
            4, "little"
        )
    assert "no container where its directory says" in refusal("e2e", bytes(data))


def test_sizes_are_checked_before_they_are_believed(refusal: Any, vendor_files: ModuleType) -> None:
    whole = vendor_files.e2e(vendor_files.Series(CODES))
    assert "over the limit of 41" in refusal("e2e", whole, 41)
    image = (6).to_bytes(4, "little") + (7).to_bytes(4, "little")
    huge = whole.replace((42).to_bytes(4, "little") + image, b"\xff\xff\xff\x7f" * 3)
    assert "another size than its container" in refusal("e2e", huge)
    fundus = whole.replace((0x02200201).to_bytes(4, "little"), (0x02010201).to_bytes(4, "little"))
    assert refusal("e2e", fundus) == "no B-scans in this file"
