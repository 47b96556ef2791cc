"""``srgan volume`` as a person runs it."""

import numpy as np
import tifffile


def test_a_volume_is_measured_beside_hr_and_interpolation(srgan, tmp_path):
    path = tmp_path / "volume.tif"
    tifffile.imwrite(path, np.random.default_rng(0).integers(0, 250, (12, 32, 32), np.uint8))
    result = srgan("volume", path, "--model", "bilinear")
    assert result.exit_code == 0, result.output
    table = dict(
        line.split(maxsplit=1) for line in result.stdout.splitlines()[1:] if "  " in line.strip()
    )
    assert list(table) == ["HR", "nearest", "bicubic", "bilinear"]
    psnr, unit, ssim, pixels, brightness = table["bicubic"].split()
    assert unit == "dB"
    assert 20 < float(psnr) < 60
    assert 0 < float(ssim) < 1
    assert float(pixels) < float(table["HR"].split()[-2])
    assert float(brightness) > 0
    assert "12 slices" in result.stdout


def test_what_cannot_be_measured_is_one_line(srgan, error, tmp_path):
    path = tmp_path / "one.tif"
    tifffile.imwrite(path, np.zeros((32, 32), np.uint8))
    single = srgan("volume", path, "--model", "bicubic")
    assert single.exit_code == 1
    assert error(single) == "error: one.tif: a volume has two slices or more, this has 1"
    missing = srgan("volume", tmp_path / "missing.tif")
    assert missing.exit_code == 1
    assert error(missing).startswith(f"error: {tmp_path / 'missing.tif'}: ")
    assert srgan("volume", path, "--model", "none.safetensors").exit_code == 2
