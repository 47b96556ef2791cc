"""What the package requires, by extra, and what of that is here."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from typing import TYPE_CHECKING

from super_resolution_gans.doctor.processes import import_faults

if TYPE_CHECKING:
    from packaging.requirements import Requirement

DISTRIBUTION = "SuperResolution-GANs"
FOR_DEVELOPERS = ("dev", "docs", "mutation", "notebooks", "release")
"""Extras whose packages are programs rather than libraries: nothing here imports them."""
# Modules whose names are not those of their packages, or that are all we import of them.
_MODULES = {
    "lightning": "lightning.fabric",
    "pillow": "PIL",
    "pyyaml": "yaml",
    "ray": "ray.data",
    "scikit-image": "skimage.graph",
    "scipy": "scipy.stats",
}


@dataclass(frozen=True)
class Package:
    """A required package.

    Attributes:
        name: as it is installed.
        version: that is installed; None if none is.
        fault: why it cannot be used, in one line; empty if nothing is known against it.
    """

    name: str
    version: str | None
    fault: str


@dataclass(frozen=True)
class Extra:
    """The packages of an extra; of the package itself if the name is empty."""

    name: str
    packages: tuple[Package, ...]

    @property
    def cure(self) -> str:
        """The command that installs them."""
        return f'pip install "{DISTRIBUTION}{f"[{self.name}]" if self.name else ""}"'


def module_of(package: str) -> str:
    """The module of ours to import of a package."""
    return _MODULES.get(package, package.replace("-", "_"))


def find_extras() -> tuple[Extra, ...]:
    """The base and all extras, with every package that they require on this machine.

    Packages are imported, in other processes, unless only developers need them. Empty if the
    package runs without being installed, since nothing says then what it requires.
    """
    try:
        lines = requires(DISTRIBUTION) or []
        names = metadata(DISTRIBUTION).get_all("Provides-Extra") or []
    except PackageNotFoundError:
        return ()
    # Last those that repeat what others have.
    ordered = sorted(names, key=lambda name: (name in FOR_DEVELOPERS, name))
    by_extra = {name: _required(lines, name) for name in ("", *ordered)}
    users = {line.name for name in names if name not in FOR_DEVELOPERS for line in by_extra[name]}
    for name in set(names) & set(FOR_DEVELOPERS):
        by_extra[name] = [line for line in by_extra[name] if line.name not in users]
    imported = {
        line.name: None
        for name, required in by_extra.items()
        if name not in FOR_DEVELOPERS
        for line in required
        if _version(line.name)
    }
    faults = import_faults([module_of(name) for name in imported])
    by_package = dict(zip(imported, faults.values(), strict=True))
    return tuple(
        Extra(name, tuple(_package(line, by_package.get(line.name, "")) for line in required))
        for name, required in by_extra.items()
    )


def _required(lines: Sequence[str], extra: str) -> "list[Requirement]":
    """What an extra requires, or the base if it has no name."""
    from packaging.requirements import Requirement

    found = []
    for line in map(Requirement, lines):
        always = line.marker is None or line.marker.evaluate({"extra": ""})
        wanted = line.marker is not None and line.marker.evaluate({"extra": extra})
        if always if not extra else wanted and not always:
            found.append(line)
    return found


def _package(line: "Requirement", fault: str) -> Package:
    found = _version(line.name)
    if found and not fault and not line.specifier.contains(found, prereleases=True):
        fault = f"version {found} is not {line.specifier}"
    return Package(line.name, found, fault)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
