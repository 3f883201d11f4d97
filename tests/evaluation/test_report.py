import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from pipeline.config.scalers import SCALERS
from pipeline.evaluation import figures, report
from pipeline.evaluation.entries import Entry
from pipeline.evaluation.report_data import Source
from pipeline.evaluation.verdict import Verdict

Variant, Judged = Callable[..., Entry], Callable[..., Verdict]
NAN = float("nan")


def test_the_report_says_what_was_measured(study: Verdict, untouched: Source) -> None:
    text = report.text(study, untouched)
    for fact in (
        "`data/0_raw/table.csv`",
        "`temp`",
        "3 steps ahead from the last 8",
        "Test windows: 40, the same for every variant and baseline. All of their 120 cells",
        "3 for each of 4 variants",
        "The season length is 24 steps (as given)",
        "| JFK | 20 | 60 | 2013-11-06 00:00 |",
    ):
        assert fact in text


def test_the_report_links_every_figure(study: Verdict, untouched: Source) -> None:
    assert set(re.findall(r"\(figures/(\w+)\.png\)", report.text(study, untouched))) == set(
        figures.FIGURES
    )


def test_the_report_begins_with_the_answers_and_the_best_set(
    study: Verdict, untouched: Source
) -> None:
    text = report.text(study, untouched)
    first = "**Compared with `plain`, no variant is found to have a lower error; higher error: "
    assert first + "`input_raw` by a factor of 9.09 (" in text
    assert "undecided: `conv_ln`.**" in text
    assert "2 of 3 variants cannot be told from the best: `conv_ln`, `plain`." in text


@pytest.mark.parametrize("word", ["significan", "proves", "p <", "winner", "outperform"])
def test_the_report_claims_no_significance(word: str, study: Verdict, untouched: Source) -> None:
    assert word not in report.text(study, untouched).lower()


def test_the_report_says_when_a_baseline_is_better_than_every_variant(
    variant: Variant, judged: Judged, untouched: Source
) -> None:
    text = report.text(
        judged(variant("plain", [0.6, 0.65, 0.7]), variant("other", [0.7, 0.75, 0.8]), ridge=0.1),
        untouched,
    )
    assert text.startswith("# No network beats the baseline ridge\n")
    assert "The best baseline, *ridge*, has the MSE 0.1000, `plain` has 0.6500 ± 0.0500" in text
    assert "+550% (" in text
    assert ", higher. 0 of 2 variants are found to beat that baseline." in text


def test_one_seed_distinguishes_nothing(
    variant: Variant, judged: Judged, untouched: Source
) -> None:
    text = report.text(judged(variant("plain", [0.1]), variant("other", [0.4])), untouched)
    assert "from one seed, so its spread is unknown" in text
    assert "undecided: `other`.**" in text


def test_one_variant_is_compared_with_no_other(
    variant: Variant, judged: Judged, untouched: Source
) -> None:
    text = report.text(judged(variant("plain", [0.1, 0.2])), untouched)
    assert "There is nothing to compare" in text
    assert "cannot be told from the best" not in text


def test_a_report_without_any_result_says_so(
    variant: Variant, judged: Judged, untouched: Source
) -> None:
    assert "Every seed of every variant failed" in report.text(
        judged(variant("plain", [NAN])), untouched
    )


def test_notes_of_baselines_reach_the_reader(
    variant: Variant, judged: Judged, untouched: Source
) -> None:
    found = judged(variant("plain", [0.1]))
    object.__setattr__(found.baselines[0].entry.summary, "note", "3 of 40 windows are special")
    assert "- *ridge*: 3 of 40 windows are special." in report.text(found, untouched)


def test_different_numbers_of_seeds_are_listed_by_variant(
    variant: Variant, judged: Judged, untouched: Source
) -> None:
    assert "1 for `a`; 2 for `b`, `c`" in report.text(
        judged(variant("a", [0.1]), variant("b", [0.1, 0.2]), variant("c", [0.1, 0.2])), untouched
    )


@pytest.mark.parametrize("scaler", SCALERS)
def test_the_report_says_what_an_error_of_one_is_whatever_the_scaler(
    scaler: str, variant: Variant, judged: Judged, untouched: Source
) -> None:
    text = report.text(judged(variant("plain", [0.1]), scalers=(scaler,)), untouched)
    assert f"an error of 1 is {SCALERS[scaler].unit}," in text


def test_a_perfect_baseline_is_not_compared_with(
    variant: Variant, judged: Judged, untouched: Source
) -> None:
    text = report.text(judged(variant("plain", [0.1, 0.2]), ridge=0.0), untouched)
    assert "the two are not comparable." in text


def test_on_a_curved_scale_the_report_says_what_the_inverse_of_a_mean_is_and_how_far_it_is_off(
    variant: Variant, judged: Judged, untouched: Source
) -> None:
    entry = variant("plain", [0.25, 0.25])
    entry = replace(entry, units=np.abs(entry.units))
    straight = report.text(judged(entry), untouched)
    text = report.text(judged(entry, scalers=("power",)), untouched)
    assert "the inverse of a mean is not the mean" in text
    assert "closer to the median" in text
    assert "the forecasts of *plain* are 5 above the truth for `temp`." in text
    assert "the inverse of a mean" not in straight


def test_scalers_of_several_kinds_are_told_apart(
    variant: Variant, judged: Judged, untouched: Source
) -> None:
    found = judged(
        variant("plain", [0.2], targets=2), targets=("a", "b"), scalers=("standard", "log")
    )
    text = report.text(found, untouched)
    assert "Scaling: `standard` for `a`, `log` for `b`" in text
    assert f"{SCALERS['log'].unit} for `b`" in text


def test_the_report_says_how_many_cells_were_measured(
    variant: Variant, judged: Judged, untouched: Source
) -> None:
    found = judged(variant("plain", [0.2]))
    found.windows["cells"] = [0, 3] * 20
    text = report.text(found, untouched)
    assert "Of their 120 cells (a target at a horizon step), 60 (50.0%) were measured" in text


def test_clipped_forecasts_are_counted_for_every_entry_that_has_some(
    variant: Variant, judged: Judged, untouched: Source
) -> None:
    entry = variant("plain", [0.2, 0.2])
    clipped = replace(entry, summary=replace(entry.summary, clipped=(6, 0)))
    limits = {"temp": {"min": 0.0, "max": None}}
    text = report.text(judged(clipped, limits=limits), untouched)
    assert "`temp` from 0 to no limit; clipped were 6 of `plain` (2.50%)." in text
    assert "none was clipped" in report.text(judged(entry, limits=limits), untouched)
    assert "forecast.limits" not in report.text(judged(entry), untouched)


def test_the_report_says_what_became_of_the_data(
    variant: Variant, judged: Judged, untouched: Source
) -> None:
    changed = Source(
        "table.csv",
        {
            "totals": {"filled": {"wind": 1200, "temp": 0}, "masked": {"temp": 7}, "outside": {}},
            "left_out": {"c": "10 rows are too few"},
            "cuts": [{}, {}],
        },
        {"day_of_year": {"JFK": {"validation": 1.0, "test": 0.9}}},
    )
    text = report.text(judged(variant("plain", [0.2])), changed)
    for fact in (
        "Missing cells that were filled: 1,200 (`wind` 1,200).",
        "Cells that were masked and are in no number of this report: 7 (`temp` 7).",
        "Cuts, which no window crosses: 2.",
        "Series `c` is left out: 10 rows are too few.",
        "Out of range: day_of_year: 100% of the validation and 90% of the test inputs",
    ):
        assert fact in text
    assert "Nothing was filled" in report.text(judged(variant("plain", [0.2])), untouched)


def test_seeds_are_shown_where_variants_differ_in_them_and_so_is_the_race(
    variant: Variant, judged: Judged, untouched: Source
) -> None:
    even = judged(variant("plain", [0.2, 0.21]), variant("other", [0.3, 0.31]))
    uneven = judged(variant("plain", [0.2, 0.21, 0.22]), variant("other", [0.3, 0.31]))
    raced = replace(untouched, race="5 of 80 seeds were trained")
    text = report.text(uneven, raced)
    assert "| seeds |" in text and "| seeds |" not in report.text(even, untouched)
    assert "2 for `other`; 3 for `plain`" in text
    assert "Race for seeds, on the validation split: 5 of 80 seeds were trained." in text
