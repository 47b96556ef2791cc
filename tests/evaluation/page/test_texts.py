"""Tables as Markdown and LaTeX: the numbers of the page, and names that stay names."""

import re
import shutil
import subprocess

import pytest

from super_resolution_gans.evaluation.page.texts import latex, markdown

PREAMBLE = r"""\documentclass{article}
\usepackage[utf8]{inputenc}\usepackage{booktabs}\usepackage{graphicx}
\begin{document}
"""


def test_markdown_has_the_means_and_as_many_cells_in_every_row(content):
    text = markdown(content)
    for mean in content.comparison.means(content.comparison.datasets[0]):
        assert f"{mean.psnr:.2f}" in text
    assert "Means over 8 people" in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    for table in re.split(r"\n\n+", text):
        lines = [line for line in table.splitlines() if line.startswith("|")]
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) <= 1
    assert len(rows) == 2 * 4
    assert "- scale: 4 x 4" in text


def test_markdown_has_no_markup_of_others(content):
    text = markdown(content)
    assert "<" not in text
    assert r"model\_" in text


def test_latex_has_the_means_and_is_balanced(content):
    text = latex(content)
    for mean in content.comparison.means(content.comparison.datasets[0]):
        assert f"{mean.psnr:.2f}" in text
    begun = re.findall(r"\\begin\{(\w+)\}", text)
    assert sorted(begun) == sorted(re.findall(r"\\end\{(\w+)\}", text))
    assert begun.count("tabular") == 2
    plain = re.sub(r"\\[{}]", "", re.sub(r"(?m)^%.*$", "", text))
    depth = 0
    for letter in plain:
        depth += {"{": 1, "}": -1}.get(letter, 0)
        assert depth >= 0
    assert depth == 0
    rows = re.findall(r"(?m)^(.*) \\\\$", text)
    assert len(rows) >= 2 * 3
    for row in rows:
        columns = len(re.findall(r"(?<!\\)&", row)) + 1
        assert columns == 1 + len(re.search(r"\{l(r+)\}", text)[1])


def test_latex_escapes_what_means_something_to_it(content):
    text = latex(content)
    body = "".join(line for line in text.splitlines() if not line.startswith("%"))
    assert not re.search(r"(?<!\\)[#_%$](?!$)", body.replace("!}{%", "").replace(r"$\times$", ""))
    assert r"eyes \& \textless{}script\textgreater{}" in body
    assert "<" not in body


def test_a_name_at_the_beginning_of_a_row_is_no_option_of_the_row_before(contents):
    text = latex(contents(people=2, methods=("bicubic", "[1cm] star*")))
    assert "\n{[}1cm] star{*} &" in text


def test_latex_compiles(content, tmp_path):
    compiler = shutil.which("pdflatex") or shutil.which("tectonic")
    if compiler is None:
        pytest.skip("no LaTeX is installed")
    source = tmp_path / "tables.tex"
    source.write_text(PREAMBLE + latex(content) + "\\end{document}\n", "utf-8")
    stop = ["-halt-on-error"] if compiler.endswith("pdflatex") else []
    subprocess.run([compiler, *stop, source.name], cwd=tmp_path, check=True, capture_output=True)


def test_few_people_have_no_intervals_there_either(few):
    assert "people with" not in markdown(few) + latex(few)
