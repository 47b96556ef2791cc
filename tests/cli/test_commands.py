"""``srgan`` itself: its version, what it completes, and what that costs."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from super_resolution_gans.cli import completion
from super_resolution_gans.prediction.catalogue import SHIPPED, known_models
from super_resolution_gans.prediction.provenance import sha256
from super_resolution_gans.prediction.shipped import shipped_files
from super_resolution_gans.version import __version__

Srgan = Callable[..., Result]

PROGRAM = """\
import sys
sys.argv[0] = "srgan"
from super_resolution_gans.cli import main
try:
    main()
finally:
    heavy = [name for name in ("torch", "numpy", "PIL") if name in sys.modules]
    print(heavy, file=sys.stderr)
"""


def run(*arguments: str, **environment: str) -> tuple[str, str]:
    """What a process of its own prints, and which heavy libraries it has loaded."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout, done.stderr.strip()


def test_the_version_is_the_first_line_and_models_follow(srgan: Srgan) -> None:
    result = srgan("--version")
    first, *models = result.stdout.splitlines()
    assert (result.exit_code, first) == (0, f"srgan {__version__}")
    assert models == [f"{file.name} {sha256(file.path)[:12]}" for file in shipped_files()]


def test_a_model_that_cannot_be_read_is_told_in_the_version(
    srgan: Srgan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("super_resolution_gans.prediction.shipped.WEIGHTS", tmp_path)
    result = srgan("--version")
    assert result.exit_code == 0
    assert "oct-srgan-x4 cannot be read (No such file or directory)" in result.stdout


def test_the_version_loads_nothing_heavy() -> None:
    out, heavy = run("--version")
    assert (out.splitlines()[0], heavy) == (f"srgan {__version__}", "[]")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_every_shell_gets_a_script(shell: str) -> None:
    out, heavy = run(_SRGAN_COMPLETE=f"source_{shell}")
    assert f"complete_{shell}" in out
    assert heavy == "[]"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("doct", ["doctor"]),
        ("upscale --model oct", list(SHIPPED)),
        ("upscale --model bil", ["bilinear"]),
        ("watch --engine o", ["openvino", "onnxruntime"]),
        ("evaluate --device c", ["cpu", "cuda"]),
        ("dicom-node --precision b", ["bfloat16"]),
        ("train oct-srgan-x4", ["oct-srgan-x4", "oct-srgan-x4-lateral"]),
        (
            "convert oct-srr",
            ["oct-srresnet-x4", "oct-srresnet-x4-lateral", "oct-srresnet-x4-native"],
        ),
        ("upscale scan", []),
    ],
)
def test_names_are_completed_and_nothing_heavy_is_loaded(words: str, expected: list[str]) -> None:
    line = f"srgan {words}"
    out, heavy = run(
        _SRGAN_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=str(line.count(" "))
    )
    assert sorted(out.split()) == sorted(expected)
    assert heavy == "[]"


def test_zsh_and_fish_are_answered_too() -> None:
    line = "srgan upscale --engine onnx"
    for shell in ("zsh", "fish"):
        asked = {"_SRGAN_COMPLETE": f"complete_{shell}", "_TYPER_COMPLETE_ARGS": line}
        out, _ = run(**asked, _TYPER_COMPLETE_FISH_ACTION="get-args")
        assert "onnxruntime" in out
        assert "torch" not in out


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_bash_itself_completes_by_the_script(tmp_path: Path) -> None:
    program = tmp_path / "srgan"
    program.write_text(f"#!{sys.executable}\n{PROGRAM}")
    program.chmod(0o755)
    script, _ = run(_SRGAN_COMPLETE="source_bash")
    asks = (
        f"{script}\n"
        "COMP_WORDS=(srgan upscale --model oct-srr); COMP_CWORD=3\n"
        '_srgan_completion srgan; echo "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(
        ["bash", "-c", asks],
        env={**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.split() == [name for name in SHIPPED if name.startswith("oct-srr")]


def test_what_is_completed_is_what_is_known() -> None:
    from super_resolution_gans.prediction.engines import ENGINES, PRECISIONS
    from super_resolution_gans.training.recipe import shipped_recipes

    def names(complete: Callable[[str], list[tuple[str, str]]]) -> list[str]:
        return [name for name, _ in complete("")]

    assert names(completion.models) == list(known_models())
    assert names(completion.engines) == ["auto", *ENGINES]
    assert names(completion.precisions) == ["auto", *PRECISIONS]
    assert names(completion.recipes) == list(shipped_recipes())
