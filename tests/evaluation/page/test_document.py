"""The page: what is in it, that nothing of it is others' markup, and that it asks nothing."""

import base64
import hashlib
import io
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from PIL import Image

from super_resolution_gans.evaluation.findings import cells
from super_resolution_gans.evaluation.page.content import Statistics
from super_resolution_gans.evaluation.page.document import page

VOID = {"meta", "link", "br", "img"}


class Tree(HTMLParser):
    """Elements with their attributes and text; checks that they are balanced."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.open, self.text = [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "script" not in self.open and "style" not in self.open:
            self.text.append(data)

    def of(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def words(self):
        return "".join(self.text)


def test_everything_that_was_measured_is_there(content):
    words = Tree(page(content)).words
    comparison = content.comparison
    (dataset,) = comparison.datasets
    for mean in comparison.means(dataset):
        assert f"{mean.psnr:.2f}" in words
        assert f"{mean.ssim_wang:.4f}" in words
    for heading in ("By people", "Compared", "Distributions", "Worst and best, by PSNR",
                    "Protocol", "Models", "Environment", "Left out"):  # fmt: skip
        assert heading in words
    assert "Means over 8 people" in words
    assert "95 % intervals" in words
    assert "corrected as Holm has it for" in words
    assert "Research use only; not a medical device" in words
    assert content.cases
    for case in content.cases:
        assert case.pick.reasons
        assert all(reason in words for reason in case.pick.reasons)


def test_intervals_are_those_of_the_statistics(content):
    words = Tree(page(content)).words
    (means,) = content.statistics.means.values()
    for method in content.comparison.methods:
        low, high = means[method, "psnr"].interval
        assert low < means[method, "psnr"].mean < high
        assert f"{low:.2f} to {high:.2f}" in words


def test_with_few_people_nothing_is_claimed(few):
    words = Tree(page(few)).words
    assert "Too few people: 3; nothing is claimed." in words
    assert "intervals (BCa" not in words
    assert "Compared" not in words


def test_what_could_not_be_computed_is_said(content):
    why = Statistics(why_not="Nothing is said about people: scipy is missing.")
    assert why.why_not in Tree(page(replace(content, statistics=why))).words


def test_names_of_images_datasets_and_models_are_never_markup(content):
    text = page(content)
    tree = Tree(text)
    assert len(tree.of("script")) == 1
    assert all("onerror" not in attributes for _, attributes in tree.elements)
    assert all(not name.startswith("on") for _, found in tree.elements for name in found)
    assert all(attributes["src"].startswith("data:image/png;") for attributes in tree.of("img"))
    assert "<script>alert(1)</script>" in tree.words  # as text
    assert text.count("<script>alert(1)") == 0


def test_nothing_is_asked_of_anybody(content):
    text = page(content)
    tree = Tree(text)
    for tag, attributes in tree.elements:
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            value = attributes.get(name)
            assert value is None or value.startswith(("data:", "#")), (tag, value)
        assert "style" not in attributes  # the policy would refuse it
    assert not re.search(r"url\(|@import|https?://", text)


def test_only_its_own_style_and_script_are_allowed(content):
    text = page(content)
    (policy,) = [
        meta["content"] for meta in Tree(text).of("meta")
        if meta.get("http-equiv") == "Content-Security-Policy"
    ]  # fmt: skip
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    for tag in ("style", "script"):
        (inside,) = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert rules[f"{tag}-src"] == f"'sha256-{digest}'"
    assert "unsafe" not in policy


def test_the_same_content_gives_the_same_page(content):
    assert page(content) == page(content)


def test_pictures_are_the_pixels_of_the_region(content):
    tree, case = Tree(page(content)), content.cases[0]
    shown = next(attributes for attributes in tree.of("img") if "HR" in attributes["alt"])
    payload = base64.b64decode(shown["src"].partition(",")[2])
    with Image.open(io.BytesIO(payload)) as image:
        expected = (case.region.cut(case.hr) * 255).round().astype("uint8")
        assert image.tobytes() == expected.tobytes()


def test_everything_is_labelled(content):
    tree = Tree(page(content))
    for tag in ("img", "svg", "th", "a"):
        assert tree.of(tag)
    assert all(attributes["alt"] for attributes in tree.of("img"))
    assert all(attributes.get("aria-label") for attributes in tree.of("svg"))
    assert all(attributes["scope"] in ("row", "col") for attributes in tree.of("th"))
    assert len(tree.of("caption")) == len(tree.of("table")) >= 3
    assert tree.of("html")[0]["lang"]
    targets = {attributes.get("id") for _, attributes in tree.elements}
    assert all(link["href"][1:] in targets for link in tree.of("a"))
    scrolled = [found for found in tree.of("div") if found.get("class") == "scroll"]
    assert len(scrolled) == len(tree.of("table"))
    assert all(found["tabindex"] == "0" and found["aria-label"] for found in scrolled)


@pytest.mark.parametrize("measure", ["psnr", "ssim_wang"])
def test_cells_carry_what_they_are_sorted_by(content, measure):
    tree = Tree(page(content))
    values = {attributes["data-value"] for attributes in tree.of("td")}
    (means,) = content.statistics.means.values()
    for method in content.comparison.methods:
        assert f"{means[method, measure].mean:.9g}" in values
    words = {value for value in values if value and not is_number(value)}
    assert words <= {cells(finding)[-1] for finding in content.statistics.findings}


def is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True
