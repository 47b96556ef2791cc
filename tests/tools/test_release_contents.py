"""What the release check finds in archives: nothing in good ones, each mistake in bad ones."""

import importlib.util
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_SPEC = importlib.util.spec_from_file_location(
    "release_contents", ROOT / "tools" / "release_contents.py"
)
assert _SPEC is not None
assert _SPEC.loader is not None
contents = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(contents)

INFO = "superresolution_gans-1.0.dist-info"
FILES = {
    f"super_resolution_gans/{name}"
    for name in (
        "__init__.py", "py.typed", "weights/a.safetensors", "weights/a.md", "weights/a.json",
        "recipes/r.yaml", "web/templates/base.html", "web/templates/look/index.html",
        "web/static/base.css", "web/static/look/page.js", "web/look/examples/e.jpeg",
        "evaluation/page/style.css", "evaluation/page/sort.js",
    )
}  # fmt: skip
SOURCES = {f"src/{name}" for name in FILES} | {"LICENSE", "THIRD_PARTY_NOTICES.md", "tests/a.py"}
WHEEL = FILES | {f"{INFO}/{name}" for name in ("METADATA", "RECORD", "WHEEL")}
WHEEL |= {f"{INFO}/licenses/{name}" for name in ("LICENSE", "THIRD_PARTY_NOTICES.md")}


def test_what_is_complete_has_no_problems() -> None:
    assert contents.wheel_problems(WHEEL, SOURCES) == []
    assert contents.sdist_problems(SOURCES | {"PKG-INFO", ".gitignore"}, SOURCES) == []


@pytest.mark.parametrize("name", sorted(FILES))
def test_every_file_that_a_wheel_lacks_is_named(name: str) -> None:
    assert f"not in the wheel: {name}" in contents.wheel_problems(WHEEL - {name}, SOURCES)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("tests/test_a.py", "beside the package: tests/test_a.py"),
        ("super_resolution_gans/b.py", "in the wheel, but no source: super_resolution_gans/b.py"),
        (
            "super_resolution_gans/__pycache__/a.cpython-311.pyc",
            "litter in the wheel: super_resolution_gans/__pycache__/a.cpython-311.pyc",
        ),
    ],
)
def test_what_does_not_belong_into_a_wheel_is_named(name: str, problem: str) -> None:
    assert problem in contents.wheel_problems(WHEEL | {name}, SOURCES)


@pytest.mark.parametrize("name", contents.NOTICES)
def test_licences_that_are_missing_are_named(name: str) -> None:
    lacking = WHEEL - {f"{INFO}/licenses/{name}"}
    assert contents.wheel_problems(lacking, SOURCES) == [f"not among the wheel's licences: {name}"]
    assert f"not in the sdist: {name}" in contents.sdist_problems(SOURCES - {name}, None)


def test_weights_without_a_card_are_named_though_git_has_none_either() -> None:
    extra = "super_resolution_gans/weights/b.safetensors"
    problems = contents.wheel_problems(WHEEL | {extra}, SOURCES | {f"src/{extra}"})
    assert problems == [f"weights without a card: {extra}"]


def test_a_kind_of_which_nothing_is_left_is_named() -> None:
    pages = {name for name in FILES if name.endswith(".html")}
    problems = contents.wheel_problems(WHEEL - pages, SOURCES - {f"src/{name}" for name in pages})
    assert problems == ["not in the wheel: pages (web/templates/**/*.html)"]


def test_an_sdist_is_held_against_git() -> None:
    problems = contents.sdist_problems(SOURCES - {"tests/a.py"} | {"notes.txt"}, SOURCES)
    assert problems == [
        "not in the sdist: tests/a.py",
        "in the sdist, but unknown to git: notes.txt",
    ]


def test_every_kind_is_in_this_package() -> None:
    package = ROOT / "src" / "super_resolution_gans"
    for kind, pattern in contents.KINDS.items():
        assert any(package.glob(pattern)), kind


def test_archives_are_listed_without_folders(tmp_path: Path) -> None:
    (tmp_path / "p-1.0").mkdir()
    (tmp_path / "p-1.0" / "a.py").write_text("")
    with tarfile.open(tmp_path / "p-1.0.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "p-1.0", "p-1.0")
    with zipfile.ZipFile(tmp_path / "p.whl", "w") as wheel:
        wheel.mkdir("p")
        wheel.writestr("p/a.py", "")
    assert contents.of_sdist(tmp_path / "p-1.0.tar.gz") == {"a.py"}
    assert contents.of_wheel(tmp_path / "p.whl") == {"p/a.py"}


def test_files_that_pypi_would_not_take_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "p.whl"
    path.write_bytes(bytes(2 << 20))
    assert contents.size_problems([path]) == []
    monkeypatch.setattr(contents, "MOST_BYTES", 1 << 20)
    assert contents.size_problems([path]) == ["p.whl has 2.0 MiB, PyPI takes 1"]
