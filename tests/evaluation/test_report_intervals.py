"""What the intervals of the champion hold stands in the report and in `verdict.json`."""

from collections.abc import Callable
from dataclasses import replace

from pipeline.evaluation import report, verdict_files
from pipeline.evaluation.entries import Entry
from pipeline.evaluation.report_data import Source
from pipeline.evaluation.verdict import Verdict

HELD = {"target": "temp", "level": 0.8, "coverage": 0.7812, "width": 20.5, "cells": 1310}


def test_the_report_says_what_the_intervals_of_the_champion_hold(
    variant: Callable[..., Entry], judged: Callable[..., Verdict], untouched: Source
) -> None:
    best, other = variant("plain", [0.2, 0.2]), variant("conv_ln", [0.4, 0.4])
    summary = replace(best.summary, intervals=(HELD,))
    found = judged(replace(best, summary=summary), other)
    text = report.text(found, untouched)
    assert "of `plain`, split-conformal" in text
    assert "those of 0.8 held 78.1% of 1,310 test values of `temp`, and are 20.5 wide" in text
    assert verdict_files.summary(found)["intervals"] == (HELD,)
    assert "Prediction intervals" not in report.text(judged(best, other), untouched)
