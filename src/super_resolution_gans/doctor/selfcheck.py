"""What ``srgan upscale`` does here unless told otherwise, and whether engines compute it right.

Called in a process of its own, see ``child.py``.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from super_resolution_gans.prediction.upscaler import Upscaler

SIZE = 32
"""Height and width of the image that is upscaled, in pixels."""
LIMITS = {"float32": 0.01, "bfloat16": 4.0, "float16": 4.0}
"""The largest difference that is no fault, in grey levels of 8 bits. In float32 orders of sums
differ; in short types single pixels of this image came out 1 to 2 grey levels off."""


@dataclass(frozen=True)
class Default:
    """What ``srgan upscale`` uses unless told otherwise; each choice with its reason.

    Attributes:
        torch: its version, and what it is built for.
        threads: that a network runs in on the CPU.
        library: behind the engine, with its version.
    """

    torch: str
    threads: int
    model: str
    device: str
    device_why: str
    engine: str
    library: str
    engine_why: str
    precision: str
    precision_why: str


@dataclass(frozen=True)
class Check:
    """An engine's result for a small image, against that of the plain network in float32.

    Attributes:
        difference: the largest, in grey levels of 8 bits; None if there is no result.
        fault: why there is none, or why it is wrong; one line, empty if all is well.
    """

    engine: str
    device: str
    precision: str
    difference: float | None
    fault: str

    @property
    def title(self) -> str:
        """Engine and precision."""
        return f"{self.engine} in {self.precision}"

    def is_of(self, default: Default) -> bool:
        """Whether upscaling uses this unless told otherwise; float32 is for deep images."""
        used = (default.precision, "float32")
        return self.engine == default.engine and self.precision in used


def find_default() -> Default:
    """Ask the code that decides, and upscale a small PNG file.

    Raises:
        Exception: whatever a broken installation raises; ValueErrors are one line.
    """
    import torch

    from super_resolution_gans.prediction.devices import automatic_device, automatic_precision
    from super_resolution_gans.prediction.engines import automatic_engine
    from super_resolution_gans.prediction.upscale import load_upscaler

    chosen = automatic_device()
    device = torch.device(chosen.value)
    engine, precision = automatic_engine(device), automatic_precision(device)
    upscaler = load_upscaler()
    _try_out(upscaler)
    made = upscaler.provenance
    return Default(
        torch=f"{torch.__version__}, {_build()}",
        threads=torch.get_num_threads(),
        model=made.model,
        device=made.device,
        device_why=chosen.why,
        engine=engine.value,
        library=made.engine,
        engine_why=engine.why,
        precision=made.precision,
        precision_why=precision.why,
    )


def check_engines() -> Iterator[Check]:
    """Upscale a small image with every engine, in every precision that ``auto`` may mean there.

    Each comes twice, first as the failure that it is if nothing comes after it.

    Raises:
        Exception: if not even the plain network can be run.
    """
    import numpy as np
    import torch

    from super_resolution_gans.models.load import load_model
    from super_resolution_gans.prediction.catalogue import DEFAULT_MODEL, find_weights
    from super_resolution_gans.prediction.devices import automatic_device, automatic_precision
    from super_resolution_gans.prediction.engines import ENGINES

    plain = load_model(find_weights(DEFAULT_MODEL)).network
    image = _image()
    with torch.inference_mode():
        batch = torch.from_numpy(image.astype(np.float32) / 255)[None, None]
        expected = plain(batch).clip(0, 1)[0, 0].numpy()
    for engine in ENGINES:
        device = automatic_device().value if engine == "torch" else "cpu"
        fast = automatic_precision(torch.device(device)).value
        short = [] if engine == "onnxruntime" else [fast]  # it has none
        for precision in dict.fromkeys(["float32", *short]):
            check = Check(engine, device, precision, None, "ends Python, or takes too long")
            yield check
            yield _checked(check, image, expected)


def _try_out(upscaler: "Upscaler") -> None:
    """From a file to a file, where there is a place for them."""
    from super_resolution_gans.io import write_scan
    from super_resolution_gans.prediction.errors import PredictionError
    from super_resolution_gans.prediction.files import upscale_files
    from super_resolution_gans.prediction.plan import make_plan
    from super_resolution_gans.scan import Scan

    try:
        place = tempfile.TemporaryDirectory(prefix="srgan-doctor-", ignore_cleanup_errors=True)
    except OSError:  # which is told of folders; results need none of them
        upscaler(_image())
        return
    with place as folder:
        small, large = Path(folder, "small.png"), Path(folder, "large.png")
        write_scan(Scan.from_array(_image()), small)
        for outcome in upscale_files(make_plan([str(small)], str(large)), upscaler):
            if outcome.status != "done":
                raise PredictionError("a PNG file made for a test", outcome.reason or "failed")


def _checked(check: Check, image: "NDArray[np.uint8]", expected: "NDArray[np.float32]") -> Check:
    from super_resolution_gans.doctor.child import in_a_line
    from super_resolution_gans.prediction.upscale import load_upscaler

    try:
        upscaler = load_upscaler(
            engine=check.engine,
            device=check.device,
            precision=check.precision,
            consistency=False,
        )
        difference = float(abs(upscaler(image) - expected).max()) * 255
    except BaseException as error:  # of libraries that may be broken in any way
        return replace(check, fault=in_a_line(error))
    limit = LIMITS[check.precision]
    fault = "" if difference <= limit else f"differs by more than {limit:g} grey levels"
    return replace(check, difference=difference, fault=fault)


def _image() -> "NDArray[np.uint8]":
    """Bands, as of a retina, under speckle of an average of eight; always the same."""
    import numpy as np

    bands = 40 + 150 * (np.sin(np.linspace(0, 9, SIZE)) > 0)
    speckle = np.random.default_rng(0).rayleigh(0.8, (8, SIZE, SIZE)).mean(0)
    image: NDArray[np.uint8] = np.clip(bands[:, None] * speckle, 0, 255).astype(np.uint8)
    return image


def _build() -> str:
    """What torch is built for."""
    import torch

    kinds = {
        f"CUDA {torch.version.cuda}": torch.version.cuda,
        f"ROCm {torch.version.hip}": torch.version.hip,
        "MPS": torch.backends.mps.is_built(),
    }
    return f"built for {' and '.join(name for name, has in kinds.items() if has) or 'CPU only'}"
