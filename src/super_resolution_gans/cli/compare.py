"""``srgan compare``: is one method better than another, judged by people and not by images."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from super_resolution_gans.cli.messages import fail, say
from super_resolution_gans.cli.methods import BASELINES, PLAIN

if TYPE_CHECKING:
    from super_resolution_gans.evaluation.people import Finding
    from super_resolution_gans.evaluation.results import Result


def compare(
    results: Annotated[
        list[Path],
        typer.Argument(
            metavar="RESULTS [OTHERS]",
            help="What srgan evaluate --out wrote: one folder with several methods, or two.",
        ),
    ],
    method: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Of RESULTS. [default: its last model]"),
    ] = None,
    against: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Of OTHERS, or of RESULTS; repeatable. "
            "[default: the last model of OTHERS, or all others of RESULTS]",
        ),
    ] = None,
    metrics: Annotated[
        str, typer.Option(metavar="NAMES", help="Joined by commas. [default: all that are there]")
    ] = "",
    dataset: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this dataset; repeatable.")
    ] = None,
    level: Annotated[
        float, typer.Option(metavar="SHARE", help="Of the confidence intervals.")
    ] = 0.95,
    resamples: Annotated[int, typer.Option(metavar="N", help="Of the bootstrap.")] = 9999,
    seed: Annotated[int, typer.Option(metavar="N", help="Of the bootstrap.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Compare methods on the same images, person by person.

    Values are averaged over each person first. Then: mean difference with a bootstrap interval,
    Wilcoxon's signed-rank test corrected as Holm has it for all tests shown, and effect sizes.
    Below six people nothing is claimed.

    Exit status: 0 compared, 1 not possible, 2 wrong usage.
    """
    if len(results) > 2:
        raise typer.BadParameter("give one or two results", param_hint="RESULTS")
    from super_resolution_gans.evaluation.people import compare_people
    from super_resolution_gans.evaluation.results import read_results

    try:
        first = read_results(results[0])
        second = read_results(results[1]) if len(results) == 2 else first
        if dataset:
            first, second = (_only(found, dataset) for found in (first, second))
        one = _method(first, method)
        names = against or ([_method(second, None)] if len(results) == 2 else _others(first, one))
        pairs = [(one, _method(second, name)) for name in names]
        if len(results) == 1 and any(name == one for _, name in pairs):
            fail(f"{one}: cannot be compared with itself", 2)
        chosen = _measures(metrics, first, second)
        findings = compare_people(
            first, second, pairs, chosen, level=level, resamples=resamples, seed=seed
        )
    except ValueError as problem:
        fail(problem)
    files = dict(zip(("method", "against"), map(str, (results * 2)[:2]), strict=True))
    if as_json:
        settings = {"level": level, "resamples": resamples, "seed": seed, "results": files}
        say(_json(findings, settings))
        return
    from super_resolution_gans.evaluation.findings import findings_table

    if len(results) == 2:
        say(f"method: of {files['method']}; against: of {files['against']}")
    say(findings_table(findings, level=level, resamples=resamples, seed=seed).rstrip())


def _only(results: "Sequence[Result]", datasets: Sequence[str]) -> "list[Result]":
    found = [result for result in results if result.dataset in datasets]
    if not found:
        present = ", ".join(dict.fromkeys(result.dataset for result in results))
        raise ValueError(f"dataset {', '.join(datasets)}: no image is of it; there is {present}")
    return found


def _names(results: "Sequence[Result]") -> list[str]:
    return list(dict.fromkeys(result.method for result in results))


def _method(results: "Sequence[Result]", name: str | None) -> str:
    names = _names(results)
    if name is None:
        models = [n for n in names if n not in BASELINES and not n.endswith(PLAIN)]
        return (models or names)[-1]
    if name not in names:
        raise ValueError(f"{name}: no such method; there is {', '.join(names)}")
    return name


def _others(results: "Sequence[Result]", method: str) -> list[str]:
    others = [name for name in _names(results) if name != method]
    if not others:
        raise ValueError(f"{method}: is the only method, there is nothing to compare it with")
    return others


def _measures(names: str, *evaluations: "Sequence[Result]") -> list[str]:
    """Those asked for, or all that both have."""
    first, second = (list(results[0].values) for results in evaluations)
    present = [name for name in first if name in second]
    asked = [name.strip() for name in names.split(",") if name.strip()]
    for name in asked:
        if name not in present:
            raise ValueError(f"{name}: was not measured; there is {', '.join(present)}")
    return asked or present


def _json(findings: "Sequence[Finding]", settings: dict[str, Any]) -> str:
    lines = [
        {**asdict(finding), "measure": finding.measure.name, "better": finding.better}
        for finding in findings
    ]
    for line in lines:
        if line["dz"] is not None and line["dz"] in (float("inf"), float("-inf")):
            line["dz"] = str(line["dz"])
    return json.dumps({**settings, "findings": lines}, indent=2, ensure_ascii=False)
