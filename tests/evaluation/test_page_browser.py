"""The page in a real browser, without a network: drawn, readable on a phone, and sortable."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from pipeline.config.claims import Claim
from pipeline.evaluation.page import html
from pipeline.evaluation.page.study import Study
from pipeline.evaluation.questions import Questions
from pipeline.evaluation.verdict import Verdict

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
DRAWN = """() => {
  const charts = [...document.querySelectorAll('.chart')];
  return charts.length > 0 && charts.every((chart) => chart.querySelector('svg'));
}"""


CONTRASTS = """() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const shine = (colour) => numbers(colour).slice(0, 3).map((each) => each / 255)
    .map((each) => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4)
    .reduce((sum, each, i) => sum + each * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = getComputedStyle(each).backgroundColor;
      if ((numbers(colour)[3] ?? 1) === 1) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const said = [...document.querySelectorAll('body *:not(script):not(style)')].filter((each) =>
    each.checkVisibility() && [...each.childNodes].some((node) =>
      node.nodeType === 3 && node.textContent.trim()));
  return said.map((each) => {
    const style = getComputedStyle(each), drawn = each instanceof SVGElement;
    const pair = [shine(drawn ? style.fill : style.color), shine(ground(each))];
    return [(Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05), each.textContent.trim()];
  });
}"""  # of WCAG 2.2, of every element with a text of its own


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def written(
    study: Verdict, paged: Callable[..., Study], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    said = Claim(sentence="Raw is fine", source="me", variants=("input_raw",), against=("plain",))
    asked = replace(study, questions=Questions(claims={"raw": said}))
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(html.text(paged(asked)))
    assert "Raw is fine" in path.read_text()
    return path


@pytest.fixture(params=[(1280, "light"), (400, "dark")], ids=["desk", "phone"])
def opened(request: pytest.FixtureRequest, browser: Browser, written: Path) -> Iterator[Page]:
    """The page after its figures are drawn; `page.troubles` are messages and requests."""
    width, scheme = request.param
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.troubles = []
    page.on("console", lambda message: page.troubles.append(message.text))
    page.on("pageerror", lambda error: page.troubles.append(str(error)))
    page.on("request", lambda asked: page.troubles.append(asked.url))
    page.goto(written.as_uri())
    page.wait_for_function(DRAWN)
    yield page
    context.close()


def test_the_page_draws_without_a_message_or_a_request(opened: Page, written: Path) -> None:
    assert opened.troubles == [written.as_uri()]


def test_every_figure_is_inside_of_the_window(opened: Page) -> None:
    width = opened.viewport_size["width"]
    boxes = [svg.bounding_box() for svg in opened.locator(".chart svg").all()]
    assert len(boxes) >= 6
    assert all(box["width"] > 200 and box["height"] > 60 for box in boxes)
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= width for box in boxes)
    assert opened.evaluate("document.documentElement.scrollWidth") <= width


def test_every_text_has_the_contrast_that_wcag_asks_for(opened: Page) -> None:
    found = opened.evaluate(CONTRASTS)
    assert len(found) > 100
    assert [(text, contrast) for contrast, text in found if contrast < 4.5] == []


def test_every_figure_says_what_it_shows_to_a_screen_reader(opened: Page) -> None:
    for chart in opened.locator(".chart").all():
        assert chart.get_attribute("role") == "graphics-document"
        assert len(chart.get_attribute("aria-label")) > 9
    assert opened.locator("img:not([alt])").count() == 0


def names(page: Page) -> list[str]:
    return page.locator("#leaderboard tbody tr:visible th").all_inner_texts()


def test_the_table_sorts_in_both_directions_by_keyboard(opened: Page) -> None:
    header = opened.locator("#leaderboard thead th").filter(has_text="MSE")
    before = names(opened)
    header.get_by_role("button").focus()
    opened.keyboard.press("Enter")  # from ascending, as it is written, to descending
    assert header.get_attribute("aria-sort") == "descending"
    scored = [name for name in before if name != "cursed"]
    assert names(opened) == [*reversed(scored), "cursed"]  # without an error: always last
    opened.keyboard.press("Enter")
    assert names(opened) == before


def test_the_table_filters_by_text_and_by_kind(opened: Page) -> None:
    opened.locator("#baselines").uncheck()
    assert len(names(opened)) == 4
    opened.locator("#filter").fill("conv")
    assert names(opened) == ["conv_ln", "cursed"]
    assert opened.locator("#count").inner_text() == "2 of 9 rows"


def test_the_visible_rows_download_as_csv(opened: Page) -> None:
    opened.locator("#filter").fill("conv_ln")
    with opened.expect_download() as started:
        opened.locator("#download").click()
    lines = Path(started.value.path()).read_text().splitlines()
    assert started.value.suggested_filename == "leaderboard.csv"
    assert lines[0].startswith('"name","family","MSE"')
    assert [line.split(",")[0] for line in lines[1:]] == ['"conv_ln"']
