"""What broken libraries do, in processes that may end over it."""

from pathlib import Path

import pytest

from super_resolution_gans.doctor.processes import check_upscaling, import_faults

BROKEN = {
    "raises": "raise RuntimeError('two\\nlines')",
    "leaves": "raise SystemExit(0)",
    "kills": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "ends": "import os; os._exit(3)",
    "prints": "import os; print('noise'); os.write(1, b'noise')",
    "waits": "import time; time.sleep(60)",
}


@pytest.fixture
def libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of modules that can be imported."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_what_an_import_raises_is_one_line_and_hides_nothing_of_the_others(libraries: Path) -> None:
    for name, code in BROKEN.items():
        (libraries / f"{name}.py").write_text(code)
    faults = import_faults(
        ["raises", "kills", "leaves", "prints", "ends", "no_such_module", "json"]
    )
    assert faults == {
        "raises": "RuntimeError: two lines",
        "kills": "its import ends Python (SIGKILL)",
        "leaves": "SystemExit: 0",
        "prints": "",
        "ends": "its import ends Python (status 3)",
        "no_such_module": "ModuleNotFoundError: No module named 'no_such_module'",
        "json": "",
    }


def test_an_import_that_never_comes_back_is_given_up(libraries: Path) -> None:
    (libraries / "waits.py").write_text(BROKEN["waits"])
    faults = import_faults(["waits"], seconds=1)
    assert faults == {"waits": "its import takes more than 1 seconds"}


def test_nothing_to_import_starts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("subprocess.run")
    assert import_faults([]) == {}


def a_library(folder: Path, name: str, code: str) -> None:
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text(code)


def test_engines_that_raise_or_end_python_are_named_and_the_others_are_compared(
    libraries: Path,
) -> None:
    a_library(libraries, "openvino", "raise OSError('no such instruction')")
    a_library(libraries, "onnxruntime", BROKEN["kills"])
    default, fault, checks = check_upscaling()
    # Where auto is OpenVINO nothing works unless told otherwise.
    assert default is None or default.engine == "torch"
    assert (fault == "") == (default is not None)
    found = {(check.engine, check.precision): check for check in checks}
    torch = found["torch", "float32"]
    assert torch.fault == ""
    assert torch.difference is not None
    assert 0 <= torch.difference < 0.01
    assert found["openvino", "float32"].fault == "OSError: no such instruction"
    assert found["onnxruntime", "float32"].fault == "ends Python, or takes too long"


def test_a_broken_torch_is_a_fault_in_one_line(libraries: Path) -> None:
    a_library(libraries, "torch", "raise ImportError('libcudart.so.12: cannot open')")
    assert check_upscaling() == (None, "ImportError: libcudart.so.12: cannot open", ())


def test_a_torch_that_ends_python_is_a_fault_in_one_line(libraries: Path) -> None:
    a_library(libraries, "torch", BROKEN["kills"])
    assert check_upscaling() == (None, "upscaling a small image ends Python (SIGKILL)", ())
