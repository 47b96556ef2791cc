"""A study as it lies on disk: ``study.json``, which maps nameless images to what they are.

The file is secret while raters rate: it says which method made which image, and its seed says
the same to whoever knows how ids are made.
"""

import hashlib
import hmac
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

from super_resolution_gans.scan import printable

NAME, IMAGES, RATINGS = "study.json", "images", "ratings.sqlite"
FORMAT = 1
LEAST, MOST = 1, 5
MOST_ZOOM = 8
WORDS = ("bad", "poor", "fair", "good", "excellent")
"""Of the scores 1 to 5 (absolute category rating, ITU-T P.800; the paper names its two ends so)."""

LOW, HIGH = "nearest", "HR"
"""Names of the anchors: the scores 1 and 5 were calibrated on them."""

Role = Literal["rated", "anchor-low", "anchor-high", "repeat", "calibration"]
_ID = re.compile(r"[0-9a-f]{16}")


class StudyError(ValueError):
    """A study cannot be made, read or reported; one line that names it and the reason."""

    def __init__(self, name: str | os.PathLike[str], reason: str) -> None:
        self.name, self.reason = os.fspath(name), " ".join(reason.split())
        super().__init__(f"{printable(self.name)}: {printable(self.reason)}")


@dataclass(frozen=True)
class Question:
    """What is asked besides the score.

    Attributes:
        key: by which answers are kept.
        text: as raters read it.
        choices: what they choose from.
    """

    key: str
    text: str
    choices: tuple[str, ...]


PATHOLOGY = Question("pathology", "Is the pathology still visible?", ("yes", "no", "unsure"))
REAL = Question("real", "Is this a real scan, or was it computed?", ("real", "computed"))
BUILT_IN = {question.key: question for question in (PATHOLOGY, REAL)}


@dataclass(frozen=True)
class Method:
    """A column of the result.

    Attributes:
        name: as it is written.
        about: how its images were made, for the record: model, SHA-256 of weights, precision.
    """

    name: str
    about: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Item:
    """One image file.

    Attributes:
        id: 16 hexadecimal digits; the file is ``images/ID.png``.
        image: name of the source image.
        method: name of the method that made it; ``nearest`` and ``HR`` for the anchors.
        role: anchors are rated as all others are; a repeat shows an item for the second time;
            calibration is shown before, with its score.
        repeat_of: id of the item that a repeat repeats.
        score: what calibration images are shown as, 1 or 5.
        measures: {name: number} of what was shown, against HR; only finite ones.
        patient: whose image it is; None if unknown.
    """

    id: str
    image: str
    method: str
    role: Role
    repeat_of: str | None = None
    score: int | None = None
    measures: Mapping[str, float] = field(default_factory=dict)
    patient: str | None = None


@dataclass(frozen=True)
class Study:
    """All of a study but the images and the ratings.

    Attributes:
        title: as raters read it.
        seed: secret text that ids and orders follow from.
        methods: columns of the result, from ``nearest`` to ``HR``.
        items: all images.
        size: (height, width) in pixels of every image.
        colour: whether all files are RGB; they are grey if not.
        upscaling: (vertical, lateral) factors of the methods.
        protocol: sentences that say how images were made.
        questions: asked about every rated image.
        zoom: how many screen pixels a pixel gets on each side.
        words: of the scores 1 to 5.
        made_by: version of this package.
        format: of the file.
    """

    title: str
    seed: str
    methods: tuple[Method, ...]
    items: tuple[Item, ...]
    size: tuple[int, int]
    upscaling: tuple[int, int]
    colour: bool = False
    protocol: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()
    zoom: int = 1
    words: tuple[str, ...] = WORDS
    made_by: str = ""
    format: int = FORMAT

    @cached_property
    def by_id(self) -> dict[str, Item]:
        return {item.id: item for item in self.items}

    @property
    def rated(self) -> tuple[Item, ...]:
        """What every rater rates: all items but calibration."""
        return tuple(item for item in self.items if item.role != "calibration")

    @property
    def calibration(self) -> tuple[Item, ...]:
        """What raters are shown first, in this order."""
        return tuple(item for item in self.items if item.role == "calibration")

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> "Study":
        """Read ``study.json`` of a folder.

        Raises:
            StudyError: if there is none, or it is not one.
        """
        from pydantic import TypeAdapter, ValidationError

        path = Path(folder) / NAME
        try:
            study: Study = TypeAdapter(cls).validate_json(path.read_bytes())
        except FileNotFoundError:
            raise StudyError(
                folder, f"is no study (it has no {NAME}); srgan mos prepare makes one"
            ) from None
        except OSError as error:
            raise StudyError(path, f"cannot be read ({error.strerror})") from None
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the file"
            raise StudyError(path, f"is no study ({where}: {first['msg']})") from None
        problem = _problem(study)
        if problem:
            raise StudyError(path, problem)
        return study

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write a new ``study.json`` that only its owner may read.

        Raises:
            OSError: if it exists, or cannot be written.
        """
        from pydantic import TypeAdapter

        text = TypeAdapter(Study).dump_json(self, indent=1)
        path = Path(folder) / NAME
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
            file.write(text + b"\n")
            file.flush()
            os.fsync(file.fileno())


def keyed(seed: str, *about: object) -> bytes:
    """32 bytes that follow from a seed and what they are for (HMAC-SHA-256), on every version."""
    # Lengths go in, so that ("ab", "c") and ("a", "bc") differ.
    texts = [str(part).encode() for part in about]
    message = b"".join(len(text).to_bytes(4, "big") + text for text in texts)
    return hmac.digest(seed.encode(), message, hashlib.sha256)


def item_id(seed: str, image: str, method: str, role: str) -> str:
    """The id of an item: nothing to be read from it by whoever has not the seed."""
    return keyed(seed, "item", image, method, role)[:8].hex()


def _problem(study: Study) -> str | None:
    """Why what was read is no study, though each part is of its type; None if it is one."""
    if study.format != FORMAT:
        return f"is of format {study.format}, which this version does not know ({FORMAT})"
    if min(study.size) < 1 or min(study.upscaling) < 1:
        return "size or upscaling is no pair of whole numbers from 1"
    if not 1 <= study.zoom <= MOST_ZOOM:
        return f"zoom is {study.zoom}, not 1 to {MOST_ZOOM}"
    if len(study.words) != MOST:
        return f"has {len(study.words)} words for {MOST} scores"
    return _question_problem(study) or _item_problem(study)


def _question_problem(study: Study) -> str | None:
    keys = [question.key for question in study.questions]
    if len(set(keys)) < len(keys):
        return "two questions have one key"
    for question in study.questions:
        if len(set(question.choices)) < max(len(question.choices), 2):
            return f"question {question.key} has fewer than two choices, or one of them twice"
    return None


def _item_problem(study: Study) -> str | None:
    ids = [item.id for item in study.items]
    if not all(_ID.fullmatch(one) for one in ids):
        return "an id is not 16 hexadecimal digits"
    if len(set(ids)) < len(ids):
        return "two items have one id"
    names = [method.name for method in study.methods]
    if len(set(names)) < len(names):
        return "two methods have one name"
    if not {LOW, HIGH} <= set(names):
        return f"has no methods {LOW} and {HIGH}"
    strangers = {item.method for item in study.items}.difference(names)
    if strangers:
        return f"an item is of {min(strangers)}, which is no method of it"
    parts = [(item.image, item.method, item.role == "repeat") for item in study.rated]
    if len(set(parts)) < len(parts):
        return "two items are one image of one method"
    originals = {item.id: item for item in study.rated if item.role != "repeat"}
    for item in study.items:
        if item.role == "repeat":
            of = originals.get(item.repeat_of or "")
            if of is None or (of.image, of.method) != (item.image, item.method):
                return "a repeat repeats nothing"
        if item.role == "calibration" and item.score not in range(LEAST, MOST + 1):
            return f"an example has no score from {LEAST} to {MOST}"
    return None
