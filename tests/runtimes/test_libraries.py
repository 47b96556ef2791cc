"""Optional libraries: what is said when one is missing, and that none of them reports."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from super_resolution_gans.runtimes import libraries
from super_resolution_gans.runtimes.libraries import LibraryError, library, library_version


class Missing:
    """An import hook that finds nothing of one name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def find_spec(self, name: str, *_: object) -> None:
        if name.partition(".")[0] == self.name:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


@pytest.mark.parametrize("name", ["onnx", "onnxruntime", "openvino"])
def test_a_missing_library_is_said_with_its_cure(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in [m for m in sys.modules if m.partition(".")[0] == name]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr(sys, "meta_path", [Missing(name), *sys.meta_path])
    with pytest.raises(LibraryError) as caught:
        library(name)
    assert "is not installed" in str(caught.value)
    assert 'pip install "SuperResolution-GANs[export]"' in str(caught.value)
    assert "\n" not in str(caught.value)


def test_versions_are_those_of_the_distributions() -> None:
    from importlib.metadata import version

    assert library_version("openvino") == f"openvino {version('openvino')}"
    assert library_version("nothing-of-this-name") == "nothing-of-this-name"


def _imported(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = list(ast.walk(tree))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)]
    return {name.partition(".")[0] for name in names}


def test_nothing_imports_these_libraries_past_this_door() -> None:
    source = Path(libraries.__file__).parents[1]
    found = {
        p.name: _imported(p) & {"onnx", "onnxruntime", "openvino"} for p in source.rglob("*.py")
    }
    assert "torch" in _imported(source / "export.py")
    assert not any(found.values()), found


def _what_importing_leaves(code: str, home: Path) -> tuple[list[str], str]:
    """Files in an empty home after the code ran, as if not in CI; and what it printed."""
    environment = {"HOME": str(home), "PYTHONPATH": ":".join(sys.path), "LOCALAPPDATA": str(home)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    return [path.name for path in home.rglob("*") if path.is_file()], done.stdout.strip()


def test_openvino_has_no_telemetry_sender(tmp_path: Path) -> None:
    code = (
        "import sys; from super_resolution_gans.runtimes.libraries import library; "
        "library('openvino').Core(); "
        "print([m for m in sys.modules if m.startswith('openvino_telemetry')])"
    )
    left, modules = _what_importing_leaves(code, tmp_path)
    assert left == [], "a client id, which is what events carry"
    assert modules == "[]"
