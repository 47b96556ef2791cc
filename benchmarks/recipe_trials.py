"""Recipes that differ in one thing each, trained with one short budget and measured: a table.

    python benchmarks/recipe_trials.py TRIALS.yaml STORE DATA --out RUNS [--vgg VGG16] [--only NAME]

TRIALS.yaml (those of docs/experiments.md lie in benchmarks/trials) holds ``recipe``, ``init`` (a
model, or null for random weights), ``common`` (settings of all, the budget among them), ``trials``
({name: [settings]}; a setting ``init=...`` is a trial's own start, ``store=...`` its own store, a
path beside STORE) and, if wanted, ``show`` (models that stand in tables of scans untrained).

Settings are for the processor's schedule and, if there is a GPU, for its own alike. Started again,
it goes on where it was. Prints a table in Markdown: of the sixteen fixed crops that training
validates by, after the last update; or, with ``--split``, of whole scans of DATA by ``srgan
evaluate``, each dataset by itself. LPIPS is left out unless asked for: it judges, and does not
choose.
"""

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from super_resolution_gans.prediction.catalogue import find_weights
from super_resolution_gans.training.recipe import load_recipe
from super_resolution_gans.training.run import train

CROPS = {
    "psnr": ("PSNR dB", ".3f"),
    "ssim": ("SSIM", ".4f"),
    "spectrum_distance": ("spectrum distance", ".3f"),
    "grid_excess": ("grid excess", "+.2f"),
}
MEASURES = {
    "psnr": ("PSNR dB", ".3f"),
    "ssim_wang": ("SSIM", ".4f"),
    "spectrum_distance": ("spectrum distance", ".2f"),
    "grid_excess": ("grid excess", "+.2f"),
    "grain_ratio": ("grain width", ".2f"),
}


def settings(common: list[str], own: list[str]) -> tuple[list[str], dict[str, str]]:
    """Overrides of a recipe, and what is no part of one: ``init`` and ``store``."""
    apart = dict(s.split("=", 1) for s in own if s.startswith(("init=", "store=")))
    overrides = []
    for setting in [*common, *(s for s in own if s.split("=", 1)[0] not in apart)]:
        if setting.startswith("schedule."):
            kept = setting.removeprefix("schedule.")
            overrides += [f"schedules.cpu.{kept}", f"schedules.gpu.{kept}"]
        else:
            overrides.append(setting)
    return overrides, apart


def train_one(name: str, plan: dict[str, Any], arguments: argparse.Namespace) -> Path:
    """Train a trial (or take it if it is finished) and return its weights, by its name."""
    overrides, apart = settings(plan["common"], plan["trials"][name] or [])
    init = apart.get("init", plan.get("init"))
    start = None if init in (None, "none") else find_weights(init)
    store = arguments.store.parent / apart["store"] if "store" in apart else arguments.store
    outcome = train(
        load_recipe(plan["recipe"], overrides),
        store,
        arguments.out / name,
        init=start,
        vgg=arguments.vgg,
        device=arguments.device,
        on_warning=lambda line: print(f"  {line}", file=sys.stderr),
    )
    named = arguments.out / "models" / f"{name}.safetensors"
    named.parent.mkdir(exist_ok=True)
    shutil.copyfile(outcome.model, named)
    return named


def measure(models: list[str], arguments: argparse.Namespace) -> dict[str, Any]:
    """``srgan evaluate`` of all of them on one split."""
    report = arguments.out / f"report-{arguments.split}"
    command = [sys.executable, "-m", "super_resolution_gans.cli", "evaluate"]
    command += ["--split", arguments.split, "--data", str(arguments.data)]
    command += ["--out", str(report), "--panels", "1", "--no-consistency"]
    command += [] if arguments.lpips else ["--no-lpips"]
    command += ["--dataset", arguments.dataset] if arguments.dataset else []
    for model in models:
        command += ["--model", model]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    found: dict[str, Any] = json.loads((report / "means.json").read_text(encoding="utf-8"))
    return found


def last_validation(run: Path) -> dict[str, Any]:
    """What a run was measured to do at its end."""
    lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    found: dict[str, Any] = [row for row in map(json.loads, lines) if row["split"] == "val"][-1]
    return found


def print_table(rows: Mapping[str, Any], measures: Mapping[str, tuple[str, str]]) -> None:
    """Markdown: a row of ``rows`` {name: {measure: number}}, columns {measure: (title, format)}."""
    print("| | " + " | ".join(title for title, _ in measures.values()) + " |")
    print("|---" * (len(measures) + 1) + "|")
    for name, values in rows.items():
        cells = [format(values[key], shape) for key, (_, shape) in measures.items()]
        print(f"| {name} | " + " | ".join(cells) + " |")


def print_datasets(datasets: Mapping[str, Any], measures: Mapping[str, tuple[str, str]]) -> None:
    """A table for each dataset of ``means.json``."""
    for dataset, entry in datasets.items():
        print(f"{dataset}: {entry['images']} images of {entry['patients']} people\n")
        print_table(entry["means"], measures)
        print()


def main() -> None:
    """Train, evaluate, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("plan", type=Path)
    parser.add_argument("store", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--vgg", type=Path)
    parser.add_argument("--only", action="append", help="this trial; repeatable")
    parser.add_argument("--split", help="measure whole scans of this split of DATA")
    parser.add_argument("--dataset", help="of it, only this one")
    parser.add_argument("--lpips", action="store_true", help="to judge a finished choice")
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()

    plan = yaml.safe_load(arguments.plan.read_text(encoding="utf-8"))
    arguments.out.mkdir(parents=True, exist_ok=True)
    names = [name for name in plan["trials"] if not arguments.only or name in arguments.only]
    models = list(plan.get("show") or [])
    for name in names:
        print(name, file=sys.stderr, flush=True)
        models.append(str(train_one(name, plan, arguments)))
    if arguments.split is None:
        print_table({name: last_validation(arguments.out / name) for name in names}, CROPS)
        return
    measures = {**MEASURES, **({"lpips": ("LPIPS", ".3f")} if arguments.lpips else {})}
    print_datasets(measure(models, arguments)["datasets"], measures)


if __name__ == "__main__":
    main()
