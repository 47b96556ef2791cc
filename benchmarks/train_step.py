"""How fast training is, against SRGAN training as it is commonly written (`common_training.py`).

    python benchmarks/train_step.py [--data FOLDER] [--device cuda] [--batch 16] [--profile]

Both sides train the same networks (SRResNet; the paper's discriminator; VGG19 relu2_2) with the
same losses (recipes oct-srresnet-mse-x4 and oct-srgan-vgg22-x4), batch and crops. That the two
generators compute the same function is checked before anything is timed. Ours is what `srgan train`
runs, logging included. Rounds alternate; ratios are of the rounds beside each other, so that a slow
minute of the machine meets both. Without --vgg the features are those of random weights, which cost
as much. Files of the common way lie in the page cache after the first round.

--profile also says where the time of an update goes, by part of the update and by operator, and on
CUDA which share of the time the GPU computed.
"""

import argparse
import functools
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import common_training as common
import torch
from safetensors.torch import save_file
from torch.profiler import ProfilerActivity, profile, record_function

from super_resolution_gans.data.crops import CropSampler
from super_resolution_gans.data.inventory import find_entries
from super_resolution_gans.data.split import assign_splits
from super_resolution_gans.data.store import pack
from super_resolution_gans.models.discriminator import Discriminator
from super_resolution_gans.models.features import load_features
from super_resolution_gans.models.generator import SRResNet
from super_resolution_gans.models.vgg import convolutions
from super_resolution_gans.models.vgg_weights import tensor_names
from super_resolution_gans.training.adversarial import AdversarialStep
from super_resolution_gans.training.content import ContentLoss
from super_resolution_gans.training.hooks import Report
from super_resolution_gans.training.recipe import load_recipe
from super_resolution_gans.training.run import train
from super_resolution_gans.training.steps import PretrainStep

EXAMPLES = Path(__file__).resolve().parents[1] / "examples" / "scans"
SIZE = 96
RATE = 1e-4
RECIPES = {"pretrain": "oct-srresnet-mse-x4", "adversarial": "oct-srgan-vgg22-x4"}
PARTS = [
    (CropSampler, "batch", "crops and degradation"),
    (PretrainStep, "generate", "generator, forward"),
    (AdversarialStep, "learn", "discriminator's half"),
    (ContentLoss, "terms", "content loss, forward"),
    (AdversarialStep, "deceive", "adversarial loss, forward"),
    (PretrainStep, "descend", "generator, backward and step"),
    (PretrainStep, "report", "what is logged"),
]


class Workload:
    """The scans, networks and numbers both sides share."""

    def __init__(self, arguments: argparse.Namespace, folder: Path) -> None:
        self.batch, self.device = arguments.batch, torch.device(arguments.device)
        self.warm, self.timed, self.folder = arguments.warm, arguments.updates, folder
        entries = find_entries(arguments.data)
        self.files = [Path(entry.path) for entry in entries]
        self.store = folder / "store"
        pack(assign_splits(entries, (1 / 3, 1 / 3, 1 / 3)), self.store)
        self.vgg = arguments.vgg or random_vgg(folder / "vgg19.safetensors")

    def ours(self, phase: str, profiler: profile | None = None) -> float:
        """Updates per second of `srgan train`; ``profiler`` records those that are timed."""
        settings = {
            "updates": self.warm + self.timed,
            "batch": self.batch,
            "learning_rate": RATE,
            "log_every": self.warm,
            "validate_every": 10**9,
            "checkpoint_every": 10**9,
        }
        kind = "cpu" if self.device.type == "cpu" else "gpu"
        overrides = [f"schedules.{kind}.{key}={value}" for key, value in settings.items()]
        recipe = load_recipe(RECIPES[phase], [*overrides, f"crops.size={SIZE}"])
        at: dict[int, float] = {}

        def clock(report: Report) -> None:
            if report.split != "train":
                return
            at[report.done] = time.perf_counter()
            if profiler and report.done == self.warm:
                profiler.start()
            elif profiler and report.done == self.warm + self.timed:
                profiler.stop()

        with tempfile.TemporaryDirectory(dir=self.folder) as out:
            train(
                recipe,
                self.store,
                Path(out) / "run",
                vgg=self.vgg,
                device=self.device.type,
                on_report=clock,
            )
        return self.timed / (at[self.warm + self.timed] - at[self.warm])

    def usual(self, phase: str) -> float:
        """Updates per second of the common way."""
        updates = self._common_updates(phase)
        for _ in range(self.warm):
            next(updates)
        start = time.perf_counter()
        for _ in range(self.timed):
            next(updates)
        return self.timed / (time.perf_counter() - start)

    def _common_updates(self, phase: str) -> Iterator[Any]:
        torch.manual_seed(0)
        batches = common.loader(self.files, self.batch, SIZE, self.warm + self.timed)
        generator = common.Generator().to(self.device)
        if phase == "pretrain":
            return common.pretrain(generator, batches, self.device, RATE)
        features = load_features("vgg19.relu2_2", self.vgg).to(self.device)
        discriminator = Discriminator(1, SIZE).to(self.device)
        return common.play(generator, discriminator, features, batches, self.device, RATE)


def random_vgg(path: Path) -> Path:
    """A file with VGG19's first layers, at random."""
    tensors = {}
    for convolution in convolutions("vgg19"):
        shape = (convolution.outputs, convolution.inputs, 3, 3)
        kernel, bias = tensor_names(convolution)
        tensors[kernel] = torch.randn(shape) * (2 / (9 * shape[1])) ** 0.5
        tensors[bias] = torch.zeros(shape[0])
    save_file(tensors, path)
    return path


def check_same_function() -> float:
    """Largest difference of the two generators on one image, with the same weights."""
    torch.manual_seed(0)
    ours = SRResNet().eval()
    theirs = common.Generator().eval()
    theirs.load_state_dict(ours.state_dict())
    image = torch.rand(1, 1, 24, 24)
    with torch.no_grad():
        difference = float((ours(image) - theirs(image)).abs().max())
    if difference > 1e-5:
        sys.exit(f"the two generators differ by {difference:.1e}; nothing was timed")
    return difference


def compare(work: Workload, phase: str, rounds: int) -> None:
    """Time both sides in turn; print medians and the ratio."""
    pairs = []
    for number in range(rounds):
        sides = [work.usual, work.ours] if number % 2 else [work.ours, work.usual]
        speeds = {side.__name__: side(phase) for side in sides}
        pairs.append((speeds["usual"], speeds["ours"]))
    usual, ours = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratios = sorted(ours / usual for usual, ours in pairs)
    print(
        f"{phase:<14}{usual:>14.3f}{ours:>14.3f}{statistics.median(ratios):>14.2f}"
        f"   {ratios[0]:.2f} to {ratios[-1]:.2f}",
        flush=True,
    )


def measure_parts(work: Workload, phase: str) -> None:
    """Say where the time of an update goes."""
    undo = [label(*part) for part in PARTS]
    activities = [ProfilerActivity.CPU]
    cuda = work.device.type == "cuda"
    if cuda:
        activities.append(ProfilerActivity.CUDA)
    profiler = profile(activities=activities)
    wall = work.timed / work.ours(phase, profiler)
    for original in undo:
        setattr(*original)
    averages = profiler.key_averages()
    names = {name for _, _, name in PARTS}
    kind = "device_time_total" if cuda else "cpu_time_total"
    parts = {event.key: getattr(event, kind) for event in averages if event.key in names}
    total = sum(parts.values())
    print(f"\n{phase}: milliseconds of an update, by part{' (on the GPU)' if cuda else ''}")
    for name, microseconds in sorted(parts.items(), key=lambda item: -item[1]):
        print(f"  {name:<32}{microseconds / work.timed / 1000:>9.1f}{microseconds / total:>8.0%}")
    own = "self_device_time_total" if cuda else "self_cpu_time_total"
    operators = [event for event in averages if event.key not in names]
    spent = sum(getattr(event, own) for event in operators)
    print(f"{phase}: operators")
    for event in sorted(operators, key=lambda event: -getattr(event, own))[:12]:
        print(f"  {event.key[:48]:<50}{getattr(event, own) / spent:>6.0%}")
    if cuda:
        print(f"{phase}: the GPU computed for {spent / 1e6 / wall:.0%} of the time")


def label(owner: type, method: str, name: str) -> tuple[type, str, Any]:
    """Show a method as a part of its own in profiles; returns what undoes it."""
    original = getattr(owner, method)

    @functools.wraps(original)
    def labelled(*arguments: Any, **keywords: Any) -> Any:
        with record_function(name):
            return original(*arguments, **keywords)

    setattr(owner, method, labelled)
    return owner, method, original


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=EXAMPLES, help="a folder of scans")
    parser.add_argument("--vgg", type=Path, help="a file of VGG19 weights")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--warm", type=int, default=3, help="updates before the clock starts")
    parser.add_argument("--updates", type=int, default=12, help="timed, a multiple of --warm")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--profile", action="store_true")
    arguments = parser.parse_args()
    if arguments.updates % arguments.warm:
        parser.error("--updates must be a multiple of --warm")
    difference = check_same_function()
    where = torch.cuda.get_device_name() if arguments.device == "cuda" else "CPU"
    print(
        f"{platform.platform()}, {where}, {os.cpu_count()} CPUs, torch {torch.__version__} with "
        f"{torch.get_num_threads()} threads\nbatch {arguments.batch} of {SIZE} x {SIZE}; the "
        f"generators differ by {difference:.0e}; updates/s, medians of {arguments.rounds} rounds "
        f"of {arguments.updates}"
    )
    print(f"{'':<14}{'common way':>14}{'ours':>14}{'ratio':>14}   of single rounds")
    with tempfile.TemporaryDirectory() as folder:
        work = Workload(arguments, Path(folder))
        for phase in RECIPES:
            compare(work, phase, arguments.rounds)
        if arguments.profile:
            for phase in RECIPES:
                measure_parts(work, phase)


if __name__ == "__main__":
    main()
