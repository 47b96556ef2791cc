"""The same input gives the same bytes: run after run, and whichever door it comes through."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from super_resolution_gans import infer
from super_resolution_gans.data.inventory import find_entries
from super_resolution_gans.io import read_scan
from super_resolution_gans.prediction import files, load_upscaler
from super_resolution_gans.prediction.files import upscale_files
from super_resolution_gans.prediction.plan import make_plan
from super_resolution_gans.scan import Scan
from super_resolution_gans.srgan_utils import SRGAN_predict

EXAMPLES = Path(__file__).parents[2] / "examples" / "scans"
RUNS = 10


@pytest.fixture(scope="module")
def crop(tmp_path_factory):
    source = find_entries(EXAMPLES)[0].path
    pixels = read_scan(source).to_array()[0, 150:190, 200:248]
    assert pixels.std() > 5
    path = tmp_path_factory.mktemp("crop") / "crop.png"
    Image.fromarray(pixels).save(path)
    return path


def test_ten_runs_of_every_door_give_one_result(tmp_path, crop):
    upscaler = load_upscaler(device="cpu")
    results, arrays = set(), set()
    for number in range(RUNS):
        out = tmp_path / str(number)
        list(upscale_files(make_plan([crop], out / "file.png"), upscaler))
        list(upscale_files(make_plan([crop.parent], out / "folder"), upscaler))
        results |= {(out / "file.png").read_bytes(), (out / "folder" / "crop.png").read_bytes()}
        arrays |= {upscaler(np.asarray(Image.open(crop))).tobytes()}
    _, high = SRGAN_predict(crop, outputPath=tmp_path / "old.png")
    assert infer.main(["--inputPath", str(crop), "--outputPath", str(tmp_path / "older.png")]) == 0
    results |= {(tmp_path / name).read_bytes() for name in ("old.png", "older.png")}
    assert (len(results), len(arrays)) == (1, 1)
    upscaled = np.frombuffer(arrays.pop(), np.float32).reshape(160, 192)
    np.testing.assert_array_equal(high[..., 0], upscaled * np.float32(2) - np.float32(1))
    stored = Scan(upscaled[np.newaxis]).to_array()[0]
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "old.png")), stored)


@pytest.mark.parametrize("tile", [None, 30])
def test_a_volume_gives_the_same_from_memory_and_from_a_file(
    tmp_path, grey_model, tile, monkeypatch
):
    import tifffile

    volume = np.random.default_rng(0).integers(0, 65536, (9, 40, 50), np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", volume, photometric="minisblack", compression="zlib")
    upscaler = load_upscaler(grey_model, device="cpu", tile=tile)
    expected = upscaler(Scan.from_array(volume)).to_array()
    lazy = read_scan(tmp_path / "a.tif", lazy_above=0)
    assert lazy.is_lazy
    np.testing.assert_array_equal(upscaler(lazy).to_array(), expected)
    np.testing.assert_array_equal(upscaler(volume), upscaler(lazy).load().pixels)
    for number, above in enumerate((0, 1 << 30)):
        monkeypatch.setattr(files, "_STREAM_ABOVE", above)
        target = tmp_path / f"{number}.tif"
        list(upscale_files(make_plan([tmp_path / "a.tif"], target), upscaler))
        np.testing.assert_array_equal(tifffile.imread(target), expected)
