"""The page as a file: complete, self-contained, and safe whatever names a study has."""

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser

import numpy as np
import pytest

from pipeline.evaluation.entries import Entry
from pipeline.evaluation.leaderboard_text import interval
from pipeline.evaluation.page import html
from pipeline.evaluation.page.study import Study
from pipeline.evaluation.verdict import Verdict

Variant, Judged, Paged = Callable[..., Entry], Callable[..., Verdict], Callable[..., Study]
NAN = float("nan")
VOID = {"meta", "input", "wbr", "link", "img", "br"}
HOSTILE = "</script><img src=x onerror=alert(1)>*`_&\"'"


class Page(HTMLParser):
    """The elements of a page; raises where an end tag does not close the element before it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open, self.elements, self.texts = [], [], []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "script" not in self.open and "style" not in self.open:
            self.texts.append(data)

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.elements)


@pytest.fixture(scope="module")
def page(study: Verdict, paged: Paged) -> str:
    return html.text(paged(study))


def specs(page: str) -> dict[str, dict]:
    """The specification of each figure, by its key."""
    found = re.findall(r'<script type="application/json" id="spec-(\w+)">(.*?)</script>', page)
    return {key: json.loads(text) for key, text in found}


def drawn(spec: dict) -> list[dict]:
    """The rows that a figure shows."""
    return spec["datasets"][spec["data"]["name"]]


def test_every_entry_and_every_section_is_in_the_page(study: Verdict, page: str) -> None:
    parsed = Page(page)
    texts = " ".join(parsed.texts)
    for result in study.results:
        assert result.name in texts
    assert parsed.count("tr") == 1 + len(study.results)
    sections = ["Leaderboard", "Seeds and cost", "Training", "What was measured", "reproduce"]
    assert all(section in texts for section in sections)


def test_ids_are_unique_and_every_link_and_label_has_its_aim(page: str) -> None:
    attributes = [attributes for _, attributes in Page(page).elements]
    ids = [own["id"] for own in attributes if "id" in own]
    assert len(ids) == len(set(ids))
    aims = [own[key] for own in attributes for key in ("for", "aria-labelledby") if key in own]
    links = [own["href"].removeprefix("#") for own in attributes if "href" in own]
    assert {*aims, *links} <= {*ids}


def test_the_page_asks_for_nothing_outside_of_itself_and_forbids_it(page: str) -> None:
    elements = Page(page).elements
    assert not [own for _, own in elements if "src" in own or "srcset" in own]
    assert all(own["href"].startswith("#") for _, own in elements if "href" in own)
    assert not re.search(r"@import|url\(", page[: page.index("</style>")])
    policies = [own["content"] for _, own in elements if "http-equiv" in own]
    assert policies[0].startswith("default-src 'none';")


def test_the_page_is_far_smaller_than_5_megabytes(page: str) -> None:
    assert len(page.encode()) < 1_500_000


def test_the_runtime_that_draws_the_figures_is_in_the_page(page: str) -> None:
    assert re.search(r"window\.vegaEmbed ?=", page)
    assert len(page.encode()) > 500_000


def test_equal_studies_give_equal_pages(study: Verdict, paged: Paged, page: str) -> None:
    assert html.text(paged(study)) == page


def test_hostile_names_stay_text(variant: Variant, judged: Judged, paged: Paged) -> None:
    harmless, hostile = (
        Page(html.text(paged(judged(variant(name, [0.2, 0.3], family=name)))))
        for name in ("harmless", HOSTILE)
    )
    assert HOSTILE in hostile.texts
    assert hostile.count("img") == 0
    assert hostile.count("script") == harmless.count("script")


def test_figures_have_a_caption_with_n_and_a_description(page: str) -> None:
    found = specs(page)
    assert {"seeds", "cost", "horizon", "series", "hours", "curves"} <= {*found}
    assert all(spec["description"] for spec in found.values())
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", page)
    scope = "n = 40 test windows, 120 measured cells"
    assert len(captions) == len(found)
    assert sum(scope in caption for caption in captions) >= 5


def test_a_study_of_one_variant_has_a_page(variant: Variant, judged: Judged, paged: Paged) -> None:
    parsed = Page(html.text(paged(judged(variant("only", [0.2])))))
    assert "only" in parsed.texts


def test_baselines_beyond_the_axis_have_no_line(
    variant: Variant, judged: Judged, paged: Paged
) -> None:
    near, far = (
        judged(variant("plain", [0.2, 0.3]), ridge=ridge, boosting=5.0) for ridge in (0.25, 5.0)
    )
    found = [json.dumps(specs(html.text(paged(verdict)))["seeds"]) for verdict in (near, far)]
    assert ["ridge" in text for text in found] == [True, False]


def test_where_every_seed_failed_the_page_says_so(
    variant: Variant, judged: Judged, paged: Paged
) -> None:
    page = html.text(paged(judged(variant("cursed", [NAN, NAN]))))
    texts = " ".join(Page(page).texts)
    assert "No variant has a test error" in texts
    assert "2 of 2 diverged" in texts
    assert "cost" not in specs(page)


def test_without_effects_there_is_no_figure_of_them(
    variant: Variant, judged: Judged, paged: Paged
) -> None:
    page = html.text(paged(judged(variant("plain", [0.2, 0.3]))))
    assert "effects" not in specs(page)
    assert 'href="#effects-section"' not in page


@pytest.fixture(scope="module")
def concluded(variant: Variant, judged: Judged) -> Verdict:
    """A study in which all that can be told is that `input_raw` is far worse than the others."""
    return judged(
        variant("plain", [0.20, 0.22, 0.24]),
        variant("conv_ln", [0.19, 0.22, 0.23], family="conv"),
        variant("conv_bn", [0.20, 0.22, 0.25], family="conv"),
        variant("zoneout", [0.19, 0.21, 0.24], family="dropout"),
        variant("input_raw", [1.9, 2.0, 2.1], family="input"),
    )


def test_effects_are_drawn_with_their_level_and_told_in_the_table(
    concluded: Verdict, paged: Paged
) -> None:
    page = html.text(paged(concluded))
    texts = " ".join(Page(page).texts)
    assert "simultaneous intervals at level 95%" in texts
    for name, answer in (("conv_ln", "undecided"), ("input_raw", "higher error")):
        shown = interval(concluded.conclusion.effects[name].effect)
        assert re.search(rf"{name}.*{re.escape(shown)}\s+{answer}", texts, re.DOTALL)


def test_an_effect_beyond_the_axis_is_marked_at_its_end(concluded: Verdict, paged: Paged) -> None:
    rows = {row["name"]: row for row in drawn(specs(html.text(paged(concluded)))["effects"])}
    assert rows["input_raw"]["beyond"] is True
    assert rows["input_raw"]["shown"] < rows["input_raw"]["effect"]
    assert rows["conv_ln"]["beyond"] is False
    assert rows["conv_ln"]["shown"] == rows["conv_ln"]["effect"] < 0


def test_the_best_set_and_the_tiers_are_marked(concluded: Verdict, paged: Paged) -> None:
    page = html.text(paged(concluded))
    rows = [
        own for tag, own in Page(page).elements if tag == "tr" and "best" in own.get("class", "")
    ]
    assert len(rows) == 4
    assert re.search(r'<li value="1">.*zoneout.*conv_ln.*</li>\s*<li value="2">.*input_raw', page)


def test_reasons_to_distrust_the_verdict_are_on_the_page(
    variant: Variant, judged: Judged, paged: Paged
) -> None:
    page = html.text(paged(judged(variant("plain", [0.2, 0.3]), variant("conv_ln", [0.2]))))
    assert "One seed each, so that the spread over seeds is unknown: conv_ln." in page


def test_seeds_are_dots_at_their_error(study: Verdict, page: str) -> None:
    rows = drawn(specs(page)["seeds"])
    found = sorted(row["mse"] for row in rows if row["name"] == "plain")
    assert found == pytest.approx([0.20, 0.22, 0.24], rel=1e-5)
    assert len(rows) == sum(result.scored for result in study.variants)
    assert np.isfinite([row["shown"] for row in rows]).all()
