"""The paper's variants of SRGAN on OCT, trained with one short budget and measured: a table.

    python benchmarks/content_losses.py STORE DATA --out RUNS --vgg19 FILE --vgg16 FILE \\
        [--updates 300] [--start oct-srresnet-x4] [--dataset kermany_oct2017 ...]

Every variant trains for the same number of updates from the same weights (--start), by its recipe
except for: the schedule; content losses and adversarial loss weighed alike for all (each content
loss is divided by what it measures at the start, the adversarial weight is 0.1), since the paper's
fixed weights belong to its own features and to 1e5 updates. STORE is what `srgan data pack` made of
DATA. VGG54 needs a complete VGG19; where --vgg19 has not that deep a layer, VGG16's relu5_3 stands
in, under its own name. Started again with the same arguments, it goes on where it was.

Prints a markdown table of the test split: PSNR, SSIM, LPIPS, spectrum distance, grid excess.
"""

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

from recipe_trials import print_datasets

from super_resolution_gans.models.checkpoint import ModelFileError
from super_resolution_gans.models.features import load_features
from super_resolution_gans.prediction.catalogue import find_weights
from super_resolution_gans.training.hooks import Report
from super_resolution_gans.training.recipe import Recipe, load_recipe
from super_resolution_gans.training.run import train

VARIANTS = {
    "SRResNet-MSE": "oct-srresnet-mse-x4",
    "SRResNet-VGG22": "oct-srresnet-vgg22-x4",
    "SRGAN-MSE": "oct-srgan-mse-x4",
    "SRGAN-VGG22": "oct-srgan-vgg22-x4",
    "SRGAN-VGG54": "oct-srgan-vgg54-x4",
    "SRGAN-VGG16-53": "oct-srgan-vgg16-53-x4",
}
MEASURES = {
    "psnr": ("PSNR dB", ".2f"),
    "ssim_wang": ("SSIM", ".4f"),
    "lpips": ("LPIPS", ".3f"),
    "spectrum_distance": ("spectrum distance", ".2f"),
    "grid_excess": ("grid excess", "+.2f"),
}


def variants(vgg19: Path) -> dict[str, str]:
    """Those that can be trained with this VGG19: with the paper's deep layer, or its stand-in."""
    try:
        load_features("vgg19.relu5_4", vgg19)
        missing = "SRGAN-VGG16-53"
    except ModelFileError:
        missing = "SRGAN-VGG54"
    return {name: recipe for name, recipe in VARIANTS.items() if name != missing}


def short(name: str, updates: int, batch: int) -> Recipe:
    """The recipe with the common budget and weights."""
    budget = {"updates": updates, "batch": batch, "log_every": 50, "checkpoint_every": 50}
    settings = {**budget, "validate_every": updates, "learning_rate": 1e-4}
    return load_recipe(
        name,
        [
            *(f"schedules.{kind}.{k}={v}" for kind in ("cpu", "gpu") for k, v in settings.items()),
            "content.weighing=measured",
            "content.pixel_weight=" + ("0" if "vgg" in name else "1"),
            "content.total_variation=0",
            "adversarial.weight=0.1",
        ],
    )


def say(report: Report) -> None:
    """Progress, on standard error."""
    if report.split == "train":
        numbers = "  ".join(f"{k} {v:.3g}" for k, v in report.values.items() if "term" in k)
        print(f"  {report.done}/{report.updates}  {numbers}", file=sys.stderr, flush=True)


def main() -> None:
    """Train, evaluate, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("store", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--vgg19", type=Path, required=True)
    parser.add_argument("--vgg16", type=Path, required=True)
    parser.add_argument("--updates", type=int, default=300)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--start", default="oct-srresnet-x4")
    parser.add_argument("--dataset", action="append", help="to show; all if not given")
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()

    named = arguments.out / "models"
    named.mkdir(parents=True, exist_ok=True)
    for name, recipe in variants(arguments.vgg19).items():
        print(name, file=sys.stderr, flush=True)
        outcome = train(
            short(recipe, arguments.updates, arguments.batch),
            arguments.store,
            arguments.out / name,
            init=find_weights(arguments.start),
            vgg=arguments.vgg16 if "VGG16" in name else arguments.vgg19,
            device=arguments.device,
            on_report=say,
            on_warning=lambda line: print(line, file=sys.stderr),
        )
        shutil.copyfile(outcome.model, named / f"{name}.safetensors")
    report = arguments.out / "report"
    command = [str(Path(sys.executable).with_name("srgan")), "evaluate", "--split", "test"]
    command += ["--data", str(arguments.data), "--out", str(report)]
    for model in [arguments.start, *(named / f"{v}.safetensors" for v in VARIANTS)]:
        if model == arguments.start or Path(model).exists():
            command += ["--model", str(model)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    print_table(report / "means.json", arguments)


def print_table(means: Path, arguments: argparse.Namespace) -> None:
    """Markdown, one block a dataset."""
    found = json.loads(means.read_text(encoding="utf-8"))
    print(
        f"{arguments.updates} updates of {arguments.batch} crops each, all from {arguments.start}\n"
    )
    wanted = arguments.dataset or found["datasets"]
    shown = {name: entry for name, entry in found["datasets"].items() if name in wanted}
    print_datasets(shown, MEASURES)


if __name__ == "__main__":
    main()
