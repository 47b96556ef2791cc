"""Does a model say the same of a super-resolved image as of the original?

The model is the user's; here are only its predictions: a label, or the name of a mask, for each
image and each method by which the image came about (``HR``, ``bicubic``, ``oct-srgan-x4``, ...).
One method is the reference that the others are held against: HR, or what experts said. Agreement
with HR is no accuracy: a model that is wrong in both agrees with itself.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from super_resolution_gans.evaluation.intervals import (
    FEWEST_DISCORDANT,
    Interval,
    mcnemar,
    one_each,
    share,
    share_difference,
    too_few_discordant,
)
from super_resolution_gans.evaluation.pairs import EvaluationError
from super_resolution_gans.evaluation.statistics import holm


@dataclass(frozen=True)
class Predictions:
    """What was said of the same images by several methods.

    Attributes:
        images: their names.
        people: whose each of them is.
        said: {method: a label, or the name of a mask, for each image}.
    """

    images: Sequence[str]
    people: Sequence[str]
    said: Mapping[str, Sequence[str]]

    @classmethod
    def gathered(cls, rows: Sequence[tuple[str, str, str, str]], name: str) -> "Predictions":
        """Put rows (image, person, method, label) together, in the order in which they came.

        Args:
            rows: one for each image and method.
            name: of where they came from, for messages.

        Raises:
            EvaluationError: if something is empty or said twice, an image has two people, or a
                method leaves an image out that another one has.
        """
        people: dict[str, str] = {}
        said: dict[str, dict[str, str]] = {}
        for number, row in enumerate(rows, start=1):
            if not all(row):
                part = ("image", "person", "method", "prediction")[row.index("")]
                raise EvaluationError(name, f"row {number} has no {part}")
            image, person, method, label = row
            if people.setdefault(image, person) != person:
                raise EvaluationError(name, f"{image} is of {people[image]} and of {person}")
            if image in said.setdefault(method, {}):
                raise EvaluationError(name, f"{method} says two things of {image}")
            said[method][image] = label
        for method, labels in said.items():
            if left_out := [image for image in people if image not in labels]:
                more = f" and {len(left_out) - 1} more" if len(left_out) > 1 else ""
                raise EvaluationError(name, f"{method} says nothing of {left_out[0]}{more}")
        if not people:
            raise EvaluationError(name, "holds no predictions")
        ordered = {method: [labels[image] for image in people] for method, labels in said.items()}
        return cls(list(people), list(people.values()), ordered)

    def others(self, reference: str) -> list[str]:
        """The methods that are held against the reference.

        Raises:
            EvaluationError: if there is no such reference, or nothing beside it.
        """
        if reference not in self.said:
            raise EvaluationError(reference, f"no such method; there is {', '.join(self.said)}")
        others = [method for method in self.said if method != reference]
        if not others:
            raise EvaluationError(reference, "is the only method")
        return others


@dataclass(frozen=True)
class Agreement:
    """How often a method says what the reference says.

    ``kappa``: Cohen's, agreement beyond what the frequencies of labels give by chance; None where
    both say the same of every image.
    """

    method: str
    agree: int
    images: int
    share: Interval
    kappa: float | None


@dataclass(frozen=True)
class Comparison:
    """Two methods that are held against the same reference.

    Attributes:
        first: name of a method.
        second: name of another.
        only_first: images in which the first alone agrees with the reference.
        only_second: in which the second alone does.
        difference: share of the first less share of the second.
        p: of McNemar's exact test, two-sided, corrected for all tests of one call (Holm 1979); None
            where ``why_no_test`` says why.
        why_no_test: see ``p``.
    """

    first: str
    second: str
    only_first: int
    only_second: int
    difference: Interval
    p: float | None
    why_no_test: str | None


@dataclass(frozen=True)
class NonInferiority:
    """Whether a method is worse than another by less than a margin that was given beforehand.

    ``shown`` if the lower 95 % limit of the difference is above minus the margin (a one-sided test
    at 2.5 %). Not shown does not mean inferior.
    """

    method: str
    against: str
    margin: float
    difference: Interval

    @property
    def shown(self) -> bool:
        return self.difference.low is not None and self.difference.low > -self.margin


def agreements(predictions: Predictions, reference: str) -> list[Agreement]:
    """Every method's agreement with the reference.

    Raises:
        EvaluationError: as :meth:`Predictions.others`.
    """
    truth = predictions.said[reference] if predictions.others(reference) else ()
    result = []
    for method in predictions.others(reference):
        right = _right(predictions, method, reference)
        kappa = cohens_kappa(predictions.said[method], truth)
        interval = share(right, predictions.people)
        result.append(Agreement(method, sum(right), len(right), interval, kappa))
    return result


def comparisons(predictions: Predictions, reference: str) -> list[Comparison]:
    """Every two methods, McNemar's test between them; p is corrected for as many as are tested.

    Raises:
        EvaluationError: as :meth:`Predictions.others`.
    """
    pairs = list(combinations(predictions.others(reference), 2))
    counted = []
    for first, second in pairs:
        right = [_right(predictions, method, reference) for method in (first, second)]
        only = [
            sum(x and not y for x, y in zip(*pair, strict=True)) for pair in (right, right[::-1])
        ]
        why: str | None = None
        if not one_each(predictions.people):
            why = "some people have several images, which are not independent"
        elif sum(only) < FEWEST_DISCORDANT:
            why = too_few_discordant(sum(only))
        difference = share_difference(right[0], right[1], predictions.people)
        counted.append((first, second, only, difference, why))
    tested = [row for row in counted if row[4] is None]
    corrected = iter(holm([mcnemar(*row[2]) for row in tested]))
    return [
        Comparison(
            first,
            second,
            only[0],
            only[1],
            difference,
            next(corrected) if why is None else None,
            why,
        )
        for first, second, only, difference, why in counted
    ]


def non_inferiority(
    predictions: Predictions, reference: str, against: str, margin: float
) -> list[NonInferiority]:
    """Every other method against one of them.

    Args:
        predictions: what was said.
        reference: what is right.
        against: the method that the others are to be no worse than.
        margin: how much worse, as a share from 0 to 1, would not matter; chosen before the data
            were seen.

    Raises:
        EvaluationError: as :meth:`Predictions.others`, or if the margin is not between 0 and 1.
    """
    methods = predictions.others(reference)
    _check_against(methods, against, margin)
    right = {method: _right(predictions, method, reference) for method in methods}
    return [
        NonInferiority(
            method,
            against,
            margin,
            share_difference(right[method], right[against], predictions.people),
        )
        for method in methods
        if method != against
    ]


def cohens_kappa(first: Sequence[str], second: Sequence[str]) -> float | None:
    """Cohen 1960: (p_o - p_e) / (1 - p_e); None where agreement by chance is certain."""
    number = len(first)
    observed = sum(x == y for x, y in zip(first, second, strict=True)) / number
    counts = Counter(first), Counter(second)
    chance = sum(counts[0][label] * counts[1][label] for label in counts[0]) / number**2
    return None if chance == 1 else (observed - chance) / (1 - chance)


def _right(predictions: Predictions, method: str, reference: str) -> list[bool]:
    pairs = zip(predictions.said[method], predictions.said[reference], strict=True)
    return [label == truth for label, truth in pairs]


def _check_against(methods: Sequence[str], against: str, margin: float) -> None:
    if against not in methods:
        raise EvaluationError(against, f"no such method to compare with: {', '.join(methods)}")
    if not (math.isfinite(margin) and 0 < margin < 1):
        raise EvaluationError("margin", f"{margin:g} is not between 0 and 1")
    if len(methods) < 2:
        raise EvaluationError(against, "there is no method to compare it with")
