"""What a page is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from super_resolution_gans.evaluation.compare import Comparison, Row
from super_resolution_gans.evaluation.pairs import EvaluationError, Image, Pair
from super_resolution_gans.evaluation.people import Finding, compare_people
from super_resolution_gans.evaluation.person_means import PersonMean, person_means
from super_resolution_gans.evaluation.region import Region, eventful_region
from super_resolution_gans.evaluation.report import table_columns
from super_resolution_gans.evaluation.results import Result
from super_resolution_gans.evaluation.statistics import StatisticsError

LEVEL, RESAMPLES, SEED = 0.95, 9999, 0


@dataclass(frozen=True)
class Card:
    """A model in words.

    Attributes:
        name: of the method.
        facts: name and value.
        text: what is written about it; may be empty.
    """

    name: str
    facts: Sequence[tuple[str, str]]
    text: str = ""


@dataclass(frozen=True)
class Pick:
    """An image that some model did best or worst on.

    Attributes:
        dataset: of which.
        image: its name.
        reasons: sentences that say whose best or worst it is.
    """

    dataset: str
    image: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Case:
    """What is shown of a pick.

    Attributes:
        pick: which.
        hr: the whole image.
        region: where to look closely.
        views: (label, the region of it, its row; None for LR and HR).
    """

    pick: Pick
    hr: Image
    region: Region
    views: Sequence[tuple[str, Image, Row | None]]


@dataclass(frozen=True)
class Statistics:
    """What follows for people.

    Attributes:
        means: {dataset: {(method, measure): mean}}.
        findings: of comparisons.
        why_not: a sentence where nothing could be computed.
    """

    means: Mapping[str, Mapping[tuple[str, str], PersonMean]] = field(default_factory=dict)
    findings: Sequence[Finding] = ()
    why_not: str = ""


@dataclass(frozen=True)
class Content:
    """All of a page.

    Attributes:
        comparison: all rows.
        statistics: about people.
        colours: {method: number of its colour}; None: grey, an interpolation.
        fidelities: {method: its fidelity} of a sweep, or nothing.
        cases: images to look at.
        cards: of the models.
        environment: name and value.
        splits: what was chosen.
        failures: a line for each image that is left out.
    """

    comparison: Comparison
    statistics: Statistics
    colours: Mapping[str, int | None]
    fidelities: Mapping[str, float] = field(default_factory=dict)
    cases: Sequence[Case] = ()
    cards: Sequence[Card] = ()
    environment: Sequence[tuple[str, str]] = ()
    splits: Sequence[str] = ()
    failures: Sequence[str] = ()


def statistics_of(
    comparison: Comparison,
    results: Sequence[Result],
    models: Sequence[str],
    reference: str | None,
) -> Statistics:
    """Means and comparisons by people: each model against the reference, and against each other.

    Args:
        comparison: what was measured.
        results: the same, as it was written.
        models: those that are compared.
        reference: an interpolation; None if there is none.
    """
    measures = [column.name for columns, _ in table_columns(comparison) for column in columns]
    pairs = [(model, reference) for model in models if reference is not None]
    pairs += [(one, other) for place, one in enumerate(models) for other in models[:place]]
    means: dict[str, dict[tuple[str, str], PersonMean]] = {}
    try:
        for dataset in comparison.datasets:
            of_it = [result for result in results if result.dataset == dataset]
            means[dataset] = person_means(
                of_it, measures, level=LEVEL, resamples=RESAMPLES, seed=SEED
            )
        if not pairs:
            return Statistics(means, why_not="There is no second method to compare a model with.")
        findings = compare_people(
            results, results, pairs, measures, level=LEVEL, resamples=RESAMPLES, seed=SEED
        )
        return Statistics(means, findings)
    except StatisticsError as error:
        return Statistics(why_not=f"Nothing is said about people: {error}.")
    except EvaluationError:
        return Statistics(why_not="Nothing is said about people: nobody's scan is marked as such.")


def picks(comparison: Comparison, models: Sequence[str]) -> list[Pick]:
    """The images of each dataset on which each model has its least and its highest PSNR."""
    found: list[Pick] = []
    for dataset in comparison.datasets:
        reasons: dict[str, list[str]] = {}
        for model in models:
            rows = sorted(comparison.of(dataset, model), key=lambda row: row.psnr)
            ends = (
                [("worst", rows[0]), ("best", rows[-1])] if len(rows) > 1 else [("only", rows[0])]
            )
            for kind, row in ends:
                said = f"{kind} of {model}: PSNR {row.psnr:.2f} dB"
                reasons.setdefault(row.image, []).append(said)
        found += [Pick(dataset, image, tuple(said)) for image, said in reasons.items()]
    return found


def case(pick: Pick, pair: Pair, images: Mapping[str, Image], rows: Sequence[Row]) -> Case:
    """What is shown of a pick: LR, each SR and HR, in the region with most structure.

    Args:
        pick: which.
        pair: the same image.
        images: {method: SR}, in the order in which they are shown.
        rows: of the image, of these methods at least.
    """
    region = eventful_region(pair)
    vertical, lateral = pair.scale
    low = pair.lr[
        region.top // vertical : (region.top + region.height) // vertical,
        region.left // lateral : (region.left + region.width) // lateral,
    ]
    numbers = {row.method: row for row in rows}
    views: list[tuple[str, Image, Row | None]] = [
        (f"LR, {pair.lr.shape[1]} × {pair.lr.shape[0]}", low, None)
    ]
    views += [(name, region.cut(image), numbers[name]) for name, image in images.items()]
    views.append((f"HR, {pair.hr.shape[1]} × {pair.hr.shape[0]}", region.cut(pair.hr), None))
    return Case(pick, pair.hr, region, views)
