"""Volumes through `upscale_files`, which overlaps its stages, against read, predict, write.

The plain way is the loop that is commonly written around a model, with the same reader, model and
writer: read the volume, predict slice by slice, write. Both do the same volume in turn, several
rounds in one process; printed are medians and their ratio. The results are compared, too.

    python benchmarks/pipeline.py [ROUNDS]
"""

import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import tifffile
import torch

from super_resolution_gans.io import read_scan, write_scan
from super_resolution_gans.models.checkpoint import save_generator
from super_resolution_gans.models.generator import SRResNet
from super_resolution_gans.prediction import Upscaler, load_upscaler
from super_resolution_gans.prediction.catalogue import DEFAULT_MODEL
from super_resolution_gans.prediction.files import upscale_files
from super_resolution_gans.prediction.plan import make_plan


@dataclass(frozen=True)
class Case:
    """A model and the 16-bit volume that it upscales: (slices, height, width)."""

    name: str
    model: str
    shape: tuple[int, int, int]
    compression: str | None
    suffix: str = ".tif"


CASES = (
    Case("nearest, deflated TIFF", "nearest", (32, 496, 512), "zlib"),
    Case("bicubic, LZMA TIFF", "bicubic", (32, 496, 512), "lzma"),
    Case("a tiny network, LZMA TIFF", "tiny", (24, 248, 256), "lzma"),
    Case("the shipped network, deflated TIFF", DEFAULT_MODEL, (4, 128, 256), "zlib"),
)


def volume(shape: tuple[int, int, int]) -> np.ndarray:
    """Layers and speckle, 16-bit: compressible about as far as a B-scan is."""
    rng = np.random.default_rng(0)
    depth = np.arange(shape[1])[:, None]
    layers = 0.5 + 0.4 * np.sin(depth / 15 + 3 * np.sin(np.arange(shape[2]) / 90))
    speckle = rng.gamma(4, 0.25, shape)
    return np.clip(8000 * layers * speckle, 0, 65535).astype(np.uint16)


def plainly(source: Path, target: Path, upscaler: Upscaler) -> None:
    """Read, predict slice by slice, write."""
    scan = read_scan(source)
    slices = [upscaler(scan.slice_pixels(index)) for index in range(scan.slices)]
    write_scan(replace(scan, pixels=np.stack(slices)), target)


def overlapping(source: Path, target: Path, upscaler: Upscaler) -> None:
    """What `srgan upscale` does."""
    (outcome,) = upscale_files(make_plan([source], target), upscaler)
    assert outcome.status == "done", outcome.reason


def seconds(way: Callable[[Path, Path, Upscaler], None], *arguments: object) -> float:
    """Wall time of one way."""
    start = time.perf_counter()
    way(*arguments)
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    print(f"{platform.platform()}, torch {torch.__version__}, {torch.get_num_threads()} threads")
    print(f"{'':<36}{'volume':>16}{'plain':>10}{'overlap':>10}{'ratio':>8}   (median s)")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        torch.manual_seed(0)
        save_generator(SRResNet(blocks=1, width=8), folder / "tiny.safetensors")
        for case in CASES:
            path = folder / "tiny.safetensors" if case.model == "tiny" else case.model
            upscaler = load_upscaler(path, scale=4, device="cpu")
            source, plain, ours = (folder / f"{n}{case.suffix}" for n in ("in", "plain", "ours"))
            options = {"photometric": "minisblack", "compression": case.compression}
            tifffile.imwrite(source, volume(case.shape), metadata=None, **options)
            taken: dict[str, list[float]] = {"plain": [], "overlap": []}
            for number in range(rounds + 1):
                for target in (plain, ours):
                    target.unlink(missing_ok=True)
                ways = [("plain", plainly, plain), ("overlap", overlapping, ours)]
                for way, run, target in ways if number % 2 else reversed(ways):
                    took = seconds(run, source, target, upscaler)
                    if number:  # the first round warms up
                        taken[way].append(took)
            assert plain.read_bytes() == ours.read_bytes()
            before, after = (statistics.median(taken[way]) for way in ("plain", "overlap"))
            shown = " x ".join(map(str, case.shape))
            print(f"{case.name:<36}{shown:>16}{before:>10.2f}{after:>10.2f}{before / after:>8.2f}")


if __name__ == "__main__":
    main()
