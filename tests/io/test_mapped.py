"""Reading a mapped file through does not fill memory with it."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from super_resolution_gans.io import mapped, read_scan

STATUS = Path("/proc/self/status")
SIDE = 4096


def resident() -> int:
    """Bytes of files in memory that are mapped by this process."""
    (line,) = (line for line in STATUS.read_text().splitlines() if line.startswith("RssFile"))
    return int(line.split()[1]) * 1024


@pytest.mark.skipif(not STATUS.exists(), reason="needs /proc")
@pytest.mark.parametrize("suffix", [".tif", ".npy"])
def test_a_file_that_was_read_through_is_not_resident(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mapped, "_BYTES", 1 << 20)
    values = np.random.default_rng(0).integers(0, 65536, (SIDE, SIDE), np.uint16)
    if suffix == ".tif":
        tifffile.imwrite(tmp_path / "a.tif", values, photometric="minisblack")
    else:
        np.save(tmp_path / "a.npy", values)
    scan = read_scan(tmp_path / f"a{suffix}", lazy_above=0)
    before = resident()
    for top in range(0, SIDE, 64):
        rows = slice(top, top + 64)
        expected = values[rows] / np.float32(65535)
        np.testing.assert_array_equal(scan.window(0, rows, slice(0, SIDE)), expected)
    assert resident() - before < values.nbytes / 4
