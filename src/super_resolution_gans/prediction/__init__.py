"""Upscaling: models by name, exact tiles, files and folders. Names are loaded when first used."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from super_resolution_gans.prediction.catalogue import DEFAULT_MODEL, known_models
    from super_resolution_gans.prediction.errors import PredictionError, UnknownModelError
    from super_resolution_gans.prediction.upscale import Upscaler, load_upscaler

__all__ = [
    "DEFAULT_MODEL",
    "PredictionError",
    "UnknownModelError",
    "Upscaler",
    "known_models",
    "load_upscaler",
]

_HOMES = {
    "DEFAULT_MODEL": "catalogue",
    "PredictionError": "errors",
    "UnknownModelError": "errors",
    "Upscaler": "upscale",
    "known_models": "catalogue",
    "load_upscaler": "upscale",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
