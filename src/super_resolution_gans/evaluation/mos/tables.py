"""The tables of a report, as plain text in cells; how they are written is not decided here."""

from collections.abc import Sequence
from dataclasses import dataclass

from super_resolution_gans.evaluation.counted import plural
from super_resolution_gans.evaluation.intervals import Interval
from super_resolution_gans.evaluation.mos.analysis import Analysis, Difference
from super_resolution_gans.evaluation.mos.reliability import Agreement
from super_resolution_gans.evaluation.mos.study import HIGH, REAL, WORDS, Question

MEASURES = {
    "psnr": ("PSNR, dB", ".2f", "∞"),
    "ssim_wang": ("SSIM (Wang)", ".4f", "1"),
    "ssim_daala": ("SSIM (daala)", ".4f", "1"),
}
"""{name: (heading, format, what HR has)}."""

NONE = "-"


@dataclass(frozen=True)
class Table:
    """A table whose first column is headings of rows.

    Attributes:
        name: for files.
        caption: a sentence or more.
        heads: of columns.
        rows: of cells.
        notes: sentences below it.
        sortable: whether its rows are of one kind.
    """

    name: str
    caption: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()
    sortable: bool = True


def opinions_table(analysis: Analysis) -> Table:
    """Methods as columns, as in the paper's tables 1 and 2: PSNR, SSIM, MOS and its limits."""
    scores, opinions = analysis.scores, analysis.opinions
    rows = []
    for name, (heading, style, of_truth) in MEASURES.items():
        if any(name in opinion.measures for opinion in opinions):
            cells = [
                of_truth
                if opinion.method == HIGH
                else f"{opinion.measures[name]:{style}}"
                if name in opinion.measures
                else NONE
                for opinion in opinions
            ]
            rows.append([heading, *cells])
    found = [opinion.mos for opinion in opinions]
    rows.append(["MOS", *(NONE if mos is None else f"{mos.estimate:.2f}" for mos in found)])
    limited = any(mos is not None and mos.low is not None for mos in found)
    if limited:
        rows.append(["95 % limits", *(limits(mos) for mos in found)])
    notes = {mos.note for mos in found if mos is not None and (mos.low is None or limited)}
    people = "" if scores.unit == "image" else f" of {plural(len(set(scores.units)), 'person')}"
    caption = (
        f"Mean opinion scores, {plural(len(scores.raters), 'rater')}, "
        f"{plural(len(scores.images), 'image')}{people}."
    )
    return Table("mos", caption, ["", *scores.methods], rows, [f"Limits: {_and(notes)}."], False)


def counts_table(analysis: Analysis, words: Sequence[str] = WORDS) -> Table:
    """How often each score was given to each method."""
    heads = ["method", *(f"{score} {word}" for score, word in enumerate(words, 1))]
    rows = [
        [opinion.method, *(str(count) for count in opinion.counts)] for opinion in analysis.opinions
    ]
    return Table("counts", "How often each score was given, first showings.", heads, rows)


def differences_table(analysis: Analysis) -> Table:
    """Every pair of methods."""
    unit = analysis.scores.unit
    plurals = plural(2, unit)[2:]
    heads = ["compared", "difference of MOS", "p", "p (Holm)", "r", "dz", "rated higher"]
    rows = [_difference(one) for one in analysis.differences]
    tested = sum(one.p is not None for one in analysis.differences)
    reasons = sorted({one.why_not for one in analysis.differences if one.why_not})
    notes = [f"Nothing is claimed: {reason}." for reason in reasons]
    if tested:
        notes.append(
            f"Two-sided Wilcoxon signed-rank test of pairs; the unit is one {unit}, its score the "
            f"mean over raters, so that p is about other {plurals} before these raters. "
            f"{plural(tested, 'test')} corrected together (Holm). r: rank-biserial correlation; "
            "dz: Cohen's."
        )
    caption = f"Methods compared {unit} by {unit}; 95 % limits over raters and {plurals}."
    return Table("differences", caption, heads, rows, notes)


def agreement_table(analysis: Analysis) -> Table:
    """How far raters agree with each other, and with themselves."""
    scores = analysis.scores
    rows, notes = [], []
    for what, found in (("all methods", analysis.agreement), ("no anchors", analysis.judged)):
        if isinstance(found, Agreement):
            rows.append([f"ICC(2,1), {what}", *_both(found.single)])
            rows.append([f"ICC(2,k), {what}", *_both(found.average)])
        else:
            notes.append(f"No ICC, {what}: {found}.")
    if isinstance(analysis.alpha, Interval):
        rows.append(["Krippendorff's alpha, ordinal", *_both(analysis.alpha)])
    else:
        notes.append(f"No alpha: {analysis.alpha}.")
    notes += retest_lines(analysis)
    if len(scores.complete) < len(scores.raters):
        notes.insert(
            0,
            f"ICC is of the {len(scores.complete)} of {len(scores.raters)} raters who rated all.",
        )
    caption = "Agreement: 1 is perfect, 0 is what chance gives."
    heads = ["", "estimate", "95 % limits", "by"]
    return Table("agreement", caption, heads, rows, notes, sortable=False)


def retest_lines(analysis: Analysis) -> list[str]:
    """What is said of images that were shown twice."""
    found = analysis.retest
    if isinstance(found, str):
        return [f"Test and retest: {found}."]
    kappa = "no kappa, all scores are alike" if found.kappa is None else f"{found.kappa:.2f}"
    shift = f"mean shift {found.shift:+.2f}"
    tested = "too few raters to test it" if found.p is None else f"p {_p(found.p)} (Wilcoxon)"
    return [
        f"Test and retest: {plural(found.pairs, 'pair')} of scores by "
        f"{plural(found.raters, 'rater')}; mean absolute difference {found.distance:.2f}, the same "
        f"score in {found.same:.0%}, quadratic weighted kappa {kappa}; {shift}, {tested}."
    ]


def answers_table(analysis: Analysis, question: Question) -> Table | None:
    """Shares of each choice, of the first also by how much it goes beyond HR's; None: no answers.

    Of two choices the second says nothing that the first does not, and has no column.
    """
    found = [one for one in analysis.answers if one.question == question]
    if not found:
        return None
    leading, *others = question.choices
    others = others if len(others) > 1 else []
    rows = []
    for method in dict.fromkeys(one.method for one in found):
        of_it = {one.choice: one for one in found if one.method == method}
        first = of_it[leading]
        beyond = NONE if first.beyond is None else _share(first.beyond, "+")
        shares = [_share(of_it[choice].share) for choice in others]
        rows.append([method, str(first.number), _share(first.share), beyond, *shares])
    shown = [one for one in found if one.choice in (leading, *others)]
    notes = ["Limits of shares: Wilson's, each rater one cluster of answers."]
    reasons = sorted({one.share.note for one in shown if one.share.low is None})
    if reasons:
        notes = [f"No limits of shares: {reason}." for reason in reasons]
    reasons = sorted(
        {
            one.beyond.note
            for one in found
            if one.choice == leading and one.beyond is not None and one.beyond.low is None
        }
    )
    notes += [f"No limits beyond HR: {reason}." for reason in reasons]
    if question == REAL:
        notes.insert(0, "Computed images said to be real are the fool rate; HR has its own.")
    heads = ["method", "answers", leading, f"{leading}, beyond HR", *others]
    return Table(f"answers-{question.key}", question.text, heads, rows, notes)


def raters_table(analysis: Analysis) -> Table:
    """What each rater did; numbers from 1."""
    heads = ["rater", "rated", "correlation", "nearest above HR", "commonest score", "median, s"]
    rows = []
    for one in analysis.raters:
        rows.append(
            [
                str(one.rater + 1),
                str(one.rated),
                NONE if one.correlation is None else f"{one.correlation:.2f}",
                NONE if one.failed is None else f"{one.failed:.0%}",
                f"{one.alike:.0%}",
                f"{one.seconds:.1f}",
            ]
        )
    notes = [
        f"Rater {one.rater + 1}: {'; '.join(one.flags)}." for one in analysis.raters if one.flags
    ]
    caption = "Raters, by number. Correlation is with the mean of all others."
    return Table("raters", caption, heads, rows, notes or ["No rater is flagged."])


def limits(interval: Interval | None) -> str:
    """``3.10 to 3.52``, or a dash."""
    if interval is None or interval.low is None or interval.high is None:
        return NONE
    return f"{interval.low:.2f} to {interval.high:.2f}"


def _difference(one: Difference) -> list[str]:
    name = f"{one.method} - {one.against}"
    found = one.difference
    if found is None:
        return [name, "not rated", *[NONE] * 5]
    shown = f"{found.estimate:+.2f}"
    if found.low is not None and found.high is not None:
        shown += f" ({found.low:+.2f} to {found.high:+.2f})"
    if one.p is None or one.p_holm is None or one.effect is None or one.dz is None:
        return [name, shown, *[NONE] * 5]
    dz = "∞" if abs(one.dz) == float("inf") else f"{one.dz:.2f}"
    better = one.better or "not shown"
    return [name, shown, _p(one.p), _p(one.p_holm), f"{one.effect:+.2f}", dz, better]


def _both(interval: Interval) -> list[str]:
    return [f"{interval.estimate:.2f}", limits(interval), interval.note]


def _share(interval: Interval, sign: str = "") -> str:
    shown = f"{interval.estimate:{sign}.0%}"
    if interval.low is None or interval.high is None:
        return shown
    return f"{shown} ({interval.low:{sign}.0%} to {interval.high:{sign}.0%})"


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _and(notes: set[str]) -> str:
    return "; ".join(sorted(notes)) or "nobody rated"
