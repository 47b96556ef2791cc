"""``srgan info`` and ``srgan convert``, and other people's models in every door."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from PIL import Image

from super_resolution_gans import load_upscaler, srgan_utils
from super_resolution_gans.infer import main as infer
from super_resolution_gans.models.checkpoint import save_generator
from super_resolution_gans.models.generator import SRResNet

Srgan = Callable[..., Result]
Error = Callable[[Result], str]

GOLDEN = Path(__file__).parents[1] / "models" / "golden"
OLD = GOLDEN / "first_keras2.h5"  # a small generator as 0.0.x made them


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 255, (20, 26), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "scan.png")
    return tmp_path / "scan.png"


def test_info_tells_the_network_the_size_and_the_story_of_a_shipped_model(srgan: Srgan) -> None:
    result = srgan("info", "oct-srresnet-x4")
    assert result.exit_code == 0
    assert "SRResNet of 16 blocks, 64 features, grey, 4 x 4" in result.stdout
    assert "40 x 40 pixels far" in result.stdout
    assert "research" in result.stdout


def test_info_tells_where_a_keras_model_comes_from(srgan: Srgan) -> None:
    result = srgan("info", OLD)
    assert result.exit_code == 0
    assert "Keras SRGAN (nearest), grey, 4 x 4" in result.stdout
    assert "keras_version 2.15" in result.stdout
    assert "takes [-1, 1]" in result.stdout


def test_info_as_json_has_the_whole_card(srgan: Srgan) -> None:
    document = json.loads(srgan("info", "oct-srresnet-x4", "--json").stdout)
    assert document["card"]["evaluation"]
    assert len(document["sha256"]) == 64


def test_what_strangers_write_into_a_card_cannot_move_the_terminal(
    tmp_path: Path, srgan: Srgan
) -> None:
    path = tmp_path / "evil.safetensors"
    save_generator(SRResNet(blocks=1, width=4), path, {"name": "\x1b[2Jowned\nerror: x"})
    shown = srgan("info", path).stdout
    assert "\x1b" not in shown
    assert r"\x1b[2Jowned\nerror: x" in shown


@pytest.mark.parametrize("half", [False, True])
def test_a_converted_model_gives_the_same_pixels(
    tmp_path: Path, scan: Path, half: bool, srgan: Srgan
) -> None:
    out = tmp_path / "model.safetensors"
    assert srgan("convert", OLD, out, *(["--half"] if half else [])).exit_code == 0
    image = np.asarray(Image.open(scan), np.float32) / 255
    difference = np.abs(load_upscaler(out)(image) - load_upscaler(OLD)(image)).max()
    assert difference == 0 if not half else 0 < difference < 0.01
    assert "converted from" in srgan("info", out).stdout
    again = tmp_path / "again.safetensors"
    assert srgan("convert", out, again).exit_code == 0
    assert "first_keras2.h5" in srgan("info", again).stdout, "where it came from first"


def test_an_existing_file_is_replaced_only_when_asked(
    tmp_path: Path, srgan: Srgan, error: Error
) -> None:
    out = tmp_path / "model.safetensors"
    out.write_bytes(b"precious")
    result = srgan("convert", OLD, out)
    assert result.exit_code == 1
    assert "--overwrite" in error(result)
    assert out.read_bytes() == b"precious"
    assert srgan("convert", OLD, out, "--overwrite").exit_code == 0


def test_what_cannot_be_converted_is_one_line_and_leaves_nothing(
    tmp_path: Path, srgan: Srgan, error: Error
) -> None:
    broken = tmp_path / "broken.h5"
    broken.write_bytes(OLD.read_bytes()[:5000])
    for model, reason in ((broken, "broken.h5"), ("bicubic", "interpolation"), ("x.pth", "x.pth")):
        result = srgan("convert", model, tmp_path / "out.safetensors")
        assert result.exit_code == 1
        assert reason in error(result)
    assert srgan("convert", OLD, tmp_path / "out.h5").exit_code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["broken.h5"]


@pytest.mark.parametrize("door", ["info", "upscale", "infer", "predict"])
def test_a_missing_model_h5_is_said_with_its_history_and_that_none_is_needed(
    tmp_path: Path,
    scan: Path,
    door: str,
    capsys: pytest.CaptureFixture[str],
    srgan: Srgan,
    error: Error,
) -> None:
    missing = tmp_path / "model.h5"
    if door == "predict":
        with pytest.raises(ValueError, match="no such file") as caught:
            srgan_utils.SRGAN_predict(scan, missing)
        line = str(caught.value)
    elif door == "infer":
        options = ["--modelPath", str(missing), "--inputPath", str(scan)]
        assert infer([*options, "--outputPath", str(tmp_path / "o.png")]) == 1
        line = capsys.readouterr().err.strip()
    elif door == "upscale":
        line = error(srgan("upscale", scan, "-o", tmp_path / "o.png", "--model", missing))
    else:
        line = error(srgan("info", missing))
    assert "model.h5" in line
    assert "gdown" in line
    assert "shipped" in line
    assert "\n" not in line


def test_old_and_new_doors_give_equal_pixels_for_the_same_h5(
    tmp_path: Path, scan: Path, srgan: Srgan
) -> None:
    options = ["--modelPath", str(OLD), "--inputPath", str(scan)]
    assert infer([*options, "--outputPath", str(tmp_path / "old.png")]) == 0
    assert srgan("upscale", scan, "-o", tmp_path / "new.png", "--model", OLD).exit_code == 0
    srgan_utils.SRGAN_predict(scan, OLD, tmp_path / "function.png")
    pictures = [np.asarray(Image.open(tmp_path / f"{n}.png")) for n in ("old", "new", "function")]
    assert pictures[0].shape == (80, 104)
    for picture in pictures[1:]:
        np.testing.assert_array_equal(picture, pictures[0])


def test_other_people_s_models_stand_in_one_table_with_ours(
    tmp_path: Path, shared: Path, srgan: Srgan
) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (64, 72), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    peer = shared / "weights" / "peers" / "leftthomas_srgan_shahinur" / "netG_epoch_4_100.pth"
    models = [OLD, peer, "oct-srgan-x4"]
    chosen = [option for model in models for option in ("--model", model)]
    result = srgan("evaluate", "--data", tmp_path, *chosen, "--no-lpips", "--no-baselines")
    assert result.exit_code == 0
    for name in ("first_keras2.h5", "netG_epoch_4_100.pth", "oct-srgan-x4"):
        assert name in result.stdout


def test_training_starts_from_an_srresnet_only(tmp_path: Path) -> None:
    from super_resolution_gans.training.checkpoint import TrainingError
    from super_resolution_gans.training.players import make_generator
    from super_resolution_gans.training.recipe import parse_recipe

    with pytest.raises(TrainingError, match="is no SRResNet"):
        make_generator(parse_recipe({"name": "a"}, "a"), OLD)
    assert not list(tmp_path.iterdir())


def test_a_model_that_looks_at_the_whole_image_is_run_without_tiles(
    shared: Path, srgan: Srgan
) -> None:
    model = shared / "weights" / "peers" / "imdn_x4" / "IMDN_x4.pth"
    assert "at the whole image" in srgan("info", model).stdout
    with pytest.raises(ValueError, match="cannot be run in tiles"):
        load_upscaler(model, tile=64)
    assert load_upscaler(model)(np.zeros((9, 7), np.float32)).shape == (36, 28)


def test_an_image_that_is_given_as_a_model_is_said_to_be_none(
    tmp_path: Path, scan: Path, srgan: Srgan, error: Error
) -> None:
    result = srgan("convert", scan, tmp_path / "out.safetensors")
    assert result.exit_code == 1
    assert error(result) == (
        f"error: {scan}: is no file of weights that is known here "
        "(.safetensors, .h5, .hdf5, .keras, .pth, .pt, .ckpt, .onnx, .xml)"
    )
