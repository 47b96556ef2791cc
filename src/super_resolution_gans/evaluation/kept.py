"""Rows that are kept as they come, so that an evaluation that was stopped goes on.

Each is one line of JSON under a key: the SHA-256 of the pair's pixels and of what the pair is
called, of the method, and of how was measured. A key that is there is not measured again. Lines
are appended whole; what a process that was killed left of a line is cut off.
"""

import hashlib
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from super_resolution_gans.evaluation.measures import USUAL
from super_resolution_gans.evaluation.pairs import EvaluationError, Pair
from super_resolution_gans.evaluation.rows import Row

NAME = "rows.jsonl"
_FIELDS = {field.name for field in fields(Row)}
_NUMBERS = tuple(measure.name for measure in USUAL)


class Kept:
    """The rows in one file.

    Args:
        path: of the file, which is made when the first row comes.
        methods: {method: what it is, for JSON}: weights, device, engine, versions.
        how: for JSON, all that a number depends on besides: protocol, measures, versions.

    Raises:
        EvaluationError: if the file holds what is no row.
        OSError: if it cannot be read, or its broken end cannot be cut off.
    """

    def __init__(
        self, path: Path, methods: Mapping[str, Mapping[str, Any]], how: Mapping[str, Any]
    ) -> None:
        self._path = path
        self._methods = {name: _digest([name, about, how]) for name, about in methods.items()}
        self._rows = _read(path) if path.exists() else {}
        self.found = 0

    def of(self, pair: Pair) -> dict[str, Row]:
        """{method: its row} of those that are there."""
        image = pair_digest(pair)
        keys = {method: self._key(image, method) for method in self._methods}
        there = {method: self._rows[key] for method, key in keys.items() if key in self._rows}
        self.found += len(there)
        return there

    def add(self, pair: Pair, rows: Sequence[Row]) -> None:
        """Append rows of a pair, in one write.

        Raises:
            OSError: if they cannot be written; it names the file.
        """
        image, lines = pair_digest(pair), []
        for row in rows:
            key = self._key(image, row.method)
            self._rows[key] = row
            lines.append(_line(key, row))
        if not lines:
            return
        with self._path.open("ab") as file:
            file.write(b"".join(lines))
            file.flush()
            os.fsync(file.fileno())

    def _key(self, image: str, method: str) -> str:
        return hashlib.sha256(f"{image} {self._methods[method]}".encode()).hexdigest()


def pair_digest(pair: Pair) -> str:
    """The SHA-256 of HR, LR and all that a row says of a pair, in hexadecimal."""
    said = (pair.dataset, pair.name, pair.patient)
    about = (*said, pair.levels, pair.made_here, pair.stored_in_colour)
    digest = hashlib.sha256(_digest([*about, pair.hr.shape, pair.lr.shape]).encode())
    for image in (pair.hr, pair.lr):
        digest.update(image.astype("<f4").tobytes())
    return digest.hexdigest()


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _line(key: str, row: Row) -> bytes:
    values = {name: _written(value) for name, value in asdict(row).items()}
    values["more"] = {name: _written(value) for name, value in row.more.items()}
    return json.dumps({"key": key, **values}, allow_nan=False).encode() + b"\n"


def _written(value: Any) -> Any:
    """JSON has no infinity: it is a string there."""
    return str(value) if isinstance(value, float) and math.isinf(value) else value


def _number(value: float | str | None) -> float | None:
    return None if value is None else float(value)


def _read(path: Path) -> dict[str, Row]:
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        os.truncate(path, len(whole))
    rows = {}
    for number, line in enumerate(whole.splitlines(), 1):
        try:
            values = json.loads(line)
            key = values.pop("key")
            if values.keys() != _FIELDS or not isinstance(key, str):
                raise KeyError
            values |= {name: _number(values[name]) for name in _NUMBERS}
            values["more"] = {name: _number(value) for name, value in values["more"].items()}
            rows[key] = Row(**values)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise EvaluationError(
                str(path), f"line {number} is no row of an evaluation (--fresh starts over)"
            ) from None
    return rows
