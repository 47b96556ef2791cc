"""How fast scans are upscaled, against the usual ways of running the same network.

    python benchmarks/inference.py [--rounds 5] [--device cpu|cuda] [--sizes 128x128 496x768]
        [--slices 49] [--skip-start]

The competitors run the network as it was trained ("plain graph"): PyTorch eager in float32, NCHW,
as most repositories do; the same with channels last; in bfloat16; ONNX Runtime; OpenVINO in float32
and bfloat16. Ours is what `srgan upscale` runs. All have the weights of the shipped generator, see
the same scan and are timed in turn within a round; a row is the median over the rounds. Before
that, every result is compared with PyTorch's in float32; "grey levels" are of 8 bits, root of the
mean square and largest.

Operations are those of the plain graph's convolutions for everyone, whatever is really computed.
The ceiling is the product of two 4096 x 4096 bfloat16 matrices in PyTorch, in the same rounds.
"""

import argparse
import functools
import logging
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import common_training as common
import numpy as np
import torch
from torch import nn

from super_resolution_gans.io import read_scan
from super_resolution_gans.models.load import load_model
from super_resolution_gans.prediction import DEFAULT_MODEL, load_upscaler
from super_resolution_gans.prediction.catalogue import find_weights
from super_resolution_gans.prediction.engines.choice import make_engine
from super_resolution_gans.runtimes.libraries import library

SCAN = Path(__file__).parents[1] / "examples" / "scans"
Run = Callable[[np.ndarray], np.ndarray]  # (n, h, w) in [0, 1] -> (n, 4h, 4w)


def plain_generator() -> nn.Module:
    """The generator as it is commonly written, with the shipped weights."""
    generator = common.Generator()
    generator.load_state_dict(load_model(find_weights(DEFAULT_MODEL)).network.state_dict())
    return generator.eval().requires_grad_(False)


def operations(generator: nn.Module, height: int, width: int) -> int:
    """Multiplications and additions of all convolutions for one image."""
    counted = []

    def count(conv: nn.Module, _: Any, output: torch.Tensor) -> None:
        counted.append(2 * output.numel() * conv.weight[0].numel())

    hooks = [
        module.register_forward_hook(count)
        for module in generator.modules()
        if isinstance(module, nn.Conv2d)
    ]
    generator(torch.zeros(1, 1, height, width))
    for hook in hooks:
        hook.remove()
    return sum(counted)


def by_torch(
    device: torch.device, dtype: torch.dtype = torch.float32, channels_last: bool = True
) -> Run:
    """PyTorch eager on the plain graph."""
    layout = torch.channels_last if channels_last else torch.contiguous_format
    network = plain_generator().to(device, dtype).to(memory_format=layout)

    def run(images: np.ndarray) -> np.ndarray:
        x = torch.from_numpy(images)[:, None].to(device, dtype).contiguous(memory_format=layout)
        return network(x).float().cpu().numpy()[:, 0]

    return run


def onnx_file(folder: Path) -> Path:
    """The plain graph by PyTorch's own exporter."""
    path = folder / "plain.onnx"
    if not path.exists():
        axes = {0: torch.export.Dim("n"), 2: torch.export.Dim("h"), 3: torch.export.Dim("w")}
        logging.disable(logging.WARNING)  # of what the exporter could use and does not need
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                plain_generator(),
                (torch.rand(2, 1, 24, 40),),
                path,
                dynamo=True,
                external_data=False,
                dynamic_shapes=[axes],
                verbose=False,
            )
        logging.disable(logging.NOTSET)
    return path


def by_onnxruntime(folder: Path) -> Run:
    """ONNX Runtime on the plain graph."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(
        str(onnx_file(folder)), options, providers=["CPUExecutionProvider"]
    )
    name = session.get_inputs()[0].name
    return lambda images: session.run(None, {name: images[:, None]})[0][:, 0]


def by_openvino(folder: Path, precision: str) -> Run:
    """OpenVINO on the plain graph."""
    openvino = library("openvino")
    settings = {
        "INFERENCE_PRECISION_HINT": precision,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
    }
    compiled = openvino.Core().compile_model(str(onnx_file(folder)), "CPU", settings)
    return lambda images: np.array(compiled(images[:, None])[0])[:, 0]


def by_us(device: torch.device, kind: str, precision: str) -> Run:
    """An engine of ours."""
    network = load_model(find_weights(DEFAULT_MODEL)).network
    engine = make_engine(network, kind, device, precision)
    return lambda images: engine.upscale(images[..., None])[..., 0]


def contenders(device: torch.device, folder: Path) -> dict[str, Run]:
    """Everybody who can run here; the first is what ratios refer to."""
    made: dict[str, Callable[[], Run]] = {
        "PyTorch eager float32, NCHW": functools.partial(by_torch, device, channels_last=False),
        "PyTorch float32, channels last": functools.partial(by_torch, device),
        "PyTorch bfloat16, channels last": functools.partial(by_torch, device, torch.bfloat16),
    }
    if device.type == "cpu":
        made |= {
            "ONNX Runtime float32": functools.partial(by_onnxruntime, folder),
            "OpenVINO float32": functools.partial(by_openvino, folder, "f32"),
            "OpenVINO bfloat16": functools.partial(by_openvino, folder, "bf16"),
            "ours, openvino float32": functools.partial(by_us, device, "openvino", "float32"),
            "ours, openvino bfloat16": functools.partial(by_us, device, "openvino", "bfloat16"),
        }
    made |= {
        "ours, torch float32": functools.partial(by_us, device, "torch", "float32"),
        "ours, torch bfloat16": functools.partial(by_us, device, "torch", "bfloat16"),
        "ours, auto": functools.partial(by_us, device, "auto", "bfloat16"),
    }
    ready = {}
    for name, make in made.items():
        try:
            ready[name] = make()
        except (ImportError, PackageNotFoundError, ValueError) as error:
            print(f"without {name}: {error}")
    return ready


def ceiling(device: torch.device) -> float:
    """Operations per second of a bfloat16 matrix product."""
    a = torch.rand(4096, 4096).to(device, torch.bfloat16)
    return 2 * 4096**3 / seconds(lambda: a @ a, device)


def seconds(work: Callable[[], object], device: torch.device) -> float:
    """Wall time of one call."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    start = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def a_scan(height: int, width: int, slices: int = 1) -> np.ndarray:
    """A bundled scan, repeated and cut to size: float32 (slices, height, width)."""
    path = sorted(p for p in SCAN.iterdir() if p.suffix in (".png", ".jpg", ".jpeg"))[0]
    pixels = read_scan(path).slice_pixels(0)
    repeats = (-(-height // pixels.shape[0]), -(-width // pixels.shape[1]))
    cut = np.tile(pixels, repeats)[:height, :width]
    # Shifted from slice to slice, so that nothing can be remembered.
    return np.stack([np.roll(cut, 3 * n, axis=1) for n in range(slices)]).astype(np.float32)


def network_alone(size: tuple[int, int], rounds: int, device: torch.device, folder: Path) -> None:
    """One image of one size through everybody's network."""
    image = a_scan(*size)
    work = operations(plain_generator(), *size)
    everybody = contenders(device, folder)
    exact = next(iter(everybody.values()))(image)
    deviation = {}
    for name, run in everybody.items():
        difference = (run(image) - exact) * 255  # which also warms up
        deviation[name] = np.sqrt((difference**2).mean()), np.abs(difference).max()
    times: dict[str, list[float]] = {name: [] for name in everybody}
    peaks = []
    repeats = 3 if work < 1e11 else 1
    for _ in range(rounds):
        peaks.append(ceiling(device))
        for name, run in everybody.items():
            spent = [seconds(lambda run=run: run(image), device) for _ in range(repeats)]
            times[name].append(statistics.median(spent))
    peak = statistics.median(peaks)
    first, *_ = times.values()
    print(
        f"\n{size[0]} x {size[1]}, {work / 1e9:.1f} GFLOP; the ceiling is {peak / 1e9:.0f} GFLOP/s"
    )
    print(f"{'':<34}{'ms':>8}{'GFLOP/s':>9}{'of ceiling':>12}{'ratio':>8}   grey levels")
    for name, spent in times.items():
        middle = statistics.median(spent)
        ratio = statistics.median(a / b for a, b in zip(first, spent, strict=True))
        share = statistics.median(work / b / p for b, p in zip(spent, peaks, strict=True))
        rms, most = deviation[name]
        print(
            f"{name:<34}{middle * 1e3:>8.0f}{work / middle / 1e9:>9.0f}{share:>12.0%}{ratio:>8.2f}"
            f"   {rms:.3f}, {most:.2f}",
            flush=True,
        )


def volume(slices: int, rounds: int, device: torch.device) -> None:
    """A whole volume, 8-bit, through the Upscaler and through a loop over slices."""
    stack = (a_scan(124, 128, slices) * 255).round().astype(np.uint8)
    upscaler = load_upscaler(device=device.type)
    eager = by_torch(device, channels_last=False)

    def loop() -> np.ndarray:
        return np.stack([eager(s[None].astype(np.float32) / 255)[0] for s in stack])

    upscaler(stack[:2]), eager(stack[:1].astype(np.float32))
    pairs = []
    for _ in range(rounds):
        pairs.append((seconds(loop, device), seconds(lambda: upscaler(stack), device)))
    usual, ours = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(a / b for a, b in pairs)
    print(f"\nvolume of {slices} slices of 124 x 128, 8-bit")
    print(f"eager loop {usual:.1f} s, ours {ours:.1f} s, ratio {ratio:.2f}")


def agreement(size: tuple[int, int], rounds: int, device: torch.device) -> None:
    """What making a result agree with its scan adds to the time of an 8-bit image."""
    image = (a_scan(*size)[0] * 255).round().astype(np.uint8)
    plain, ours = (load_upscaler(device=device.type, consistency=c) for c in (False, True))
    plain(image), ours(image)
    pairs = [
        (seconds(lambda: plain(image), device), seconds(lambda: ours(image), device))
        for _ in range(rounds)
    ]
    without, with_it = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(b / a for a, b in pairs)
    print(f"\n{size[0]} x {size[1]}, 8-bit, array to array: {without:.2f} s without agreement, ")
    print(f"{with_it:.2f} s with it, ratio {ratio:.3f}", flush=True)


START = {
    "PyTorch eager float32": (
        "import sys, torch; sys.path.insert(0, {here!r})\n"
        "import inference; run = inference.by_torch(torch.device('cpu'), channels_last=False)\n"
        "run(inference.a_scan(128, 128))"
    ),
    "OpenVINO bfloat16, plain graph": (
        "import numpy, openvino\n"
        "model = openvino.Core().compile_model({onnx!r}, 'CPU', "
        "{{'INFERENCE_PRECISION_HINT': 'bf16'}})\n"
        "model(numpy.random.rand(1, 1, 128, 128).astype('float32'))"
    ),
    "ours, torch": (
        "import numpy, super_resolution_gans as s\n"
        "s.load_upscaler(engine='torch')(numpy.zeros((128, 128), 'uint8'))"
    ),
    "ours, openvino": (
        "import numpy, super_resolution_gans as s\n"
        "s.load_upscaler(engine='openvino')(numpy.zeros((128, 128), 'uint8'))"
    ),
}


def first_result(rounds: int, folder: Path) -> None:
    """A fresh process until 128 x 128 pixels are upscaled."""
    filled = {
        name: code.format(here=str(Path(__file__).parent), onnx=str(onnx_file(folder)))
        for name, code in START.items()
    }
    cpu = torch.device("cpu")
    times: dict[str, list[float]] = {name: [] for name in filled}
    for _ in range(rounds):
        for name, code in filled.items():
            run = functools.partial(subprocess.run, [sys.executable, "-c", code], check=True)
            times[name].append(seconds(run, cpu))
    print("\ntime to the first result of a new process, 128 x 128")
    for name, spent in times.items():
        print(f"{name:<34}{statistics.median(spent):>8.2f} s")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--sizes", nargs="*", default=["128x128", "496x768"])
    parser.add_argument("--slices", type=int, default=49)
    parser.add_argument("--skip-start", action="store_true")
    arguments = parser.parse_args()
    device = torch.device(arguments.device)
    torch.set_grad_enabled(False)
    for package in ("torch", "onnxruntime", "openvino"):
        try:
            print(package, version(package), end="; ")
        except PackageNotFoundError:
            print(package, "not installed", end="; ")
    print(f"{platform.platform()}, {torch.get_num_threads()} threads")
    with tempfile.TemporaryDirectory() as folder:
        for size in arguments.sizes:
            height, width = map(int, size.split("x"))
            network_alone((height, width), arguments.rounds, device, Path(folder))
            agreement((height, width), arguments.rounds, device)
        if arguments.slices:
            volume(arguments.slices, min(arguments.rounds, 3), device)
        if not arguments.skip_start and device.type == "cpu":
            first_result(min(arguments.rounds, 3), Path(folder))


if __name__ == "__main__":
    main()
