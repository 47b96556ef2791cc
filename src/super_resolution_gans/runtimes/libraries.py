"""The optional libraries that run networks, imported when they are first needed."""

import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

_TITLES = {"onnx": "ONNX", "onnxruntime": "ONNX Runtime", "openvino": "OpenVINO"}
RUNTIMES = tuple(_TITLES)
_TELEMETRY = "openvino_telemetry"


class LibraryError(ValueError):
    """A library that is asked for is not installed; the message says how to install it."""


def library(name: str) -> Any:
    """The module ``onnx``, ``onnxruntime`` or ``openvino``, reporting to nobody.

    Raises:
        LibraryError: if it cannot be imported.
    """
    try:
        return _openvino() if name == "openvino" else _other(name)
    except ImportError as error:
        reason = "is not installed" if isinstance(error, ModuleNotFoundError) else f"fails: {error}"
        raise LibraryError(
            f'{_TITLES[name]}: {reason}; pip install "SuperResolution-GANs[export]"'
        ) from error


def library_version(name: str) -> str:
    """Name and version as in "openvino 2026.4.1", of an installed library."""
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:
        return name


def _other(name: str) -> Any:
    module = import_module(name)
    if name == "onnxruntime":
        module.disable_telemetry_events()  # Windows builds have them
    return module


def _openvino() -> Any:
    """Importing OpenVINO sends an event to Google Analytics, unless its sender is missing.

    It falls back to a stub then; the sender is hidden while OpenVINO is imported, no longer.
    """
    if "openvino" in sys.modules or _TELEMETRY in sys.modules:
        return import_module("openvino")
    sys.modules[_TELEMETRY] = None  # type: ignore[assignment]
    try:
        return import_module("openvino")
    finally:
        del sys.modules[_TELEMETRY]
