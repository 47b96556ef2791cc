"""The face of the package: its public names, its cost, its floors."""

import subprocess
import sys
from pathlib import Path

import pytest

import super_resolution_gans

PUBLIC = [
    "SRGAN_predict",
    "Scan",
    "Upscaler",
    "__version__",
    "load_upscaler",
    "read_scan",
    "show_image",
    "write_scan",
]


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_public_names_are_these_and_no_others() -> None:
    assert super_resolution_gans.__all__ == PUBLIC
    assert dir(super_resolution_gans) == PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_can_be_had(name: str) -> None:
    assert getattr(super_resolution_gans, name)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'upscale_everything'"):
        _ = super_resolution_gans.upscale_everything


@pytest.mark.parametrize(
    "module",
    ["super_resolution_gans", "super_resolution_gans.cli", "super_resolution_gans.prediction"],
)
@pytest.mark.parametrize("heavy", ["torch", "numpy", "matplotlib", "PIL", "pydantic"])
def test_importing_loads_nothing_heavy(module: str, heavy: str) -> None:
    assert run(f"import sys, {module}; print({heavy!r} in sys.modules)") == "False"


def test_reading_and_writing_scans_needs_no_torch() -> None:
    code = "import sys, super_resolution_gans as s; s.read_scan; print('torch' in sys.modules)"
    assert run(code) == "False"


def test_the_version_is_that_of_the_distribution() -> None:
    from importlib.metadata import version

    assert version("SuperResolution-GANs") == super_resolution_gans.__version__


def test_rooms_import_only_rooms_below_them() -> None:
    root = Path(__file__).parents[1]
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_every_source_file_is_one_readable_idea() -> None:
    source = Path(super_resolution_gans.__file__).parent
    long = {p.name: n for p in source.rglob("*.py") if (n := p.read_text().count("\n")) > 350}
    assert not long
