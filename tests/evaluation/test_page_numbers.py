"""The numbers and the words behind the figures of the page."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from pipeline.evaluation.entries import Entry
from pipeline.evaluation.page import grouped, words
from pipeline.evaluation.page.examples import FORECAST, TRUTH, examples
from pipeline.evaluation.page.study import Study
from pipeline.evaluation.settings import settings
from pipeline.evaluation.verdict import Verdict, judge

Variant, Judged, Paged = Callable[..., Entry], Callable[..., Verdict], Callable[..., Study]


@pytest.fixture
def rising(variant: Variant, judged: Judged) -> Verdict:
    """One variant whose signed error in window w is w / 10 for the first seed, and none after."""
    entry = variant("plain", [0.2, 0.2])
    errors = np.zeros_like(entry.standardized)
    errors[0] = np.arange(errors.shape[1], dtype=np.float32)[:, None, None] / 10
    base = judged(variant("plain", [0.2, 0.2]))
    baselines = [result.entry for result in base.baselines]
    entries = [replace(entry, standardized=errors, units=errors), *baselines]
    return judge(base.setup, base.windows, entries, base.questions)


def test_the_error_of_a_series_is_the_mean_over_its_windows_and_the_seeds(
    rising: Verdict, paged: Paged
) -> None:
    table = grouped.by_series(paged(rising))
    found = table[table["name"] == "plain"].set_index("series")["mse"]
    squares = (np.arange(40) / 10) ** 2 / 2
    assert found["JFK"] == pytest.approx(squares[:20].mean(), rel=1e-5)
    assert found["LGA"] == pytest.approx(squares[20:].mean(), rel=1e-5)


def test_the_error_of_an_hour_is_that_of_the_times_that_are_forecast(
    rising: Verdict, paged: Paged
) -> None:
    table = grouped.by_hour(paged(rising))
    found = table[table["name"] == "plain"].set_index("hour")
    windows, steps = np.meshgrid(np.arange(40), np.arange(3), indexing="ij")
    hours = (windows + 8 + steps) % 24  # row r is at hour r
    expected = ((windows / 10) ** 2 / 2)[hours == 11].mean()
    assert found.loc[11, "mse"] == pytest.approx(expected, rel=1e-5)
    assert found["cells"].sum() == 40 * 3


def test_hours_are_those_of_the_zone(rising: Verdict, paged: Paged) -> None:
    utc, india = (grouped.by_hour(paged(rising, zone=zone)) for zone in ("UTC", "Asia/Tokyo"))
    shifted = {(hour + 9) % 24: mse for hour, mse in zip(utc["hour"], utc["mse"], strict=True)}
    assert dict(zip(india["hour"], india["mse"], strict=True)) == pytest.approx(shifted)


def test_masked_cells_are_in_no_group(rising: Verdict, paged: Paged) -> None:
    for result in rising.results:
        result.entry.standardized[:, 5:20] = np.nan
    table = grouped.by_series(paged(rising))
    found = table[table["name"] == "plain"].set_index("series")
    assert found.loc["JFK", "cells"] == 5 * 3
    assert found.loc["JFK", "mse"] == pytest.approx((np.arange(5) ** 2).mean() / 200, rel=1e-5)


def test_examples_are_the_least_the_median_and_the_largest_error(
    rising: Verdict, paged: Paged
) -> None:
    shown = examples(paged(rising))
    assert [example.title for example in shown] == ["least", "median", "largest"]
    assert [example.mse for example in shown] == pytest.approx([0, 2.0, 3.9**2 / 2], rel=1e-5)


def test_a_forecast_is_the_truth_plus_its_error(rising: Verdict, paged: Paged) -> None:
    lines = examples(paged(rising))[-1].lines
    truth, forecast = (lines[lines["line"] == line] for line in (TRUTH, FORECAST))
    assert truth["value"].tolist() == list(range(39, 39 + 8 + 3))
    assert forecast["value"].to_numpy() == pytest.approx(np.arange(47, 50) + 3.9 / 2, rel=1e-5)
    assert forecast["high"].to_numpy() == pytest.approx(np.arange(47, 50) + 3.9, rel=1e-5)


def test_what_was_not_measured_is_not_shown_as_truth(rising: Verdict, paged: Paged) -> None:
    study = paged(rising)
    study.truth.measured[40] = np.nan
    lines = examples(study)[-1].lines
    assert lines[lines["line"] == TRUTH]["value"].isna().tolist() == [False, True] + [False] * 9


def test_only_settings_that_differ_are_told_without_the_defaults_of_a_kind(
    variant: Variant, judged: Judged
) -> None:
    off = {"kind": "none"}
    dropout = {"kind": "standard", "rate": 0.2, "monte_carlo": False}
    verdict = judged(variant("plain", [0.2]), variant("other", [0.3]))
    plain, other = (
        replace(
            result,
            entry=replace(
                result.entry,
                summary=replace(
                    result.entry.summary,
                    model={"conv": {"filters": [16, 8], "bias": True, "dropout": slot}},
                    train={"batch": 128},
                ),
            ),
        )
        for result, slot in zip(verdict.variants, (off, dropout), strict=True)
    )
    assert words.differences(other, plain) == [("conv.dropout", "standard (rate 0.2)")]
    assert words.differences(plain, plain) == []
    assert settings(plain.entry.summary)["conv.filters"] == "16, 8"


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("`a_b` wins", "<code>a_b</code> wins"),
        ("**the *best* of `x`**", "<strong>the <em>best</em> of <code>x</code></strong>"),
        ("2 * 3 * 4", "2 * 3 * 4"),
        ("<b>&", "&lt;b&gt;&amp;"),
    ],
)
def test_markdown_within_a_line_becomes_html_and_all_else_is_escaped(
    markdown: str, html: str
) -> None:
    assert str(words.inline(markdown)) == html
