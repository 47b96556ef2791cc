"""What follows from what is found."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from super_resolution_gans.doctor import report
from super_resolution_gans.doctor.machine import Folder
from super_resolution_gans.doctor.packages import Extra, Package
from super_resolution_gans.doctor.report import Examination, examine
from super_resolution_gans.doctor.selfcheck import Check, Default
from super_resolution_gans.prediction.shipped import ShippedFile

Examined = Callable[..., Examination]

DEFAULT = Default(
    torch="2.13.0, built for CPU only",
    threads=2,
    model="oct-srgan-x4",
    device="cpu",
    device_why="this torch is built without CUDA",
    engine="openvino",
    library="openvino 2026.4.1",
    engine_why="measured",
    precision="bfloat16",
    precision_why="the processor multiplies it",
)
TORCH = Check("torch", "cpu", "float32", 0.0, "")
OPENVINO = Check("openvino", "cpu", "bfloat16", 0.5, "")
MODEL = ShippedFile("oct-srgan-x4", "/there", "ab" * 32, "")
OTHER = ShippedFile("oct-srresnet-x4", "/there", "cd" * 32, "")
FOLDER = Folder("temporary files", "/tmp", 1, "")
NUMPY = Package("numpy", "2.4", "")


@pytest.fixture
def examined(monkeypatch: pytest.MonkeyPatch) -> Examined:
    """Examine a machine where these were found."""

    def run(
        default: Default | None = DEFAULT,
        fault: str = "",
        checks: tuple[Check, ...] = (TORCH, OPENVINO),
        models: tuple[ShippedFile, ...] = (MODEL, OTHER),
        folders: tuple[Folder, ...] = (FOLDER,),
        extras: tuple[Extra, ...] = (Extra("", (NUMPY,)),),
    ) -> Examination:
        monkeypatch.setattr(report, "check_upscaling", lambda: (default, fault, checks))
        monkeypatch.setattr(report, "shipped_files", lambda: list(models))
        monkeypatch.setattr(report, "look_at_folders", lambda: folders)
        monkeypatch.setattr(report, "find_extras", lambda: extras)
        return examine()

    return run


def test_where_all_is_well_it_works(examined: Examined) -> None:
    seen = examined()
    assert (seen.works, seen.problems, seen.warnings, seen.way_out) == (True, (), (), "")


def test_what_fails_is_a_problem_with_a_way_out(examined: Examined) -> None:
    seen = examined(default=None, fault="OpenVINO: fails")
    assert (seen.works, seen.problems) == (False, ("OpenVINO: fails",))
    assert seen.way_out == "--engine torch --precision float32"


def test_an_engine_that_computes_something_else_is_a_problem_if_it_is_used(
    examined: Examined,
) -> None:
    wrong = replace(OPENVINO, fault="differs by more than 4 grey levels")
    seen = examined(checks=(TORCH, wrong))
    assert seen.problems == ("openvino in bfloat16: differs by more than 4 grey levels",)
    assert seen.way_out == "--engine torch --precision float32"
    unused = replace(wrong, engine="onnxruntime", precision="float32")
    assert examined(checks=(OPENVINO, unused)).works


def test_a_damaged_model_is_a_problem_if_it_is_the_one_that_is_used(examined: Examined) -> None:
    damaged = {"fault": "is not the file that was published"}
    seen = examined(models=(replace(MODEL, **damaged), OTHER))
    assert seen.problems == ("oct-srgan-x4: is not the file that was published",)
    assert seen.way_out == ""
    seen = examined(models=(MODEL, replace(OTHER, **damaged)))
    assert (seen.works, seen.warnings) == (
        True,
        ("oct-srresnet-x4: is not the file that was published",),
    )


def test_folders_and_packages_are_warnings_each_package_once(examined: Examined) -> None:
    broken = Package("scipy", "1.17", "ImportError: broken")
    missing = Package("zarr", None, "")
    seen = examined(
        folders=(replace(FOLDER, fault="cannot be written to (Read-only file system)"),),
        extras=(
            Extra("", (NUMPY, Package("rich", None, ""))),
            Extra("eval", (broken,)),
            Extra("other", (broken, missing)),
        ),
    )
    assert seen.works
    assert seen.warnings == (
        "folder for temporary files: /tmp cannot be written to (Read-only file system)",
        "rich: is not installed",
        "scipy: ImportError: broken",
    )
    cures = {extra["name"]: extra["cure"] for extra in seen.as_dict()["extras"]}
    assert cures == {
        "": 'pip install "SuperResolution-GANs"',
        "eval": None,
        "other": 'pip install "SuperResolution-GANs[other]"',
    }
