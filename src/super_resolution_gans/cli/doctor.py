"""``srgan doctor``: what is installed, and whether upscaling works with it."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from super_resolution_gans.cli.messages import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from super_resolution_gans.doctor.packages import Extra
    from super_resolution_gans.doctor.report import Examination


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="The same as JSON.")] = False,
) -> None:
    """Say what is installed, what upscaling will use on this machine and why, and try it.

    A small image is upscaled with every engine and compared with the plain network in float32.
    Nothing is fetched. Exit status: 0 if srgan upscale will work, 1 with the reasons if not.
    """
    from super_resolution_gans.doctor.report import examine

    seen = examine()
    say(json.dumps(seen.as_dict(), indent=2, ensure_ascii=False) if as_json else in_words(seen))
    if not seen.works:
        raise typer.Exit(1)


def in_words(seen: "Examination") -> str:
    """All of it for people: what matters stands at the end, where a terminal shows it."""
    return "\n".join(_lines(seen))


def _lines(seen: "Examination") -> "Iterator[str]":
    machine, default = seen.machine, seen.default
    yield f"srgan {seen.version}, Python {machine.python}, {machine.system}"
    if seen.extras:
        yield "\nPackages"
    for extra in seen.extras:
        yield f"  {extra.name or 'always':<10}{_packages(extra)}"
    yield "\nShipped models (SHA-256)"
    for model in seen.models:
        yield f"  {model.name:<24}{model.sha256 or '-'}  {model.fault or 'whole'}"
    yield "\nFolders"
    for folder in seen.folders:
        room = f", {_size(folder.free)} free" if folder.free is not None else ""
        yield f"  {folder.purpose:<17}{folder.path}: {folder.fault or 'can be written to'}{room}"
    yield "\nMachine"
    threads = f", {default.threads} threads for networks" if default else ""
    yield f"  processors       {machine.processors}{threads}"
    memory = machine.memory_free
    yield f"  memory           {'not known' if memory is None else _size(memory) + ' free'}"
    if default:
        yield "\nsrgan upscale uses, unless told otherwise"
        yield f"  torch            {default.torch}"
        yield f"  model            {default.model}"
        yield f"  device           {default.device}: {default.device_why}"
        yield f"  engine           {default.library}: {default.engine_why}"
        deep = "" if default.precision == "float32" else " (float32 for more than 8 bits)"
        yield f"  precision        {default.precision}{deep}: {default.precision_why}"
    if seen.checks:
        yield "\nA small image, against the plain network in float32: largest difference"
    for check in seen.checks:
        result = check.fault
        if check.difference is not None:
            measured = f"{check.difference:.5f} grey levels of 8 bits"
            result = f"{measured}, {check.fault}" if check.fault else measured
        yield f"  {check.engine:<13}{check.precision:<10}{check.device:<6}{result}"
    yield ""
    yield from (f"warning: {line}" for line in seen.warnings)
    yield from (f"problem: {line}" for line in seen.problems)
    verdict = "will work" if seen.works else "will not work"
    way_out = f"; with {seen.way_out} it will" if seen.way_out else ""
    yield f"srgan upscale {verdict}{way_out}"


def _packages(extra: "Extra") -> str:
    """What there is with versions, then what is missing with the cure."""
    here = [f"{p.name} {p.version}{' (broken)' * bool(p.fault)}" for p in extra.packages
            if p.version]  # fmt: skip
    missing = [package.name for package in extra.packages if package.version is None]
    lacks = [f"missing: {', '.join(missing)}: {extra.cure}"] if missing else []
    return "; ".join([", ".join(here)] * bool(here) + lacks)


def _size(count: int) -> str:
    return f"{count / (1 << 30):.1f} GiB"
