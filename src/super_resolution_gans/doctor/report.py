"""All that is found, and what follows from it."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from super_resolution_gans.doctor.machine import (
    Folder,
    Machine,
    look_at_folders,
    look_at_machine,
)
from super_resolution_gans.doctor.packages import Extra, Package, find_extras
from super_resolution_gans.doctor.processes import check_upscaling
from super_resolution_gans.doctor.selfcheck import Check, Default
from super_resolution_gans.prediction.catalogue import DEFAULT_MODEL
from super_resolution_gans.prediction.shipped import ShippedFile, shipped_files
from super_resolution_gans.version import __version__


@dataclass(frozen=True)
class Examination:
    """What is installed here, and what works.

    Attributes:
        version: of this package.
        extras: the base (an empty name) and all extras; empty if the package is not installed.
        default: what ``srgan upscale`` uses unless told otherwise; None if it cannot work.
        checks: every engine on a small image; empty if torch cannot be used.
        problems: why ``srgan upscale`` will not work, one line each; none if it will.
        warnings: what else is not as it should be, one line each.
    """

    version: str
    machine: Machine
    default: Default | None
    checks: tuple[Check, ...]
    models: tuple[ShippedFile, ...]
    folders: tuple[Folder, ...]
    extras: tuple[Extra, ...]
    problems: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def works(self) -> bool:
        """Whether ``srgan upscale`` will work."""
        return not self.problems

    @property
    def way_out(self) -> str:
        """Options with which it will work if it does not without; empty if none are known."""
        model_is_there = not any(m.fault for m in self.models if m.name == DEFAULT_MODEL)
        sound = [check for check in self.checks if not check.fault]
        if self.works or not sound or not model_is_there:
            return ""
        return f"--engine {sound[0].engine} --precision {sound[0].precision}"

    def as_dict(self) -> dict[str, Any]:
        """For JSON; extras that lack a package have their ``cure``."""
        document = asdict(self)
        for told, extra in zip(document["extras"], self.extras, strict=True):
            told["cure"] = extra.cure if any(p.version is None for p in extra.packages) else None
        return {"works": self.works, **document}


def examine() -> Examination:
    """Look at everything; takes seconds, and raises nothing that a broken package raises."""
    default, fault, checks = check_upscaling()
    models, folders, extras = tuple(shipped_files()), look_at_folders(), find_extras()
    problems, warnings = [fault] if fault else [], list[str]()
    for check in checks:
        if check.fault and default and check.is_of(default):
            problems.append(f"{check.title}: {check.fault}")
    for model in models:
        if model.fault:
            (problems if model.name == DEFAULT_MODEL else warnings).append(
                f"{model.name}: {model.fault}"
            )
    warnings += [f"folder for {f.purpose}: {f.path} {f.fault}" for f in folders if f.fault]
    warnings += [f"{package.name}: {package.fault}" for package in _faulty(extras)]
    return Examination(
        version=__version__,
        machine=look_at_machine(),
        default=default,
        checks=checks,
        models=models,
        folders=folders,
        extras=extras,
        problems=tuple(problems),
        warnings=tuple(warnings),
    )


def _faulty(extras: tuple[Extra, ...]) -> Iterator[Package]:
    """Packages that are here and cannot be used, and those of the base that are not here."""
    told = set()
    for extra in extras:
        for package in extra.packages:
            missing = package.version is None and not extra.name
            if (package.fault or missing) and package.name not in told:
                told.add(package.name)
                yield replace(package, fault="is not installed") if missing else package
