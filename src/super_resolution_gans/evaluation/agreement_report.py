"""Agreement as text."""

from collections.abc import Sequence

from super_resolution_gans.evaluation.agreement import (
    Agreement,
    Comparison,
    NonInferiority,
    Predictions,
)
from super_resolution_gans.evaluation.intervals import Interval
from super_resolution_gans.evaluation.overlap import Overlap
from super_resolution_gans.scan import printable


def heading(predictions: Predictions, reference: str) -> str:
    """What is held against what, and how many people that is."""
    images, people = len(predictions.images), len(set(predictions.people))
    return printable(f"reference: {reference}; images: {images}; people: {people}")


def agreement_table(found: Sequence[Agreement]) -> str:
    """One line a method."""
    width = max(6, *(len(row.method) for row in found))
    lines = [f"{'method':{width}}  {'agree':>11}  {'share':>6}  {'kappa':>6}  95 % limits"]
    for row in found:
        kappa = "     -" if row.kappa is None else f"{row.kappa:6.3f}"
        agree = f"{row.agree} of {row.images}"
        lines.append(
            f"{printable(row.method):{width}}  {agree:>11}  {row.share.estimate:6.3f}  {kappa}  "
            f"{limits(row.share)}"
        )
    return "\n".join(lines) + "\n"


def comparison_lines(found: Sequence[Comparison]) -> list[str]:
    """McNemar's test of each pair of methods; why there is none, once if it is so for all."""
    tests = sum(row.p is not None for row in found)
    reasons = {row.why_no_test for row in found}
    common = reasons.pop() if len(reasons) == 1 else None
    lines = []
    for row in found:
        line = (
            f"{row.first} and {row.second}: images that agree in the first alone "
            f"{row.only_first}, in the second alone {row.only_second}"
        )
        if row.p is not None:
            line += f"; McNemar exact p = {row.p:.4f} (two-sided, Holm for {tests})"
        elif common is None:
            line += f"; no test: {row.why_no_test}"
        lines.append(printable(line))
    return lines if common is None else [*lines, f"no test: {common}"]


def non_inferiority_lines(found: Sequence[NonInferiority]) -> list[str]:
    """A sentence for each method."""
    lines = []
    for row in found:
        verdict = "shown" if row.shown else "not shown, which does not mean inferior"
        lines.append(
            printable(
                f"{row.method} no worse than {row.against} by {row.margin:g}: {verdict}; "
                f"difference {row.difference.estimate:+.3f}, {limits(row.difference, signed=True)}"
            )
        )
    return lines


def overlap_table(found: Sequence[Overlap]) -> str:
    """One line for each method and label."""
    width = max(6, *(len(row.method) for row in found))
    lines = [f"label  {'method':{width}}  images  empty    Dice     IoU  95 % limits of Dice"]
    for row in found:
        lines.append(
            f"{row.label:5}  {printable(row.method):{width}}  {row.images:6}  {row.empty:5}  "
            f"{row.dice.estimate:6.4f}  {row.jaccard.estimate:6.4f}  {limits(row.dice)}"
        )
    return "\n".join(lines) + "\n"


def limits(interval: Interval, *, signed: bool = False) -> str:
    """Limits and where they come from, or why there are none."""
    if interval.low is None or interval.high is None:
        return f"no limits: {interval.note}"
    sign = "+" if signed else ""
    return f"{interval.low:{sign}.3f} to {interval.high:{sign}.3f} ({interval.note})"
