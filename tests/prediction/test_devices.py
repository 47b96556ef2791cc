"""What ``auto`` means for device and precision, and why."""

import pytest
import torch

from super_resolution_gans.prediction import devices
from super_resolution_gans.prediction.devices import automatic_device, automatic_precision

CPU = torch.device("cpu")


def pretend(monkeypatch, cuda=False, mps=False, built=None):
    monkeypatch.setattr("torch.cuda.is_available", lambda: cuda)
    monkeypatch.setattr("torch.cuda.get_device_name", lambda: "a GPU of 2020")
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: mps)
    monkeypatch.setattr("torch.version.cuda", built)
    monkeypatch.setattr("torch.version.hip", None)


@pytest.mark.parametrize(
    ("here", "choice"),
    [
        ({"cuda": True, "mps": True}, ("cuda", "there is a GPU: a GPU of 2020")),
        ({"mps": True}, ("mps", "there is an Apple GPU")),
        ({"built": "12.8"}, ("cpu", "torch finds no GPU")),
        ({}, ("cpu", "this torch is built without CUDA")),
    ],
)
def test_the_device_that_auto_means_has_a_reason(monkeypatch, here, choice):
    pretend(monkeypatch, **here)
    assert automatic_device() == choice


@pytest.mark.parametrize(
    ("able", "precision", "why"),
    [
        ({"avx512_bf16": True, "amx_bf16": False}, "bfloat16", "multiplies it (avx512_bf16)"),
        ({"avx512_bf16": True, "amx_bf16": True}, "bfloat16", "(avx512_bf16, amx_bf16)"),
        ({"avx512_bf16": False}, "float32", "the processor multiplies no shorter type fast"),
        ({}, "float32", "does not tell what the processor multiplies fast"),
    ],
)
def test_the_precision_of_a_processor_follows_what_torch_tells_of_it(
    monkeypatch, able, precision, why
):
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: able, raising=False)
    choice = automatic_precision(CPU)
    assert choice.value == devices.fast_precision(CPU) == precision
    assert why in choice.why


@pytest.mark.parametrize(
    ("capability", "precision"), [((7, 5), "float16"), ((8, 0), "bfloat16"), ((9, 0), "bfloat16")]
)
def test_the_precision_of_a_gpu_follows_its_generation(monkeypatch, capability, precision):
    monkeypatch.setattr("torch.cuda.get_device_capability", lambda _: capability)
    choice = automatic_precision(torch.device("cuda"))
    assert choice.value == precision
    assert f"{capability[0]}.{capability[1]}" in choice.why


def test_the_precision_of_an_apple_gpu_is_float16():
    assert automatic_precision(torch.device("mps")).value == "float16"
