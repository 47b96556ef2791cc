"""Findings about people as text."""

from collections.abc import Sequence

from super_resolution_gans.evaluation.counted import plural
from super_resolution_gans.evaluation.people import ALPHA, Finding
from super_resolution_gans.scan import printable

HEADS = ("method", "against", "difference", "interval", "p (Holm)", "r", "dz", "better")


def findings_table(findings: Sequence[Finding], *, level: float, resamples: int, seed: int) -> str:
    """A table for each dataset and pair of methods, and how its numbers came about.

    Args:
        findings: of :func:`~super_resolution_gans.evaluation.people.compare_people`.
        level: of the intervals.
        resamples: of the bootstrap.
        seed: of the bootstrap.
    """
    lines: list[str] = []
    for group in groups(findings):
        lines += [*heading(group), *_rows(group), ""]
    tests = sum(finding.p is not None for finding in findings)
    return "\n".join([*lines, *method_lines(level, resamples, seed, tests), ""])


def groups(findings: Sequence[Finding]) -> list[list[Finding]]:
    """Those of one dataset and pair of methods together, in the order in which they come."""
    groups: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.dataset, finding.method, finding.against), []).append(finding)
    return list(groups.values())


def heading(group: Sequence[Finding]) -> list[str]:
    """What a group compares, on how many people; and why nothing is claimed, if so."""
    first = group[0]
    people = max(finding.people for finding in group)
    images = max(finding.images for finding in group)
    lines = [
        f"{printable(first.dataset) or 'images'}: {printable(first.method)} against "
        f"{printable(first.against)}; {plural(people, 'person')}, "
        f"{plural(images, 'image')}"
    ]
    unknown = max(finding.unknown for finding in group)
    if unknown:
        lines.append(f"  {plural(unknown, 'image')} of unknown people left out")
    reason = reason_of_all(group)
    return [*lines, f"  {reason}"] if reason else lines


def reason_of_all(group: Sequence[Finding]) -> str | None:
    """Why nothing is claimed, if it is the same for every measure."""
    reasons = {finding.why_not for finding in group}
    return reasons.pop() if len(reasons) == 1 else None


def _rows(group: Sequence[Finding]) -> list[str]:
    table: list[tuple[str, ...]] = [("", *HEADS)]
    remarks = [""]
    for finding in group:
        table.append((label(finding), *cells(finding)))
        remarks.append(remark(finding, group))
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    return [
        f"  {row[0]:<{widths[0]}}"
        + "".join(f"  {cell:>{wide}}" for cell, wide in zip(row[1:], widths[1:], strict=True))
        + remark
        for row, remark in zip(table, remarks, strict=True)
    ]


def label(finding: Finding) -> str:
    """The heading of the measure; of one with a target, that its distance is compared."""
    heading = finding.measure.heading
    return f"{heading}, distance" if finding.measure.has_target else heading


def cells(finding: Finding) -> tuple[str, ...]:
    """The columns :data:`HEADS` of a row; a dash where nothing is claimed."""
    style = finding.measure.format.lstrip("+")
    means = [f"{mean:{style}}" for mean in (finding.mean, finding.mean_against)]
    difference = f"{finding.difference:+{style}}"
    if finding.interval is None or finding.p_holm is None or finding.dz is None:
        return (*means, difference, "-", "-", "-", "-", "-")
    low, high = finding.interval
    return (
        *means,
        difference,
        f"{low:+{style}} to {high:+{style}}",
        "<0.001" if finding.p_holm < 0.001 else f"{finding.p_holm:.3f}",
        f"{finding.effect:+.2f}",
        f"{finding.dz:+.2f}",
        "not shown" if finding.better is None else printable(finding.better),
    )


def remark(finding: Finding, group: Sequence[Finding]) -> str:
    """What a row leaves out or lacks, in brackets; empty if nothing, or if its heading says it."""
    why_not = None if reason_of_all(group) else finding.why_not
    parts = [why_not] if why_not else []
    if finding.left_out:
        parts.append(f"{plural(finding.left_out, 'image')} without a number left out")
    if finding.people < max(other.people for other in group) and not finding.why_not:
        parts.append(f"{plural(finding.people, 'person')}")
    return f"  ({'; '.join(parts)})" if parts else ""


def method_lines(level: float, resamples: int, seed: int, tests: int) -> list[str]:
    """How the numbers came about, a line for each column."""
    return [
        "means: over people, of means over each person's images",
        "distance: how far a measure is from its target, 0, or 1 (then of its logarithm)",
        f"interval: {100 * level:g} % of the mean difference, BCa bootstrap over people, "
        f"{resamples} resamples, seed {seed}",
        "p: Wilcoxon's signed-rank test, two-sided, over people; corrected as Holm has it for "
        f"{plural(tests, 'test')}",
        "r: rank-biserial correlation of the differences, dz: Cohen's; of method less against",
        f"better: where corrected p is below {ALPHA}; not shown is not the same as equal",
    ]
