"""What a study's report is made of: whose ratings, the tables, and how was measured, in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from super_resolution_gans.evaluation.counted import plural
from super_resolution_gans.evaluation.mos.analysis import Analysis
from super_resolution_gans.evaluation.mos.scores import LEVEL, RESAMPLES, SEED
from super_resolution_gans.evaluation.mos.study import Study
from super_resolution_gans.evaluation.mos.tables import (
    Table,
    agreement_table,
    answers_table,
    counts_table,
    differences_table,
    opinions_table,
    raters_table,
)

USE = (
    "A study of how images look to raters: research use only, no medical device, and no substitute "
    "for a clinical trial. A super-resolved pixel is an estimate."
)


@dataclass(frozen=True)
class Report:
    """What is reported.

    Attributes:
        study: of which.
        parts: {whose ratings: what they say}; first those of all raters.
        environment: name and value.
    """

    study: Study
    parts: Mapping[str, Analysis]
    environment: Sequence[tuple[str, str]] = ()


def tables_of(report: Report, analysis: Analysis) -> list[Table]:
    """All tables of one part."""
    asked = [answers_table(analysis, question) for question in report.study.questions]
    return [
        opinions_table(analysis),
        counts_table(analysis, report.study.words),
        differences_table(analysis),
        agreement_table(analysis),
        *(table for table in asked if table is not None),
        raters_table(analysis),
    ]


def protocol_lines(report: Report) -> list[str]:
    """How images were made and rated, in sentences."""
    study = report.study
    repeats = sum(item.role == "repeat" for item in study.items)
    ends = ", ".join(f"{score} {word}" for score, word in enumerate(study.words, 1))
    found = [
        f"{plural(len(study.methods), 'version')} of {plural(images_in(study), 'image')}, one "
        "after the other, nameless, in an order of each rater's own in which methods are "
        "balanced (Williams design).",
        f"Scores: {ends}. Nearest and HR are rated as all others are.",
        f"{plural(repeats, 'image')} shown twice, at least a third of the list apart.",
        *study.protocol,
        f"{LEVEL:.0%} limits of scores: raters and people (images, where it is not known whose "
        f"they are) are drawn anew together, {RESAMPLES} times, seed {SEED}.",
    ]
    examples = sum(item.role == "calibration" for item in study.items)
    if examples:
        rated = {item.image for item in study.rated}
        also = any(item.image in rated for item in study.calibration)
        of_them = "of images that are rated too" if also else "of images that are not rated"
        shown = f"Shown before: {plural(examples, 'example')} {of_them}, nearest as 1 and HR as 5."
        found.insert(2, shown)
    return found


def images_in(study: Study) -> int:
    """How many source images are rated."""
    return len({item.image for item in study.rated})
