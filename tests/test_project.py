"""What the files around the package say in several places is the same in all of them."""

import importlib
import re
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

import super_resolution_gans

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "super_resolution_gans"
VERSION = super_resolution_gans.__version__


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads(read("pyproject.toml"))["project"]
    return found


@pytest.fixture(scope="module")
def pins() -> dict[str, str]:
    lines = [line for line in read("constraints.txt").splitlines() if not line.startswith("#")]
    return dict(line.split("==") for line in lines)


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Imports a module of tools/, which find each other by their bare names."""
    monkeypatch.syspath_prepend(ROOT / "tools")

    def load(name: str) -> ModuleType:
        return importlib.import_module(name)

    return load


def test_the_version_is_that_of_the_citation() -> None:
    assert yaml.safe_load(read("CITATION.cff"))["version"] == VERSION


def test_the_changelog_begins_with_the_version_or_with_what_is_unreleased() -> None:
    newest, *older = re.findall(r"^## \[(.+?)\](?: - (\S+))?$", read("CHANGELOG.md"), re.MULTILINE)
    if "dev" in VERSION:
        assert newest == ("Unreleased", "")
    else:
        assert newest[0] == VERSION
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", newest[1])
    assert VERSION not in [version for version, _ in older]
    assert "Unreleased" not in [version for version, _ in older]


def test_every_extra_is_on_the_page_of_the_installation(project: dict[str, Any]) -> None:
    table = read("docs/install.md").partition("## Extras")[2].partition("\n## ")[0]
    named = {
        name
        for line in table.splitlines()
        if line.startswith("| `")
        for name in re.findall(r"`(\w+)`", line.split("|")[1])
    }
    assert named == set(project["optional-dependencies"])


def test_every_extra_has_pins(project: dict[str, Any], pins: dict[str, str]) -> None:
    for wanted in (project["dependencies"], *project["optional-dependencies"].values()):
        for requirement in wanted:
            name = re.match(r"[\w.-]+", requirement)[0].lower().replace("_", "-")  # type: ignore[index]
            assert name == "superresolution-gans" or name in pins, requirement


def test_pins_are_sorted_and_no_package_has_two() -> None:
    lines = read("constraints.txt").splitlines()[1:]
    assert lines == sorted(lines)
    names = [line.split("==")[0] for line in lines]
    assert len(names) == len(set(names))


def test_every_extra_of_users_is_tried_by_the_release_check(
    tool: Any, project: dict[str, Any]
) -> None:
    tried = set(tool("release_smoke").SMOKES) - {"base"}
    assert tried == set(tool("release_environments").extras())
    of_developers = {"docs", "notebooks", "dev", "mutation", "release"}
    assert set(project["optional-dependencies"]) - tried == of_developers


def test_every_place_that_names_an_extra_is_provoked_by_the_release_check(tool: Any) -> None:
    cures = tool("release_cures")
    named = {}
    for path in SOURCE.rglob("*.py"):
        found = set(re.findall(r"SuperResolution-GANs\[(\w+)\]", path.read_text(encoding="utf-8")))
        if found:
            named[path.relative_to(SOURCE).as_posix()] = found
    silent = {*cures.ONLY_ADVICE, *cures.NEVER_MISSING}
    provoked = {place: {extra} for place, (extra, _) in cures.PLACES.items()}
    assert {place: found for place, found in named.items() if place not in silent} == provoked
    assert silent <= set(named)


def test_pre_commit_has_the_pinned_versions(pins: dict[str, str]) -> None:
    repositories = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"]
    hooks = [hook for repository in repositories for hook in repository["hooks"]]
    assert {hook["id"] for hook in hooks} == {
        "ruff", "ruff-format", "mypy", "end-of-file", "yaml"
    }  # fmt: skip
    for hook in hooks:
        wanted = hook.get("additional_dependencies", [])
        assert wanted or hook["language"] == "system", hook["id"]
        for requirement in wanted:
            name, version = requirement.split("==")
            assert pins[name] == version, hook["id"]


def test_supported_pythons_are_those_that_are_tested(project: dict[str, Any]) -> None:
    prefix = "Programming Language :: Python :: 3."
    classified = [text.removeprefix(prefix) for text in project["classifiers"] if prefix in text]
    jobs = yaml.safe_load(read(".github/workflows/test.yml"))["jobs"]
    assert [f"3.{minor}" for minor in classified] == jobs["linux"]["strategy"]["matrix"]["python"]
    assert project["requires-python"] == f">=3.{classified[0]}"


def test_the_notices_name_all_bundled_scans_and_weights() -> None:
    notices = read("THIRD_PARTY_NOTICES.md")
    for path in (SOURCE / "weights").glob("*.safetensors"):
        assert path.stem in notices
    for folder in {path.parent for path in ROOT.glob("examples/**/*.jpeg")}:
        assert folder.relative_to(ROOT).as_posix() in notices
    for folder in {path.parent for path in SOURCE.rglob("*.jpeg")}:
        assert f"super_resolution_gans/{folder.relative_to(SOURCE).as_posix()}" in notices


def test_every_module_has_its_place_on_the_page_of_the_architecture() -> None:
    placed: set[Path] = set()
    rows = [line.split("|")[1:3] for line in read("docs/architecture.md").splitlines()]
    for rooms, purpose in (row for row in rows if len(row) == 2 and row[0].startswith(" `")):
        for room in re.findall(r"`([^`]+)`", rooms):
            assert (SOURCE / room).exists(), room
            for name in re.findall(r"`([\w*]+\.py)`", purpose if room.endswith("/") else ""):
                found = set((SOURCE / room).rglob(name))
                assert found, f"{room}{name}"
                placed |= found
            placed.add(SOURCE / room)
    command_line = set((SOURCE / "cli").rglob("*.py"))  # a file a command, by its name
    modules = {path for path in SOURCE.rglob("*.py") if path.name != "__init__.py"}
    assert len(modules) > 300
    assert modules - command_line - placed == set()


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "docs/install.md"])
def test_commands_of_make_exist(name: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    for words in re.findall(r"(?:`|^)make ([a-z -]+)", read(name), re.MULTILINE):
        assert set(words.split()) <= targets, words
