"""What the package requires, and what of it is here."""

import tomllib
from email.message import Message
from importlib.metadata import PackageNotFoundError
from importlib.util import find_spec
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from super_resolution_gans.doctor import packages
from super_resolution_gans.doctor.packages import FOR_DEVELOPERS, Extra, Package, find_extras

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]


def pretend(monkeypatch: pytest.MonkeyPatch, *lines: str, extras: tuple[str, ...] = ()) -> None:
    """Let the installed package require these."""
    told = Message()
    for extra in extras:
        told["Provides-Extra"] = extra
    monkeypatch.setattr(packages, "requires", lambda _: list(lines))
    monkeypatch.setattr(packages, "metadata", lambda _: told)


def test_every_extra_has_its_packages_with_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(
        monkeypatch,
        "numpy>=2.0",
        "typer>=0.15; python_version >= '3.11'",
        "colorama; sys_platform == 'no such system'",
        "no-such-package>=1; extra == 'rare'",
        "pyyaml>=9999; extra == 'new'",
        extras=("rare", "new"),
    )
    base, new, rare = find_extras()
    assert (base.name, [package.name for package in base.packages]) == ("", ["numpy", "typer"])
    assert all(package.version and not package.fault for package in base.packages)
    assert rare == Extra("rare", (Package("no-such-package", None, ""),))
    assert rare.cure == 'pip install "SuperResolution-GANs[rare]"'
    (yaml,) = new.packages
    assert yaml.fault == f"version {yaml.version} is not >=9999"


def test_what_only_developers_need_is_not_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def faults(modules: list[str]) -> dict[str, str]:
        asked.extend(modules)
        return dict.fromkeys(modules, "")

    monkeypatch.setattr(packages, "import_faults", faults)
    pretend(
        monkeypatch,
        "numpy",
        "pytest; extra == 'dev'",
        "pyyaml; extra == 'use'",
        "pyyaml; extra == 'dev'",
        extras=("dev", "use"),
    )
    found = find_extras()
    assert asked == ["numpy", "yaml"]
    told = {extra.name: [package.name for package in extra.packages] for extra in found}
    assert told == {"": ["numpy"], "use": ["pyyaml"], "dev": ["pytest"]}


def test_a_package_that_is_not_installed_requires_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: str) -> None:
        raise PackageNotFoundError

    monkeypatch.setattr(packages, "requires", missing)
    assert find_extras() == ()


def test_every_required_package_has_the_module_that_is_tried() -> None:
    users = [
        line
        for extra, lines in PROJECT["optional-dependencies"].items()
        if extra not in FOR_DEVELOPERS
        for line in lines
    ]
    names = {Requirement(line).name for line in [*PROJECT["dependencies"], *users]}
    here = {name for name in names if packages._version(name)}
    modules = {name: packages.module_of(name).partition(".")[0] for name in here}
    assert len(here) > 10
    assert {name for name, module in modules.items() if find_spec(module) is None} == set()
