"""The old command line: from a clone, and installed."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from super_resolution_gans.infer import main
from super_resolution_gans.models.checkpoint import save_generator
from super_resolution_gans.models.generator import SRResNet

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def model(tmp_path):
    torch.manual_seed(0)
    save_generator(SRResNet(blocks=1, width=4), tmp_path / "tiny.safetensors")
    return tmp_path / "tiny.safetensors"


@pytest.fixture
def scan(tmp_path):
    values = np.random.default_rng(0).integers(0, 256, (5, 6), np.uint8)
    Image.fromarray(values).save(tmp_path / "in.png")
    return tmp_path / "in.png"


def size_of(path):
    with Image.open(path) as image:
        return image.size


@pytest.mark.parametrize("module", ["infer", "super_resolution_gans.infer"])
def test_both_addresses_of_the_old_command_line_work(tmp_path, model, scan, module):
    out = tmp_path / "out.png"
    out.write_bytes(b"is overwritten")
    options = ("--modelPath", model, "--inputPath", scan, "--outputPath", out)
    # From the root of a clone, with nothing of it installed; or from anywhere, installed.
    where = ROOT if module == "infer" else tmp_path
    result = subprocess.run(
        [sys.executable, "-m", module, *options],
        cwd=where,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == f"{scan} -> {out} by tiny\n"
    assert size_of(out) == (24, 20)


def test_the_root_script_prefers_the_clone_it_stands_in():
    code = "import infer, super_resolution_gans; print(super_resolution_gans.__file__)"
    result = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    # Without site-packages nothing is installed: numpy is missing, but our package is found.
    assert result.stdout.strip() == str(ROOT / "src" / "super_resolution_gans" / "__init__.py")


def test_a_failure_is_one_line_and_1(tmp_path, model, capsys):
    (tmp_path / "in.png").write_bytes(b"")
    options = ["--modelPath", str(model), "--inputPath", str(tmp_path / "in.png")]
    assert main([*options, "--outputPath", str(tmp_path / "out.png")]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    assert not (tmp_path / "out.png").exists()


@pytest.mark.parametrize("out", ["", "there", "new/", "suffixless"])
def test_an_output_that_is_no_image_file_is_refused(tmp_path, scan, capsys, monkeypatch, out):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()
    options = ["--modelPath", "nearest", "--inputPath", str(scan), "--outputPath", out]
    assert main(options) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["in.png", "there"]


def test_missing_arguments_are_wrong_usage(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--inputPath", "a.png"])
    assert caught.value.code == 2
    assert "--outputPath" in capsys.readouterr().err


def test_an_address_is_fetched(tmp_path, model, scan, capsys):
    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(scan.parent))

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        address = f"http://127.0.0.1:{server.server_port}/in.png"
        out = tmp_path / "out.png"
        options = ["--modelPath", str(model), "--inputPath", address, "--outputPath", str(out)]
        assert main(options) == 1
        assert "127.0.0.1 is a loopback address" in capsys.readouterr().err
        assert main([*options, "--allow-private-addresses"]) == 0, capsys.readouterr().err
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert size_of(out) == (24, 20)
    with Image.open(out) as image:
        said = json.loads(image.info["srgan"])
    assert said["input_sha256"] == hashlib.sha256(scan.read_bytes()).hexdigest()
