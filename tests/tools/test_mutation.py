"""The tool that counts what the tests notice: its groups, its settings, and what it reads."""

import importlib.util
import sys
import tomllib
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("mutation", ROOT / "tools" / "mutation.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["mutation"] = module  # dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


mutation = load()


@pytest.mark.parametrize("name", mutation.GROUPS)
def test_every_path_of_a_group_leads_somewhere(name: str) -> None:
    group = mutation.GROUPS[name]
    for path in group.sources:
        assert list((ROOT / "src" / "super_resolution_gans").glob(path))
    for path in group.tests:
        assert (ROOT / "tests" / path).is_file()


@pytest.mark.parametrize("name", mutation.GROUPS)
def test_settings_are_a_section_that_pyproject_can_take(name: str) -> None:
    whole = (ROOT / "pyproject.toml").read_text() + mutation.settings(mutation.GROUPS[name])
    section = tomllib.loads(whole)["tool"]["mutmut"]
    assert section["source_paths"] == ["src"]
    assert all(path.endswith(".py") for path in section["only_mutate"])
    assert set(mutation.COPIED) > set(section["also_copy"])


def test_the_repository_is_copied_and_not_touched(tmp_path: Path) -> None:
    before = (ROOT / "pyproject.toml").read_bytes()
    mutation.prepare(tmp_path, mutation.GROUPS["tiles"])
    assert (tmp_path / "tests" / "prediction" / "test_tiles.py").is_file()
    assert (tmp_path / "src" / "super_resolution_gans" / "degrade.py").is_file()
    assert (tmp_path / "pyproject.toml").read_bytes().startswith(before)
    assert (ROOT / "pyproject.toml").read_bytes() == before
    assert not (ROOT / "mutants").exists()


LISTED = """
    package.tiles.x_spans__mutmut_1: killed
    package.tiles.xǁSpanǁtarget__mutmut_2: survived
    package.tiles.x_spans__mutmut_10: no tests
"""
SHOWN = """# package.tiles.x_spans__mutmut_1: survived
--- src/package/tiles.py
+++ src/package/tiles.py
@@ -1,5 +1,5 @@
 def spans(length, core):
-    count = length // core
+    count = length / core
     return count

# package.tiles.xǁSpanǁtarget__mutmut_2: no tests
--- src/package/tiles.py
+++ src/package/tiles.py
@@ -1,4 +1,3 @@
 def target(self):
     return slice(
-        self.start,
         self.stop,
     )
"""


def test_outcomes_are_read_by_mutant() -> None:
    assert mutation.outcomes(LISTED) == {
        "package.tiles.x_spans__mutmut_1": "killed",
        "package.tiles.xǁSpanǁtarget__mutmut_2": "survived",
        "package.tiles.x_spans__mutmut_10": "no tests",
    }


def test_what_was_changed_is_one_line_for_each_mutant() -> None:
    assert mutation.differences(SHOWN) == {
        "package.tiles.x_spans__mutmut_1": "count = length // core  ->  count = length / core",
        "package.tiles.xǁSpanǁtarget__mutmut_2": "self.start,  ->  ",
    }


def test_a_row_counts_everything_once_and_a_timeout_as_killed() -> None:
    counts = Counter({"killed": 5, "timeout": 1, "survived": 2, "no tests": 1, "segfault": 1})
    assert mutation.row("tiles", counts) == "| tiles | 10 | 5 | 1 | 2 | 1 | 1 | 60.0 % |"
    head, rule = mutation.head().splitlines()
    assert head.count("|") == rule.count("|") == mutation.row("tiles", counts).count("|")
    assert mutation.share(Counter()) == 0


def test_an_unknown_group_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        mutation.main(["nothing"])
    assert "no group 'nothing'; there are losses, degrade" in capsys.readouterr().err
