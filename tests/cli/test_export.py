"""``srgan export``, and what it writes in the other commands."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import Result
from PIL import Image

from super_resolution_gans.models.checkpoint import save_generator
from super_resolution_gans.models.generator import SRResNet
from super_resolution_gans.runtimes.libraries import LibraryError

Srgan = Callable[..., Result]
Error = Callable[[Result], str]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    save_generator(SRResNet(blocks=1, width=8), tmp_path / "small.safetensors")
    return tmp_path / "small.safetensors"


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 255, (12, 26), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "scan.png")
    return tmp_path / "scan.png"


@pytest.mark.parametrize(
    ("kind", "written"), [("onnx", ["m.onnx"]), ("openvino", ["m.xml", "m.bin"])]
)
def test_it_says_what_was_written_how_exact_it_is_and_how_to_use_it(
    kind: str, written: list[str], model: Path, scan: Path, tmp_path: Path, srgan: Srgan
) -> None:
    files = [tmp_path / name for name in written]
    result = srgan("export", model, "--to", kind, "-o", files[0])
    assert result.exit_code == 0
    assert all(file.is_file() and str(file) in result.stdout for file in files)
    assert "differs from PyTorch by" in result.stdout
    assert "0.0001 is allowed" in result.stdout
    assert f"--model {files[0]}" in result.stdout
    pictures = []
    for number, source in enumerate((model, files[0])):
        out = tmp_path / f"{number}.png"
        options = ["--model", source, "--device", "cpu", "--precision", "float32"]
        done = srgan("upscale", scan, "-o", out, *options)
        assert done.exit_code == 0
        pictures.append(np.asarray(Image.open(out), np.int16))
    assert pictures[0].shape == (48, 104)
    assert np.abs(pictures[0] - pictures[1]).max() <= 1, "a rounding apart"


def test_without_a_name_the_file_is_called_like_the_model(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, srgan: Srgan
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert srgan("export", model, "--to", "openvino").exit_code == 0
    assert sorted(path.name for path in Path().iterdir()) == ["small.bin", "small.xml"]


def test_an_existing_file_is_replaced_only_when_asked(
    model: Path, tmp_path: Path, srgan: Srgan, error: Error
) -> None:
    out = tmp_path / "m.onnx"
    out.write_bytes(b"precious")
    result = srgan("export", model, "--to", "onnx", "-o", out)
    assert result.exit_code == 1
    assert "--overwrite" in error(result)
    assert out.read_bytes() == b"precious"
    assert srgan("export", model, "--to", "onnx", "-o", out, "--overwrite").exit_code == 0


def test_what_cannot_be_exported_is_one_line_and_leaves_nothing(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, srgan: Srgan, error: Error
) -> None:
    out = tmp_path / "m.onnx"
    for name, reason in (("bicubic", "interpolation"), ("no.pth", "no such file")):
        result = srgan("export", name, "--to", "onnx", "-o", out)
        assert result.exit_code == 1
        assert reason in error(result)
    monkeypatch.setattr("super_resolution_gans.export.BOUND", -1)
    assert "not written" in error(srgan("export", model, "--to", "onnx", "-o", out))

    def missing(name: str) -> None:
        raise LibraryError(f'{name}: is not installed; pip install "SuperResolution-GANs[export]"')

    monkeypatch.setattr("super_resolution_gans.runtimes.onnx_writer.library", missing)
    result = srgan("export", model, "--to", "onnx", "-o", out)
    assert result.exit_code == 1
    assert "[export]" in error(result)
    assert not out.exists()


def test_wrong_usage_is_status_2(model: Path, scan: Path, tmp_path: Path, srgan: Srgan) -> None:
    for arguments in (
        ("export", model),
        ("export", model, "--to", "tflite"),
        ("export", model, "--to", "onnx", "-o", tmp_path / "m.xml"),
        ("upscale", scan, "-o", tmp_path / "o.png", "--engine", "fast"),
        ("evaluate", "--data", tmp_path, "--engine", "fast"),
    ):
        assert srgan(*arguments).exit_code == 2, arguments


def test_the_engine_can_be_chosen_and_stands_in_the_journal(
    model: Path, scan: Path, tmp_path: Path, srgan: Srgan
) -> None:
    options = ["--model", model, "--engine", "onnxruntime"]
    assert srgan("upscale", scan, "-o", tmp_path / "out", *options).exit_code == 0
    (entry,) = (tmp_path / "out" / "srgan-journal.jsonl").read_text().splitlines()
    assert json.loads(entry)["engine"].startswith("onnxruntime ")
    out = tmp_path / "table"
    shown = srgan(
        "evaluate", "--data", tmp_path, *options, "--no-lpips", "--no-baselines", "-o", out,
        "--panels", 0, "--border", 0,
    )  # fmt: skip
    assert shown.exit_code == 0, shown.stderr
    means = json.loads((out / "means.json").read_text())
    assert "onnxruntime " in json.dumps(means)


def test_an_exported_model_in_place_of_weights_is_said_as_such(
    model: Path, tmp_path: Path, srgan: Srgan, error: Error
) -> None:
    assert srgan("export", model, "--to", "onnx", "-o", tmp_path / "m.onnx").exit_code == 0
    result = srgan("convert", tmp_path / "m.onnx", tmp_path / "n.safetensors")
    assert result.exit_code == 1
    assert "is an exported model" in error(result)
