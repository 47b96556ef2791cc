"""What 8-bit integers would give: speed against PSNR, of the shipped generator in OpenVINO.

    pip install nncf
    python benchmarks/int8.py DATA [--model oct-srgan-x4] [--scans 8]

Post-training quantisation by NNCF, calibrated on LR scans of the train split, whole and with the
first and last convolution left in floating point, beside float32 and bfloat16 of the same exported
graph. PSNR against HR is the mean over scans of the validation split; the difference is to float32.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import nncf
import numpy as np
import torch

from super_resolution_gans.data.inventory import find_entries
from super_resolution_gans.data.pairs import read_pairs, select
from super_resolution_gans.export import export_model
from super_resolution_gans.prediction.catalogue import find_weights
from super_resolution_gans.runtimes.libraries import library

openvino = library("openvino")

CALIBRATION = 48


def pairs(data: Path, split: str, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """(LR, HR) of scans spread over a split."""
    entries = select(find_entries(data), splits=[split])
    chosen = entries[:: max(1, len(entries) // count)][:count]
    return [(pair.lr, pair.hr) for pair in read_pairs(chosen)]


def quantised(model: openvino.Model, scans: list[np.ndarray], keep_ends: bool) -> openvino.Model:
    """The graph with 8-bit products."""
    convolutions = [op for op in model.get_ordered_ops() if op.get_type_name() == "Convolution"]
    ends = [convolutions[0].get_friendly_name(), convolutions[-1].get_friendly_name()]
    return nncf.quantize(
        model,
        nncf.Dataset([scan[None, None] for scan in scans]),
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(scans),
        ignored_scope=nncf.IgnoredScope(names=ends) if keep_ends else None,
    )


def main() -> None:
    """Quantise, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="oct-srgan-x4")
    parser.add_argument("--scans", type=int, default=8)
    arguments = parser.parse_args()
    core = openvino.Core()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.xml"
        export_model(find_weights(arguments.model), file, "openvino")
        read = lambda: core.read_model(file)  # noqa: E731
        calibration = [low[:96, :96] for low, _ in pairs(arguments.data, "train", CALIBRATION)]
        calibration = [low for low in calibration if low.shape == (96, 96)]
        graphs = {
            "float32": (read(), "f32"),
            "bfloat16": (read(), "bf16"),
            "int8": (quantised(read(), calibration, keep_ends=False), "f32"),
            "int8, ends in float32": (quantised(read(), calibration, keep_ends=True), "f32"),
            "int8, ends in bfloat16": (quantised(read(), calibration, keep_ends=True), "bf16"),
        }
        validation = pairs(arguments.data, "val", arguments.scans)
        image = validation[0][0][:128, :128][None, None]
        rows = []
        for name, (graph, hint) in graphs.items():
            settings = {
                "INFERENCE_PRECISION_HINT": hint,
                "PERFORMANCE_HINT": "LATENCY",
                "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            }
            run = core.compile_model(graph, "CPU", settings)
            scores = []
            for low, high in validation:
                upscaled = np.clip(run(low[None, None])[0][0, 0], 0, 1)
                seen = high < 254 / 255
                error = np.mean((upscaled - high)[seen].astype(np.float64) ** 2)
                scores.append(-10 * np.log10(error))
            run(image)
            spent = []
            for _ in range(7):
                start = time.perf_counter()
                run(image)
                spent.append(time.perf_counter() - start)
            rows.append((name, statistics.median(spent), float(np.mean(scores))))
        print(
            f"{arguments.model}, {len(validation)} scans of the validation split, "
            f"{image.shape[2]} x {image.shape[3]} timed"
        )
        for name, seconds, score in rows:
            print(
                f"{name:<26}{seconds * 1e3:>7.0f} ms  x{rows[0][1] / seconds:.2f}"
                f"   {score:.3f} dB  {score - rows[0][2]:+.3f}"
            )


if __name__ == "__main__":
    main()
