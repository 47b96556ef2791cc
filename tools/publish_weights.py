"""Turn a finished run into shipped weights with their card.

    srgan evaluate --data DATA --model RUN/model.safetensors --split test --split ood \
        --no-consistency --out REPORT
    python tools/publish_weights.py RUN --name oct-srresnet-x4 --report REPORT/means.json \
        --data-note "..." [--before FIRST ...] [--dtype float32]

Writes ``NAME.safetensors``, ``NAME.md`` and ``SHA256SUMS`` among the shipped weights. Numbers come
from the report and the run, none from this file. ``--before`` is what RUN began with: a run, or
weights that were shipped, whose own story then comes first.
"""

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

import torch

from super_resolution_gans.models.checkpoint import load_generator, save_generator
from super_resolution_gans.prediction.downsampling import declared

WEIGHTS = Path(__file__).resolve().parents[1] / "src" / "super_resolution_gans" / "weights"
SIGNAL = {"lr_consistency": ".1f", "spectrum_distance": ".2f", "grid_excess": "+.2f"}
LICENCE = (
    "the weights are offered for research use; part of the scans they learned from was released "
    "for research only, or without a stated licence"
)


def schedule_of(card: dict[str, Any]) -> dict[str, Any]:
    """The schedule that the run's device used."""
    return card["recipe"]["schedules"]["cpu" if card["device"] == "cpu" else "gpu"]


def training_line(card: dict[str, Any]) -> str:
    """One run in words."""
    schedule, recipe = schedule_of(card), card["recipe"]
    crops = recipe["crops"]
    padding = crops.get("padding_share", 0)
    ended = "" if card["finished"] else ", stopped before"
    init = card["init_sha256"]
    started = f"from weights sha256 {init[:16]}" if init else "from random weights"
    return (
        f"{recipe['name']}, {started}: {card['updates']:,} updates of {schedule['batch']} crops of "
        f"{crops['size']} x {crops['size']}, Adam, learning rate {schedule['learning_rate']:g} "
        f"({schedule['decay']} over {schedule['updates']:,}{ended}), {card['precision']} on "
        f"{card['device']}, {padding:.0%} of the crops with white padding{varied(recipe)}, "
        f"seed {card['seed']}, "
        f"data sha256 {card['data_sha256'][:16]}. {objective(card)}"
    )


def varied(recipe: dict[str, Any]) -> str:
    """What crops were varied by, in words."""
    augment = recipe.get("augment", {})
    words = [f"{augment['padding']:.0%} given some"] if augment.get("padding") else []
    if augment.get("rotation"):
        words.append(f"turned by up to {augment['rotation']:g} degrees")
    for name, nothing in (("gamma", [1, 1]), ("gain", [1, 1]), ("speckle", [0, 0])):
        low, high = augment.get(name, nothing)
        if [low, high] != nothing:
            words.append(f"{name} {low:g} to {high:g}")
    return "".join(f", {word}" for word in words)


def objective(card: dict[str, Any]) -> str:
    """What a run made small, in words: the card has to say by what its numbers were trained."""
    recipe = card["recipe"]
    if "content" not in recipe:
        return f"Loss: {recipe['loss']}."  # of the first versions
    content = recipe["content"]
    terms = {f"pixels ({content['pixel']})": content["pixel_weight"]}
    if content["features"] and content["features_weight"]:
        terms[f"{card['features']} ({content['features_distance']})"] = content["features_weight"]
    for name in ("spectrum", "grid", "subpixel_bias", "texture", "consistency", "total_variation"):
        terms[name.replace("_", " ")] = content.get(name, 0)
    if recipe["phase"] == "adversarial":
        game = recipe["adversarial"]
        kind = game["discriminator"]["kind"]
        terms[f"adversarial ({game['loss']}, {kind} discriminator)"] = game["weight"]
    measured = "; pixels and features in units of what they were at the start"
    listed = ", ".join(f"{name} {weight:g}" for name, weight in terms.items() if weight)
    return f"Losses and weights: {listed}{measured if content['weighing'] == 'measured' else ''}."


def table(report: dict[str, Any], columns: dict[str, str], model: str) -> str:
    """Rows of methods, columns of datasets; ``columns`` is {measure: format}, joined by slashes."""
    datasets = report["datasets"]
    heads = [f"{name} ({e['images']} of {_people(e)})" for name, e in datasets.items()]
    lines = ["| | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    for method in next(iter(datasets.values()))["means"]:
        name = f"**{method}**" if method == model else method
        cells = [
            " / ".join(format(e["means"][method][m], f) for m, f in columns.items())
            for e in datasets.values()
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def by_itself(card: dict[str, Any]) -> str:
    """What the table does not show."""
    if declared(card):
        return (
            "The network by itself; results that agree with the scan, the default, are a little "
            "nearer to HR."
        )
    return (
        "On LR that was downsampled and nothing else, which is not what this network is for: see "
        "docs/trust.md for blurred and noisy LR."
    )


def _people(entry: dict[str, Any]) -> str:
    return (
        f"{entry['patients']} person" if entry["patients"] == 1 else f"{entry['patients']} people"
    )


def write_sums(folder: Path) -> None:
    """Write ``SHA256SUMS``, by which ``srgan doctor`` judges the files, as ``sha256sum`` does."""
    paths = sorted(folder.glob("*.safetensors"))
    lines = (f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in paths)
    (folder / "SHA256SUMS").write_text("".join(lines), encoding="ascii")


def main() -> None:
    """Write the weights and the card."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--name", required=True)
    parser.add_argument("--report", type=Path, required=True)
    parser.add_argument("--data-note", required=True)
    parser.add_argument("--before", type=Path, action="append", default=[])
    parser.add_argument("--dtype", default="float32", choices=["float32", "float16"])
    arguments = parser.parse_args()

    model = load_generator(arguments.run / "model.safetensors")
    report = json.loads(arguments.report.read_text(encoding="utf-8"))
    trained = []
    for before in arguments.before:
        card = load_generator(before / "model.safetensors" if before.is_dir() else before).card
        trained += card.get("trained", [training_line(card)])
    trained.append(training_line(model.card))
    card = {
        **model.card,
        "name": arguments.name,
        "trained": trained,
        "data": arguments.data_note,
        "evaluation": {name: entry["means"] for name, entry in report["datasets"].items()},
        "protocol": report["protocol"]["in_words"],
        "licence": LICENCE,
        "intended_use": "research; not a medical device",
    }
    network = model.network
    save_generator(
        network, WEIGHTS / f"{arguments.name}.safetensors", card, getattr(torch, arguments.dtype)
    )
    write_sums(WEIGHTS)
    vertical, lateral = network.scale
    asked = f"--model {arguments.name}"
    if (vertical, lateral) != (4, 4):
        asked = f"--scale {vertical}x{lateral} {asked}"
    steps = "\n".join(f"{i}. {line}" for i, line in enumerate(card["trained"], 1))
    protocol = "\n".join(f"- {line}" for line in card["protocol"])
    text = f"""# {arguments.name}

SRResNet (Ledig et al. 2017): {network.blocks} residual blocks of {network.width} channels,
{network.channels} channel in and out, scale {vertical} x {lateral}, weights in
{arguments.dtype}. Input and output in [0, 1].

**Research use only; not a medical device.** A super-resolved pixel is an estimate.

## Training

{steps}

{arguments.data_note}

## Measured

{by_itself(model.card)}
Means over images, made by
`srgan evaluate --data DATA --split test --split ood --no-consistency {asked}`.

PSNR in dB / SSIM (Wang) / LPIPS (AlexNet, lower is nearer):

{table(report, {"psnr": ".2f", "ssim_wang": ".4f", "lpips": ".3f"}, arguments.name)}

LR consistency in dB / spectrum distance / grid excess in decades:

{table(report, SIGNAL, arguments.name)}

{protocol}

Neighbouring slices of one person are alike: the number of people, not of images, says how far a
mean can be trusted. Here it is small.

## Licence

{LICENCE[0].upper()}{LICENCE[1:]}.
"""
    (WEIGHTS / f"{arguments.name}.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
