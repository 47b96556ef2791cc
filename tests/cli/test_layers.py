"""``srgan layers`` as a person runs it."""

import csv

import numpy as np
import pytest
import tifffile
from PIL import Image


@pytest.fixture
def volume(retina, tmp_path):
    """Two slices with a retina, one without in between."""
    folder = tmp_path / "slices"
    folder.mkdir()
    for number, pit in enumerate((0.0, None, 6.0)):
        image = np.full((320, 96), 0.5)
        if pit is not None:
            image = retina.drawn(retina.curves(width=96, pit=pit), seed=number)
        Image.fromarray(np.rint(image * 255).astype(np.uint8)).save(folder / f"{number:02}.png")
    return folder


def test_a_folder_is_measured_and_written_and_slices_without_layers_are_named(
    srgan, error, volume, tmp_path
):
    out = tmp_path / "deep" / "out"
    result = srgan(
        "layers", volume, "--model", "bilinear", "--axial-um", 3.9, "--out", out, "--slice", 2
    )
    assert result.exit_code == 3, result.output
    assert error(result) == "error: 01.png: the image has no layers: it has no bright band"
    assert "2 slices; pixels are 3.9 µm high" in result.stdout
    for method in ("nearest", "bicubic", "bilinear", "HR, more speckle", "HR, next slice"):
        assert f"RPE/BM     {method}" in result.stdout
    rows = list(csv.DictReader((out / "layers.csv").read_text().splitlines()))
    assert {row["slice"] for row in rows} == {"00.png", "02.png"}
    bicubic = [r for r in rows if (r["method"], r["boundary"]) == ("bicubic", "ilm")]
    assert all(0 < float(row["mean_absolute"]) < 1 for row in bicubic)
    with Image.open(out / "layers.png") as picture:
        assert picture.format == "PNG"


def test_the_height_of_pixels_is_taken_from_the_scan(srgan, retina, tmp_path):
    path = tmp_path / "volume.tif"
    image = np.rint(retina.drawn(retina.curves(width=64)) * 255).astype(np.uint8)
    tifffile.imwrite(
        path,
        np.stack([image, image]),
        imagej=True,
        resolution=(1 / 11.0, 1 / 3.9),
        metadata={"axes": "ZYX", "unit": "um", "spacing": 120.0},
    )
    result = srgan("layers", path, "--model", "bicubic")
    assert result.exit_code == 0, result.output
    assert "2 slices; pixels are 3.9 µm high" in result.stdout
    again = srgan("layers", path, "--model", "bicubic", "--axial-um", 2)
    assert "pixels are 2 µm high" in again.stdout


def test_what_cannot_be_measured_is_one_line(srgan, error, tmp_path):
    missing = srgan("layers", tmp_path / "missing.tif", "--model", "bicubic")
    assert missing.exit_code == 1
    assert error(missing).startswith(f"error: {tmp_path / 'missing.tif'}: ")
    Image.fromarray(np.zeros((320, 96), np.uint8)).save(tmp_path / "black.png")
    black = srgan("layers", tmp_path / "black.png", "--model", "bicubic")
    assert black.exit_code == 1
    assert "black.png: the image has no layers: it has no bright band" in error(black)
    assert srgan("layers", tmp_path, "--model", "none.safetensors").exit_code == 2
