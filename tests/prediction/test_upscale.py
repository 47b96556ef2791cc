"""load_upscaler and Upscaler: kinds in, the same kinds out."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from skimage.color import rgb2ycbcr, ycbcr2rgb

from super_resolution_gans.models.checkpoint import load_generator, save_generator
from super_resolution_gans.models.generator import SRResNet
from super_resolution_gans.models.graph import LayerGraph, Nodes
from super_resolution_gans.prediction import (
    PredictionError,
    UnknownModelError,
    known_models,
    load_upscaler,
)
from super_resolution_gans.prediction import upscale as upscale_module
from super_resolution_gans.prediction.catalogue import SHIPPED
from super_resolution_gans.prediction.colour import to_rgb, to_ycbcr
from super_resolution_gans.prediction.resampling import interpolate
from super_resolution_gans.scan import Scan


@pytest.fixture(scope="module")
def grey(grey_model):
    return load_upscaler(grey_model, device="cpu", precision="float32")


def pixels(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


class Lazy:
    """An array that is only read in windows, and keeps count of the largest."""

    def __init__(self, array):
        self.array, self.shape, self.largest = array, array.shape, 0

    def read(self, index, rows, columns):
        window = self.array[index, rows, columns]
        self.largest = max(self.largest, window.shape[0] * window.shape[1])
        return window


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((5, 6), (20, 24)),
        ((5, 6, 3), (20, 24, 3)),
        ((5, 6, 1), (20, 24, 1)),
        ((2, 5, 6), (2, 20, 24)),
        ((2, 5, 6, 3), (2, 20, 24, 3)),
        ((1, 1), (4, 4)),
        ((1, 9), (4, 36)),
        ((300, 1), (1200, 4)),
        ((1, 1, 1, 3), (1, 4, 4, 3)),
    ],
)
@pytest.mark.parametrize("model", ["grey", "colour", "bicubic"])
def test_an_array_gives_an_array_of_its_kind(grey_model, colour_model, model, shape, expected):
    upscaler = load_upscaler({"grey": grey_model, "colour": colour_model}.get(model, model))
    vertical, lateral = upscaler.scale
    rows, columns = (0, 1) if len(shape) == 2 or shape[2:] in ((3,), (1,)) else (1, 2)
    expected = list(expected)
    expected[rows], expected[columns] = shape[rows] * vertical, shape[columns] * lateral
    image = pixels(*shape)
    before = image.copy()
    upscaled = upscaler(image)
    assert upscaled.shape == tuple(expected)
    assert upscaled.dtype == np.float32
    assert 0 <= upscaled.min() <= upscaled.max() <= 1
    np.testing.assert_array_equal(image, before)


def test_a_grey_image_is_what_the_network_makes_of_it(grey, grey_model):
    image = pixels(9, 11)
    with torch.no_grad():
        expected = load_generator(grey_model).network(torch.from_numpy(image)[None, None])
    np.testing.assert_allclose(grey(image), expected[0, 0].clamp(0, 1).numpy(), atol=1e-5)


def test_of_a_colour_image_the_network_makes_luminance_and_bicubic_makes_chroma(grey):
    image = 0.4 + 0.2 * pixels(12, 10, 3)  # far from black and white, so that nothing is clipped
    upscaled, given = to_ycbcr(grey(image)), to_ycbcr(image)
    np.testing.assert_allclose(upscaled[..., 0], grey(given[..., 0]), atol=1e-5)
    chroma = interpolate(given[..., 1:], (4, 4), "bicubic")
    np.testing.assert_allclose(upscaled[..., 1:], chroma, atol=1e-5)


def test_colours_go_to_luminance_and_chroma_as_in_scikit_image_and_back():
    image = pixels(6, 7, 3)
    studio = rgb2ycbcr(image)
    expected = np.stack(
        [(studio[..., 0] - 16) / 219, *((studio[..., 1:] - 128) / 224).T.swapaxes(1, 2)], -1
    )
    np.testing.assert_allclose(to_ycbcr(image), expected, atol=1e-5)
    np.testing.assert_allclose(to_rgb(to_ycbcr(image)), ycbcr2rgb(studio), atol=1e-5)


def test_grey_in_three_channels_stays_grey(grey):
    image = pixels(7, 8)
    upscaled = grey(np.stack([image] * 3, axis=-1))
    for channel in range(3):
        np.testing.assert_allclose(upscaled[..., channel], grey(image), atol=1e-5)


def test_a_colour_network_gives_luminance_for_grey(colour_model):
    upscaler = load_upscaler(colour_model)
    image = pixels(6, 6)
    with torch.no_grad():
        network = load_generator(colour_model).network
        output = network(torch.from_numpy(image)[None, None].repeat(1, 3, 1, 1))[0].numpy()
    expected = np.clip(np.tensordot([0.299, 0.587, 0.114], output, 1), 0, 1)
    np.testing.assert_allclose(upscaler(image), expected, atol=1e-5)


def test_a_scan_keeps_type_and_range_and_its_spacing_gets_finer(colour_model):
    stored = np.random.default_rng(0).integers(0, 65536, (2, 5, 6), np.uint16)
    scan = Scan.from_array(stored, spacing=(0.12, None, 0.03), source="eye")
    upscaled = load_upscaler(colour_model)(scan)
    assert upscaled.shape == (2, 10, 18)
    assert upscaled.spacing == pytest.approx((0.12, None, 0.01))
    assert (upscaled.dtype, upscaled.value_range, upscaled.source) == (
        np.dtype(np.uint16),
        (0.0, 65535.0),
        "eye",
    )
    assert scan.spacing == (0.12, None, 0.03)


def test_a_lazy_scan_is_read_in_windows_and_gives_the_same_bits(grey_model):
    image = pixels(2, 70, 90, 3)
    upscaler = load_upscaler(grey_model, tile=30, precision="float32")
    source = Lazy(image)
    lazy = upscaler(Scan(source, spacing=(1.0, 2.0, 4.0)))
    assert lazy.is_lazy
    assert source.largest == 0
    assert (lazy.shape, lazy.spacing) == ((2, 280, 360, 3), (1.0, 0.5, 1.0))
    expected = upscaler(image)
    np.testing.assert_array_equal(lazy.load().pixels, expected)
    np.testing.assert_array_equal(
        lazy.window(1, slice(101, 240), slice(3, 4)), expected[1, 101:240, 3:4]
    )
    assert source.largest <= (30 + 2 * 12) ** 2


def test_reading_a_lazy_result_in_bands_computes_no_batch_twice(grey_model):
    calls = []
    lazy = load_upscaler(grey_model, tile=60).lazily(
        Scan(pixels(1, 200, 320)), on_batch=lambda done, total: calls.append((done, total))
    )
    for top in range(0, lazy.height, 7):
        lazy.window(0, slice(top, top + 7), slice(None))
    # Three rows of five tiles, two in a call.
    assert calls == [(5 * row + done, 15) for row in range(3) for done in (2, 4, 5)]


@pytest.mark.parametrize("model", ["grey", "nearest", "bilinear", "bicubic", "lanczos", "reduced"])
def test_small_tiles_give_the_same(grey_model, model):
    image = pixels(61, 83, 3)
    name, scale = {"grey": (grey_model, None), "reduced": (grey_model, 2)}.get(model, (model, 3))
    whole = load_upscaler(name, scale=scale)(image)
    tiled = load_upscaler(name, scale=scale, tile=16)(image)
    assert np.abs(whole - tiled).max() <= 1e-5


def test_the_same_input_gives_the_same_bytes(grey_model):
    image = pixels(40, 50, 3)
    first = load_upscaler(grey_model, tile=16)(image)
    second = load_upscaler(grey_model, tile=16)(image)
    assert first.tobytes() == second.tobytes()


def test_a_slice_does_not_depend_on_its_neighbours(grey):
    volume = pixels(3, 20, 21)
    # But for the last bits, which a processor sums up differently in a batch.
    np.testing.assert_allclose(grey(volume)[1], grey(volume[1]), atol=1e-6)
    large = pixels(2, 128, 129)
    assert grey(large)[1].tobytes() == grey(large[1]).tobytes()


def test_a_network_of_four_also_gives_two_and_is_then_downsampled(grey_model, grey):
    from PIL import Image

    image = pixels(20, 30)
    halved = load_upscaler(grey_model, scale=2)(image)
    assert halved.shape == (40, 60)
    plane = Image.fromarray(grey(image)).resize((60, 40), Image.Resampling.BICUBIC)
    np.testing.assert_allclose(halved, np.clip(np.asarray(plane), 0, 1), atol=1e-5)


def test_a_scale_that_does_not_divide_is_refused(grey_model):
    with pytest.raises(PredictionError, match="grey: upscales 4x4; a scale of 3x3"):
        load_upscaler(grey_model, scale=3)
    assert load_upscaler("bicubic", scale=(1, 3)).scale == (1, 3)


@pytest.mark.parametrize(
    ("scale", "shown"),
    [
        (0, "0x0"),
        (1, "1x1"),
        (-2, "-2x-2"),
        (65, "65x65"),
        (2.5, "2.5x2.5"),
        ("4", "4x4"),
        ((2, 0), "2x0"),
        ((1, 1), "1x1"),
        ((2.0, 2), "2.0x2"),
        ((2, 2, 2), "2x2x2"),
    ],
)
def test_a_scale_that_makes_no_sense_is_refused(scale, shown):
    with pytest.raises(PredictionError, match=f"scale: {shown} is not"):
        load_upscaler("nearest", scale=scale)


@pytest.mark.parametrize("scale", [np.int64(2), (np.uint8(2), 2), [2, 2]])
def test_a_scale_of_any_whole_numbers_is_taken(scale):
    assert load_upscaler("nearest", scale=scale).scale == (2, 2)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_short_precisions_come_close_and_out_as_float32(grey_model, grey, precision):
    image = pixels(24, 31)
    upscaled = load_upscaler(grey_model, precision=precision, device="cpu")(image)
    assert upscaled.dtype == np.float32
    assert 0 < np.abs(upscaled - grey(image)).max() < 0.02


def test_what_overflows_in_float16_is_done_again_in_float32(tmp_path, caplog):
    torch.manual_seed(0)
    network = SRResNet(blocks=1, width=4).eval()
    with torch.no_grad():
        network.head.weight.mul_(3e5)
        network.head.bias.mul_(3e5)
        network.body_norm.weight.zero_()
        network.tail.weight.mul_(1e-5)
    save_generator(network, tmp_path / "hot.safetensors")
    image = pixels(8, 9)
    exact = load_upscaler(tmp_path / "hot.safetensors", device="cpu", engine="torch")(image)
    assert exact.std() > 0.001
    again = load_upscaler(tmp_path / "hot.safetensors", precision="float16", device="cpu")(image)
    np.testing.assert_array_equal(again, exact)
    assert "float16 gave values that are not finite" in caplog.text


@pytest.mark.parametrize(
    "image",
    [
        np.full((4, 4), np.nan, np.float32),
        np.array([[0.0, np.inf]]),
        np.zeros((0, 4), np.float32),
        np.zeros((2, 0, 4), np.float32),
        np.zeros(4, np.float32),
        np.zeros((1, 2, 3, 4, 5), np.float32),
        np.zeros((2, 4, 4, 2), np.float32),
        np.full((4, 4), 200.0),
        np.zeros((4, 4), np.complex64),
    ],
)
def test_what_is_no_image_is_refused_in_one_line(grey, image):
    with pytest.raises(ValueError, match=r"^array: .+") as caught:
        grey(image)
    assert "\n" not in str(caught.value)


def test_integers_mean_what_a_scan_takes_them_for(grey):
    stored = np.random.default_rng(0).integers(0, 256, (6, 7), np.uint8)
    np.testing.assert_array_equal(grey(stored), grey(stored / np.float32(255)))


def test_black_gives_finite_and_nearest_gives_black(grey):
    black = np.zeros((6, 6), np.float32)
    assert np.isfinite(grey(black)).all()
    assert not load_upscaler("nearest")(black).any()


def test_an_unknown_name_lists_the_known_and_the_nearest():
    with pytest.raises(UnknownModelError) as caught:
        load_upscaler("bicubik")
    assert "did you mean bicubic?" in str(caught.value)
    assert all(name in str(caught.value) for name in known_models())
    assert "\n" not in str(caught.value)


def test_a_known_name_in_capitals_is_recognised():
    with pytest.raises(UnknownModelError, match=r"did you mean oct-srresnet-x4\?"):
        load_upscaler("OCT-SRResNet-x4")


def test_an_empty_name_is_no_model_and_not_the_working_folder():
    with pytest.raises(UnknownModelError, match="no such model"):
        load_upscaler("")


@pytest.mark.parametrize("name", ["generator.h5", "a/b.H5"])
def test_a_missing_keras_model_is_said_with_the_cure(name):
    with pytest.raises(ValueError, match=r"no such file; .* leave the model out"):
        load_upscaler(name)


def test_a_missing_or_broken_model_file_is_one_line(tmp_path):
    (tmp_path / "broken.safetensors").write_bytes(b"nothing")
    for name in ("broken.safetensors", "missing.safetensors", "missing.pth", ""):
        with pytest.raises(ValueError, match=": ") as caught:
            load_upscaler(tmp_path / name)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"device": "toaster"}, "device: toaster is not available here; there is cpu"),
        ({"device": "meta"}, "device: meta is not available"),
        ({"device": "cuda:99"}, "device: cuda:99 is not available"),
        ({"precision": "float8"}, "precision: float8 is unknown"),
        ({"tile": 0}, "tile: must be at least 1"),
    ],
)
def test_settings_that_do_not_exist_are_refused(settings, message):
    with pytest.raises(PredictionError, match=message):
        load_upscaler("nearest", **settings)


def test_memory_that_runs_out_names_the_cure(grey_model, monkeypatch):
    upscaler = load_upscaler(grey_model, device="cpu", precision="float32", engine="torch")

    def exhausted(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 4 GiB")

    monkeypatch.setattr(upscaler._engines["fast"]._engine, "_run", exhausted)
    with pytest.raises(PredictionError, match="--tile"):
        upscaler(pixels(5, 5))


@pytest.mark.parametrize("engine", ["torch", "openvino"])
def test_only_images_of_8_bits_are_computed_in_a_short_type(grey_model, monkeypatch, engine):
    if engine == "openvino":
        pytest.importorskip("openvino")
    monkeypatch.setattr(upscale_module, "fast_precision", lambda _: "bfloat16")
    fast = load_upscaler(grey_model, device="cpu", engine=engine)
    short, full = (
        load_upscaler(grey_model, device="cpu", engine=engine, precision=name)
        for name in ("bfloat16", "float32")
    )
    bytes_ = np.random.default_rng(0).integers(0, 256, (30, 20), np.uint8)
    np.testing.assert_array_equal(fast(bytes_), short(bytes_))
    assert np.abs(fast(bytes_) - full(bytes_)).max() > 0
    for deep in (bytes_.astype(np.uint16) * 257, bytes_ / np.float32(255)):
        np.testing.assert_array_equal(fast(deep), full(deep))
    scan = Scan.from_array(bytes_.astype(np.uint16) * 257)
    np.testing.assert_array_equal(fast.lazily(scan).load().pixels, full(scan).pixels)
    assert fast.provenance.precision == fast.provenance_for("uint8").precision == "bfloat16"
    assert fast.provenance_for("uint16").precision == "float32"


def test_other_peoples_networks_are_computed_in_float32(tmp_path, monkeypatch):
    monkeypatch.setattr(upscale_module, "fast_precision", lambda _: "bfloat16")
    nodes = Nodes()
    nodes("shuffle", nodes("conv", 0, out=4, kernel=3), factor=2)
    save_generator(LayerGraph(nodes.nodes, 1, "somebody's"), tmp_path / "x2.safetensors")
    upscaler = load_upscaler(tmp_path / "x2.safetensors", device="cpu")
    assert upscaler.provenance_for("uint8").precision == "float32"


def test_float16_is_left_to_torch(grey_model):
    story = load_upscaler(grey_model, device="cpu", precision="float16").provenance
    assert story.precision == "float16"
    assert story.engine.startswith("torch")


def test_provenance_names_the_weights(grey, grey_model):
    import hashlib

    story = grey.provenance.as_dict()
    assert story["model"] == grey.name == "grey"
    assert story["weights_sha256"] == hashlib.sha256(grey_model.read_bytes()).hexdigest()
    assert (story["scale"], story["precision"]) == ((4, 4), "float32")


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_model_loads(name):
    try:
        upscaler = load_upscaler(name)
    except PredictionError as error:
        pytest.skip(str(error))
    assert upscaler.scale == ((1, 4) if name.endswith("-lateral") else (4, 4))


def test_importing_the_package_does_not_import_torch():
    code = "import sys, super_resolution_gans.prediction; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
