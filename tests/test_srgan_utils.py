"""The old functions at their old address."""

import inspect

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from super_resolution_gans.io import read_scan
from super_resolution_gans.models.checkpoint import save_generator
from super_resolution_gans.models.generator import SRResNet
from super_resolution_gans.prediction import load_upscaler
from super_resolution_gans.srgan_utils import SRGAN_predict, show_image


@pytest.fixture
def model(tmp_path):
    torch.manual_seed(0)
    save_generator(SRResNet(blocks=1, width=4), tmp_path / "tiny.safetensors")
    return tmp_path / "tiny.safetensors"


@pytest.fixture
def headless(monkeypatch):
    """matplotlib without a display, as on a server."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    before = mpl.get_backend()
    plt.switch_backend("agg")
    yield
    plt.close("all")
    plt.switch_backend(before)


def draw(path, *shape):
    values = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    Image.fromarray(values).save(path)
    return values


def test_the_signatures_are_pinned():
    parameters = inspect.signature(SRGAN_predict).parameters.values()
    assert [(p.name, p.default, p.kind.name) for p in parameters] == [
        ("lr_image_path", inspect.Parameter.empty, "POSITIONAL_OR_KEYWORD"),
        ("model_path", None, "POSITIONAL_OR_KEYWORD"),
        ("outputPath", None, "POSITIONAL_OR_KEYWORD"),
    ]
    assert list(inspect.signature(show_image).parameters) == ["img"]


def test_a_grey_image_comes_back_at_full_size_in_three_channels(tmp_path, model, capsys):
    values = draw(tmp_path / "a.png", 70, 90)
    low, high = SRGAN_predict(tmp_path / "a.png", model)
    assert (low.shape, high.shape) == ((70, 90, 3), (280, 360, 3))
    assert low.dtype == high.dtype == np.float32
    np.testing.assert_allclose(low, (values / 127.5 - 1)[..., None].repeat(3, 2), atol=1e-6)
    assert -1 <= high.min() < high.max() <= 1
    assert "tiny" in capsys.readouterr().err


def test_a_colour_image_stays_upright_and_in_colour(tmp_path):
    values = draw(tmp_path / "a.png", 5, 7, 3)
    low, high = SRGAN_predict(str(tmp_path / "a.png"), "nearest")
    np.testing.assert_allclose(low, values / 127.5 - 1, atol=1e-6)
    np.testing.assert_allclose(high, low.repeat(4, 0).repeat(4, 1), atol=1e-6)


def test_the_output_is_the_image_itself_and_is_overwritten(tmp_path):
    values = draw(tmp_path / "a.png", 5, 7)
    (tmp_path / "out.png").write_bytes(b"old")
    SRGAN_predict(tmp_path / "a.png", "nearest", tmp_path / "out.png")
    np.testing.assert_array_equal(
        Image.open(tmp_path / "out.png"), values.repeat(4, 0).repeat(4, 1)
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "out.png"]


def test_the_input_is_not_overwritten(tmp_path):
    draw(tmp_path / "a.png", 5, 7)
    before = (tmp_path / "a.png").read_bytes()
    with pytest.raises(ValueError, match="outputPath is the input"):
        SRGAN_predict(tmp_path / "a.png", "nearest", tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes() == before


def test_a_failure_leaves_the_old_output_alone(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no image")
    (tmp_path / "out.png").write_bytes(b"old")
    with pytest.raises(ValueError, match=r"a\.png: ") as caught:
        SRGAN_predict(tmp_path / "a.png", "nearest", tmp_path / "out.png")
    assert "\n" not in str(caught.value)
    assert (tmp_path / "out.png").read_bytes() == b"old"


@pytest.mark.parametrize("name", ["out.xyz", "none/out.png", "suffixless"])
def test_an_output_that_cannot_be_written_is_said_before_the_work(tmp_path, monkeypatch, name):
    from super_resolution_gans.prediction.interpolation import Interpolation

    def working(*_):
        raise AssertionError("worked in vain")

    monkeypatch.setattr(Interpolation, "upscale", working)
    draw(tmp_path / "a.png", 5, 7)
    with pytest.raises(ValueError, match=name):
        SRGAN_predict(tmp_path / "a.png", "nearest", tmp_path / name)


def test_the_result_is_that_of_the_upscaler(tmp_path, model):
    draw(tmp_path / "a.png", 30, 40)
    _, high = SRGAN_predict(tmp_path / "a.png", model)
    expected = load_upscaler(model)(read_scan(tmp_path / "a.png")).slice_pixels(0)
    np.testing.assert_array_equal(high, expected[..., None].repeat(3, 2) * np.float32(2) - 1)


def test_a_volume_is_refused_with_the_cure(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((2, 5, 6), np.uint16))
    with pytest.raises(ValueError, match="volume of 2 slices; srgan upscale"):
        SRGAN_predict(tmp_path / "a.tif", "nearest")


@pytest.mark.parametrize("shape", [(5, 6), (5, 6, 1), (5, 6, 3)])
@pytest.mark.usefixtures("headless")
def test_show_image_takes_grey_and_colour_and_returns_nothing(monkeypatch, shape):
    shown = []
    monkeypatch.setattr(plt, "show", lambda: shown.append(plt.gca().images[0].get_array()))
    image = np.linspace(-1.5, 1.5, np.prod(shape)).reshape(shape)
    before = image.copy()
    assert show_image(image) is None
    expected = np.clip((image + 1) / 2, 0, 1)
    np.testing.assert_allclose(
        shown[0], expected[..., 0] if shape[2:] == (1,) else expected, atol=1e-6
    )
    np.testing.assert_array_equal(image, before)
    assert plt.get_fignums() == []


@pytest.mark.usefixtures("headless")
def test_show_image_works_without_a_display():
    assert show_image(np.zeros((4, 4, 3), np.float32)) is None


@pytest.mark.usefixtures("headless")
def test_show_image_refuses_what_is_no_image():
    with pytest.raises(ValueError, match=r"shape \(4,\)"):
        show_image(np.zeros(4))
    with pytest.raises(ValueError, match="no pixels"):
        show_image(np.zeros((0, 4)))
