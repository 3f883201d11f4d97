import re
from collections.abc import Callable

import pytest

from pipeline.config.scalers import SCALERS
from pipeline.evaluation import figures, report
from pipeline.evaluation.entries import Entry
from pipeline.evaluation.verdict import Verdict

Variant, Judged = Callable[..., Entry], Callable[..., Verdict]
NAN = float("nan")


def test_the_report_says_what_was_measured(study: Verdict) -> None:
    text = report.text(study, "data/0_raw/table.csv")
    for fact in (
        "`data/0_raw/table.csv`",
        "`temp`",
        "3 steps ahead from the last 8",
        "Test windows: 40",
        "3 for each of 4 variants",
        "a season length of 24 steps",
        "| JFK | 20 | 2013-11-06 00:00 |",
    ):
        assert fact in text


def test_the_report_links_every_figure(study: Verdict) -> None:
    assert set(re.findall(r"\(figures/(\w+)\.png\)", report.text(study, "x"))) == set(
        figures.FIGURES
    )


def test_the_report_names_the_best_its_spread_and_what_cannot_be_distinguished_from_it(
    study: Verdict,
) -> None:
    text = report.text(study, "x")
    lead = "**`conv_ln`** has the lowest mean test error: MSE 0.2100 ± 0.0283"
    assert f"{lead} (mean ± standard deviation over 2 seeds)" in text
    assert "the best cannot be distinguished from `plain`." in text


@pytest.mark.parametrize("word", ["significan", "proves", "p <", "winner", "outperform"])
def test_the_report_claims_no_significance(word: str, study: Verdict) -> None:
    assert word not in report.text(study, "x").lower()


def test_the_report_says_when_a_baseline_is_better_than_every_variant(
    variant: Variant, judged: Judged
) -> None:
    text = report.text(
        judged(variant("plain", [0.6, 0.7]), variant("other", [0.7, 0.8]), ridge=0.1), "x"
    )
    assert "The baseline *ridge* is better than every variant" in text
    assert "30.0% higher than the best naive baseline" in text


def test_one_seed_distinguishes_nothing(variant: Variant, judged: Judged) -> None:
    text = report.text(judged(variant("plain", [0.1]), variant("other", [0.4])), "x")
    assert "from one seed, so its spread is unknown" in text
    assert "the best cannot be distinguished from `other`." in text


def test_one_variant_is_compared_with_no_other(variant: Variant, judged: Judged) -> None:
    assert "within the spread" not in report.text(judged(variant("plain", [0.1, 0.2])), "x")


def test_a_report_without_any_result_says_so(variant: Variant, judged: Judged) -> None:
    assert "every seed failed" in report.text(judged(variant("plain", [NAN])), "x")


def test_notes_of_baselines_reach_the_reader(variant: Variant, judged: Judged) -> None:
    found = judged(variant("plain", [0.1]))
    object.__setattr__(found.baselines[0].entry.summary, "note", "3 of 40 windows are special")
    assert "- *ridge*: 3 of 40 windows are special." in report.text(found, "x")


def test_different_numbers_of_seeds_are_listed_by_variant(variant: Variant, judged: Judged) -> None:
    assert "1 for `a`; 2 for `b`, `c`" in report.text(
        judged(variant("a", [0.1]), variant("b", [0.1, 0.2]), variant("c", [0.1, 0.2])), "x"
    )


@pytest.mark.parametrize("scaler", SCALERS)
def test_the_report_says_what_an_error_of_one_is_whatever_the_scaler(
    scaler: str, variant: Variant, judged: Judged
) -> None:
    text = report.text(judged(variant("plain", [0.1]), scaler=scaler), "x")
    assert f"an error of 1 is {SCALERS[scaler].unit}," in text


def test_a_perfect_naive_baseline_is_not_compared_with(variant: Variant, judged: Judged) -> None:
    text = report.text(judged(variant("plain", [0.1, 0.2]), naive=0.0), "x")
    assert "That is not comparable with the best naive baseline, *last_value* (0.0000)." in text
