"""What the exit status of every command says, as docs/command-line.md has it."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from typer.main import get_command

from super_resolution_gans.cli.commands import app
from super_resolution_gans.io import write_scan
from super_resolution_gans.scan import Scan

Srgan = Callable[..., Result]

PAGE = Path(__file__).parents[2] / "docs" / "command-line.md"
ROWS = dict(re.findall(r"^\| `srgan ([a-z -]+)` \| [^|]+ \| ([^|]+) \|$", PAGE.read_text(), re.M))

CASES = [
    (0, "upscale a.png -o b.png --model nearest"),
    (1, "upscale missing.png -o b.png --model nearest"),
    (2, "upscale a.png -o b.png --model oct-srgan"),
    (2, "upscale a.png -o b.png --shard 3/2"),
    (3, "upscale a.png missing.png -o out --model nearest"),
    (0, "watch scans -o out --once --model nearest"),
    (2, "watch missing -o out --once"),
    (0, "evaluate --data scans --model nearest --no-lpips"),
    (1, "evaluate --data missing --model nearest"),
    (2, "evaluate --data scans --model oct-srgan"),
    (1, "compare missing"),
    (2, "compare a b c"),
    (1, "layers missing.png --model nearest"),
    (2, "layers a.png --model oct-srgan"),
    (0, "volume eye.npy --model nearest"),
    (1, "volume a.png --model nearest"),
    (2, "volume a.png --model oct-srgan"),
    (1, "agree missing.csv"),
    (2, "agree missing.csv --margin 1"),
    (0, "figure a.png -o f.svg --model nearest"),
    (1, "figure missing.png -o f.svg --model nearest"),
    (2, "figure a.png -o f.gif"),
    (0, "info a.png"),
    (1, "info a.png missing.png"),
    (2, "info"),
    (0, "convert oct-srgan-x4 c.safetensors"),
    (1, "convert a.png c.safetensors"),
    (2, "convert oct-srgan-x4 c.pth"),
    (1, "export bicubic --to onnx"),
    (2, "export oct-srgan-x4 --to tflite"),
    (1, "train oct-srgan-x44 --data missing --out run"),
    (2, "train oct-srgan-x4"),
    (1, "plot missing"),
    (2, "plot"),
    (0, "recipes"),
    (2, "recipes more"),
    (2, "doctor more"),
    (0, "data pack scans --out store"),
    (1, "data pack missing --out store"),
    (2, "data pack scans"),
    (1, "data info missing"),
    (2, "data info"),
    (1, "mos prepare missing --out study"),
    (2, "mos prepare scans"),
    (1, "mos serve missing"),
    (2, "mos serve"),
    (1, "mos report missing --out report"),
    (2, "mos report missing"),
    (2, "app --model missing.pth"),
    (2, "dicom-node"),
]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of scans to work in."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scans").mkdir()
    random = np.random.default_rng(0)
    for name in ("a.png", "scans/a.png", "scans/b.png"):
        write_scan(Scan.from_array(random.integers(0, 255, (64, 64), dtype=np.uint8)), name)
    np.save("eye.npy", random.integers(0, 255, (3, 64, 64), dtype=np.uint8))
    return tmp_path


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(("status", "line"), CASES, ids=[line for _, line in CASES])
def test_the_exit_status_is_what_the_page_says(srgan: Srgan, status: int, line: str) -> None:
    result = srgan(*line.split())
    assert result.exit_code == status, result.output
    assert (status in (1, 2, 3)) == bool(re.search(r"^(error|Error): ", result.stderr, re.M))
    (told,) = [text for name, text in ROWS.items() if line.startswith(name)]
    assert re.search(rf"(^|[ ;,]){status} ", told), told


def test_the_page_has_every_command() -> None:
    names = set()
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        below = getattr(command, "commands", None)
        names |= {name} if below is None else {f"{name} {one}" for one in below}
    assert set(ROWS) == names
