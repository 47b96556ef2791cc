"""What ``srgan evaluate`` shows and writes."""

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from super_resolution_gans.cli.messages import say
from super_resolution_gans.cli.methods import BASELINES, PLAIN

if TYPE_CHECKING:
    from super_resolution_gans.evaluation.compare import Comparison, Protocol, Row
    from super_resolution_gans.evaluation.kept import Kept
    from super_resolution_gans.evaluation.pairs import Image, Pair
    from super_resolution_gans.prediction.upscaler import Upscaler
    from super_resolution_gans.prediction.versions import Version


class Drawer:
    """Draws the first images of each dataset: bicubic and the models between LR and HR.

    Args:
        out: a folder that exists; pictures go into ``panels`` in it.
        most: of each dataset.
        protocol: how the numbers were measured.
    """

    def __init__(self, out: Path, most: int, protocol: "Protocol") -> None:
        self._folder, self._most, self._protocol = out / "panels", most, protocol
        self._drawn: dict[str, int] = {}

    def wants(self, pair: "Pair") -> bool:
        """Whether this pair may be drawn: fewer of its dataset have been so far than shall be."""
        return self._drawn.get(pair.dataset, 0) < self._most

    def __call__(self, pair: "Pair", images: "Mapping[str, Image]", rows: "Sequence[Row]") -> None:
        """Draw a pair, if it is wanted."""
        if not self.wants(pair):
            return
        from super_resolution_gans.evaluation.panel import panel

        number = self._drawn.get(pair.dataset, 0) + 1
        self._drawn[pair.dataset] = number
        hidden = set(BASELINES) - {"bicubic"} if set(images) - set(BASELINES) else {"nearest"}
        hidden |= {name for name in images if name.endswith(PLAIN)}
        chosen = {name: image for name, image in images.items() if name not in hidden}
        self._folder.mkdir(exist_ok=True)
        stem = re.sub(r"[^\w.-]+", "_", f"{pair.dataset}-{number:02d}-{Path(pair.name).stem}")
        drawn = panel(pair, chosen, rows, self._protocol)
        write(self._folder / f"{stem[:120]}.png", drawn)


def keeping(
    out: Path,
    fresh: bool,
    upscalers: "Mapping[str, Upscaler | Version]",
    protocol: "Protocol",
    measures: Mapping[str, Any],
) -> "Kept":
    """The rows that are kept in a folder; with ``fresh`` none of before.

    Args:
        out: a folder that exists.
        fresh: whether to start over.
        upscalers: the methods.
        protocol: how is measured.
        measures: for JSON, what else the numbers depend on.

    Raises:
        ValueError: if what is there is no row.
        OSError: if the file cannot be read or deleted.
    """
    from super_resolution_gans.evaluation.kept import NAME, Kept
    from super_resolution_gans.evaluation.report import versions

    if fresh:
        (out / NAME).unlink(missing_ok=True)
    about = {name: made.provenance_for("float32").as_dict() for name, made in upscalers.items()}
    how = {"protocol": asdict(protocol), "versions": versions(), **measures}
    return Kept(out / NAME, about, how)


def show(
    comparison: "Comparison", upscalers: "Mapping[str, Upscaler | Version]", splits: Sequence[str]
) -> None:
    """Print tables, protocol and what was measured: with colours on a screen, else plain."""
    from super_resolution_gans.evaluation.report import plain_table, screen_table
    from super_resolution_gans.scan import printable

    chosen = [f"split: {', '.join(splits) or 'all'}"]
    for name, upscaler in upscalers.items():
        story = upscaler.provenance
        partner = f", faithful {story.faithful_sha256}" if story.faithful_sha256 else ""
        if story.weights_sha256:
            chosen.append(f"{printable(name)}: weights sha256 {story.weights_sha256}{partner}")
    if sys.stdout.isatty():
        from rich.console import Console

        Console().print(screen_table(comparison), highlight=False)
    else:
        say(plain_table(comparison).rstrip())
    say("\n".join(chosen))


def write_results(
    out: Path,
    comparison: "Comparison",
    upscalers: "Mapping[str, Upscaler | Version]",
    splits: Sequence[str],
    failures: Sequence[str],
) -> None:
    """Write the rows of all images, and the means with all that belongs to them."""
    from super_resolution_gans.evaluation.report import csv_text, json_text

    about: dict[str, Any] = {
        "splits": list(splits) or "all",
        "models": {
            # Pairs are numbers in [0, 1], as in the metrics.
            name: upscaler.provenance_for("float32").as_dict()
            for name, upscaler in upscalers.items()
        },
        "failures": list(failures),
    }
    write(out / "per_image.csv", csv_text(comparison).encode())
    write(out / "means.json", json_text(comparison, about).encode())
    say(f"written: {out / 'per_image.csv'}, {out / 'means.json'}")


def write(path: Path, payload: bytes) -> None:
    """Put bytes into a file, whole or not at all; an existing one is replaced."""
    from super_resolution_gans.io.atomic import replacing

    with replacing(path) as file:
        file.write(payload)
