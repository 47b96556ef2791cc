"""Networks behind one call: arrays in, arrays out, and only what is handed in goes to the device.

Arrays here are float32 (n, height, width, channels), values in [0, 1] before and about [0, 1]
after; nothing is clipped.
"""

from super_resolution_gans.prediction.engines.choice import (
    ENGINES,
    Choice,
    automatic_engine,
    make_engine,
    pick_engine,
)
from super_resolution_gans.prediction.engines.contract import (
    WHOLE,
    Engine,
    OutOfMemoryError,
)
from super_resolution_gans.prediction.engines.reduced import Reduced
from super_resolution_gans.prediction.engines.self_ensemble import SelfEnsemble
from super_resolution_gans.prediction.engines.torch_engine import PRECISIONS, TorchEngine

__all__ = [
    "ENGINES",
    "PRECISIONS",
    "WHOLE",
    "Choice",
    "Engine",
    "OutOfMemoryError",
    "Reduced",
    "SelfEnsemble",
    "TorchEngine",
    "automatic_engine",
    "make_engine",
    "pick_engine",
]
