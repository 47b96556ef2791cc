"""A study's report as one HTML page that needs nothing else."""

import re
from collections.abc import Mapping

from super_resolution_gans.evaluation.counted import plural
from super_resolution_gans.evaluation.mos.analysis import Analysis
from super_resolution_gans.evaluation.mos.contents import (
    USE,
    Report,
    images_in,
    protocol_lines,
    tables_of,
)
from super_resolution_gans.evaluation.mos.figures import figures_of
from super_resolution_gans.evaluation.mos.tables import Table
from super_resolution_gans.evaluation.page.html_tables import table_of
from super_resolution_gans.evaluation.page.markup import bullets, element, escaped, facts, words
from super_resolution_gans.evaluation.page.shell import page_of

_HEADINGS: Mapping[str, str] = {
    "mos": "Scores",
    "differences": "Compared",
    "counts": "Distribution",
    "agreement": "Agreement of raters",
    "raters": "Raters",
}


def page(report: Report) -> str:
    """One HTML file that needs nothing else."""
    study = report.study
    counts = [
        plural(len(next(iter(report.parts.values())).scores.raters), "rater"),
        plural(images_in(study), "image"),
        plural(len(study.methods), "method"),
    ]
    names = list(report.parts)
    links = [(f"#part{number}", name) for number, name in enumerate(names, 1)]
    links += [("#protocol", "Protocol"), ("#methods", "Methods"), ("#environment", "Environment")]
    items = "".join(element("li", words("a", name, href=to)) for to, name in links)
    opening = (
        words("h1", study.title)
        + words("p", f"Mean opinion scores: {'; '.join(counts)}.")
        + words("p", USE, class_="soft")
        + element("nav", element("ul", items), aria_label="Sections")
    )
    sections = [
        _part(report, name, analysis, number)
        for number, (name, analysis) in enumerate(report.parts.items(), 1)
    ]
    protocol = words("h2", "Protocol") + bullets(protocol_lines(report))
    sections.append(element("section", protocol, id="protocol"))
    told = "".join(
        words("h3", method.name) + facts(method.about.items())
        for method in study.methods
        if method.about
    )
    sections.append(element("section", words("h2", "Methods") + told, id="methods"))
    environment = words("h2", "Environment") + facts(report.environment)
    sections.append(element("section", environment, id="environment"))
    return page_of(f"Rating study: {study.title}", opening, "".join(sections), USE)


def _part(report: Report, name: str, analysis: Analysis, number: int) -> str:
    drawn = figures_of(analysis)
    parts = [words("h2", name)]
    for table in tables_of(report, analysis):
        parts += [words("h3", _HEADINGS.get(table.name, "Answers")), _html(table)]
        if table.name == "counts":
            figures = "".join(drawn.get(kind, "") for kind in ("distribution", "by-method"))
            parts.append(element("div", figures, class_="charts"))
    if "by-image" in drawn:
        opened = element("summary", escaped("Image by image"))
        charts = element("div", drawn["by-image"], class_="charts")
        parts.append(element("details", opened + charts))
    return element("section", "".join(parts), id=f"part{number}")


def _html(table: Table) -> str:
    rows = []
    for row in table.rows:
        # The row that the study is about.
        strong = table.name == "mos" and row[0] == "MOS"
        first = words("th", row[0], scope="row", data_value=row[0])
        cells = [
            element("td", words("b", cell) if strong else escaped(cell), data_value=_value(cell))
            for cell in row[1:]
        ]
        rows.append(first + "".join(cells))
    notes = "".join(words("p", note, class_="soft") for note in table.notes)
    return table_of(table.caption, table.heads, rows, sortable=table.sortable) + notes


def _value(cell: str) -> str:
    """What a cell is sorted by: its first number, or its words."""
    number = re.match(r"<? ?([+-]?\d+(?:\.\d+)?)", cell)
    return number[1] if number else cell.strip("-")
