"""The checks of the gate by themselves, with numbers that are known."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.config.sections import Promote
from pipeline.evaluation.entries import Summary
from pipeline.evaluation.statistics.effects import Effect
from pipeline.serving import checks
from pipeline.serving.budgets import budgets

HOURS = np.arange(400)


def errors(size: np.ndarray) -> np.ndarray:
    return size[:, None, None] * np.ones((1, 3, 1))


def test_errors_in_a_constant_ratio_have_an_interval_of_no_width() -> None:
    theirs = errors(np.random.default_rng(1).normal(size=400))
    change = checks.change(0.9 * theirs, theirs, HOURS)
    assert [change.value, change.low, change.high] == pytest.approx([-0.19] * 3)


def test_cells_without_truth_and_the_order_of_the_windows_do_not_matter() -> None:
    rng = np.random.default_rng(1)
    ours, theirs = errors(rng.normal(size=400)), errors(rng.normal(size=400))
    ours[3:9] = theirs[3:9] = np.nan
    change, order = checks.change(ours, theirs, HOURS), rng.permutation(400)
    again = checks.change(ours[order], theirs[order], HOURS[order])
    assert again.value == pytest.approx(change.value)
    assert again.value == pytest.approx(np.nanmean(ours**2) / np.nanmean(theirs**2) - 1)
    assert (again.low, again.high) == pytest.approx((change.low, change.high))


def test_two_equal_forecasters_are_told_apart_in_few_of_a_hundred_cases() -> None:
    rng = np.random.default_rng(1)
    claimed = 0
    for _ in range(200):
        # errors last for about a day, as those of overlapping windows do
        sizes = np.cumsum(rng.normal(size=(2, 424)), axis=1)
        ours, theirs = sizes[:, 24:] - sizes[:, :-24]
        claimed += checks.change(errors(ours), errors(theirs), HOURS).high < 0
    assert claimed <= 10  # nominally 2.5 % by chance


def test_growth_names_the_worst_of_those_that_exploded() -> None:
    check = checks.growth({"ridge": 399.0, "plain": 4.0, "new": 9.0}, {"ridge": 1, "plain": 1}, 3)
    assert check.figure == "ridge x 399.00, plain x 4.00"
    assert "the MSE of ridge is 399 times" in str(check.objection)


def test_an_error_that_is_not_a_number_has_exploded() -> None:
    assert checks.growth({"ridge": np.nan}, {"ridge": 1.0}, 3).objection


@pytest.mark.parametrize(
    ("low", "high", "cost", "passes"),
    [
        (-0.01, 0.015, 0.5, True),
        (-0.01, 0.015, 0.95, False),  # hardly smaller
        (-0.01, 0.03, 0.5, False),  # it may be worse by more than the margin
        (-0.2, -0.01, 3.0, True),  # better, at any cost
    ],
)
def test_equivalent_and_cheaper_is_as_good_as_better(
    low: float, high: float, cost: float, passes: bool
) -> None:
    effect = Effect((low + high) / 2, low, high, 0.2)
    check = checks.better(1.0, 1.0, effect, "champion version 1", 0.02, cost)
    assert (check.objection is None) == passes


def test_forecasts_may_differ_from_the_champions_up_to_the_limit() -> None:
    assert checks.stability(1.9, 1.0, 2.0).objection is None
    assert "differ by 2.10 of the champion's MSE" in str(checks.stability(2.1, 1.0, 2.0).objection)
    assert checks.stability(0.0, 0.0, 2.0).objection is None


def test_a_gain_that_may_be_chance_is_borderline() -> None:
    check = checks.better(0.9, 1.0, Effect(-0.1, -0.25, 0.02, 0.2), "champion version 1", 0.02, 0.5)
    assert check.objection == (
        "its MSE 0.9 does not clearly beat champion version 1 with 1: "
        "change -10.0% (-25.0% to +2.0%), with 95% confidence"
    )
    assert [check.state(), check.state(accepted=True)] == ["failed", "accepted"]


@pytest.mark.parametrize(
    ("settings", "failed"),
    [
        ({}, []),
        ({"max_coverage_error": 0.04}, ["coverage"]),
        ({"max_latency": 4.9, "max_size": 0.001}, ["latency", "size"]),
        ({"max_latency": 5.0, "max_size": 0.002, "max_coverage_error": None}, []),
    ],
)
def test_intervals_latency_and_size_are_held_to_their_limits(
    tmp_path: Path, settings: dict[str, Any], failed: list[str]
) -> None:
    (tmp_path / "weights.npz").write_bytes(bytes(2000))
    held = {"level": 0.8, "target": "delay", "coverage": 0.75}
    summary = Summary("a", "variant", "a", (0,), ("trained",), (1,), (1,), 1, latency=5.0)
    summary = replace(summary, intervals=(held,))
    found = budgets(summary, tmp_path, Promote(name="forecaster", **settings))
    assert [check.name for check in found] == ["coverage", "latency", "size"]
    assert [check.name for check in found if check.objection] == failed
    assert found[0].figure.startswith("those of 0.8 of delay held 75.0%")
    assert {check.state(accepted=True) for check in found} <= {"passed", "accepted"}


def test_what_was_not_measured_is_said_and_passes(tmp_path: Path) -> None:
    (tmp_path / "weights.npz").write_bytes(b"")
    summary = Summary("a", "variant", "a", (0,), ("trained",), (1,), (1,), 1)
    settings = Promote(name="forecaster", max_latency=1, max_size=1)
    assert [(check.figure, check.objection) for check in budgets(summary, tmp_path, settings)] == [
        ("no prediction intervals", None),
        ("not measured", None),
        ("the weights have 0 MB, at most 1 MB allowed", None),
    ]
