"""SRGAN super-resolution for optical coherence tomography (OCT).

The public names are loaded when they are first used, so that importing the package costs nothing:
neither torch nor numpy is imported by it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from super_resolution_gans.version import __version__

if TYPE_CHECKING:
    from super_resolution_gans.io import read_scan, write_scan
    from super_resolution_gans.prediction import Upscaler, load_upscaler
    from super_resolution_gans.scan import Scan
    from super_resolution_gans.srgan_utils import SRGAN_predict, show_image

__all__ = [
    "SRGAN_predict",
    "Scan",
    "Upscaler",
    "__version__",
    "load_upscaler",
    "read_scan",
    "show_image",
    "write_scan",
]

_HOMES = {
    "SRGAN_predict": "srgan_utils",
    "Scan": "scan",
    "Upscaler": "prediction",
    "load_upscaler": "prediction",
    "read_scan": "io",
    "show_image": "srgan_utils",
    "write_scan": "io",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
