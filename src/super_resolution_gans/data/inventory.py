"""What scans there are: a folder or a manifest -> entries with person, dataset and split.

A manifest is a CSV file with a column ``path`` (relative to it) and, where known, ``patient``,
``split`` and ``dataset``; its split wins. Without one, every readable file of the folder is an
entry and the person is taken from its name.
"""

import csv
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".npy"})
SPLITS = frozenset({"train", "val", "test"})

# Kermany et al. 2018 name their files CLASS-patient-number: CNV-1016042-1.jpeg
KERMANY_NAME = r"^(?:CNV|DME|DRUSEN|NORMAL)-(?P<patient>\d+)-\d+$"


class DataError(ValueError):
    """A folder, manifest or store cannot be used; the message names it and the reason."""

    def __init__(self, source: str | os.PathLike[str], reason: str) -> None:
        super().__init__(f"{os.fspath(source)}: {reason}")
        self.source, self.reason = os.fspath(source), reason


@dataclass(frozen=True)
class Entry:
    """One file of scans.

    ``patient`` None: unknown; the split then keeps the whole folder of the file together.
    ``split`` None: not said. ``low_path``: a ready-made LR twin, if there is one.
    """

    path: Path
    name: str
    patient: str | None = None
    split: str | None = None
    dataset: str = ""
    low_path: Path | None = None
    role: str = ""

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
    if root.is_file() and root.suffix.lower() == ".csv":
        entries = _from_manifest(root)
    elif not root.is_dir():
        raise DataError(root, "no such folder or manifest (.csv)")
    elif (root / "manifest.csv").is_file():
        entries = _from_manifest(root / "manifest.csv")
    else:
        entries = _from_folder(root, _compile(patient_pattern))
    if not entries:
        known = " ".join(sorted(SUFFIXES))
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
                split=_known(row.get("split")),
                dataset=(row.get("dataset") or "").strip(),
                low_path=manifest.parent / low if low else None,
                role=(row.get("role") or "").strip(),
            )
        )
    return entries


def _known(value: str | None) -> str | None:
    text = (value or "").strip()
    return None if text.lower() in {"", "unknown", "none", "n/a"} else text


def _from_folder(root: Path, pattern: re.Pattern[str]) -> list[Entry]:
    high, low = root / "HR", root / "LR"
    if high.is_dir() and low.is_dir():
        return [_paired(entry, low) for entry in _scan(high, pattern)]
    return list(_scan(root, pattern))


def _scan(root: Path, pattern: re.Pattern[str]) -> Iterable[Entry]:
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        hidden = any(part.startswith(".") for part in relative.parts)
        if hidden or path.suffix.lower() not in SUFFIXES or not path.is_file():
            continue
        match = pattern.search(path.stem)
        parents = [part.lower() for part in relative.parts[:-1]]
        yield Entry(
            path=path,
            name=relative.as_posix(),
            patient=match["patient"] if match else None,
            split=next((part for part in parents if part in SPLITS), None),
        )


def _paired(entry: Entry, low: Path) -> Entry:
    """Find the LR twin: the same name, with or without an ending such as ``x4``."""
    folder, stem = low / Path(entry.name).parent, Path(entry.name).stem
    twins = [
        path
        for path in sorted(folder.glob(f"{_escape(stem)}*"))
        if path.suffix.lower() in SUFFIXES and re.fullmatch(r"(x\d+)?", path.stem[len(stem) :])
    ]
    if len(twins) != 1:
        found = "no LR twin" if not twins else f"{len(twins)} LR twins"
        raise DataError(entry.path, f"{found} under {folder}")
    return Entry(entry.path, entry.name, entry.patient, entry.split, entry.dataset, twins[0])


def _escape(stem: str) -> str:
    return re.sub(r"([\[*?])", r"[\1]", stem)
