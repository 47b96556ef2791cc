"""``srgan doctor``."""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import Result

from super_resolution_gans.doctor import report
from super_resolution_gans.doctor.machine import Folder, Machine
from super_resolution_gans.doctor.packages import Extra, Package
from super_resolution_gans.doctor.report import Examination
from super_resolution_gans.doctor.selfcheck import Check, Default
from super_resolution_gans.prediction.catalogue import SHIPPED
from super_resolution_gans.prediction.shipped import ShippedFile

Srgan = Callable[..., Result]

SEEN = Examination(
    version="9.9",
    machine=Machine("3.11.7", "Linux x86_64", 2, 3 << 30),
    default=Default(
        torch="2.13.0, built for CPU only",
        threads=2,
        model="oct-srgan-x4",
        device="cpu",
        device_why="this torch is built without CUDA",
        engine="torch",
        library="torch 2.13.0",
        engine_why="none was measured to be faster on AVX2",
        precision="bfloat16",
        precision_why="the processor multiplies it (amx_bf16)",
    ),
    checks=(
        Check("torch", "cpu", "bfloat16", 0.25, ""),
        Check("openvino", "cpu", "float32", None, "OpenVINO: is not installed"),
        Check("onnxruntime", "cpu", "float32", 9.0, "differs by more than 0.01 grey levels"),
    ),
    models=(ShippedFile("oct-srgan-x4", "/there", "ab" * 32, ""),),
    folders=(Folder("downloads", "/cache", 1 << 30, ""), Folder("temporary files", "", None, "no")),
    extras=(
        Extra("", (Package("numpy", "2.4.6", ""), Package("torch", "2.13.0", "OSError: no"))),
        Extra("export", (Package("onnx", "1.23", ""), Package("openvino", None, ""))),
        Extra("oct", (Package("construct", None, ""),)),
    ),
    problems=(),
    warnings=("torch: OSError: no",),
)
WORDS = f"""\
srgan 9.9, Python 3.11.7, Linux x86_64

Packages
  always    numpy 2.4.6, torch 2.13.0 (broken)
  export    onnx 1.23; missing: openvino: pip install "SuperResolution-GANs[export]"
  oct       missing: construct: pip install "SuperResolution-GANs[oct]"

Shipped models (SHA-256)
  oct-srgan-x4            {"ab" * 32}  whole

Folders
  downloads        /cache: can be written to, 1.0 GiB free
  temporary files  : no

Machine
  processors       2, 2 threads for networks
  memory           3.0 GiB free

srgan upscale uses, unless told otherwise
  torch            2.13.0, built for CPU only
  model            oct-srgan-x4
  device           cpu: this torch is built without CUDA
  engine           torch 2.13.0: none was measured to be faster on AVX2
  precision        bfloat16 (float32 for more than 8 bits): the processor multiplies it (amx_bf16)

A small image, against the plain network in float32: largest difference
  torch        bfloat16  cpu   0.25000 grey levels of 8 bits
  openvino     float32   cpu   OpenVINO: is not installed
  onnxruntime  float32   cpu   9.00000 grey levels of 8 bits, differs by more than 0.01 grey levels

warning: torch: OSError: no
srgan upscale will work
"""


def test_what_is_found_is_told_in_words(monkeypatch: pytest.MonkeyPatch, srgan: Srgan) -> None:
    monkeypatch.setattr(report, "examine", lambda: SEEN)
    result = srgan("doctor")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == WORDS


def test_if_upscaling_will_not_work_reasons_and_a_way_out_stand_at_the_end(
    monkeypatch: pytest.MonkeyPatch, srgan: Srgan
) -> None:
    ill = replace(SEEN, default=None, problems=("OpenVINO: fails: no such instruction",))
    monkeypatch.setattr(report, "examine", lambda: ill)
    result = srgan("doctor")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[-2:] == [
        "problem: OpenVINO: fails: no such instruction",
        "srgan upscale will not work; with --engine torch --precision bfloat16 it will",
    ]
    assert srgan("doctor", "--json").exit_code == 1


def test_this_machine_in_json(
    srgan: Srgan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real thing, once."""
    monkeypatch.chdir(tmp_path)
    result = srgan("doctor", "--json")
    found = json.loads(result.stdout)
    assert (result.exit_code, result.stderr) == (0, "")
    assert (found["works"], found["problems"]) == (True, [])
    assert [model["name"] for model in found["models"]] == list(SHIPPED)
    assert found["machine"]["python"] in sys.version
    assert found["default"]["model"] == "oct-srgan-x4"
    engines = {(check["engine"], check["precision"]): check for check in found["checks"]}
    used = engines[found["default"]["engine"], found["default"]["precision"]]
    assert used["fault"] == ""
    # An 8-bit image of 32 x 32 that is compared with itself would differ by nothing.
    assert 0 < used["difference"] < 4
    base = next(extra for extra in found["extras"] if not extra["name"])
    assert {package["name"] for package in base["packages"]} >= {"torch", "numpy", "typer"}
    assert not list(tmp_path.iterdir())
