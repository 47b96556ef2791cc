"""The page: one HTML file that asks for nothing and runs nothing but its own script."""

from super_resolution_gans.evaluation import findings
from super_resolution_gans.evaluation.counted import plural
from super_resolution_gans.evaluation.page import content as made_of
from super_resolution_gans.evaluation.page.content import Content
from super_resolution_gans.evaluation.page.figures import distributions, plane_charts
from super_resolution_gans.evaluation.page.html_tables import (
    comparison_tables,
    means_tables,
    people_table,
)
from super_resolution_gans.evaluation.page.markup import (
    bullets,
    element,
    escaped,
    facts,
    words,
)
from super_resolution_gans.evaluation.page.pictures import case_figure
from super_resolution_gans.evaluation.page.shell import page_of
from super_resolution_gans.evaluation.protocol import protocol_lines
from super_resolution_gans.evaluation.report import dataset_line
from super_resolution_gans.scan import printable

_BESIDE = 5  # lines of the protocol that are repeated beside each table
USE = "Research use only; not a medical device. A super-resolved pixel is an estimate."


def page(content: Content) -> str:
    """The page of an evaluation; the same content gives the same text."""
    datasets = content.comparison.datasets
    sections = [_dataset(content, name, number) for number, name in enumerate(datasets, 1)]
    sections += [_method(content), _models(content), _environment(content)]
    title = f"Evaluation: {', '.join(datasets) or 'images'}"
    return page_of(title, _opening(content), "".join(sections), USE)


def _opening(content: Content) -> str:
    comparison = content.comparison
    images = sum(len(comparison.images(name)) for name in comparison.datasets)
    counts = [
        plural(images, "image"),
        plural(len(comparison.datasets), "dataset"),
        plural(len(comparison.methods), "method"),
        f"split: {', '.join(content.splits) or 'all'}",
    ]
    links = [(f"#data{n}", name or "images") for n, name in enumerate(comparison.datasets, 1)]
    links += [("#method", "Protocol"), ("#models", "Models"), ("#environment", "Environment")]
    items = "".join(element("li", words("a", name, href=to)) for to, name in links)
    return (
        words("h1", "Evaluation of super-resolution")
        + words("p", "; ".join(counts) + ".")
        + words("p", USE, class_="soft")
        + element("nav", element("ul", items), aria_label="Sections")
    )


def _dataset(content: Content, name: str, number: int) -> str:
    comparison = content.comparison
    about = dataset_line(comparison, name).removeprefix(f"{printable(name) or 'images'}: ")
    protocol = element(
        "aside",
        words("h3", "Measured so") + bullets(protocol_lines(comparison)[:_BESIDE]),
    )
    beside = element("div", element("div", means_tables(content, name)) + protocol, class_="beside")
    parts = [words("h2", name or "images"), words("p", f"{about}.", class_="soft"), beside]
    parts += [words("h3", "By people"), people_table(content, name)]
    compared = comparison_tables(content, name)
    parts += [words("h3", "Compared"), compared] if compared else []
    drawn = "".join(distributions(content, name).values())
    note = "A point is an image, the box holds the middle half, the line is the median."
    parts += [words("h3", "Distributions"), words("p", note, class_="soft"), _charts(drawn)]
    plane = "".join(plane_charts(content, name).values())
    if plane:
        said = "Nearer to the lower left is better: less error, and more like a scan."
        parts += [words("h3", "Perception and distortion"), words("p", said, class_="soft")]
        parts.append(_charts(plane))
    cases = [case_figure(case) for case in content.cases if case.pick.dataset == name]
    if cases:
        parts += [words("h3", "Worst and best, by PSNR"), *cases]
    return element("section", "".join(parts), id=f"data{number}")


def _charts(drawn: str) -> str:
    return element("div", drawn, class_="charts")


def _method(content: Content) -> str:
    parts = [words("h2", "Protocol"), bullets(protocol_lines(content.comparison))]
    tests = sum(finding.p is not None for finding in content.statistics.findings)
    if tests:
        settings = (made_of.LEVEL, made_of.RESAMPLES, made_of.SEED)
        parts += [words("h3", "People"), bullets(findings.method_lines(*settings, tests))]
    if content.failures:
        parts += [words("h3", "Left out"), bullets(content.failures)]
    return element("section", "".join(parts), id="method")


def _models(content: Content) -> str:
    parts = [words("h2", "Models")]
    for card in content.cards:
        parts += [words("h3", card.name), facts(card.facts)]
        if card.text:
            opened = element("summary", escaped(f"Card of {card.name}"))
            # Line by line: control characters are made visible, ends of lines are not.
            text = "\n".join(map(escaped, card.text.splitlines()))
            parts.append(element("details", opened + element("pre", text, tabindex="0")))
    if not content.cards:
        parts.append(words("p", "Interpolations only; they have no weights."))
    return element("section", "".join(parts), id="models")


def _environment(content: Content) -> str:
    return element(
        "section", words("h2", "Environment") + facts(content.environment), id="environment"
    )
