"""``srgan figure``."""

import numpy as np
import pytest
from PIL import Image

from super_resolution_gans.io import write_scan
from super_resolution_gans.scan import Scan


@pytest.fixture
def scan(tmp_path):
    values = np.random.default_rng(0).integers(0, 255, (2, 48, 64), dtype=np.uint8)
    write_scan(Scan.from_array(values, spacing=(None, 0.004, 0.01)), tmp_path / "a.tif")
    return tmp_path / "a.tif"


def test_a_scan_is_drawn_before_and_after(srgan, scan, tmp_path):
    out = tmp_path / "f.png"
    result = srgan("figure", scan, "-o", out, "--model", "lanczos", "--slice", 1, "--dpi", 100)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"{out}: LR, bicubic, lanczos\n"
    with Image.open(out) as picture:
        assert picture.size[0] == pytest.approx(100 * (3 * 1.75 + 0.16), abs=1)
    more = srgan("figure", scan, "-o", out, "--model", "lanczos", "--simulate")
    assert more.stdout == f"{out}: LR, bicubic, lanczos, HR\n"


def test_without_spacing_the_missing_bar_is_told(srgan, tmp_path):
    Image.new("L", (40, 40)).save(tmp_path / "b.png")
    result = srgan("figure", tmp_path / "b.png", "-o", tmp_path / "f.pdf", "--model", "nearest")
    assert result.exit_code == 0
    assert "its spacing is not known, so the figure has no bar of scale" in result.stderr


@pytest.mark.parametrize(
    ("status", "options", "words"),
    [
        (2, ["-o", "f.gif"], "figures are .png, .svg, .pdf"),
        (2, ["-o", "f.png", "--zoom", "1,2,3"], "'1,2,3' is not X,Y,W,H in whole pixels"),
        (2, ["-o", "f.png", "--model", "oct"], "no such model"),
        (1, ["-o", "f.png", "--zoom", "60,0,10,10"], "zoom: does not lie within the image"),
        (1, ["-o", "f.png", "--slice", "2"], "a.tif: has no slice 2: there are 2"),
    ],
)
def test_what_cannot_be_drawn_is_one_line(srgan, scan, monkeypatch, status, options, words):
    monkeypatch.chdir(scan.parent)
    more = [] if "--model" in options else ["--model", "nearest"]
    result = srgan("figure", scan, *options, *more)
    assert result.exit_code == status
    assert words in result.stderr
    assert not (scan.parent / "f.png").exists()
