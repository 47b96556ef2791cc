"""``srgan mos``: a rating study, from scans and models to mean opinion scores."""

import secrets
from pathlib import Path
from typing import Annotated

import typer

from super_resolution_gans.cli import completion
from super_resolution_gans.cli.messages import fail, parse_scale, say, warn
from super_resolution_gans.cli.mos_parts import (
    chosen_questions,
    environment,
    loaded_methods,
    parse_size,
    reader,
    told,
)
from super_resolution_gans.cli.mos_serve import serve

mos = typer.Typer(
    help="A blind rating study: prepare, serve and report mean opinion scores.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@mos.command()
def prepare(
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA", help="A folder of images, one with HR and LR in it, or a manifest."
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="STUDY", help="The folder to make; a new one.")
    ],
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODEL",
            autocompletion=completion.models,
            help="As for srgan evaluate: a shipped model, a file, bilinear, bicubic, lanczos; "
            "NAME=MODEL names it in the report; repeatable. [default: the shipped OCT model]",
        ),
    ] = None,
    scale: Annotated[
        str, typer.Option(metavar="N|VxL", help="Factor, or vertical x lateral such as 1x4.")
    ] = "4",
    split: Annotated[
        list[str] | None,
        typer.Option(metavar="SPLIT", help="As for srgan evaluate; repeatable."),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(
            metavar="N|HxW",
            help="Height and width of the centre that is shown of every image. "
            "[default: the largest that all have]",
        ),
    ] = None,
    zoom: Annotated[
        int, typer.Option(min=1, max=8, metavar="N", help="Screen pixels a pixel.")
    ] = 1,
    repeats: Annotated[
        int | None,
        typer.Option(
            min=0, metavar="N", help="Images shown twice. [default: 10, fewer in a small study]"
        ),
    ] = None,
    calibration: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="N",
            help="Images whose nearest (1) and HR (5) are shown first, and which are not rated. "
            "[default: 5, fewer of few images]",
        ),
    ] = None,
    question: Annotated[
        list[str] | None,
        typer.Option(metavar="TEXT", help="Asked of every image, yes or no; repeatable."),
    ] = None,
    ask: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A built-in question, repeatable: pathology (is it still visible), real (or "
            "computed).",
        ),
    ] = None,
    title: Annotated[
        str, typer.Option(metavar="TEXT", help="As raters read it.")
    ] = "Quality of images",
    seed: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="The same seed, data and models make the same study; secret until all have "
            "rated. [default: random]",
        ),
    ] = None,
    consistency: Annotated[
        bool,
        typer.Option(
            "--consistency/--no-consistency",
            help="Show results that are made to agree with LR, where a model declares its "
            "downsampling, or as the network has them.",
        ),
    ] = True,
    device: Annotated[
        str, typer.Option(metavar="DEVICE", help="auto, cpu, cuda, cuda:1, mps.")
    ] = "auto",
) -> None:
    """Make a study: every method's image of every scan, nameless, beside nearest and HR.

    STUDY/study.json says which image is whose; keep it from raters.

    Exit status: 0 made, 1 not possible, 2 wrong usage.
    """
    factors = parse_scale(scale)
    cut = None if size is None else parse_size(size)
    from super_resolution_gans.evaluation.mos.prepare import Plan, design, fill, survey
    from super_resolution_gans.evaluation.mos.study import LOW, StudyError
    from super_resolution_gans.io.atomic import replacing_folder
    from super_resolution_gans.version import __version__

    try:
        if out.exists() or out.is_symlink():
            raise StudyError(out, "exists already; a study goes into a new folder")
        if not out.absolute().parent.is_dir():
            raise StudyError(out.absolute().parent, "no such folder")
        questions = chosen_questions(question or [], ask or [])
        makers, methods = loaded_methods(model, factors, device, consistency)
    except ValueError as problem:
        fail(problem, 2)
    plan = Plan(
        title=title,
        seed=secrets.token_hex(32) if seed is None else seed,
        scale=factors,
        size=cut,
        repeats=repeats,
        calibration=calibration,
        questions=questions,
        zoom=zoom,
        made_by=f"SuperResolution-GANs {__version__}",
    )
    try:
        read = reader(data, split, factors)
        study, remarks = design(survey(read("looking")), methods, plan)
        for remark in remarks:
            warn(f"warning: {remark}")
        with replacing_folder(out) as folder:
            study = fill(folder, study, read("making"), makers)
            if out.exists():
                raise StudyError(out, "exists already; a study goes into a new folder")
    except (ValueError, OSError) as problem:
        fail(problem)
    height, width = study.size
    say(
        f"{out}: {len(study.rated)} images to rate ({len(study.methods)} methods, {LOW} and HR "
        f"among them), {height} x {width} pixels each; {len(study.calibration)} examples first"
    )
    say(f"keep {out / 'study.json'} from raters; next: srgan mos serve {out}")


mos.command()(serve)


@mos.command()
def report(
    study: Annotated[
        Path, typer.Argument(metavar="STUDY", help="A folder that has been made and rated.")
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            metavar="FOLDER",
            help="For report.html, tables.md, tables.tex, report.json, per_image.csv, "
            "ratings.csv and figures, which are replaced.",
        ),
    ],
    without_outliers: Annotated[
        bool,
        typer.Option(
            "--without-outliers", help="Report also what comes out without flagged raters."
        ),
    ] = False,
) -> None:
    """Report mean opinion scores, how sure they are, and how far raters agree.

    Raters who may not have looked are flagged, not left out. Raters go by number; no file has names
    or codes. May be run while others rate. Needs the extra "eval".

    Exit status: 0 reported, 1 not possible, 2 wrong usage.
    """
    from super_resolution_gans.cli.results import write
    from super_resolution_gans.evaluation.mos.analysis import analyse, analyse_scores
    from super_resolution_gans.evaluation.mos.contents import Report
    from super_resolution_gans.evaluation.mos.report import files_of
    from super_resolution_gans.evaluation.mos.store import Store, identity_of
    from super_resolution_gans.evaluation.mos.study import RATINGS, Study

    try:
        made = Study.load(study)
        with Store(study / RATINGS, identity_of(made), write=False) as store:
            ratings = list(store.ratings())
        everybody = analyse(made, ratings)
        parts = {"All raters": everybody}
        kept = [rater for rater in everybody.scores.raters if rater not in everybody.flagged]
        if without_outliers and everybody.flagged and kept:
            scores = everybody.scores.only(kept)
            parts["Without flagged raters"] = analyse_scores(made, scores)
        files = files_of(Report(made, parts, environment()))
        (out / "figures").mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            write(out / name, content)
    except (ValueError, OSError) as problem:
        fail(problem)
    for one in everybody.opinions:
        say(f"{one.method}: {told(one.mos)}")
    for conduct in everybody.raters:
        if conduct.flags:
            warn(f"warning: rater {conduct.rater + 1}: {'; '.join(conduct.flags)}")
    if without_outliers and len(parts) == 1:
        reason = "every rater is flagged" if everybody.flagged else "no rater is flagged"
        warn(f"{reason}: there is nothing to report without outliers")
    say(f"written: {out / 'report.html'}, tables, report.json, per_image.csv, ratings.csv, figures")
