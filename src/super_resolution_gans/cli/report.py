"""``srgan evaluate --report``: one page, its figures, and tables as text."""

import platform
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from super_resolution_gans.cli.messages import say
from super_resolution_gans.cli.methods import PLAIN
from super_resolution_gans.cli.results import write

if TYPE_CHECKING:
    from collections.abc import Iterable

    from super_resolution_gans.evaluation.compare import Comparison
    from super_resolution_gans.evaluation.page.content import Card, Case, Pick
    from super_resolution_gans.evaluation.pairs import Pair
    from super_resolution_gans.prediction.upscaler import Upscaler
    from super_resolution_gans.prediction.versions import Version

_REFERENCE = "bicubic"


def write_report(
    out: Path,
    comparison: "Comparison",
    upscalers: "Mapping[str, Upscaler | Version]",
    models: Sequence[str],
    pairs: "Callable[[Sequence[str]], Iterable[Pair]]",
    *,
    splits: Sequence[str],
    failures: Sequence[str],
    sweep: bool,
) -> None:
    """Write report.html, tables.md, tables.tex and figures.

    Args:
        out: a folder that has the results of this comparison already.
        comparison: what was measured.
        upscalers: the methods.
        models: what was given for them, to find their cards.
        pairs: reads the pairs of some names again; those of other names may come too.
        splits: what was chosen.
        failures: a line for each image that is left out.
        sweep: whether the mixtures among the methods make a curve.

    Raises:
        ValueError: if an image cannot be read again.
        OSError: if a file cannot be written.
    """
    from super_resolution_gans.evaluation.page.content import Content, picks, statistics_of
    from super_resolution_gans.evaluation.page.document import page
    from super_resolution_gans.evaluation.page.figures import figure_files
    from super_resolution_gans.evaluation.page.texts import latex, markdown
    from super_resolution_gans.evaluation.results import read_results

    methods = comparison.methods
    reference = _REFERENCE if _REFERENCE in methods else None
    own = [name for name in methods if upscalers[name].provenance.weights_sha256]
    judged = [name for name in own if not name.endswith(PLAIN)]
    shares = {name: upscalers[name].provenance.fidelity for name in methods}
    numbers = {name: number for number, name in enumerate(judged)}
    content = Content(
        comparison,
        # Of the file, with its six digits: what srgan compare says of it, this page says too.
        statistics_of(comparison, read_results(out), judged, reference),
        {name: numbers.get(name.removesuffix(PLAIN)) for name in methods},
        {name: share for name, share in shares.items() if share is not None and sweep},
        _cases(picks(comparison, judged or methods), comparison, upscalers, judged, pairs),
        _cards(upscalers, own, models),
        _environment(),
        splits,
        failures,
    )
    figures = out / "figures"
    figures.mkdir(exist_ok=True)
    for name, figure in figure_files(content).items():
        write(figures / name, figure)
    write(out / "tables.md", markdown(content).encode())
    write(out / "tables.tex", latex(content).encode())
    write(out / "report.html", page(content).encode())
    say(f"written: {out / 'report.html'}, tables.md, tables.tex, figures")


def _cases(
    chosen: "Sequence[Pick]",
    comparison: "Comparison",
    upscalers: "Mapping[str, Upscaler | Version]",
    judged: Sequence[str],
    pairs: "Callable[[Sequence[str]], Iterable[Pair]]",
) -> "list[Case]":
    """The images are read and upscaled once more: which they are is known only at the end."""
    from super_resolution_gans.evaluation.page.content import case
    from super_resolution_gans.evaluation.pairs import quantised

    picked = {(pick.dataset, pick.image): pick for pick in chosen}
    shown = [name for name in comparison.methods if name == _REFERENCE or name in judged]
    found = {}
    for pair in pairs([pick.image for pick in chosen]):
        pick = picked.get((pair.dataset, pair.name))
        if pick is None:
            continue
        images = {name: quantised(upscalers[name](pair.lr), pair.levels) for name in shown}
        rows = [row for row in comparison.rows if row.image == pair.name]
        rows = [row for row in rows if row.dataset == pair.dataset]
        found[pair.dataset, pair.name] = case(pick, pair, images, rows)
    return [found[key] for key in picked if key in found]  # one may have vanished meanwhile


def _cards(
    upscalers: "Mapping[str, Upscaler | Version]", own: Sequence[str], models: Sequence[str]
) -> "list[Card]":
    from super_resolution_gans.evaluation.page.content import Card
    from super_resolution_gans.prediction.catalogue import SHIPPED, WEIGHTS

    known = _described(models)
    cards = []
    for name in own:
        story = upscalers[name].provenance_for("float32")
        facts = [
            (key.replace("_", " "), _said(value))
            for key, value in story.as_dict().items()
            if value is not None
        ]
        facts += known.get(story.weights_sha256 or "", [])
        card = WEIGHTS / f"{story.model}.md"
        of_ours = story.model in SHIPPED and card.is_file() and not name.endswith(PLAIN)
        cards.append(Card(name, facts, card.read_text("utf-8") if of_ours else ""))
    return cards


def _described(models: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
    """What files of weights say of themselves, by their SHA-256; nothing of exported ones."""
    from super_resolution_gans.cli.model import describe_model

    found = {}
    for given in models:
        for text in (given, given.partition("=")[2]):
            try:
                about = describe_model(text)
            except (ValueError, OSError):
                continue
            names = [name for name in about if name not in ("file", "sha256", "card", "name")]
            found[about["sha256"]] = [(name, str(about[name])) for name in names]
    return found


def _said(value: Any) -> str:
    return " x ".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)


def _environment() -> list[tuple[str, str]]:
    from importlib.metadata import PackageNotFoundError, version

    from super_resolution_gans.evaluation.report import versions

    try:
        scipy = version("scipy")
    except PackageNotFoundError:
        scipy = "not installed"
    return [
        *versions().items(),
        ("scipy", scipy),
        ("Python", platform.python_version()),
        ("system", f"{platform.system()}, {platform.machine()}"),
    ]
