"""MLflow in a real browser: the answer is there at the link that is printed, without a click."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Error, Page, sync_playwright

from pipeline import track
from tests.workshop import CONTENT, Workshop, made

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
SHOW = (
    "import sys; from pathlib import Path; from pipeline.tracking.__main__ import show; "
    "show(Path(sys.argv[1]), 'study')"
)
WAIT = 60_000  # ms; MLflow's server needs ten seconds on a free machine


@pytest.fixture(scope="module")
def link(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The link that the command prints, with the server behind it."""
    dropout = {"recurrent": {"dropout_after": {"kind": "standard", "rate": 0.2}}}
    variants = {**CONTENT["variants"], "dropout_after": {"family": "dropout", **dropout}}
    content = {**CONTENT, "variants": variants}
    workshop = Workshop(tmp_path_factory.mktemp("study") / "workshop", content=content)
    workshop.study(plain=[0.2, 0.4], conv_ln=[0.1, 0.3], dropout_after=[0.3, 0.5])
    made(workshop.paths.verdict / "figures")
    (workshop.paths.verdict / "report.md").write_text("# Report")
    places = workshop.paths
    track.run(workshop.params, places.models, places.errors, places.verdict, places.receipt)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")}
    server = subprocess.Popen(
        [sys.executable, "-c", SHOW, str(places.mlflow)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    )
    lines = iter(server.stdout or [])
    yield next(filter(None, (re.match(r"Open (\S+)", line) for line in lines)))[1]
    os.killpg(server.pid, signal.SIGTERM)
    server.communicate(timeout=30)


@pytest.fixture
def page(link: str) -> Iterator[Page]:
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        opened = browser.new_page(viewport={"width": 2200, "height": 1000})
        for _ in range(60):
            try:
                opened.goto(link)
                break
            except Error:  # the server is not up yet
                opened.wait_for_timeout(1000)
        yield opened
        browser.close()


def test_the_link_shows_the_entries_best_first_with_what_is_concluded_and_no_seeds(
    page: Page,
) -> None:
    page.get_by_role("link", name="conv_ln").wait_for(timeout=WAIT)
    shown = page.inner_text("body").splitlines()
    rows = [shown.index(name) for name in ("conv_ln", "plain", "dropout_after")]
    assert rows == sorted(rows)
    assert {"level_mae", "mse", "dropout", "normalization", "effect", "effect_low", "answer"} <= {
        *shown
    }
    assert {"layer", "standard", "reference"} <= {*shown}  # values of these columns
    assert not [line for line in shown if "seed 0" in line]
    assert [line for line in shown if "Compared with plain" in line]  # the experiment's note


def test_the_page_of_a_variant_says_its_place_its_effect_and_its_cost(page: Page) -> None:
    page.get_by_role("link", name="conv_ln").click(timeout=WAIT)
    page.get_by_text("Rank 1 of 3 variants").first.wait_for(timeout=WAIT)
    assert "parameters" in page.inner_text("body")
