"""What scans there are: a folder or a manifest -> entries with person, dataset and split.

A manifest is a CSV file with a column ``path`` (relative to it) and, where known, ``patient``,
``split`` and ``dataset``; its split wins. Without one, every readable file of the folder is an
entry and the person is taken from its name.
"""

import csv
import os
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from super_resolution_gans.io import READABLE_SUFFIXES, ends_in
from super_resolution_gans.scan import printable

SPLITS = frozenset({"train", "val", "test"})
_SPELLINGS = {"training": "train", "valid": "val", "validation": "val", "testing": "test"}

# Kermany et al. 2018 name their files CLASS-patient-number: CNV-1016042-1.jpeg
KERMANY_NAME = r"^(?:CNV|DME|DRUSEN|NORMAL)-(?P<patient>\d+)-\d+$"


class DataError(ValueError):
    """A folder, manifest or store cannot be used; one line that names it and the reason."""

    def __init__(self, source: str | os.PathLike[str], reason: str) -> None:
        self.source, self.reason = os.fspath(source), " ".join(reason.split())
        super().__init__(f"{printable(self.source)}: {printable(self.reason)}")


@dataclass(frozen=True)
class Entry:
    """One file of scans.

    ``patient`` None: unknown; the split then keeps the whole folder of the file together.
    ``split`` None: not said. ``low_path``: a ready-made LR twin, if there is one.
    ``split_by_folder``: the split is only the name of a folder (as in Kermany's OCT2017), which
    yields where it would tear a person apart; a manifest's does not.
    """

    path: Path
    name: str
    patient: str | None = None
    split: str | None = None
    dataset: str = ""
    low_path: Path | None = None
    role: str = ""
    split_by_folder: bool = False

    @property
    def person(self) -> str:
        """Whom the scan belongs to, as far as can be told: the patient, or else the folder."""
        known = self.patient if self.patient else f"folder {Path(self.name).parent.as_posix()}"
        return f"{self.dataset}/{known}"


def find_entries(
    source: str | os.PathLike[str], patient_pattern: str = KERMANY_NAME
) -> list[Entry]:
    """List the scans of a manifest, of a folder with ``HR`` and ``LR``, or of any folder.

    Args:
        source: a ``.csv`` manifest, a folder that holds ``manifest.csv``, or a folder of scans.
        patient_pattern: regular expression with a group ``patient``, searched in the file name
            without its suffix; not used for a manifest.

    Returns:
        Entries sorted by name.

    Raises:
        DataError: if nothing usable is found.
    """
    root = Path(source)
    pattern = _compile(patient_pattern)
    try:
        if root.is_file() and root.suffix.lower() == ".csv":
            entries = _from_manifest(root)
        elif not root.is_dir():
            raise DataError(root, "no such folder or manifest (.csv)")
        elif (root / "manifest.csv").is_file():
            entries = _from_manifest(root / "manifest.csv")
        else:
            entries = _from_folder(root, pattern)
    except OSError as error:
        raise DataError(root, f"cannot be read ({error.strerror or error})") from error
    if not entries:
        known = " ".join(sorted(READABLE_SUFFIXES))
        raise DataError(root, f"holds no scans (looked for {known})")
    return sorted(entries, key=lambda entry: entry.name)


def _compile(pattern: str) -> re.Pattern[str]:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise DataError(pattern, f"not a regular expression ({error})") from error
    if "patient" not in compiled.groupindex:
        raise DataError(pattern, "the patient pattern needs a group (?P<patient>...)")
    return compiled


def _from_manifest(manifest: Path) -> list[Entry]:
    try:
        with manifest.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            if "path" not in (reader.fieldnames or ()):
                raise DataError(manifest, "has no column 'path'")
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(manifest, f"cannot be read ({error})") from error
    entries = []
    for row in rows:
        name = (row["path"] or "").strip()
        if not name:
            continue
        low = (row.get("lr_path") or "").strip()
        entries.append(
            Entry(
                path=manifest.parent / name,
                name=name,
                patient=_known(row.get("patient")),
                split=_split_of(row.get("split")),
                dataset=(row.get("dataset") or "").strip(),
                low_path=manifest.parent / low if low else None,
                role=(row.get("role") or "").strip(),
            )
        )
    return entries


def _known(value: str | None) -> str | None:
    text = (value or "").strip()
    return None if text.lower() in {"", "unknown", "none", "n/a"} else text


def _split_of(value: str | None) -> str | None:
    """``Train`` and ``validation`` are ``train`` and ``val``; names of further splits stay."""
    text = _known(value)
    if text is None:
        return None
    usual = _SPELLINGS.get(text.lower(), text.lower())
    return usual if usual in SPLITS else text


def _from_folder(root: Path, pattern: re.Pattern[str]) -> list[Entry]:
    inside = {path.name.upper(): path for path in sorted(root.iterdir()) if path.is_dir()}
    if "HR" in inside and "LR" in inside:
        low = inside["LR"]
        twins = _twins(low)
        return [_paired(entry, low, twins) for entry in _scan(inside["HR"], pattern)]
    return list(_scan(root, pattern))


def _scan(root: Path, pattern: re.Pattern[str]) -> Iterator[Entry]:
    for path in _files(root):
        relative = path.relative_to(root)
        match = pattern.search(path.stem)
        splits = (_split_of(part) for part in relative.parts[:-1])
        split = next((part for part in splits if part in SPLITS), None)
        yield Entry(
            path=path,
            name=relative.as_posix(),
            patient=match["patient"] if match else None,
            split=split,
            split_by_folder=split is not None,
        )


def _files(root: Path) -> Iterator[Path]:
    """Everything with a suffix of ours that is not hidden, nor in a hidden folder."""
    for path in sorted(root.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
        if not hidden and ends_in(path, READABLE_SUFFIXES) and path.is_file():
            yield path


_SCALE_ENDING = re.compile(r"[_-]?x\d+$")
_Twins = dict[tuple[Path, str], list[Path]]


def _twins(low: Path) -> _Twins:
    """LR files by (folder, stem), and by the stem without an ending such as ``x4``."""
    found: _Twins = defaultdict(list)
    for path in _files(low):
        folder = path.relative_to(low).parent
        for stem in {path.stem, _SCALE_ENDING.sub("", path.stem)}:
            found[folder, stem].append(path)
    return found


def _paired(entry: Entry, low: Path, twins: _Twins) -> Entry:
    """Find the LR twin: the same name, else the same stem, else with an ending such as ``x4``."""
    name = Path(entry.name)
    near = twins.get((name.parent, name.stem), [])
    found = (
        [path for path in near if path.name == name.name]
        or [path for path in near if path.stem == name.stem]
        or near
    )
    if len(found) != 1:
        what = "no LR twin" if not found else f"{len(found)} LR twins"
        raise DataError(entry.path, f"{what} under {low / name.parent}")
    return replace(entry, low_path=found[0])
