"""All that follows from trained weights, by one command: weights, cards, tables, pictures.

    python tools/publish.py DATA WEIGHTS --out FOLDER [--model NAME=RUN[,RUN] ...] [--only STEP ...]

DATA is a folder with a manifest, WEIGHTS holds other people's models (docs/results.md says which),
FOLDER keeps what was measured, so that a run that was stopped goes on. Steps, in this order:

``weights``
    each RUN (of ``srgan train``) is measured by itself and becomes the shipped NAME with its card.
    Of several, joined by commas, each began with the one before; the last ships. The first may have
    begun with the weights shipped under that name so far, whose story the card then begins with.
    What the card says of the data stays what it was.
``uncertainty``
    ``tools/calibrate_uncertainty.py``.
``tables``
    the run with all competitors: docs/results.md between its markers, docs/fidelity.md, planes;
    person by person (``srgan compare``), and the worst cases.
``readme``
    the table of the README, between its markers, of what ``weights`` and ``tables`` left in FOLDER,
    and the picture of ``make demo``.
``notebooks``
    the rows of sixteen people that one of them reads, and what all of them show.

What prose says of the numbers is for people to read again: the steps print which files changed.
"""

import argparse
import csv
import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from super_resolution_gans.models.checkpoint import load_generator
from super_resolution_gans.prediction.catalogue import find_weights
from super_resolution_gans.prediction.provenance import sha256

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
OURS = ("oct-srresnet-x4", "oct-srgan-x4")
FAITHFUL, INVENTIVE = "oct-srgan-x4 at fidelity 1", "oct-srgan-x4 at fidelity 0"
SHOWN = "kermany_oct2017"  # the set of six people and more, whose images may be shown
PEERS = {
    "DIV2K-SRResNet": "h5/pre_generator.h5",
    "DIV2K-SRGAN": "h5/gan_generator.h5",
    "IMDN": "peers/imdn_x4/IMDN_x4.pth",
    "leftthomas-SRGAN": "peers/leftthomas_srgan_shahinur/netG_epoch_4_100.pth",
    "Fast-SRGAN": "peers/fast_srgan/model.pt",
}
COLUMNS = {
    "psnr": ("PSNR dB", ".2f"),
    "ssim_wang": ("SSIM", ".4f"),
    "lpips": ("LPIPS", ".3f"),
    "lr_consistency": ("LR consistency dB", ".1f"),
    "spectrum_distance": ("spectrum distance", ".2f"),
    "grid_excess": ("grid excess", "+.2f"),
}
README_SETS = {
    "kermany_oct2017": "Kermany 2018<br>20 scans, 16 people",
    "duke_chiu2015_dme": "Duke Chiu 2015<br>11 scans, 1 person",
    "duke_sbsdi_bioptigen (averaged_clean)": "Duke SBSDI, averaged<br>4 scans, 4 people",
    "octid_nr206": "Cirrus, never trained on<br>3 scans, 3 people",
}
BOTH_SPLITS = ["--split", "test", "--split", "ood"]
BOTH_MODELS = ["--model", OURS[0], "--model", OURS[1]]


def run(*command: object) -> None:
    """Run a program of this environment; its words go to standard error."""
    words = [str(word) for word in command]
    print("$", " ".join(words), file=sys.stderr, flush=True)
    subprocess.run([sys.executable, *words], check=True, cwd=ROOT, stdout=sys.stderr)


def srgan(*arguments: object) -> None:
    """The command line of this very tree."""
    run("-m", "super_resolution_gans.cli", *arguments)


def means(report: Path) -> dict[str, Any]:
    """What an evaluation found."""
    found: dict[str, Any] = json.loads((report / "means.json").read_text(encoding="utf-8"))
    return found


def publish(name: str, folders: Sequence[Path], data: Path, out: Path) -> None:
    """Measure the last of several runs by itself and ship it under ``name``."""
    *earlier, folder = folders
    first = load_generator(folders[0] / "model.safetensors").card
    shipped = find_weights(name)
    note = load_generator(shipped).card["data"]
    kept = out / f"before-{name}.safetensors"  # there already if this step is done again
    if not kept.exists() and first["init_sha256"] == sha256(shipped):
        shutil.copyfile(shipped, kept)
    began = [kept] if kept.exists() and first["init_sha256"] == sha256(kept) else []
    before = [word for path in (*began, *earlier) for word in ("--before", path)]
    partner = ["--model", OURS[0]] if name == OURS[1] else []
    report = out / f"card-{name}"
    model = f"{name}={folder / 'model.safetensors'}"
    measured = ["--no-consistency", "--out", report, "--panels", 1]
    srgan("evaluate", "--data", data, *BOTH_SPLITS, *partner, "--model", model, *measured)
    written = ["--report", report / "means.json", "--data-note", note, "--dtype", "float16"]
    run("tools/publish_weights.py", folder, "--name", name, *written, *before)


def markdown(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; the first head may be empty."""
    lines = ["|".join(["", *(f" {c} " if c else " " for c in row), ""]) for row in (heads, *rows)]
    lines.insert(1, "|---" * len(heads) + "|")
    return "\n".join(lines)


def fidelity_of(method: str) -> str | None:
    """Of ours as text, None of others."""
    name, _, fidelity = method.partition(" at fidelity ")
    return fidelity if name == OURS[1] and fidelity else None


def row_name(method: str) -> str:
    """What a method is called in docs/results.md."""
    fidelity = fidelity_of(method)
    if fidelity is None:
        return method
    ends = {"1": f"**{OURS[0]}** (fidelity 1)", "0": f"**{OURS[1]}** (fidelity 0)"}
    return ends.get(fidelity, f"between, fidelity {fidelity}")


def order(method: str) -> float:
    """Interpolations and competitors as they come, then ours from faithful to inventive."""
    fidelity = fidelity_of(method)
    return -1.0 if fidelity is None else 1 - float(fidelity)


def table(found: Mapping[str, Mapping[str, Any]]) -> str:
    """One dataset in Markdown."""
    rows = [
        [row_name(m), *(format(found[m][key], shape) for key, (_, shape) in COLUMNS.items())]
        for m in sorted(found, key=order)
    ]
    return markdown(["", *(title for title, _ in COLUMNS.values())], rows)


def readme_table(report: Path, cards: Mapping[str, Path]) -> str:
    """PSNR / SSIM / LPIPS of the sets that the README shows: results, and networks by themselves.

    Fidelity 1 is SRResNet, 0 SRGAN, to the byte.
    """
    agreed, alone = means(report)["datasets"], {n: means(f)["datasets"] for n, f in cards.items()}
    rows = {name: (agreed, name) for name in ("nearest", "bilinear", "bicubic", "lanczos")}
    for name, method in zip(OURS, (FAITHFUL, INVENTIVE), strict=True):
        rows[f"**{name}**"] = (agreed, method)
        rows[f"{name}, no consistency"] = (alone[name], name)
    lines = []
    for row, (found, method) in rows.items():
        shown = [found[dataset]["means"][method] for dataset in README_SETS]
        cells = [f"{m['psnr']:.2f} / {m['ssim_wang']:.3f} / {m['lpips']:.3f}" for m in shown]
        lines.append(["the same, no consistency" if "," in row else row, *cells])
    return markdown(["", *README_SETS.values()], lines)


def put(path: Path, name: str, text: str) -> None:
    """Replace what stands between the markers ``name`` of a page."""
    start, end = f"<!-- {name}: written by tools/publish.py -->\n\n", f"\n\n<!-- end of {name} -->"
    page = path.read_text(encoding="utf-8")
    head, found, rest = page.partition(start)
    _, ended, tail = rest.partition(end)
    if not (found and ended):
        raise SystemExit(f"{path}: has no markers for {name}")
    path.write_text(head + start + text + end + tail, encoding="utf-8")


def write_tables(data: Path, weights: Path, out: Path) -> None:
    """Everything beside everybody, at five fidelities."""
    report = out / "all"
    peers = [
        word for name, file in PEERS.items() for word in ("--model", f"{name}={weights / file}")
    ]
    sweep = ["--fidelity-sweep", "0,0.25,0.5,0.75,1", "--out", report, "--panels", 1]
    srgan("evaluate", "--data", data, *BOTH_SPLITS, *sweep, "--model", OURS[1], *peers)
    for dataset, entry in means(report)["datasets"].items():
        put(DOCS / "results.md", dataset, table(entry["means"]))
    write_people(data, report, out)
    shutil.copyfile(report / "plane.md", DOCS / "fidelity.md")
    for picture in (DOCS / "images").glob("plane-*.svg"):
        shutil.copyfile(report / picture.name, picture)


def people_table(found: Sequence[Mapping[str, Any]]) -> str:
    """What ``srgan compare --json`` found, a line a comparison."""
    lines = []
    names = {FAITHFUL: OURS[0], INVENTIVE: OURS[1]}
    for one in found:
        title, _ = COLUMNS[one["measure"]]
        shape = "+.2f" if one["measure"] == "psnr" else "+.4f"
        low, high = (format(end, shape) for end in one["interval"])
        better = one["better"] or "not shown"
        row = [f"{names[one['method']]}, {title}", one["against"], str(one["people"])]
        row += [format(one["difference"], shape), f"{low} to {high}", f"{one['p_holm']:.3f}"]
        lines.append([*row, names.get(better, better)])
    heads = ["", "against", "people", "difference", "95 % interval", "p (Holm)", "better"]
    return markdown(heads, lines)


def worst(rows: Sequence[Mapping[str, str]]) -> dict[str, list[tuple[str, str, float, float]]]:
    """{dataset: for each of ours the image with the least to show}.

    For SRResNet that is the gain in PSNR over bicubic, for SRGAN the share of bicubic's LPIPS.
    """
    by_image: dict[tuple[str, str], dict[str, Mapping[str, str]]] = {}
    for row in rows:
        by_image.setdefault((row["dataset"], row["image"]), {})[row["method"]] = row

    def gain(methods: Mapping[str, Mapping[str, str]]) -> float:
        return float(methods[FAITHFUL]["psnr"]) - float(methods["bicubic"]["psnr"])

    def share(methods: Mapping[str, Mapping[str, str]]) -> float:
        return float(methods[INVENTIVE]["lpips"]) / float(methods["bicubic"]["lpips"])

    found: dict[str, list[tuple[str, str, float, float]]] = {}
    for dataset in dict.fromkeys(name for name, _ in by_image):
        here = {image: m for (name, image), m in by_image.items() if name == dataset}
        one, other = min(here, key=lambda i: gain(here[i])), max(here, key=lambda i: share(here[i]))
        found[dataset] = [
            (one, "PSNR over bicubic, dB", gain(here[one]), fmean(map(gain, here.values()))),
            (other, "LPIPS over bicubic's", share(here[other]), fmean(map(share, here.values()))),
        ]
    return found


def write_people(data: Path, report: Path, out: Path) -> None:
    """Person by person where there are six people or more, and the worst of every set."""
    findings = []
    for method in (FAITHFUL, INVENTIVE):
        asked = [word for name in ("bicubic", *PEERS) for word in ("--against", name)]
        only = ["--dataset", SHOWN, "--metrics", "psnr,ssim_wang,lpips", "--json"]
        command = ["-m", "super_resolution_gans.cli", "compare", report, "--method", method]
        words = [sys.executable, *map(str, [*command, *asked, *only])]
        done = subprocess.run(words, check=True, cwd=ROOT, capture_output=True, text=True)
        findings += json.loads(done.stdout)["findings"]
    put(DOCS / "results.md", "people", people_table(findings))
    with (report / "per_image.csv").open(encoding="utf-8", newline="") as file:
        found = worst(list(csv.DictReader(file)))
    lines = []
    for dataset, cases in found.items():
        for image, measure, value, mean in cases:
            name = image.removeprefix(f"{dataset.split(' ')[0]}/")
            lines.append([dataset, measure, name, f"{value:.2f}", f"{mean:.2f}"])
    heads = ["set", "measure", "worst image", "there", "mean of the set"]
    put(DOCS / "results.md", "worst", markdown(heads, lines))
    image = found[SHOWN][0][0]
    alone = out / "worst" / "scans"
    alone.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(data / image, alone / Path(image).name)
    picture = out / "worst" / "report"
    srgan("evaluate", "--data", alone, *BOTH_MODELS, "--panels", 1, "--out", picture, "--fresh")
    (drawn,) = (picture / "panels").rglob("*.png")
    shutil.copyfile(drawn, DOCS / "images" / "worst.png")


def write_readme(out: Path) -> None:
    """The table, of what the steps before measured, and the picture."""
    cards = {name: out / f"card-{name}" for name in OURS}
    put(ROOT / "README.md", "results", readme_table(out / "all", cards))
    demo = ["--data", "examples/scans", *BOTH_MODELS, "--panels", 3, "--out", out / "demo"]
    srgan("evaluate", *demo)
    (picture,) = (out / "demo" / "panels").rglob("*DRUSEN-9894035-2*.png")
    shutil.copyfile(picture, DOCS / "images" / "panel.png")


def write_notebooks(data: Path, out: Path) -> None:
    """Rows and outputs."""
    chosen = ["--data", data, "--split", "test", "--dataset", SHOWN, "--consistency", *BOTH_MODELS]
    srgan("evaluate", *chosen, "--panels", 0, "--out", out / "notebooks")
    rows = "per_image.csv"
    shutil.copyfile(out / "notebooks" / rows, ROOT / "notebooks" / "kermany-test" / rows)
    run("tools/run_notebooks.py", "--write")


def main() -> None:
    """All steps, or those that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", action="append", default=[], metavar="NAME=RUN[,RUN]")
    steps = ("weights", "uncertainty", "tables", "readme", "notebooks")
    parser.add_argument("--only", action="append", choices=steps)
    arguments = parser.parse_args()
    data, weights, out = (p.resolve() for p in (arguments.data, arguments.weights, arguments.out))
    wanted = arguments.only or steps

    out.mkdir(parents=True, exist_ok=True)
    if "weights" in wanted:
        for text in arguments.model:
            name, _, folders = text.partition("=")
            publish(name, [Path(folder).resolve() for folder in folders.split(",")], data, out)
    if "uncertainty" in wanted:
        run("tools/calibrate_uncertainty.py", data, "--cache", out / "uncertainty")
    if "tables" in wanted:
        write_tables(data, weights, out)
    if "readme" in wanted:
        write_readme(out)
    if "notebooks" in wanted:
        write_notebooks(data, out)
    subprocess.run(["git", "status", "--short"], cwd=ROOT, check=False)


if __name__ == "__main__":
    main()
